// SPDX-License-Identifier: MIT
// Tables of kinds that few apps have, and what devices say of one table that does not go together.
#include "vault_world.hpp"

using namespace vault_test;

namespace {

constexpr const char* places =
    "CREATE TABLE place(id INTEGER PRIMARY KEY, name TEXT);"
    "CREATE TABLE spot(id INTEGER PRIMARY KEY, name TEXT);"
    "CREATE TABLE visit(id TEXT PRIMARY KEY NOT NULL, place INTEGER, note TEXT);";
constexpr const char* where =
    "SELECT visit.id, place.name FROM visit LEFT JOIN place ON place.id = visit.place ORDER BY visit.id";

std::string reasons_of(vault& v) {
    std::string out;
    for (const auto& w : must(v.status()).waiting) out += w.reason + "\n";
    return out;
}

}  // namespace

TEST_CASE("a table with computed columns is joined with, merged and migrated as others are",
          "[vault][schema]") {
    const std::string schema =
        "CREATE TABLE item(id TEXT PRIMARY KEY NOT NULL, price INTEGER, n INTEGER,"
        " total INTEGER GENERATED ALWAYS AS (price * n) STORED, twice INTEGER AS (2 * price) VIRTUAL);"
        "CREATE TABLE box(id INTEGER PRIMARY KEY, w INTEGER, area INTEGER AS (w * w) STORED);";
    const std::vector<std::string> all{"SELECT * FROM item ORDER BY id",
                                       "SELECT w, area FROM box ORDER BY w"};
    world w;
    w.first("desktop", schema +
                           "INSERT INTO item(id, price, n) VALUES('a', 1, 10), ('b', 2, 10), ('c', 3, 10);"
                           "INSERT INTO box(id, w) VALUES(1, 4), (2, 5)");
    w.joins("phone", "desktop",
            schema +
                "INSERT INTO item(id, price, n) VALUES('a', 1, 10), ('b', 7, 10), ('d', 4, 10);"
                "INSERT INTO box(id, w) VALUES(1, 4), (2, 6)");
    w.everyone_syncs();
    CHECK(w.sql("desktop").dump("SELECT id, total, twice FROM item ORDER BY id") ==
          "a|10|2\nb|20|4\nc|30|6\nd|40|8\n");
    CHECK(w.sql("desktop").dump("SELECT w, area FROM box ORDER BY w") == "4|16\n5|25\n6|36\n");
    CHECK(must(w["desktop"].conflicts()).size() == 1);
    w.all_agree(all);

    w.sql("desktop").run("UPDATE item SET price = 5 WHERE id = 'a'");
    w.sql("phone").run("UPDATE item SET n = 3 WHERE id = 'a'");
    w.everyone_syncs();
    CHECK(w.sql("phone").dump("SELECT total, twice FROM item WHERE id = 'a'") == "15|10\n");
    must(w["desktop"].migrate([](const sqlite::sql_runner& run) -> result<void> {
        return run(
            "ALTER TABLE item DROP COLUMN twice; ALTER TABLE item ADD COLUMN half REAL AS (price / 2.0);"
            "CREATE TABLE box_(id INTEGER PRIMARY KEY, w INTEGER, area INTEGER);"
            "INSERT INTO box_ SELECT id, w, area FROM box; DROP TABLE box; ALTER TABLE box_ RENAME TO box");
    }));
    w.sql("phone").run("UPDATE item SET price = 8 WHERE id = 'd'");
    w.everyone_syncs();
    w.everyone_syncs();
    CHECK(w.sql("desktop").dump("SELECT total, half FROM item WHERE id = 'd'") == "80|4.0\n");
    CHECK(w.sql("phone").dump("SELECT total, twice FROM item WHERE id = 'd'") == "80|16\n");
    CHECK(w.sql("desktop").dump("SELECT w, area FROM box ORDER BY w") == "4|16\n5|25\n6|36\n");
    w.all_agree({"SELECT id, price, n, total FROM item ORDER BY id", "SELECT w, area FROM box ORDER BY w"});
}

