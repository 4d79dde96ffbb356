// SPDX-License-Identifier: MIT
// A relay that forgets, or is full: what devices make of it.
#include "app.hpp"
#include "folder.hpp"

#include <casasync/agent/agent.hpp>
#include <casasync/agent/setup.hpp>
#include <casasync/relay/server.hpp>

#include <casasync_test/catch.hpp>
#include <casasync_test/pair_devices.hpp>

#include <atomic>
#include <memory>
#include <string>

using namespace casasync;
using casasync_test::app;

namespace {

/// A relay whose clock the test moves, and a desktop with one note, and a phone.
struct forgetful_home {
    casasync_test::folder dir{};
    relay::server_options options{};
    std::unique_ptr<relay::server> server{};
    std::string desktop = dir / "desktop.db", phone = dir / "phone.db";

    explicit forgetful_home(std::uint64_t vault_bytes_max = std::uint64_t{1} << 30) {
        options.data = dir / "relay";
        options.keep.at_least = std::chrono::seconds(0);
        options.keep.every = std::chrono::hours(1000);
        options.vault_bytes_max = vault_bytes_max;
        start();
        app(desktop).run(
            "CREATE TABLE note(id TEXT NOT NULL PRIMARY KEY, text TEXT); INSERT INTO note VALUES('n','old'),"
            "('gone','old'),('edited','old')");
        agent::init_options how{desktop, server->address(), "desktop", {}, {}};
        how.track = [](sqlite::vault& vault) { return vault.track("note"); };
        auto made = agent::init_vault(how);
        REQUIRE(made);
        REQUIRE(made->sync());
        REQUIRE(casasync_test::pair_devices(*made, {phone, {}, {}, "phone", {}, {}}));
        REQUIRE(sync(desktop));
        REQUIRE(sync(phone));
    }
    void start() {
        auto started = relay::server::start(options);
        REQUIRE(started);
        server = std::move(*started);
        const std::string url = server->address();
        options.port = static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
    }
    void restart() {
        server.reset();
        start();
    }
    static result<sync_report> sync(const std::string& path) { return agent::link::open(path)->sync(); }
    static beast::vault_info info(const std::string& path) {
        auto device = agent::link::open(path);
        return device->relay().info().value();
    }
    /// The desktop writes `count` notes that take `size` bytes, each its own changeset.
    result<sync_report> write(const std::string& path, int count, const std::string& name,
                              int size = 20) const {
        result<sync_report> last = sync_report{};
        auto device = agent::link::open(path);
        for (int i = 0; i < count && last; ++i) {
            app(path).run("INSERT INTO note VALUES('" + name + std::to_string(i) + "', hex(randomblob(" +
                          std::to_string(size) + ")))");
            last = device->sync();
        }
        return last;
    }
    [[nodiscard]] bool agree() const {
        return sqlite::vault::open(desktop)->digest().value() == sqlite::vault::open(phone)->digest().value();
    }
};

}  // namespace

