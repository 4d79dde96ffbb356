// SPDX-License-Identifier: MIT
// The main job by the real programs: a vault, a second device by code, edits on both, the same on both.
#include "household.hpp"

#include <casasync_test/catch.hpp>

#include <sys/stat.h>
#include <csignal>

using casasync_test::has;
using casasync_test::household;
using casasync_test::outcome;

namespace {

/// Both devices sync until neither has anything for the other.
void sync_both(const household& home, const std::string& a, const std::string& b) {
    for (const std::string& db : {a, b, a, b}) {
        const outcome done = home.casasync({"sync", db});
        INFO(done.err);
        REQUIRE(done.exit == 0);
    }
}

std::string digest(const household& home, const std::string& db) {
    return std::string(home.json({"digest", db}).at("digest").as_string());
}

void check_same(const household& home, const std::string& a, const std::string& b) {
    CHECK(digest(home, a) == digest(home, b));
    const outcome verified = home.casasync({"verify", a, b});
    INFO(verified.out << verified.err);
    CHECK(verified.exit == 0);
}

}  // namespace

TEST_CASE("a phone joins a desktop's vault by code, and both show the same", "[cli]") {
    const household home;
    const std::string desktop = home.make_vault("desktop.db");
    const std::string phone = home.add_device(desktop, "phone.db");
    CHECK(home.sql(phone, "SELECT id, category, amount FROM txn ORDER BY id") ==
          "coffee|Food|-350\nrent|Home|-90000");
    check_same(home, desktop, phone);

    home.sql(phone, "INSERT INTO txn VALUES('bus','giro','Travel',-290,NULL)");
    home.sql(desktop, "UPDATE txn SET note='June' WHERE id='rent'; DELETE FROM txn WHERE id='coffee'");
    sync_both(home, desktop, phone);
    for (const std::string& db : {desktop, phone})
        CHECK(home.sql(db, "SELECT id, note FROM txn ORDER BY id") == "bus|\nrent|June");
    check_same(home, desktop, phone);

    struct ::stat info {};
    REQUIRE(::stat((phone + "-casasync.key").c_str(), &info) == 0);
    CHECK((info.st_mode & 0777U) == 0600U);
    const auto devices = home.json({"devices", phone}).as_array();
    REQUIRE(devices.size() == 2);
    CHECK(devices[0].at("active").as_bool());
}

TEST_CASE("a third device joins from the second, and status tells all of it", "[cli]") {
    const household home;
    const std::string a = home.make_vault("a.db");
    const std::string b = home.add_device(a, "b.db");
    home.sql(b, "INSERT INTO tag VALUES('t1','trip')");
    const std::string c = home.add_device(b, "c.db");
    CHECK(home.sql(c, "SELECT name FROM tag") == "trip");
    home.sql(c, "UPDATE tag SET name='voyage'");
    CHECK(home.json({"status", c}).at("pending_out").as_int64() == 1);
    CHECK(home.json({"status", c}).at("state").as_string() == "pending");
    for (const std::string& db : {c, a, b}) REQUIRE(home.casasync({"sync", db}).exit == 0);
    check_same(home, a, b);
    check_same(home, b, c);

    REQUIRE(home.casasync({"sync", c}).exit == 0);
    const auto status = home.json({"status", c});
    for (const char* field :
         {"vault", "device", "state", "pending_out", "pending_in", "held", "parked", "open_conflicts",
          "digest", "cursor", "head", "in_sync", "last_synced_at", "last_error", "devices"}) {
        INFO(field);
        CHECK(status.as_object().contains(field));
    }
    CHECK(status.at("state").as_string() == "in_sync");
    CHECK(status.at("in_sync").as_bool());
    CHECK(status.at("pending_out").as_int64() == 0);
    CHECK(status.at("last_error").is_null());
    CHECK(status.at("last_synced_at").as_int64() > 0);
    CHECK(status.at("cursor") == status.at("head"));
    CHECK(status.at("devices").as_array().size() == 3);
}

