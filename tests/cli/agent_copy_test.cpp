// SPDX-License-Identifier: MIT
// Files that were restored from a backup, or copied (scenarios S41 to S44): they are recognised when they are
// opened or at the relay, and go on as devices of their own.
#include "home.hpp"

#include <filesystem>

using namespace casasync;
using namespace casasync_test;

namespace {

namespace fs = std::filesystem;

/// Copies files of a vault that nobody has open. \param with_keys  the whole folder, as it were
void copy_vault(const std::string& from, const std::string& to, bool with_keys) {
    for (const char* suffix : {"", "-wal", "-casasync.key", "-casasync.mark"}) {
        const bool beside = std::string_view(suffix).starts_with("-casasync");
        if (beside && !with_keys) continue;
        fs::remove(to + suffix);
        if (fs::exists(from + suffix)) fs::copy_file(from + suffix, to + suffix);
    }
}

/// Syncs a device that should find out that it is a copy. Returns who it was.
device_id becomes_another(agent::link& device) {
    const device_id before = device.keys().device;
    const auto done = device.sync();
    INFO((done ? std::string() : done.failure().text()));
    REQUIRE(done);
    REQUIRE(done->alarms.size() == 1);
    CHECK(done->alarms[0].find("It is a device of its own now") != std::string::npos);
    CHECK(device.keys().device != before);
    CHECK(device.vault().device() == device.keys().device);
    CHECK(device.keys().members.is_copy_of(device.keys().device, before));
    CHECK_FALSE(device.keys().next);
    return before;
}

void check_equal(agent::link& a, agent::link& b) {
    CHECK(a.vault().digest().value() == b.vault().digest().value());
    for (agent::link* device : {&a, &b}) {
        CHECK(device->vault().status()->in_sync);
        CHECK(device->vault().verify()->differences.empty());
    }
}

}  // namespace

TEST_CASE("S41: a vault restored from a backup is recognised when it is opened", "[agent][copy]") {
    home h;
    auto phone = [&] {
        auto desktop = h.open("desktop");
        auto joined = h.add(desktop, "phone");
        h.write("desktop", "old");
        sync_all({&desktop, &joined});
        return joined;
    }();
    copy_vault(h.file("desktop"), h.dir / "backup", false);
    {
        auto desktop = h.open("desktop");
        CHECK_FALSE(desktop.vault().status()->copied);  // the same file once more is no copy
        h.write("desktop", "sent");
        REQUIRE(desktop.sync());
    }
    copy_vault(h.dir / "backup", h.file("desktop"), false);
    h.write("desktop", "fresh");
    auto desktop = h.open("desktop");
    CHECK(desktop.vault().status()->copied);
    const device_id before = becomes_another(desktop);
    const auto told = desktop.vault().status()->succeeded;
    REQUIRE(told);
    CHECK(told->from == before);
    CHECK(told->sent_again == 1);

    const auto heard = phone.vault().devices().value();
    sync_all({&phone, &desktop});
    const auto added = agent::devices_added(heard, phone.vault().devices().value());
    REQUIRE(added.size() == 1);
    CHECK(added[0].id == desktop.keys().device);
    CHECK(added[0].name == "desktop");
    CHECK(h.notes("desktop") == "fresh old sent ");
    CHECK(h.notes("phone") == h.notes("desktop"));
    check_equal(desktop, phone);
    CHECK_FALSE(h.open("desktop").vault().status()->copied);
}

TEST_CASE("S42: of two that run with one device's files, the second to send becomes a device of its own",
          "[agent][copy]") {
    home h;
    { REQUIRE(h.open("desktop").sync()); }
    copy_vault(h.file("desktop"), h.file("twin"), true);
    auto desktop = h.open("desktop"), twin = h.open("twin");
    auto phone = h.add(desktop, "phone");
    h.write("desktop", "by-desktop");
    h.write("twin", "by-twin");
    sync_all({&desktop});
    CHECK_FALSE(twin.vault().status()->copied);  // nothing beside the file tells
    becomes_another(twin);
    sync_all({&desktop, &twin, &phone});
    h.write("desktop", "later-by-desktop");
    h.write("twin", "later-by-twin");
    sync_all({&desktop, &twin, &phone});
    CHECK(h.notes("phone") == "by-desktop by-twin later-by-desktop later-by-twin ");
    check_equal(desktop, twin);
    check_equal(desktop, phone);

    // Whoever removes the one it was copied from removes the copy, unless told otherwise.
    const auto gone = phone.remove_device(desktop.keys().device);
    REQUIRE(gone);
    CHECK(gone->size() == 2);
    CHECK(failure_of(desktop).code == errc::device_revoked);
    CHECK(failure_of(twin).code == errc::device_revoked);
    sync_all({&phone});
}

