// SPDX-License-Identifier: MIT
// A device joins, and everything that keeps one out: both sides and the relay in one process.
#include "home.hpp"
#include "pairing_message.hpp"

#include <casasync/agent/pairing_link.hpp>
#include <casasync/beast/mailbox.hpp>
#include <casasync/openssl/random.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace casasync;
using namespace casasync_test;

namespace {

/// A home whose desktop invites.
struct inviting_home : home {
    agent::link desktop = open("desktop");

    inviting_home() {
        write("desktop", "n");
        REQUIRE(desktop.sync());
    }

    agent::join_options phone() const {
        agent::join_options o;
        o.path = file("phone");
        o.relay = server->address();
        o.device_name = "phone";
        return o;
    }
    std::size_t active_devices() { return desktop.keys().members.active_count(); }
    bool left(const std::string& name) const { return std::filesystem::exists(dir / name); }
};

/// How both sides of a pairing ended.
struct ending {
    errc joined{}, admitted{};
    std::string said_there{}, said_here{};  ///< their sentences
    agent::newcomer who{};
};

/// Runs both sides. \param typed  what the person types for the digits that are shown
ending run(
    agent::invitation& invited, agent::join_options o,
    const std::function<std::string(std::string)>& typed = [](std::string shown) { return shown; }) {
    std::promise<std::string> shown;
    o.show_check = [&](const std::string& digits) { shown.set_value(digits); };
    auto joining = std::async(std::launch::async, [&o] { return agent::join_vault(o); });
    ending out;
    const auto who = invited.meet();
    const auto admitted = who ? invited.admit(typed(shown.get_future().get())) : result<void>(who.failure());
    if (who) out.who = *who;
    if (!admitted) out.admitted = admitted.code(), out.said_here = admitted.failure().text();
    const auto joined = joining.get();
    if (!joined) out.joined = joined.code(), out.said_there = joined.failure().text();
    return out;
}

/// Returns a well-formed code of the same slot that is not the one.
std::string guess_for(const std::string& code) {
    const auto right = openssl::pairing_code::parse(code).value();
    openssl::random random;
    for (;;) {
        const auto guess = openssl::pairing_code::make(right.slot(), random);
        if (guess != right) return guess.text();
    }
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a device that knows the code joins, after both people have looked", "[agent][pairing]") {
    inviting_home h;
    run_sql(h.dir / "phone.db", "CREATE TABLE mine(a); INSERT INTO mine VALUES(1), (2)");
    auto invited = agent::invitation::make(h.desktop).value();
    CHECK(invited.unfinished() == 0);
    agent::join_options o = h.phone();
    o.code = invited.code();
    std::optional<agent::vault_offer> seen;
    o.confirm = [&](const agent::vault_offer& offer) {
        seen = offer;
        CHECK(agent::read_credentials(o.path)->vault.is_zero());  // no key is kept before the person agreed
        return true;
    };
    const ending end = run(invited, o);
    INFO(end.said_here << end.said_there);
    CHECK(end.joined == errc{});
    CHECK(end.admitted == errc{});
    CHECK(end.who.name == "phone");
    CHECK_FALSE(end.who.platform.empty());
    REQUIRE(seen);
    CHECK(seen->name == "desktop.db");
    CHECK(seen->from == "desktop");
    CHECK(seen->devices == std::vector<std::string>{"desktop"});
    CHECK(seen->relay == h.server->address());
    CHECK(seen->rows == 2);
    auto phone = agent::link::open(h.dir / "phone.db").value();
    REQUIRE(h.desktop.sync());
    CHECK(phone.vault().digest().value() == h.desktop.vault().digest().value());
    CHECK(h.active_devices() == 2);
    CHECK_FALSE(h.left("desktop.db-casasync.tries"));
    CHECK_FALSE(h.left("phone.db-casasync.tries"));
    // The code is used up.
    o.path = h.dir / "other.db";
    CHECK(agent::join_vault(o).code() == errc::pairing_used);
    CHECK_FALSE(h.left("other.db"));
    CHECK_FALSE(h.left("other.db-casasync.key"));
}

TEST_CASE("a link brings its relay along, and leads nowhere else", "[agent][pairing]") {
    inviting_home h;
    auto invited = agent::invitation::make(h.desktop).value();
    const auto link = agent::pairing_link::parse(invited.link_text()).value();
    CHECK(link.relay == h.server->address());
    CHECK(link.slot == openssl::pairing_code::parse(invited.code())->slot());

    agent::join_options o = h.phone();
    o.code = link.text();
    o.relay = "https://other.example";
    CHECK(agent::join_vault(o).code() == errc::invalid_argument);
    o.relay.clear();
    agent::pairing_link elsewhere = link;
    elsewhere.mailbox.octets[0] ^= 1;
    auto misled = agent::invitation::make(h.desktop).value();
    elsewhere.slot = agent::pairing_link::parse(misled.link_text())->slot;
    o.code = elsewhere.text();
    CHECK(agent::join_vault(o).code() == errc::pairing_wrong_code);
    CHECK_FALSE(h.left("phone.db-casasync.key"));
    CHECK_FALSE(h.left("phone.db-casasync.tries"));  // nothing was sent, so nobody could guess

    o.code = link.text();
    const ending end = run(invited, o);
    INFO(end.said_here << end.said_there);
    CHECK(end.joined == errc{});
    CHECK(end.admitted == errc{});
}

TEST_CASE("each guess is counted on both sides, and after three only a link is taken", "[agent][pairing]") {
    inviting_home h;
    for (std::size_t n = 0; n < 3; ++n) {
        auto invited = agent::invitation::make(h.desktop).value();
        CHECK(invited.unfinished() == n);
        agent::join_options o = h.phone();
        o.code = guess_for(invited.code());
        const ending end = run(invited, o);
        CHECK(end.joined == errc::pairing_wrong_code);
        CHECK(end.admitted == errc::pairing_wrong_code);
        CHECK(has(end.said_here, "data is safe"));
        CHECK(has(end.said_there, "data is safe"));
        CHECK(h.active_devices() == 1);
        CHECK_FALSE(h.left("phone.db"));
        CHECK_FALSE(h.left("phone.db-casasync.key"));
    }
    auto invited = agent::invitation::make(h.desktop).value();
    CHECK(invited.unfinished() == 3);
    CHECK(invited.code().empty());
    agent::join_options o = h.phone();
    o.code = guess_for("0000-0000-000");
    CHECK(agent::join_vault(o).code() == errc::too_many_requests);
    o.path = h.dir / "tablet.db";  // one that did not count: it hears from the desktop
    openssl::random random;
    const auto slot = agent::pairing_link::parse(invited.link_text())->slot;
    o.code = openssl::pairing_code::make(slot, random).text();
    const auto typed = agent::join_vault(o);
    CHECK(typed.code() == errc::pairing_wrong_code);
    CHECK(has(typed.failure().detail, "link"));

    auto again = agent::invitation::make(h.desktop).value();
    o = h.phone();
    o.code = again.link_text();
    CHECK(run(again, o).joined == errc{});
    // What was counted is forgotten after a day.
    std::ofstream(h.dir / "desktop.db-casasync.tries") << std::time(nullptr) - 86'401 << '\n'
                                                       << std::time(nullptr) - 86'300 << '\n';
    CHECK(agent::invitation::make(h.desktop)->unfinished() == 1);
    std::ofstream(h.dir / "desktop.db-casasync.tries") << "what is this\nand this\n";
    CHECK(agent::invitation::make(h.desktop)->unfinished() == 2);
}

TEST_CASE("other digits than the new device shows keep it out", "[agent][pairing]") {
    inviting_home h;
    auto invited = agent::invitation::make(h.desktop).value();
    agent::join_options o = h.phone();
    o.code = invited.code();
    bool asked = false;
    o.confirm = [&](const agent::vault_offer&) { return asked = true; };
    const ending end = run(invited, o, [](std::string shown) {
        shown[1] = shown[1] == '0' ? '1' : '0';
        return shown;
    });
    CHECK(end.admitted == errc::pairing_wrong_code);
    CHECK(has(end.said_here, "not let in"));
    CHECK(end.joined == errc::pairing_expired);
    CHECK_FALSE(asked);
    CHECK(h.active_devices() == 1);
    CHECK_FALSE(h.left("phone.db-casasync.key"));
    CHECK(agent::invitation::make(h.desktop)->unfinished() == 1);
}

TEST_CASE("a device whose user declines is no member, and nothing is left of it", "[agent][pairing]") {
    inviting_home h;
    auto invited = agent::invitation::make(h.desktop).value();
    agent::join_options o = h.phone();
    o.code = invited.code();
    o.confirm = [](const agent::vault_offer&) { return false; };
    const ending end = run(invited, o);
    CHECK(end.joined == errc::canceled);
    CHECK(end.admitted == errc::canceled);
    CHECK(has(end.said_here, "no device of the vault"));
    CHECK(h.active_devices() == 1);
    CHECK_FALSE(h.left("phone.db"));
    CHECK_FALSE(h.left("phone.db-casasync.key"));
    CHECK(agent::invitation::make(h.desktop)->unfinished() == 0);
}

TEST_CASE("a code that two have tried is void for both", "[agent][pairing]") {
    inviting_home h;
    auto invited = agent::invitation::make(h.desktop).value();
    beast::endpoint at;
    at.url = h.server->address();
    const auto stranger = beast::claim_mailbox(at, openssl::pairing_code::parse(invited.code())->slot());
    REQUIRE(stranger);
    agent::join_options o = h.phone();
    o.code = invited.code();
    CHECK(agent::join_vault(o).code() == errc::pairing_used);
    CHECK(invited.meet().code() == errc::pairing_used);
    CHECK(invited.admit("10").code() == errc::invalid_argument);
    CHECK(h.active_devices() == 1);
}

TEST_CASE("a code past its five minutes is good for nothing", "[agent][pairing]") {
    inviting_home h;
    auto invited = agent::invitation::make(h.desktop).value();
    h.relay_ahead_ms += 300'001;
    agent::join_options o = h.phone();
    o.code = invited.code();
    CHECK(agent::join_vault(o).code() == errc::pairing_expired);
    CHECK(invited.meet().code() == errc::pairing_expired);
    CHECK_FALSE(h.left("desktop.db-casasync.tries"));
}

TEST_CASE("an agreement that comes too late is none", "[agent][pairing]") {
    inviting_home h;
    auto invited = agent::invitation::make(h.desktop).value();
    agent::join_options o = h.phone();
    o.code = invited.code();
    o.confirm = [&](const agent::vault_offer&) {
        h.relay_ahead_ms += 600'001;
        return true;
    };
    std::promise<std::string> shown;
    o.show_check = [&](const std::string& digits) { shown.set_value(digits); };
    auto admitting = std::async(std::launch::async, [&] {
        return invited.meet() ? invited.admit(shown.get_future().get()) : result<void>(errc::not_found);
    });
    CHECK(agent::join_vault(o).code() == errc::pairing_expired);
    CHECK_FALSE(h.left("phone.db"));
    CHECK_FALSE(h.left("phone.db-casasync.key"));
    h.server.reset();  // ends the wait that is open for up to 25 s
    CHECK_FALSE(admitting.get().ok());
}

namespace {

/// Whoever runs the relay, between two devices: the code's slot leads the new one to a mailbox of his own,
/// and he goes to the old one's.
struct relay_between {
    openssl::pairing_place old_place, new_place;
    beast::mailbox to_old, to_new;

