// SPDX-License-Identifier: MIT
// A person looks after the devices of a vault by the real programs.
#include "household.hpp"

#include <casasync_test/catch.hpp>

#include <algorithm>
#include <csignal>
#include <filesystem>

using casasync_test::check_error;
using casasync_test::has;
using casasync_test::household;
using casasync_test::outcome;

namespace {

/// Returns what the list says of the device with this name.
boost::json::value device_named(const household& home, const std::string& db, const std::string& name) {
    const auto listed = home.json({"devices", db});
    for (const auto& d : listed.as_array())
        if (d.at("name").as_string() == name) return d;
    FAIL("no device " << name);
    return {};
}

/// Returns how many recovery kits the vault has.
int kits_of(const household& home, const std::string& db) {
    const auto listed = home.json({"devices", db});
    int out = 0;
    for (const auto& d : listed.as_array())
        if (d.at("name").as_string() == "recovery kit" && d.at("active").as_bool()) ++out;
    return out;
}

}  // namespace

TEST_CASE("a device is taken out by its name", "[cli][members]") {
    const household home;
    const std::string desktop = home.make_vault("desktop.db");
    const std::string phone = home.add_device(desktop, "phone.db");
    const std::string laptop = home.add_device(phone, "laptop.db");
    for (const auto& db : {phone, laptop}) {
        home.sql(db, "INSERT INTO tag VALUES('" + db + "', '" + db + "')");
        REQUIRE(home.casasync({"sync", db}).exit == 0);
    }
    REQUIRE(home.casasync({"sync", desktop}).exit == 0);
    CHECK(device_named(home, desktop, "phone.db").at("added_by").as_string() == "desktop.db");
    CHECK(device_named(home, desktop, "laptop.db").at("added_by").as_string() == "phone.db");
    CHECK(device_named(home, desktop, "desktop.db").at("added_by").is_null());
    CHECK(has(home.casasync({"devices", desktop}).out, "phone.db, added by desktop.db"));

    check_error(home.casasync({"devices", "remove", desktop, "nobody"}), 66, "no device nobody");
    const std::string id = "-AAAAAAAAAAAAAAAAAAAAA";  // one in 64 begins with a dash
    check_error(home.casasync({"devices", "remove", desktop, id, "--only"}), 66, "no device " + id);
    check_error(home.casasync({"devices", "remove", "--only", desktop, "--", id}), 66, "no device " + id);
    check_error(home.casasync({"devices", "remove", desktop, "desktop.db"}), 64, "cannot remove itself");
    check_error(home.casasync({"devices", "remove", desktop}), 64, "DEVICE");
    check_error(home.casasync({"devices"}), 64, "DB");

    const outcome removed = home.casasync({"devices", "remove", desktop, "phone.db"});
    INFO(removed.err);
    REQUIRE(removed.exit == 0);
    CHECK(has(removed.out, "phone.db was removed"));
    check_error(home.casasync({"sync", phone}), 77, "was removed from the vault");
    check_error(home.casasync({"pair", phone}), 77, "removed");
    CHECK(home.sql(phone, "SELECT count(*) FROM tag") == "1");  // it keeps what it holds
    CHECK_FALSE(device_named(home, desktop, "phone.db").at("active").as_bool());
    CHECK(has(home.casasync({"devices", desktop}).out, "removed"));
    check_error(home.casasync({"devices", "remove", desktop, "phone.db"}), 66, "no device");

    home.sql(desktop, "INSERT INTO tag VALUES('later', 'later')");
    for (const auto& db : {desktop, laptop, desktop}) REQUIRE(home.casasync({"sync", db}).exit == 0);
    CHECK(home.sql(laptop, "SELECT count(*) FROM tag WHERE id = 'later'") == "1");
    CHECK(home.casasync({"verify", desktop, laptop}).exit == 0);
    const std::string again = home.add_device(laptop, "phone-again.db");  // into a new file it may come back
    CHECK(home.sql(again, "SELECT count(*) FROM tag") == "3");
}

