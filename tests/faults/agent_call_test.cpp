// SPDX-License-Identifier: MIT
// What a device does with its relay, when one call of its own fails: of SQLite, for a file beside the vault,
// or for the connection. It says so, and what is done again is done.
#include <casasync_test/catch.hpp>
#include <casasync_test/failing_sqlite.hpp>

#include "home.hpp"

#include <casasync/openssl/random.hpp>

#include <sqlite3.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <future>
#include <iostream>
#include <string>

using namespace casasync;
using namespace casasync_test;

namespace {

namespace fs = std::filesystem;

/// A relay that counts nobody's requests, and a device called desktop.
struct patient_home : home {
    patient_home() {
        options.rates = {0, 0, 0, 0, 0, 0, 0, 1};
        restart();
    }
    /// Puts a copy of what is in the files of one vault in the place of another.
    void copy_files(const std::string& from, const std::string& to,
                    const std::vector<std::string>& suffixes) const {
        for (const std::string& suffix : suffixes) {
            fs::remove(file(to) + suffix);
            if (fs::exists(file(from) + suffix)) fs::copy_file(file(from) + suffix, file(to) + suffix);
        }
    }
    /// Takes out all devices but the desktop, where there are many: a vault has only so many.
    void remove_others(std::size_t many = 12) const {
        auto desktop = open("desktop");
        REQUIRE(desktop.sync());
        if (desktop.keys().members.active_count() < many) return;
        const member_list list = desktop.keys().members;
        for (const auto& [id, member] : list.devices())
            if (member.active() && !member.kit && id != desktop.keys().device)
                REQUIRE(desktop.remove_device(id));
    }
    void sync(const std::string& name) const {
        auto device = open(name);
        const auto done = device.sync();
        INFO(name << ": " << (done ? std::string() : done.failure().text()));
        REQUIRE(done);
    }
};

/// What a device does.
struct deed {
    std::string name{};
    std::function<void()> prepare{};      ///< nothing fails in it
    std::function<result<void>()> run{};  ///< one call of it fails
    std::function<void()> check{};        ///< once it is done
    errc done_before = errc{};            ///< how it ends when it is done already
    bool costly = false;                  ///< fewer calls of it fail
};

template <class T>
result<void> ended(const result<T>& done) {
    return done ? result<void>() : result<void>(done.failure());
}

/// Opens a vault as a program does, and does something.
result<void> with(const std::string& path, const std::function<result<void>(agent::link&)>& what) {
    auto device = agent::link::open(path);
    return device ? what(*device) : device.failure();
}

bool each_call() {
    return std::getenv("CASASYNC_EVERY_CALL") != nullptr;
}

/// What a failure of the machine, or of the way to the relay, may be called.
bool is_failure(errc code) {
    switch (code) {
        case errc::io_failed:
        case errc::store_failed:
        case errc::store_full:
        case errc::offline:
        case errc::missing_credentials:
        case errc::pairing_wrong_code:  // whoever hears no more of the other device cannot tell
            return true;
        default:
            return false;
    }
}

/// What fails: one call of any kind, or all of one kind from one on.
struct failure_plan {
    call_kind only = call_kind::any;
    bool sticky = false;
    std::uint64_t growth = 3;  ///< every so many calls, one more is left out
};

/// Has a call fail, and then one further on, until the deed has no more of them. \returns how many failed
std::size_t fail_in(const deed& d, const failure_plan& how) {
    std::size_t failures = 0;
    call_report seen{0, true};
    for (std::uint64_t at = 1; seen.failed; at += each_call() ? 1 : 1 + at / how.growth) {
        d.prepare();
        plan_calls(at, how.sticky, at % 2 == 0 ? SQLITE_IOERR : SQLITE_FULL, how.only);
        auto done = d.run();
        seen = repair_calls();
        INFO(d.name << ", call " << at << " of kind " << static_cast<int>(how.only));
        failures += seen.failed ? 1 : 0;
        if (!done) {
            INFO(name_of(done.code()) << ": " << done.failure().text());
            CHECK(seen.failed);
            CHECK(is_failure(done.code()));
            done = d.run();
        }
        INFO((done ? std::string() : std::string(name_of(done.code())) + ": " + done.failure().text()));
        REQUIRE((done || done.code() == d.done_before));
        d.check();
    }
    return failures;
}

std::size_t fail_in(const deed& d) {
    const std::size_t any = fail_in(d, {call_kind::any, false, d.costly ? 2U : 3U});
    const std::size_t files = fail_in(d, {call_kind::of_a_file, true, d.costly ? 2U : 3U});
    const std::size_t connections = fail_in(d, {call_kind::of_a_connection, true, 2});
    std::cout << d.name << ": " << any << " calls, " << files << " from which on none for a file works, "
              << connections << " from which on there is no connection\n";
    return any + files + connections;
}

}  // namespace