TEST_CASE("a copy can stay when the device it was copied from is removed", "[agent][copy]") {
    home h;
    { REQUIRE(h.open("desktop").sync()); }
    copy_vault(h.file("desktop"), h.file("twin"), true);
    auto desktop = h.open("desktop"), twin = h.open("twin");
    auto phone = h.add(desktop, "phone");
    h.write("desktop", "one");
    sync_all({&desktop});
    const device_id old = becomes_another(twin);
    CHECK(old == desktop.keys().device);
    const auto gone = phone.remove_device(old, false);
    REQUIRE(gone);
    CHECK(*gone == std::vector<device_id>{old});
    sync_all({&phone, &twin});
    check_equal(phone, twin);
    CHECK(twin.remove_device(old)->empty());
}

TEST_CASE("S44: a copy that only reads finds out when it sees its own name on what it did not write",
          "[agent][copy]") {
    home h;
    { REQUIRE(h.open("desktop").sync()); }
    copy_vault(h.file("desktop"), h.file("twin"), true);
    auto desktop = h.open("desktop"), twin = h.open("twin");
    h.write("desktop", "one");
    sync_all({&desktop});
    becomes_another(twin);
    sync_all({&desktop, &twin});
    CHECK(h.notes("twin") == "one ");
    check_equal(desktop, twin);
}

TEST_CASE("S43: what was unsent in a backup and sent since goes out once", "[agent][copy]") {
    home h;
    {
        auto desktop = h.open("desktop");
        REQUIRE(desktop.sync());
        for (const char* id : {"1", "2", "3"}) {
            h.write("desktop", id);
            REQUIRE(desktop.vault().seal());
        }
    }
    copy_vault(h.file("desktop"), h.dir / "backup", false);
    {
        auto desktop = h.open("desktop");
        sync_all({&desktop});
    }
    copy_vault(h.dir / "backup", h.file("desktop"), false);
    auto desktop = h.open("desktop");
    becomes_another(desktop);
    CHECK(desktop.vault().status()->succeeded->sent_again == 0);
    CHECK(h.notes("desktop") == "1 2 3 ");
}

TEST_CASE("becoming another device goes on after an interruption, and from keys newer than the vault",
          "[agent][copy]") {
    home h;
    { REQUIRE(h.open("desktop").sync()); }
    copy_vault(h.file("desktop"), h.file("twin"), true);
    copy_vault(h.file("desktop"), h.dir / "backup", false);
    auto desktop = h.open("desktop");
    h.write("desktop", "one");
    sync_all({&desktop});

    h.server->stop();  // it has made keys, and cannot tell anybody
    {
        auto twin = h.open("twin");
        CHECK(failure_of(twin).code == errc::offline);
    }
    h.restart();
    device_id second;
    {
        auto twin = h.open("twin");
        becomes_another(twin);
        second = twin.keys().device;
    }
    // The vault was made the new device's, and the key file does not know.
    agent::credentials keys = agent::read_credentials(h.file("twin")).value();
    keys.next = agent::new_device{keys.identity, keys.device_key, keys.key_version};
    const auto old = agent::read_credentials(h.file("desktop")).value();
    keys.identity = old.identity;
    keys.device = old.device;
    REQUIRE(agent::write_credentials(h.file("twin"), keys));
    {
        auto twin = h.open("twin");
        CHECK(twin.keys().device == second);
        sync_all({&twin});
    }
    // A backup of before: its keys are gone, and those beside it are of the device it became.
    copy_vault(h.dir / "backup", h.file("twin"), false);
    auto twin = h.open("twin");
    CHECK(becomes_another(twin) == second);
    sync_all({&desktop, &twin});
    check_equal(desktop, twin);
}

TEST_CASE("a copy of a device that was removed is told to pair again", "[agent][copy]") {
    home h;
    auto desktop = h.open("desktop");
    device_id gone;
    {
        auto phone = h.add(desktop, "phone");
        gone = phone.keys().device;
    }
    copy_vault(h.file("phone"), h.dir / "backup", false);
    {
        auto phone = h.open("phone");
        h.write("phone", "one");
        sync_all({&phone, &desktop});
    }
    REQUIRE(desktop.remove_device(gone));
    copy_vault(h.dir / "backup", h.file("phone"), false);
    auto phone = h.open("phone");
    CHECK(phone.vault().status()->copied);
    const error refused = failure_of(phone);
    CHECK(refused.code == errc::device_revoked);
    CHECK(refused.detail.find("join with a code") != std::string::npos);
    CHECK(phone.keys().device == gone);
}