TEST_CASE("when all devices are lost, twelve words bring the vault back", "[cli][members]") {
    const household home;
    const std::string desktop = home.make_vault("desktop.db");
    const std::string phone = home.add_device(desktop, "phone.db");
    REQUIRE(home.casasync({"recovery", phone}).exit == 0);
    const auto kit = home.json({"recovery", desktop});
    CHECK(kits_of(home, desktop) == 2);  // the first one is good for 72 hours more
    CHECK(has(home.casasync({"devices", desktop}).out, "void from "));
    CHECK(has(home.casasync({"sync", phone}).err, "A new recovery kit was made by desktop.db"));
    home.sql(phone, "INSERT INTO tag VALUES('t', 'trip')");
    REQUIRE(home.casasync({"sync", phone}).exit == 0);

    const std::string fresh = home.dir / "fresh.db";
    const std::string words(kit.at("words").as_string()), vault(kit.at("vault").as_string());
    const auto recover = [&](const std::string& typed, const std::string& id) {
        return casasync_test::run({"/bin/sh", "-c",
                                   "printf '%s\\n' \"$1\" | \"$2\" join \"$3\" --recovery --vault \"$4\" "
                                   "--relay \"$5\" --name fresh",
                                   "sh", typed, CASASYNC_PROGRAM, fresh, id, home.url()});
    };
    check_error(recover("abandon ability", vault), 64, "twelve words");
    check_error(recover(words, "short"), 64, "the vault's id");
    check_error(recover("legal winner thank year wave sausage worth useful legal winner thank yellow", vault),
                77, "another kit");
    check_error(home.casasync({"join", fresh, "--relay", home.url()}), 64, "CODE is missing");
    CHECK_FALSE(std::filesystem::exists(fresh));
    CHECK_FALSE(std::filesystem::exists(fresh + "-casasync.key"));
    const outcome back = recover(words, vault);
    INFO(back.out << back.err);
    REQUIRE(back.exit == 0);
    CHECK(home.sql(fresh, "SELECT name FROM tag") == "trip");
    CHECK(home.sql(fresh, "SELECT count(*) FROM txn") == home.sql(desktop, "SELECT count(*) FROM txn"));
    CHECK(home.json({"status", fresh}).at("in_sync").as_bool());
    CHECK(device_named(home, fresh, "fresh").at("added_by").as_string() == "recovery kit");
    CHECK(kits_of(home, fresh) == 1);  // that of the phone, which would have been void
    check_error(recover(words, vault), 73, "vault");

    home.sql(fresh, "INSERT INTO tag VALUES('u', 'later')");  // the devices that were lost may turn up again
    for (const auto& db : {fresh, desktop, fresh}) REQUIRE(home.casasync({"sync", db}).exit == 0);
    CHECK(home.casasync({"verify", fresh, desktop}).exit == 0);
    REQUIRE(home.casasync({"devices", "remove", fresh, "desktop.db"}).exit == 0);

    // The kit's QR code says where the vault is, too.
    const std::string picture = home.dir / "kit.png", by_code = home.dir / "by-code.db";
    check_error(home.casasync({"recovery", home.dir / "none.db", "--qr", picture}), 66, "none.db");
    const auto drawn = home.json({"recovery", fresh, "--qr", picture});
    const outcome read = casasync_test::run({CASASYNC_ZBARIMG, "--nodbus", "-q", "--raw", picture});
    const std::string link = read.out.substr(0, read.out.find('\n'));
    CHECK(link == std::string(drawn.at("link").as_string()));
    const auto recover_by = [&](const std::string& text) {
        return casasync_test::run({"/bin/sh", "-c", "printf '%s\n' \"$1\" | \"$2\" join \"$3\" --recovery",
                                   "sh", text, CASASYNC_PROGRAM, by_code});
    };
    check_error(recover_by(words), 64, "--vault is missing");
    check_error(recover_by(link.substr(0, link.size() - 1)), 64, "no recovery kit");
    check_error(recover_by("casasync://pair/1#r=x"), 64, "no recovery kit");
    CHECK_FALSE(std::filesystem::exists(by_code));
    const outcome scanned = recover_by(link);
    INFO(scanned.out << scanned.err);
    REQUIRE(scanned.exit == 0);
    CHECK(home.casasync({"verify", by_code, fresh}).exit == 0);
}