TEST_CASE(
    "S57_retention_expired: a device that was away merges a snapshot, keeps what it has to send, and goes on",
    "[agent][retention][scenario]") {
    forgetful_home h;
    h.options.keep.dormant_expire = std::chrono::hours(24);
    h.restart();
    app(h.phone).run(
        "UPDATE note SET text='on the phone' WHERE id<>'gone'; INSERT INTO note VALUES('p','phone')");
    REQUIRE(h.write(h.desktop, 5, "a"));
    app(h.desktop).run("DELETE FROM note WHERE id IN ('a0','gone','edited')");
    REQUIRE(h.sync(h.desktop));
    // The phone is not seen for so long that the relay waits for it no longer.
    std::atomic<std::int64_t> ahead = 0;
    h.options.clock = [&] {
        return std::chrono::duration_cast<std::chrono::milliseconds>(
                   std::chrono::system_clock::now().time_since_epoch())
                   .count() +
               ahead;
    };
    h.restart();
    ahead = 25 * 3600 * 1000LL;
    {
        auto device = agent::link::open(h.desktop);
        REQUIRE(device->sync());
        REQUIRE(device->offer_snapshot());
        REQUIRE(device->offer_snapshot());
    }
    h.server->tidy();
    const auto at = forgetful_home::info(h.desktop);
    CHECK(at.relay.floor == at.relay.head);

    const auto back = forgetful_home::sync(h.phone);
    REQUIRE(back);
    CHECK(back->snapshot_merged);
    CHECK(back->pushed >= 1);
    REQUIRE(forgetful_home::sync(h.desktop));
    CHECK(h.agree());
    CHECK(app(h.desktop).text("SELECT text FROM note WHERE id='n'") == "on the phone");
    CHECK(app(h.desktop).text("SELECT text FROM note WHERE id='p'") == "phone");
    CHECK(app(h.phone).text("SELECT count(*) FROM note WHERE id IN ('a0','gone','edited')") == "0");
    CHECK(app(h.phone).text("SELECT count(*) FROM note") == "6");
    CHECK(sqlite::vault::open(h.phone)->status()->open_conflicts == 1);  // the edit that the delete hides
    const auto quiet = forgetful_home::sync(h.phone);
    REQUIRE(quiet);
    CHECK_FALSE(quiet->snapshot_merged);
    CHECK(quiet->pushed == 0);
}

TEST_CASE("S60_quota: devices make the snapshots that a full vault needs, and go on by themselves",
          "[agent][retention][scenario]") {
    forgetful_home h(std::uint64_t{48} << 10);
    REQUIRE(h.write(h.desktop, 2, "a", 8000));
    REQUIRE(forgetful_home::sync(h.phone));
    // Far more than the vault may hold at once, by either device.
    for (int round = 0; round < 8; ++round) {
        INFO("round " << round);
        const std::string& writing = round % 2 == 0 ? h.desktop : h.phone;
        static_cast<void>(h.write(writing, 1, "r" + std::to_string(round), 8000));
        static_cast<void>(forgetful_home::sync(h.desktop));
        static_cast<void>(forgetful_home::sync(h.phone));
    }
    REQUIRE(forgetful_home::sync(h.desktop));
    REQUIRE(forgetful_home::sync(h.phone));
    CHECK(h.agree());
    CHECK(app(h.phone).text("SELECT count(*) FROM note") == "13");
    CHECK(forgetful_home::info(h.phone).relay.floor > 0);
}

TEST_CASE(
    "S60_quota: while a vault is full everything stays, the device says so, and it resumes when there is "
    "room",
    "[agent][retention][scenario]") {
    forgetful_home h;
    const std::uint64_t used = forgetful_home::info(h.desktop).bytes;
    h.options.vault_bytes_max = used + 2000;
    h.restart();
    {
        // The phone lets nothing be forgotten: it does not come.
        const auto refused = h.write(h.desktop, 3, "big", 4000);
        REQUIRE_FALSE(refused);
        CHECK(refused.code() == errc::quota_exceeded);
        CHECK(refused.failure().detail.find("Nothing is lost") != std::string::npos);
    }
    const auto full = sqlite::vault::open(h.desktop)->status();
    REQUIRE(full);
    CHECK(full->pending_out == 1);
    CHECK(full->last_error.find("quota_exceeded") == 0);
    CHECK(app(h.desktop).text("SELECT count(*) FROM note") == "4");
    app(h.phone).run("UPDATE note SET text='small' WHERE id='n'");
    REQUIRE(forgetful_home::sync(h.phone));  // small enough
    const auto received = forgetful_home::sync(h.desktop);
    CHECK(received.code() == errc::quota_exceeded);
    CHECK(app(h.desktop).text("SELECT text FROM note WHERE id='n'") == "small");  // receiving goes on

    h.options.vault_bytes_max = used + 100'000;
    h.restart();
    REQUIRE(forgetful_home::sync(h.desktop));
    REQUIRE(forgetful_home::sync(h.phone));
    CHECK(h.agree());
    CHECK(sqlite::vault::open(h.desktop)->status()->last_error.empty());
}