TEST_CASE("what a table is to be tracked by has to be about its columns", "[vault]") {
    world w;
    vault& v = w.first("desktop", "CREATE TABLE other(id TEXT PRIMARY KEY NOT NULL)");
    w.sql("desktop").run(
        std::string(places) +
        "CREATE TABLE item(id TEXT PRIMARY KEY NOT NULL, a INTEGER, b INTEGER, c INTEGER AS (a + b))");
    const auto refused = [&](const sqlite::track_options& how, const std::string& why) {
        const auto done = v.track("item", how);
        REQUIRE_FALSE(done);
        CHECK(done.code() == errc::invalid_argument);
        CHECK_THAT(done.failure().text(), Catch::Matchers::Contains(why));
    };
    refused({.rules = {{"x", merge_rule::max}}}, "no column x");
    refused({.rules = {{"id", merge_rule::max}}}, "part of the key or computed");
    refused({.rules = {{"c", merge_rule::max}}}, "part of the key or computed");
    refused({.groups = {{"a", "x"}}}, "no column x");
    refused({.groups = {{"a", "b"}, {"b", "a"}}}, "named twice");
    refused({.references = {{"x", "place"}}}, "no column x");
    refused({.references = {{"a", "place"}}}, "no tracked table with integer keys");
    refused({.references = {{"a", "other"}}}, "no tracked table with integer keys");
    CHECK(must(v.tracked()) == std::vector<std::string>{"other"});
    must(v.track("item", {.rules = {{"a", merge_rule::min}}}));
    w.sql("desktop").run("INSERT INTO item(id, a) VALUES('i', 1)");
    CHECK(v.track("item", {.rules = {{"a", merge_rule::max}}}).code() == errc::schema_mismatch);
}

TEST_CASE("devices that say different things of a table's numbers wait for each other, and nothing is lost",
          "[vault][number]") {
    world w;
    w.first("desktop", "CREATE TABLE other(id TEXT PRIMARY KEY NOT NULL)");
    w.joins("phone", "desktop");
    w.joins("tablet", "desktop");  // does not have the table
    for (const char* device : {"desktop", "phone"}) w.sql(device).run(places);
    must(w["desktop"].track("place", {.natural_integer_key = true}));
    must(w["phone"].track("place"));
    w.sql("desktop").run("INSERT INTO place VALUES(1, 'by the desktop')");
    w.everyone_syncs();  // the tablet learns what kind of table it is
    w.sql("phone").run("INSERT INTO place VALUES(1, 'by the phone')");
    w.everyone_syncs();
    for (const char* device : {"desktop", "phone", "tablet"}) {
        INFO(device);
        CHECK_THAT(reasons_of(w[device]), Catch::Matchers::Contains("--integer-keys"));
    }
    CHECK(w["phone"].track("place", {.natural_integer_key = true}).code() == errc::schema_mismatch);
    must(w["phone"].track("place"));  // says nothing else than before
    CHECK(w.sql("desktop").dump("SELECT name FROM place") == "by the desktop\n");
    CHECK(w.sql("phone").dump("SELECT name FROM place") == "by the phone\n");
}

TEST_CASE("a device that has no such table takes over what others say of its numbers", "[vault][number]") {
    world w;
    w.first("desktop", "CREATE TABLE other(id TEXT PRIMARY KEY NOT NULL)");
    w.joins("phone", "desktop");
    for (const char* device : {"desktop", "phone"}) w.sql(device).run(places);
    must(w["desktop"].track("place", {.natural_integer_key = true}));
    must(w["desktop"].untrack("place"));
    must(w["phone"].track("place"));  // nothing was written yet
    w.sql("phone").run("INSERT INTO place VALUES(1, 'by the phone')");
    w.everyone_syncs();
    CHECK(reasons_of(w["desktop"]).empty());
    must(w["desktop"].track("place"));
    w.everyone_syncs();
    w.all_agree({"SELECT * FROM place"});
    CHECK(w.sql("desktop").dump("SELECT name FROM place") == "by the phone\n");
}

TEST_CASE("a reference to another table than on the other device waits, and nothing is lost",
          "[vault][number]") {
    world w;
    w.first("desktop", std::string(places) +
                           "CREATE TABLE log(place INTEGER, day TEXT, PRIMARY KEY(place, day)) "
                           "WITHOUT ROWID");
    w.joins("phone", "desktop");
    for (const char* table : {"visit", "log"})
        for (const char* device : {"desktop", "phone"}) must(w[device].untrack(table));
    for (const char* table : {"visit", "log"}) {
        must(w["desktop"].track(table, {.references = {{"place", "place"}}}));
        must(w["phone"].track(table, {.references = {{"place", "spot"}}}));
    }
    CHECK(w["phone"].track("visit", {.references = {{"place", "place"}}}).code() == errc::schema_mismatch);
    w.sql("desktop").run(
        "INSERT INTO place VALUES(1, 'home'); INSERT INTO visit VALUES('d', 1, ''); INSERT INTO log "
        "VALUES(1, 'mon')");
    w.sql("phone").run(
        "INSERT INTO spot VALUES(1, 'work'); INSERT INTO visit VALUES('p', 1, ''); INSERT INTO log VALUES(1, "
        "'tue')");
    w.everyone_syncs();
    for (const char* device : {"desktop", "phone"}) {
        INFO(device);
        CHECK_THAT(reasons_of(w[device]), Catch::Matchers::Contains("--references"));
    }
    CHECK(w.sql("desktop").dump("SELECT id FROM visit") == "d\n");
    CHECK(w.sql("phone").dump("SELECT id FROM visit") == "p\n");
}