    static relay_between make(const inviting_home& h, const std::string& code) {
        const std::string at = h.server->address(), own = h.dir / ("mallory-" + code + ".db");
        run_sql(own, "CREATE TABLE note(id TEXT NOT NULL PRIMARY KEY, text TEXT)");
        agent::init_options init{own, at, "mallory", {}, {}};
        init.track = [](sqlite::vault& vault) { return vault.track("note"); };
        auto mallory = agent::init_vault(init).value();
        auto to_new = mallory.relay().open_mailbox().value();
        const std::string taken = std::to_string(openssl::pairing_code::parse(code)->slot().number()),
                          given = std::to_string(to_new.slot().number());
        run_sql((h.dir / "relay") + "/relay.db",
                "BEGIN IMMEDIATE; UPDATE pairing SET slot = -1 WHERE slot = " + taken +
                    "; UPDATE pairing SET slot = " + taken + " WHERE slot = " + given +
                    "; UPDATE pairing SET slot = " + given + " WHERE slot = -1; COMMIT");
        beast::endpoint relay;
        relay.url = at;
        auto to_old = beast::claim_mailbox(relay, to_new.slot()).value();
        openssl::pairing_place before{at, to_old.id()}, behind{at, to_new.id()};
        return {std::move(before), std::move(behind), std::move(to_old), std::move(to_new)};
    }
    bytes from_old(std::uint8_t n) { return heard(to_old, beast::mailbox::side::old_device, n); }
    bytes from_new(std::uint8_t n) { return heard(to_new, beast::mailbox::side::new_device, n); }
    /// Tells whether the old device ended the run rather than say its message `n`.
    bool old_is_gone(std::uint8_t n) {
        const auto said = to_old.get(beast::mailbox::side::old_device, n, 25);
        return !said && said.code() == errc::pairing_expired;
    }

