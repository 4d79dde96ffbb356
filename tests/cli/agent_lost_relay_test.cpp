// SPDX-License-Identifier: MIT
// A relay that was emptied, or restored from a backup: its devices give it again what it had, by themselves.
#include "home.hpp"

#include <filesystem>

using namespace casasync;
using namespace casasync_test;

namespace {

namespace fs = std::filesystem;

/// Puts a copy of its data, or nothing, in the place of what the relay has.
void replace_relay_data(home& h, const std::string& with) {
    h.server->stop();
    h.server.reset();
    fs::remove_all(h.dir / "relay");
    if (!with.empty()) fs::copy(with, h.dir / "relay", fs::copy_options::recursive);
    h.restart();
}

void save_relay_data(home& h, const std::string& as) {
    h.server->stop();
    h.server.reset();
    fs::copy(h.dir / "relay", as, fs::copy_options::recursive);
    h.restart();
}

/// Syncs a device that should find that the relay has lost something.
void gives_again(agent::link& device) {
    const auto done = device.sync();
    INFO((done ? std::string() : done.failure().text()));
    REQUIRE(done);
    REQUIRE(done->alarms.size() >= 1);
    CHECK(done->alarms.back().find("The relay had lost something") == 0);
}

void check_all(home& h, const std::vector<agent::link*>& devices, const std::string& notes) {
    for (agent::link* d : devices) {
        CHECK(run_sql(d->path(), "SELECT id FROM note ORDER BY id") == notes);
        CHECK(d->vault().digest().value() == devices[0]->vault().digest().value());
        CHECK(d->vault().status()->in_sync);
    }
    CHECK(h.server != nullptr);
}

}  // namespace

TEST_CASE("S54: a relay that was emptied gets everything again, and a new device can join",
          "[agent][relay-loss]") {
    home h;
    auto desktop = h.open("desktop");
    auto phone = h.add(desktop, "phone");
    h.write("desktop", "one");
    h.write("phone", "two");
    sync_all({&desktop, &phone});
    h.write("phone", "unsent");
    replace_relay_data(h, "");

    gives_again(desktop);
    gives_again(phone);
    sync_all({&desktop, &phone});
    check_all(h, {&desktop, &phone}, "one two unsent ");
    h.write("desktop", "later");
    auto laptop = h.add(phone, "laptop");
    sync_all({&desktop, &phone, &laptop});
    check_all(h, {&desktop, &phone, &laptop}, "later one two unsent ");

    SECTION("for the second time within a day it is left to a person") {
        replace_relay_data(h, "");
        CHECK(failure_of(desktop).code == errc::wrong_relay);
        h.write("desktop", "still");
        REQUIRE(desktop.sync());  // it is safe here, and what is new goes out
        CHECK_FALSE(desktop.relay().latest_snapshot().value());
    }
}

TEST_CASE("what a snapshot alone has is in the one that takes its place", "[agent][relay-loss]") {
    home h;
    auto desktop = h.open("desktop");
    {
        auto phone = h.add(desktop, "phone");
        sync_all({&desktop, &phone});
        h.write("phone", "alone");
        REQUIRE(phone.offer_snapshot());
    }
    REQUIRE(desktop.sync());  // the log is as it was
    CHECK(run_sql(desktop.path(), "SELECT id FROM note").empty());
    REQUIRE(desktop.offer_snapshot());
    auto laptop = h.add(desktop, "laptop");
    REQUIRE(laptop.sync());
    check_all(h, {&desktop, &laptop}, "alone ");
}

TEST_CASE("S54: a relay that was restored from a backup gets again what it had lost", "[agent][relay-loss]") {
    home h;
    auto desktop = h.open("desktop");
    auto phone = h.add(desktop, "phone");
    h.write("desktop", "kept");
    sync_all({&desktop, &phone});
    save_relay_data(h, h.dir / "backup");
    h.write("desktop", "lost-1");
    sync_all({&desktop});
    h.write("desktop", "lost-2");
    h.write("phone", "lost-3");
    sync_all({&desktop, &phone});

    SECTION("noticed as its log is shorter") {}
    SECTION("noticed when the next change does not follow") {
        h.write("desktop", "fresh");
    }
    const bool fresh = h.notes("desktop").find("fresh") == 0;
    replace_relay_data(h, h.dir / "backup");
    gives_again(desktop);
    gives_again(phone);
    sync_all({&desktop, &phone});
    auto laptop = h.add(phone, "laptop");
    sync_all({&desktop, &phone, &laptop});
    check_all(h, {&desktop, &phone, &laptop},
              std::string(fresh ? "fresh " : "") + "kept lost-1 lost-2 lost-3 ");
    const auto there = desktop.relay().info().value();
    for (const auto& d : there.devices)
        if (d.id == desktop.keys().device) CHECK(d.last_seq == desktop.vault().known_of_relay()->last_sent);
}

TEST_CASE("S54: a relay that was restored to before the list of devices grew is given it again",
          "[agent][relay-loss][members]") {
    home h;
    auto desktop = h.open("desktop");
    auto phone = h.add(desktop, "phone");
    auto laptop = h.add(desktop, "laptop");
    REQUIRE(agent::make_recovery_kit(desktop));
    sync_all({&phone, &laptop});
    save_relay_data(h, h.dir / "backup");

    SECTION("by who was removed") {
        REQUIRE(desktop.remove_device(laptop.keys().device));
    }
    SECTION("by a new recovery kit that has taken the old one's place") {
        REQUIRE(agent::make_recovery_kit(desktop));
        h.relay_ahead_ms = std::int64_t{73} * 3600 * 1000;
        REQUIRE(desktop.sync());
        REQUIRE(desktop.keys().members.entries().size() == phone.keys().members.entries().size() + 3);
    }
    h.write("desktop", "under-a-new-key");
    REQUIRE(desktop.sync());
    REQUIRE(phone.sync());
    replace_relay_data(h, h.dir / "backup");
    // The kit's successor is taken again from a device that did not make the change itself.
    static_cast<void>(desktop.sync());
    for (agent::link* device : {&phone, &desktop, &phone}) {
        const auto done = device->sync();
        INFO((done ? std::string() : done.failure().text()));
        CHECK(done);
    }
    CHECK(h.notes("phone") == "under-a-new-key ");
    CHECK(desktop.relay().members(0)->size() == desktop.keys().members.entries().size());
}