TEST_CASE("a reference that is said later holds for the rows that are there", "[vault][number]") {
    world w;
    w.first("desktop",
            std::string(places) +
                "INSERT INTO place VALUES(1, 'home'); INSERT INTO visit VALUES('old', 1, '');"
                "CREATE TABLE log(place INTEGER NOT NULL, day TEXT NOT NULL, PRIMARY KEY(place, day))");
    w.joins("phone", "desktop");
    w.sql("desktop").run(
        "INSERT INTO place VALUES(2, 'by the desktop'); INSERT INTO visit VALUES('d', 2, '')");
    w.sql("phone").run("INSERT INTO visit VALUES('none', NULL, '')");
    w.everyone_syncs();
    for (const char* device : {"desktop", "phone"})
        must(w[device].track("visit", {.references = {{"place", "place"}}}));
    const auto of_key = w["desktop"].track("log", {.references = {{"place", "place"}}});
    CHECK(of_key.code() == errc::not_trackable);
    w.everyone_syncs();
    w.everyone_syncs();
    CHECK(w.sql("phone").dump(where) == "d|by the desktop\nnone|NULL\nold|home\n");
    w.sql("desktop").run("INSERT INTO place VALUES(3, 'theatre'); INSERT INTO visit VALUES('d3', 3, '')");
    w.now += 1000;
    w.sql("phone").run("INSERT INTO place VALUES(3, 'park'); INSERT INTO visit VALUES('p3', 3, '')");
    for (int round = 0; round < 3; ++round) w.everyone_syncs();
    CHECK(w.sql("phone").dump(where) == "d|by the desktop\nd3|theatre\nnone|NULL\nold|home\np3|park\n");
    w.all_agree({where, "SELECT id, name FROM place ORDER BY id"});
}

TEST_CASE("a table that refers to one that is tracked after it follows its numbers from then on",
          "[vault][number]") {
    world w;
    const bool empty = GENERATE(false, true);
    w.first("desktop", "CREATE TABLE other(id TEXT PRIMARY KEY NOT NULL)");
    w.joins("phone", "desktop");
    const std::string schema =
        "CREATE TABLE place(id INTEGER PRIMARY KEY, name TEXT);"
        "CREATE TABLE visit(id TEXT PRIMARY KEY NOT NULL, place INTEGER REFERENCES place(id), twice INTEGER "
        "AS (2 * "
        "place));"
        "CREATE TABLE log(place INTEGER NOT NULL REFERENCES place(id), day TEXT NOT NULL, PRIMARY KEY(place, "
        "day));";
    const std::string rows =
        "INSERT INTO place VALUES(1, 'home'); INSERT INTO visit(id, place) VALUES('old', 1);";
    for (const char* device : {"desktop", "phone"}) {
        w.sql(device).run(schema + (empty ? "" : rows));
        must(w[device].track("visit"));
    }
    w.everyone_syncs();
    for (const char* device : {"desktop", "phone"}) must(w[device].track("place"));
    for (int round = 0; round < 3; ++round) w.everyone_syncs();
    w.sql("desktop").run(
        "INSERT INTO place VALUES(3, 'theatre'); INSERT INTO visit(id, place) VALUES('d3', 3)");
    w.now += 1000;
    w.sql("phone").run("INSERT INTO place VALUES(3, 'park'); INSERT INTO visit(id, place) VALUES('p3', 3)");
    for (int round = 0; round < 3; ++round) w.everyone_syncs();
    CHECK(w.sql("phone").dump(where) ==
          std::string("d3|theatre\n") + (empty ? "" : "old|home\n") + "p3|park\n");
    w.all_agree({where, "SELECT id, name FROM place ORDER BY id"});
}

TEST_CASE("a table cannot be tracked after one whose key refers to it", "[vault][number]") {
    world w;
    vault& v = w.first("desktop", "CREATE TABLE other(id TEXT PRIMARY KEY NOT NULL)");
    w.joins("phone", "desktop");
    w.sql("desktop").run(
        "CREATE TABLE place(id INTEGER PRIMARY KEY, name TEXT);"
        "CREATE TABLE log(place INTEGER NOT NULL REFERENCES place(id), day TEXT NOT NULL, PRIMARY KEY(place, "
        "day));"
        "INSERT INTO place VALUES(1, 'home'); INSERT INTO log VALUES(1, 'mon')");
    must(v.track("log"));
    const auto late = v.track("place");
    CHECK(late.code() == errc::not_trackable);
    CHECK_THAT(late.failure().text(), Catch::Matchers::Contains("Untrack log"));
    must(v.untrack("log"));
    must(v.track("place"));
    must(v.track("log"));
    w.everyone_syncs();
}