TEST_CASE("a sync of which one call fails says so, and the next one goes on", "[faults][agent]") {
    patient_home h;
    {
        auto desktop = h.open("desktop");
        h.add(desktop, "phone");
    }
    int n = 0;
    deed d{"sync"};
    d.prepare = [&] {
        ++n;
        h.write("phone", "p" + std::to_string(n));
        h.sync("phone");
        h.write("desktop", "d" + std::to_string(n));
    };
    d.run = [&] { return with(h.file("desktop"), [](agent::link& l) { return ended(l.sync()); }); };
    d.check = [&] {
        h.sync("phone");
        CHECK(h.notes("phone") == h.notes("desktop"));
        CHECK(h.open("phone").vault().conflicts()->empty());
    };
    CHECK(fail_in(d) > 10);
    CHECK(run_sql(h.file("phone"), "SELECT count(*) FROM note") == std::to_string(2 * n) + " ");
}

TEST_CASE("a file that cannot be locked is told of at once, and not taken for another program's turn",
          "[faults][agent]") {
    patient_home h;
    auto desktop = h.open("desktop");
    plan_calls(2, true, SQLITE_FULL, call_kind::of_a_file);  // the second call, after the file was opened
    const auto done = desktop.sync();
    CHECK(repair_calls().failed);
    REQUIRE_FALSE(done);
    CHECK(done.failure().text().find("-casasync.lock cannot be locked: ") != std::string::npos);
    CHECK(desktop.sync());
}

TEST_CASE("a snapshot, a kit or a removal of which one call fails can be made again", "[faults][agent]") {
    patient_home h;
    const auto desktop = [&](const std::function<result<void>(agent::link&)>& what) {
        return [&h, what] { return with(h.file("desktop"), what); };
    };
    const deed snapshot{"offer_snapshot", [] {}, desktop([](agent::link& l) { return l.offer_snapshot(); }),
                        [] {}};
    CHECK(fail_in(snapshot) > 10);
    const deed kit{"make_recovery_kit", [] {},
                   desktop([](agent::link& l) { return ended(agent::make_recovery_kit(l)); }), [] {}};
    CHECK(fail_in(kit) > 10);

    openssl::device_identity gone;
    deed removal{"remove_device"};
    removal.prepare = [&] {
        openssl::random random;
        gone = openssl::device_identity::make(random);
        REQUIRE(h.open("desktop").add_device(gone.public_keys()));
    };
    removal.run = desktop([&](agent::link& l) { return ended(l.remove_device(gone.id())); });
    removal.check = [&] {
        auto l = h.open("desktop");
        REQUIRE(l.sync());
        CHECK_FALSE(l.keys().members.is_active(gone.id()));
    };
    CHECK(fail_in(removal) > 10);
}