TEST_CASE("two writes of one cell: both are kept, one is restored, and that closes it everywhere", "[cli]") {
    const household home;
    const std::string desktop = home.make_vault("desktop.db");
    const std::string phone = home.add_device(desktop, "phone.db");
    home.sql(desktop, "UPDATE txn SET category='Eating out' WHERE id='coffee'");
    home.sql(phone, "UPDATE txn SET category='Coffee' WHERE id='coffee'");
    sync_both(home, desktop, phone);
    check_same(home, desktop, phone);

    const auto open = home.json({"conflicts", desktop}).as_array();
    REQUIRE(open.size() == 1);
    CHECK(open[0].at("table").as_string() == "txn");
    CHECK(open[0].at("key").as_array()[0].as_string() == "coffee");
    CHECK(open[0].at("column").as_string() == "category");
    CHECK(open[0].at("open").as_bool());
    CHECK(open[0].at("loser").at("device").as_string() == "desktop.db");
    CHECK(open[0].at("winner").at("device").as_string() == "phone.db");
    const std::string lost(open[0].at("loser").at("value").as_string());
    CHECK(lost == "Eating out");
    CHECK(home.json({"conflicts", phone}).as_array()[0].at("id") == open[0].at("id"));
    CHECK(home.json({"status", phone}).at("open_conflicts").as_int64() == 1);

    const auto why = home.casasync({"why", phone, "txn", "coffee", "category"});
    CHECK(why.exit == 0);
    CHECK(has(why.out, "Eating out"));
    CHECK(has(why.out, "phone.db"));

    const std::string id(open[0].at("id").as_string());
    CHECK(home.casasync({"restore", phone, id}).exit == 0);
    CHECK(home.sql(phone, "SELECT category FROM txn WHERE id='coffee'") == lost);
    sync_both(home, phone, desktop);
    for (const std::string& db : {desktop, phone}) {
        CHECK(home.sql(db, "SELECT category FROM txn WHERE id='coffee'") == lost);
        CHECK(home.json({"conflicts", db}).as_array().empty());
    }
    CHECK(home.json({"conflicts", desktop, "--all"}).as_array().size() >= 1);
    check_same(home, desktop, phone);
}

TEST_CASE("status says whose changes wait, and what ends that", "[cli]") {
    const household home;
    const std::string desktop = home.make_vault("desktop.db");
    const std::string phone = home.add_device(desktop, "phone.db");
    for (const std::string& db : {desktop, phone})
        home.sql(db, "CREATE TABLE acc(id TEXT PRIMARY KEY NOT NULL, seen INTEGER)");
    REQUIRE(home.casasync({"track", desktop, "acc", "--rule", "seen=max"}).exit == 0);
    REQUIRE(home.casasync({"track", phone, "acc"}).exit == 0);
    home.sql(phone, "INSERT INTO acc VALUES('a', 1)");
    home.sql(desktop, "INSERT INTO acc VALUES('b', 2)");
    sync_both(home, desktop, phone);
    CHECK(home.sql(desktop, "SELECT id FROM acc ORDER BY id") == "a\nb");  // amounts are compared there
    CHECK(home.json({"status", desktop}).at("waiting").as_array().empty());

    const auto waiting = home.json({"status", phone}).at("waiting").as_array();
    REQUIRE(waiting.size() == 1);
    CHECK(waiting[0].at("device").as_string() == "desktop.db");
    CHECK(waiting[0].at("changesets").as_int64() == 1);
    const std::string reason(waiting[0].at("reason").as_string());
    CHECK(has(reason, "column seen merges by the rule lww here, and by max"));
    const auto told = home.casasync({"status", phone});
    CHECK(has(told.out, "1 changeset of desktop.db: " + reason));
}

TEST_CASE("keep confirms what is shown", "[cli]") {
    const household home;
    const std::string a = home.make_vault("a.db");
    const std::string b = home.add_device(a, "b.db");
    home.sql(a, "UPDATE txn SET amount=-1 WHERE id='rent'");
    home.sql(b, "UPDATE txn SET amount=-2 WHERE id='rent'");
    sync_both(home, a, b);
    const auto open = home.json({"conflicts", a}).as_array();
    REQUIRE(open.size() == 1);
    const std::string shown = home.sql(a, "SELECT amount FROM txn WHERE id='rent'");
    CHECK(home.casasync({"keep", a, std::string(open[0].at("id").as_string())}).exit == 0);
    sync_both(home, a, b);
    for (const std::string& db : {a, b}) {
        CHECK(home.json({"conflicts", db}).as_array().empty());
        CHECK(home.sql(db, "SELECT amount FROM txn WHERE id='rent'") == shown);
    }
}