TEST_CASE("S68_pair_unpair_midway: a device that is removed again and again comes back with what it wrote",
          "[cli][members][scenario]") {
    const household home;
    const std::string desktop = home.make_vault("desktop.db");
    const std::string phone = home.add_device(desktop, "phone.db");
    for (int round = 1; round <= 3; ++round) {
        CAPTURE(round);
        const std::string r = std::to_string(round);
        const auto write = [&](const std::string& from, const std::string& to) {
            home.sql(phone, "WITH RECURSIVE n(i) AS (SELECT " + from +
                                " UNION ALL SELECT i + 1 FROM n WHERE i < " + to +
                                ") INSERT INTO tag SELECT 'r" + r + "-' || i, 'round " + r +
                                " tag ' || i FROM n");
        };
        auto watching = home.casasync_beside({"sync", phone, "--watch"});
        write("1", "300");
        REQUIRE(home.casasync({"devices", "remove", desktop, round == 1 ? "phone.db" : "phone"}).exit == 0);
        write("301", "400");
        watching->signal(SIGKILL);
        CHECK(watching->wait().signal == SIGKILL);
        check_error(home.casasync({"sync", phone}), 77, "removed");
        home.sql(phone, "UPDATE txn SET note = 'written in round " + r + "' WHERE id = 'coffee'");

        const outcome asked = home.casasync({"leave", phone});  // nobody says yes
        CHECK(asked.exit == 75);
        CHECK(has(asked.out, "no other device has"));
        const auto still = home.json({"status", phone, "--local"});
        CHECK(still.at("captured").as_int64() + still.at("pending_out").as_int64() > 0);
        REQUIRE(home.casasync({"leave", phone, "--yes"}).exit == 0);
        CHECK(home.sql(phone, "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'casasync%'") == "0");
        CHECK_FALSE(std::filesystem::exists(phone + "-casasync.key"));
        check_error(home.casasync({"leave", phone, "--yes"}), 65, "not a casasync vault");

        auto [pair, code] = home.invite(desktop);
        auto joining = home.casasync_beside(home.join_command(phone, code, "phone"));
        home.admit(desktop, *joining);
        REQUIRE(joining->wait().exit == 0);
        REQUIRE(pair->wait().exit == 0);
        for (const auto& db : {phone, desktop, phone}) REQUIRE(home.casasync({"sync", db}).exit == 0);
        CHECK(home.sql(desktop, "SELECT count(*) FROM tag") == std::to_string(400 * round));
        CHECK(home.casasync({"verify", desktop, phone}).exit == 0);
        const auto open = home.json({"conflicts", desktop}).as_array();
        CHECK(std::any_of(open.begin(), open.end(), [&](const auto& c) {
            return c.at("loser").at("value") == boost::json::value("written in round " + r);
        }));
    }
    const auto listed = home.json({"devices", desktop}).as_array();
    CHECK(listed.size() == 5);
    CHECK(home.json({"status", phone}).at("in_sync").as_bool());
}

TEST_CASE("a device gets another name", "[cli][members]") {
    const household home;
    const std::string desktop = home.make_vault("desktop.db");
    const std::string phone = home.add_device(desktop, "phone.db");
    REQUIRE(home.casasync({"devices", "rename", phone, "Ada's phone"}).exit == 0);
    CHECK(device_named(home, phone, "Ada's phone").at("self").as_bool());
    for (const auto& db : {phone, desktop}) REQUIRE(home.casasync({"sync", db}).exit == 0);
    CHECK_FALSE(device_named(home, desktop, "Ada's phone").at("self").as_bool());
    CHECK(home.json({"status", desktop}).at("in_sync").as_bool());
    CHECK(home.casasync({"verify", desktop, phone}).exit == 0);
    check_error(home.casasync({"devices", "rename", phone, ""}), 64, "empty");
    check_error(home.casasync({"devices", "rename", phone, std::string(1001, 'x')}), 64, "1,000");
}

TEST_CASE("S41: a restored backup is told of, becomes a device of its own, and the old one can be removed",
          "[cli][copy]") {
    household h;
    const std::string desktop = h.make_vault("desktop.db");
    const std::string phone = h.add_device(desktop, "phone.db");
    h.json({"sync", desktop});
    h.json({"sync", phone});
    const std::string backup = h.dir / "backup.db";
    h.sql(desktop, "VACUUM INTO '" + backup + "'");
    h.sql(desktop, "UPDATE txn SET note = 'sent' WHERE id = 'rent'");
    h.json({"sync", desktop});
    const std::string old(h.json({"status", desktop}).at("device").as_string());
    CHECK(h.json({"status", desktop}).at("identity").at("text").is_null());

    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(desktop + suffix);
    std::filesystem::copy_file(backup, desktop);
    h.sql(desktop, "UPDATE txn SET note = 'fresh' WHERE id = 'coffee'");
    const auto seen = h.json({"status", desktop}).at("identity");
    CHECK(seen.at("copied").as_bool());
    CHECK(std::string(seen.at("text").as_string()).find("restored from a backup") != std::string::npos);
    const outcome synced = h.casasync({"sync", desktop});
    CHECK(synced.exit == 0);
    CHECK(synced.err.find("It is a device of its own now") != std::string::npos);
    const auto told = h.json({"status", desktop});
    CHECK(told.at("device").as_string() != old);
    CHECK(told.at("identity").at("continues").at("device").as_string() == old);
    CHECK(told.at("identity").at("continues").at("sent_again").as_int64() == 1);
    CHECK(std::string(told.at("identity").at("text").as_string()).find("--only") != std::string::npos);

    const outcome heard = h.casasync({"sync", phone});
    CHECK(heard.exit == 0);
    CHECK(heard.err.find("a file of device " + old) != std::string::npos);
    CHECK(h.sql(phone, "SELECT note FROM txn ORDER BY id") == "fresh\nsent");
    CHECK(h.sql(desktop, "SELECT note FROM txn ORDER BY id") == "fresh\nsent");

    const auto removed = h.json({"devices", "remove", phone, old, "--only"});
    CHECK(removed.at("copies").as_array().empty());
    h.json({"sync", desktop});
    h.json({"sync", phone});
    CHECK(h.json({"digest", desktop}) == h.json({"digest", phone}));
    CHECK(h.json({"status", desktop}).at("identity").at("text").is_null());
}