TEST_CASE("init, leave and the end of a vault of which one call fails can be done again", "[faults][agent]") {
    patient_home h;
    int n = 0;
    const auto name = [&] { return "n" + std::to_string(n); };
    const auto init = [&] {
        agent::init_options o{h.file(name()), h.server->address(), name(), {}, {}};
        o.track = [](sqlite::vault& v) { return v.track("note"); };
        return agent::init_vault(o);
    };
    const auto fresh = [&] {
        ++n;
        run_sql(h.file(name()), "CREATE TABLE note(id TEXT NOT NULL PRIMARY KEY, text TEXT)");
        h.write(name(), "first");
    };
    const auto made = [&] {
        fresh();
        REQUIRE(init()->sync());
    };
    deed d{"init", fresh, [&] { return ended(init()); }, [&] { h.sync(name()); }, errc::already_exists};
    CHECK(fail_in(d) > 10);

    d = {"leave", made, [&] { return agent::leave_vault(h.file(name())); }, {}, errc::not_a_vault};
    d.check = [&] {
        CHECK(run_sql(h.file(name()), "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'casasync%'") ==
              "0 ");
        CHECK_FALSE(fs::exists(h.file(name()) + "-casasync.key"));
        CHECK(h.notes(name()) == "first ");
    };
    CHECK(fail_in(d) > 10);

    d = {"delete_vault", made, {}, {}, errc::vault_deleted};
    d.run = [&] { return with(h.file(name()), [](agent::link& l) { return ended(l.delete_vault()); }); };
    d.check = [&] {
        auto l = h.open(name());
        CHECK(failure_of(l).code == errc::vault_deleted);
    };
    CHECK(fail_in(d) > 10);
}

TEST_CASE("a vault that comes back by its kit while one call fails is back when it is done again",
          "[faults][agent]") {
    patient_home h;
    h.write("desktop", "first");
    h.sync("desktop");
    int n = 0;
    agent::recover_options o;
    deed d{"recover_vault"};
    d.prepare = [&] {
        auto desktop = h.open("desktop");
        o.words = agent::make_recovery_kit(desktop).value();
        o.vault = desktop.keys().vault;
        o.relay = h.server->address();
        o.device_name = "back" + std::to_string(++n);
        o.path = h.file(o.device_name);
    };
    d.run = [&] { return ended(agent::recover_vault(o)); };
    d.done_before = errc::already_exists;
    d.costly = true;
    d.check = [&] {
        CHECK(h.notes(o.device_name) == "first ");
        h.sync(o.device_name);
        h.remove_others();
    };
    CHECK(fail_in(d) > 10);
}

TEST_CASE("a copy that becomes a device of its own does so once, whichever call fails", "[faults][agent]") {
    patient_home h;
    h.sync("desktop");
    h.copy_files("desktop", "backup", {"", "-wal"});
    h.write("desktop", "sent");
    h.sync("desktop");
    const device_id origin = h.open("desktop").keys().device;
    deed d{"succession"};
    d.prepare = [&] {
        h.copy_files("desktop", "twin", {"-casasync.key", "-casasync.mark"});
        h.copy_files("backup", "twin", {"", "-wal"});
    };
    d.run = [&] { return with(h.file("twin"), [](agent::link& l) { return ended(l.sync()); }); };
    d.check = [&] {
        auto twin = h.open("twin");
        REQUIRE(twin.sync());
        CHECK(twin.vault().device() != origin);
        CHECK(twin.keys().members.is_copy_of(twin.vault().device(), origin));
        CHECK(h.notes("twin") == "sent ");
        CHECK(twin.keys().members.active_count() == 2);
        h.remove_others(2);
    };
    CHECK(fail_in(d) > 10);
}

TEST_CASE("a relay that lost everything has it again, whichever call fails", "[faults][agent]") {
    patient_home h;
    int n = 0;
    const auto name = [&] { return "n" + std::to_string(n); };
    deed d{"give again"};
    d.prepare = [&] {  // a vault of its own: one gives all again once a day
        ++n;
        run_sql(h.file(name()), "CREATE TABLE note(id TEXT NOT NULL PRIMARY KEY, text TEXT)");
        h.write(name(), "first");
        agent::init_options o{h.file(name()), h.server->address(), name(), {}, {}};
        o.track = [](sqlite::vault& v) { return v.track("note"); };
        REQUIRE(agent::init_vault(o)->sync());
        h.server->stop();
        h.server.reset();
        fs::remove_all(h.dir / "relay");
        h.restart();
    };
    d.run = [&] { return with(h.file(name()), [](agent::link& l) { return ended(l.sync()); }); };
    d.check = [&] {
        auto device = h.open(name());
        REQUIRE(device.sync());
        CHECK(device.vault().status()->in_sync);
        CHECK(device.relay().latest_snapshot().value());
    };
    CHECK(fail_in(d) > 10);
}