TEST_CASE("sync exits 0 with a row that cannot be shown and a conflict that is open", "[cli]") {
    const household home;
    const std::string a = home.make_vault("a.db");
    const std::string b = home.add_device(a, "b.db");
    home.sql(a, "INSERT INTO tag VALUES('ta','trip')");
    home.sql(b, "INSERT INTO tag VALUES('tb','trip')");  // the name is unique: one of them waits
    sync_both(home, a, b);
    const auto status = home.json({"status", a});
    CHECK(status.at("parked").as_int64() == 1);
    CHECK(status.at("in_sync").as_bool());
    CHECK(status.at("parked_rows").as_array().size() == 1);
    CHECK(home.sql(a, "SELECT id FROM tag") == home.sql(b, "SELECT id FROM tag"));
    check_same(home, a, b);
}

TEST_CASE("sync tells which row has another number than it had, once", "[cli]") {
    const household home;
    const std::string desktop = home.dir / "desktop.db";
    home.sql(desktop, "CREATE TABLE item(n INTEGER PRIMARY KEY, name TEXT)");
    REQUIRE(home.casasync({"init", desktop, "--relay", home.url(), "--name", "desktop"}).exit == 0);
    const std::string phone = home.add_device(desktop, "phone.db");
    home.sql(desktop, "INSERT INTO item VALUES(1,'lamp')");
    home.sql(phone, "INSERT INTO item VALUES(1,'chair')");
    REQUIRE(home.casasync({"sync", desktop}).exit == 0);
    const outcome told = home.casasync({"sync", phone});
    CHECK(has(told.err, "Row 1 of item is row "));
    CHECK(home.sql(phone, "SELECT name FROM item ORDER BY name") == "chair\nlamp");
    CHECK(home.sql(phone, "SELECT name FROM item WHERE n=1") == "lamp");

    home.sql(desktop, "INSERT INTO item VALUES(2,'stool')");
    REQUIRE(home.casasync({"sync", desktop}).exit == 0);
    home.sql(phone, "INSERT INTO item VALUES(2,'table')");
    const auto next = home.json({"sync", phone}).at("renumbered").as_array();
    REQUIRE(next.size() == 1);
    CHECK(next[0].at("table").as_string() == "item");
    CHECK(next[0].at("was").as_int64() == 2);
    const std::string is = std::to_string(next[0].at("is").as_int64());
    CHECK(home.sql(phone, "SELECT name FROM item WHERE n=" + is) == "table");
    CHECK(home.json({"sync", phone}).at("renumbered").as_array().empty());
}

TEST_CASE("tables are tracked and untracked by name", "[cli]") {
    const household home;
    const std::string db = home.make_file("home.db");
    REQUIRE(home.casasync({"init", db, "--relay", home.url(), "--track", "account"}).exit == 0);
    const outcome tracked =
        home.casasync({"track", db, "txn", "tag", "--rule", "amount=max", "--delete-policy", "delete_wins"});
    INFO(tracked.err);
    CHECK(tracked.exit == 0);
    CHECK(has(tracked.out, "account, txn, tag"));
    CHECK(home.casasync({"track", db, "txn", "--rule", "amount=most"}).exit == 64);
    const auto left = home.json({"untrack", db, "tag"}).at("tracked").as_array();
    CHECK(left.size() == 2);
}

TEST_CASE("sync --watch shows a change of the other side without anybody calling sync", "[cli]") {
    const household home;
    const std::string a = home.make_vault("a.db");
    const std::string b = home.add_device(a, "b.db");
    auto watching = home.casasync_beside({"sync", b, "--watch"});
    while (!has(watching->line(), "state=in_sync")) {
    }
    home.sql(a, "UPDATE txn SET note='July' WHERE id='rent'");
    REQUIRE(home.casasync({"sync", a}).exit == 0);
    std::string event;
    while (!has(event, "vault-sync://changeset-received?vault=")) event = watching->line();
    CHECK(has(event, "&rows=1"));
    CHECK(home.sql(b, "SELECT note FROM txn WHERE id='rent'") == "July");

    home.sql(b, "UPDATE txn SET note='August' WHERE id='rent'");  // and the other way, sent by the watcher
    while (home.sql(a, "SELECT note FROM txn WHERE id='rent'") != "August")
        REQUIRE(home.casasync({"sync", a}).exit == 0);
    watching->signal(SIGTERM);
    const outcome end = watching->wait();
    CHECK(end.exit == 0);
    CHECK(has(end.out, "state=stopped"));
}