 private:
    static bytes heard(beast::mailbox& box, beast::mailbox::side from, std::uint8_t n) {
        auto message = box.get(from, n, 25);
        REQUIRE(message);
        REQUIRE(*message);
        return std::move(**message);
    }
};

/// Runs both devices with `between` the two, who then ends the new one's mailbox.
ending run_with(inviting_home& h,
                const std::function<void(relay_between&, const std::string& code)>& between) {
    auto invited = agent::invitation::make(h.desktop).value();
    agent::join_options o = h.phone();
    o.code = invited.code();
    auto relay = relay_between::make(h, invited.code());
    auto meddling = std::async(std::launch::async, [&] {
        between(relay, invited.code());
        REQUIRE(relay.to_new.remove());
    });
    const ending end = run(invited, o);
    meddling.get();
    CHECK(h.active_devices() == 1);
    CHECK_FALSE(h.left("phone.db"));
    CHECK_FALSE(h.left("phone.db-casasync.key"));
    return end;
}

}  // namespace

TEST_CASE("a relay between two devices that guesses the code, or passes on what they say, gets nowhere",
          "[agent][pairing][hostile]") {
    inviting_home h;
    const ending guessed = run_with(h, [](relay_between& between, const std::string& code) {
        const auto secret = openssl::pairing_code::parse(guess_for(code))->secret();
        const auto guest =
            openssl::pairing_guest::make(between.old_place, secret, between.from_old(0)).value();
        const auto host = openssl::pairing_host::make(between.new_place, std::vector{secret}).value();
        REQUIRE(between.to_old.put(0, guest.answer()));
        REQUIRE(between.to_new.put(0, host.offer()));
        CHECK(host.receive(between.from_new(0)).code() == errc::pairing_wrong_code);
        CHECK(between.old_is_gone(1));
    });
    CHECK(guessed.admitted == errc::pairing_wrong_code);
    CHECK(guessed.joined == errc::pairing_wrong_code);
    CHECK(agent::invitation::make(h.desktop)->unfinished() == 1);  // it had its one guess

    const ending passed_on = run_with(h, [](relay_between& between, const std::string&) {
        REQUIRE(between.to_new.put(0, between.from_old(0)));
        REQUIRE(between.to_old.put(0, between.from_new(0)));
        CHECK(between.old_is_gone(1));
    });
    CHECK(passed_on.admitted == errc::pairing_wrong_code);
    CHECK(passed_on.joined == errc::pairing_wrong_code);
}

TEST_CASE("a relay between two devices that has seen the code is stopped by the digits",
          "[agent][pairing][hostile]") {
    inviting_home h;
    const ending end = run_with(h, [](relay_between& between, const std::string& code) {
        const auto secret = openssl::pairing_code::parse(code)->secret();
        const auto guest =
            openssl::pairing_guest::make(between.old_place, secret, between.from_old(0)).value();
        const auto host = openssl::pairing_host::make(between.new_place, std::vector{secret}).value();
        REQUIRE(between.to_new.put(0, host.offer()));
        REQUIRE(between.to_old.put(0, guest.answer()));
        const auto old_device = guest.confirm(between.from_old(1)).value();
        const auto met = host.receive(between.from_new(0)).value();
        REQUIRE(between.to_new.put(1, met.proof));
        const bytes said =
            met.channel.open(openssl::pairing_side::new_device, 1, between.from_new(1)).value();
        agent::hello who = agent::decode_hello(said).value();
        const unsigned shown = met.channel.check(who.device());
        openssl::random random;
        do {  // of 90 tries one would have the digits that the new device shows: see SECURITY.md
            who.keys = openssl::device_identity::make(random).public_keys();
        } while (old_device.check(who.device()) == shown);
        REQUIRE(between.to_old.put(
            1, old_device.seal(openssl::pairing_side::new_device, 1, agent::encode(who)).value()));
        CHECK(between.old_is_gone(2));
    });
    CHECK(end.who.name == "phone");  // so it said
    CHECK(end.admitted == errc::pairing_wrong_code);
    CHECK(has(end.said_here, "not let in"));
    CHECK(end.joined == errc::pairing_expired);
    CHECK(agent::invitation::make(h.desktop)->unfinished() == 1);
}