namespace {

/// Two devices pair; one call of one of them fails, and then neither waits for the other for ever.
class failing_pairing {
 public:
    /// \param guest  a call of the new device fails, otherwise of the one that invites
    explicit failing_pairing(bool guest) : guest_(guest) {}

    void prepare() {
        ++n_;
        fs::remove(h_.file("desktop") + "-casasync.tries");
    }
    /// Pairs anew, or goes on with a code whose keys have come.
    result<void> run() { return guest_ ? join_here() : invite_here(); }
    void check() {
        h_.sync(name());
        CHECK(h_.notes(name()) == "first ");
        h_.remove_others();
    }
    void write_first() {
        h_.write("desktop", "first");
        h_.sync("desktop");
    }

 private:
    [[nodiscard]] agent::join_options options(const std::string& code, std::promise<std::string>& shown) {
        agent::join_options o{h_.file(name()), h_.server->address(), code, name(), {}, {}};
        o.show_check = [&shown](const std::string& digits) { shown.set_value(digits); };
        return o;
    }
    /// Has the time pass in which the other side would wait.
    void interrupt() {
        h_.relay_ahead_ms = 20 * 60 * 1000;
        std::async(std::launch::async, [this] { h_.restart(); }).get();  // in which no call fails
    }

    result<void> join_here() {
        const auto keys = agent::find_credentials(h_.file(name()));
        if (keys && *keys && !(*keys)->vault.is_zero()) {  // the keys came: nobody else is needed
            std::promise<std::string> shown;
            const auto joined = agent::join_vault(options(code_, shown));
            if (joined || joined.code() != errc::device_revoked) return ended(joined);
            // The other device heard nothing in time and took it out: they pair anew.
        }
        std::promise<std::string> code, shown;
        auto other = std::async(std::launch::async, [&] {
            auto desktop = h_.open("desktop");
            auto invited = agent::invitation::make(desktop).value();
            code.set_value(invited.code());
            const auto who = invited.meet();
            return who ? invited.admit(shown.get_future().get()) : result<void>(who.failure());
        });
        code_ = code.get_future().get();
        const auto joined = agent::join_vault(options(code_, shown));
        if (!joined) give_up(shown);
        const auto admitted = other.get();
        h_.relay_ahead_ms = 0;
        return ended(joined);
    }
    result<void> invite_here() {
        std::promise<std::string> shown;
        std::future<result<void>> other;
        const auto done = with(h_.file("desktop"), [&](agent::link& desktop) -> result<void> {
            auto invited = agent::invitation::make(desktop);
            if (!invited) return invited.failure();
            const auto o = options(invited->code(), shown);
            other = std::async(std::launch::async, [o] { return ended(agent::join_vault(o)); });
            const auto who = invited->meet();
            return who ? invited->admit(shown.get_future().get()) : result<void>(who.failure());
        });
        if (!done) interrupt();
        const auto joined = other.valid() ? other.get() : result<void>();
        h_.relay_ahead_ms = 0;
        if (!done && joined && other_has_joined()) return {};
        return done;
    }
    void give_up(std::promise<std::string>& shown) {
        try {
            shown.set_value("");
        } catch (const std::future_error&) {  // they were shown
        }
        interrupt();
    }
    [[nodiscard]] bool other_has_joined() const { return fs::exists(h_.file(name())); }
    [[nodiscard]] std::string name() const { return "phone" + std::to_string(n_); }

    patient_home h_{};
    bool guest_;
    int n_ = 0;
    std::string code_{};
};

}  // namespace

TEST_CASE("two devices pair, whichever call fails first on the new one", "[faults][agent]") {
    failing_pairing p(true);
    p.write_first();
    CHECK(fail_in({"join", [&] { p.prepare(); }, [&] { return p.run(); }, [&] { p.check(); },
                   errc::already_exists, true}) > 10);
}

TEST_CASE("two devices pair, whichever call fails first on the one that invites", "[faults][agent]") {
    failing_pairing p(false);
    p.write_first();
    CHECK(fail_in({"invite", [&] { p.prepare(); }, [&] { return p.run(); }, [&] { p.check(); },
                   errc::already_exists, true}) > 10);
}