TEST_CASE("a vault is deleted at the relay by one device, and the others are told by whom",
          "[cli][deletion]") {
    const household home;
    const std::string desktop = home.make_vault("desktop.db");
    const std::string phone = home.add_device(desktop, "phone.db");
    check_error(home.casasync({"vault", "delete", desktop}), 75, "Nothing was changed");  // nobody says yes
    REQUIRE(home.casasync({"sync", desktop}).exit == 0);
    const auto done = home.json({"vault", "delete", desktop, "--yes"});
    CHECK(done.at("deleted").as_string() == home.json({"status", phone, "--local"}).at("vault").as_string());
    CHECK(done.at("purge_at").as_int64() > 0);
    check_error(home.casasync({"sync", phone}), 77, "deleted at the relay by desktop.db");
    check_error(home.casasync({"vault", "delete", phone, "--yes"}), 77, "deleted");
    CHECK(home.sql(phone, "SELECT count(*) FROM txn") != "0");
    CHECK(home.casasync({"leave", phone, "--yes"}).exit == 0);
}

TEST_CASE("a device that was not at the relay for 90 days is shown as dormant", "[cli][members]") {
    const household home;
    const std::string desktop = home.make_vault("desktop.db");
    home.add_device(desktop, "phone.db");
    REQUIRE(home.casasync({"sync", desktop}).exit == 0);
    CHECK_FALSE(device_named(home, desktop, "phone.db").at("dormant").as_bool());
    home.sql(home.dir / "relay/relay.db", "UPDATE device SET last_seen = 1000000000 WHERE n = 2");
    CHECK(device_named(home, desktop, "phone.db").at("dormant").as_bool());
    CHECK_FALSE(device_named(home, desktop, "desktop.db").at("dormant").as_bool());
    CHECK(has(home.casasync({"devices", desktop}).out, "dormant: not at the relay since 2001-09-09"));
}

TEST_CASE("a device is removed with its copies and its kit, and what is left is told",
          "[cli][members][copy]") {
    const household home;
    const std::string desktop = home.make_vault("desktop.db");
    const std::string phone = home.add_device(desktop, "phone.db"), twin = home.dir / "twin.db";
    for (const char* suffix : {"", "-casasync.key"})
        std::filesystem::copy_file(phone + suffix, twin + suffix);
    for (const auto& db : {phone, twin, phone}) {
        home.sql(db, "INSERT INTO tag VALUES(hex(randomblob(8)), hex(randomblob(8)))");
        REQUIRE(home.casasync({"sync", db}).exit == 0);
    }
    const std::string id(home.json({"status", phone}).at("device").as_string());
    const std::string copy(home.json({"status", twin}).at("device").as_string());
    REQUIRE(copy != id);
    CHECK(has(home.casasync({"status", twin}).out, "identity"));
    REQUIRE(home.casasync({"recovery", desktop}).exit == 0);
    REQUIRE(home.casasync({"recovery", phone}).exit == 0);
    REQUIRE(home.casasync({"sync", desktop}).exit == 0);
    CHECK(has(home.casasync({"devices", desktop}).out, ", a copy of " + id));
    const auto listed = home.json({"devices", desktop}).as_array();
    CHECK(std::any_of(listed.begin(), listed.end(),
                      [&](const auto& d) { return d.at("copy_of") == boost::json::value(id); }));
    const outcome several = home.casasync({"devices", "remove", desktop, "phone.db"});
    check_error(several, 64, "Several devices are called phone.db");
    CHECK(has(several.err, id));
    CHECK(has(several.err, copy));

    const outcome removed = home.casasync({"devices", "remove", desktop, "--", id});
    INFO(removed.err);
    CHECK(removed.exit == 0);
    CHECK(has(removed.out, "With it went 1 device that began as a copy of it."));
    CHECK(has(removed.out, "The recovery kit that it made is void; the one before is good."));
    CHECK(kits_of(home, desktop) == 1);
    for (const auto& db : {phone, twin}) check_error(home.casasync({"sync", db}), 77, "removed");

    // Without its keys the list is what the vault itself knows.
    std::filesystem::remove(desktop + "-casasync.key");
    const outcome without = home.casasync({"devices", desktop});
    CHECK(without.exit == 0);
    CHECK(has(without.out, "desktop.db (this device)"));
    CHECK_FALSE(has(without.out, "removed"));
    const auto self = device_named(home, desktop, "desktop.db");
    CHECK(self.at("active").is_null());
    CHECK(self.at("added_by").is_null());
}
