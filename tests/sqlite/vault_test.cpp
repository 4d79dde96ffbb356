// SPDX-License-Identifier: MIT
#include "vault_world.hpp"

using namespace vault_test;

static_assert(change_store<vault>);

namespace {

constexpr const char* txn =
    "CREATE TABLE txn(id TEXT PRIMARY KEY NOT NULL, amount INTEGER, note TEXT DEFAULT 'none')";
constexpr const char* all_txn = "SELECT id, amount, note FROM txn ORDER BY id";

}  // namespace

TEST_CASE("rows that were there join by snapshot, and edits travel both ways", "[vault]") {
    world w;
    w.first("desktop", std::string(txn) + "; INSERT INTO txn VALUES('a', 1, 'x'), ('b', 2, NULL)");
    w.joins("phone", "desktop");
    CHECK(w.sql("phone").dump(all_txn) == "a|1|x\nb|2|NULL\n");
    w.sql("desktop").run(
        "UPDATE txn SET amount = 10 WHERE id = 'a'; INSERT INTO txn(id, amount) VALUES('c', 3)");
    w.now += 1000;
    w.sql("phone").run("UPDATE txn SET note = 'y' WHERE id = 'a'; DELETE FROM txn WHERE id = 'b'");
    w.everyone_syncs();
    CHECK(w.sql("desktop").dump(all_txn) == "a|10|y\nc|3|none\n");
    w.all_agree({all_txn});
    CHECK(must(w["desktop"].conflicts()).empty());
    const auto status = must(w["desktop"].status());
    CHECK(status.in_sync);
    CHECK(status.devices.size() == 2);
    CHECK(status.devices[1].name == "phone");
    w.everyone_syncs();
    CHECK(must(w["phone"].seal()) == 0);
}

TEST_CASE("one field changed on both sides: the later is shown, the other can be restored or given up",
          "[vault]") {
    world w;
    w.first("desktop", std::string(txn) + "; INSERT INTO txn VALUES('a', 1, 'x'), ('b', 1, 'x')");
    w.joins("phone", "desktop");
    w.sql("desktop").run("UPDATE txn SET note = 'desk'");
    must(w["desktop"].seal());
    w.now += 60'000;
    w.sql("phone").run("UPDATE txn SET note = 'phone'");
    w.everyone_syncs();
    CHECK(w.sql("desktop").dump(all_txn) == "a|1|phone\nb|1|phone\n");
    w.all_agree({all_txn});
    auto open = must(w["phone"].conflicts());
    REQUIRE(open.size() == 2);
    CHECK(open[0].loser == value("desk"));
    CHECK(open[0].loser_by.device_name == "desktop");
    CHECK(open[0].winner == value("phone"));
    CHECK(open[0].winner_by.device_name == "phone");
    CHECK(open[0].reason == conflict_reason::older_stamp);
    const auto on_a = open[0].key[0] == value("a") ? open[0] : open[1],
               on_b = open[0].key[0] == value("a") ? open[1] : open[0];
    must(w["phone"].restore(on_a.id));
    must(w["phone"].keep(on_b.id.substr(0, 8)));
    w.everyone_syncs();
    CHECK(w.sql("desktop").dump(all_txn) == "a|1|desk\nb|1|phone\n");
    CHECK(must(w["desktop"].conflicts()).empty());
    w.all_agree({all_txn});
    CHECK(must(w["desktop"].conflicts(false)).size() == 2);
    const auto story = must(w["desktop"].why("txn", std::vector<std::string>{"a"}));
    CHECK(story.visible);
    REQUIRE(story.cells.size() == 2);
    CHECK(story.cells[1].by.device_name == "phone");
    CHECK(story.cells[1].lost.size() == 1);
}

TEST_CASE("what is decided about one conflict of a row leaves the others open", "[vault]") {
    world w;
    w.first("desktop", std::string(txn) + "; INSERT INTO txn VALUES('a', 1, 'x')");
    w.joins("phone", "desktop");
    w.joins("tablet", "desktop");
    w.everyone_syncs();
    w.sql("desktop").run("UPDATE txn SET amount = 2");
    must(w["desktop"].seal());
    w.now += 1000;
    w.sql("tablet").run("DELETE FROM txn");
    must(w["tablet"].seal());
    w.now += 1000;
    w.sql("phone").run("UPDATE txn SET amount = 3");
    w.everyone_syncs();
    const auto open = must(w["desktop"].conflicts());
    REQUIRE(open.size() == 2);
    const auto& deletion = open[0].column ? open[1] : open[0];
    REQUIRE(!deletion.column);
    must(w["desktop"].keep(deletion.id));
    w.everyone_syncs();
    for (const char* name : {"desktop", "phone", "tablet"}) {
        INFO(name);
        const auto left = must(w[name].conflicts());
        REQUIRE(left.size() == 1);
        CHECK(left[0].loser == value(2));
    }
    w.all_agree({all_txn});
}

TEST_CASE("who decides that a row stays deleted has decided all that it lost", "[vault]") {
    world w;
    w.first("desktop", std::string(txn) + "; INSERT INTO txn VALUES('a', 1, 'x'), ('b', 1, 'x')");
    w.joins("phone", "desktop");
    w.sql("phone").run("UPDATE txn SET amount = 2, note = 'y'");
    must(w["phone"].seal());
    w.now += 1000;
    w.sql("desktop").run("DELETE FROM txn");
    w.everyone_syncs();
    const auto open = must(w["desktop"].conflicts());
    REQUIRE(open.size() == 4);
    must(w["desktop"].keep(open[0].id));
    w.everyone_syncs();
    for (const char* name : {"desktop", "phone"}) {
        INFO(name);
        const auto left = must(w[name].conflicts());
        REQUIRE(left.size() == 2);
        for (const auto& c : left) CHECK(c.key != open[0].key);
    }
    w.all_agree({all_txn});
}

TEST_CASE("a conflict in a column that a file has not is not decided there", "[vault]") {
    world w;
    w.first("desktop", std::string(txn) + "; INSERT INTO txn VALUES('a', 1, 'x')");
    w.joins("phone", "desktop");
    w.joins("tablet", "desktop");
    w.everyone_syncs();
    for (const char* name : {"desktop", "phone"}) w.sql(name).run("ALTER TABLE txn ADD COLUMN place TEXT");
    w.sql("desktop").run("UPDATE txn SET amount = 2, place = 'here'");
    must(w["desktop"].seal());
    w.now += 1000;
    w.sql("phone").run("UPDATE txn SET amount = 3, place = 'there'");
    w.everyone_syncs();
    const auto open = must(w["tablet"].conflicts());
    REQUIRE(open.size() == 2);
    const auto& place = open[0].column == "place" ? open[0] : open[1];
    REQUIRE(place.column == "place");
    CHECK(w["tablet"].keep(place.id).code() == errc::schema_mismatch);
    CHECK(w["tablet"].restore(place.id).code() == errc::schema_mismatch);
    w.everyone_syncs();
    for (const char* name : {"desktop", "phone", "tablet"}) CHECK(must(w[name].conflicts()).size() == 2);
    must(w["phone"].keep(place.id));
    w.everyone_syncs();
    for (const char* name : {"desktop", "phone", "tablet"}) CHECK(must(w[name].conflicts()).size() == 1);
}

TEST_CASE("an edit against a delete, either way round, and restored", "[vault]") {
    world w;
    w.first("desktop", std::string(txn) + "; INSERT INTO txn VALUES('a', 1, 'x'), ('b', 2, 'y')");
    w.joins("phone", "desktop");
    w.sql("desktop").run("DELETE FROM txn WHERE id = 'a'; UPDATE txn SET amount = 20 WHERE id = 'b'");
    must(w["desktop"].seal());
    w.now += 60'000;
    w.sql("phone").run("UPDATE txn SET amount = 10 WHERE id = 'a'; DELETE FROM txn WHERE id = 'b'");
    w.everyone_syncs();
    CHECK(w.sql("desktop").dump(all_txn) == "a|10|x\n");
    w.all_agree({all_txn});
    std::map<conflict_reason, sqlite::conflict_info> open;
    for (const auto& c : must(w["desktop"].conflicts())) open[c.reason] = c;
    REQUIRE(open.size() == 2);
    CHECK(open.at(conflict_reason::hidden_by_delete).loser == value(20));
    must(w["desktop"].restore(open.at(conflict_reason::hidden_by_delete).id));
    must(w["desktop"].restore(open.at(conflict_reason::delete_undone).id));
    w.everyone_syncs();
    CHECK(w.sql("phone").dump(all_txn) == "b|20|y\n");
    w.all_agree({all_txn});
    CHECK(must(w["phone"].conflicts()).empty());
}

TEST_CASE("a populated table tracked later is brought along, and meets its like", "[vault]") {
    world w;
    w.first("desktop", txn);
    w.joins("phone", "desktop");
    for (const char* name : {"desktop", "phone"})
        w.sql(name).run(
            "CREATE TABLE tag(name TEXT PRIMARY KEY NOT NULL, color TEXT); INSERT INTO tag VALUES('food', "
            "'red'), ('" +
            std::string(name) + "', 'blue')");
    must(w["desktop"].track("tag"));
    w.everyone_syncs();
    CHECK(w.sql("phone").dump("SELECT count(*) FROM tag") == "2\n");
    must(w["phone"].track("tag"));
    w.everyone_syncs();
    CHECK(w.sql("phone").dump("SELECT * FROM tag ORDER BY 1") == "desktop|blue\nfood|red\nphone|blue\n");
    w.all_agree({"SELECT * FROM tag ORDER BY 1"});
    CHECK(must(w["phone"].conflicts()).empty());
}

TEST_CASE("a table larger than a changeset can be is brought along", "[vault]") {
    const std::string table = "CREATE TABLE photo(id INT NOT NULL PRIMARY KEY, b BLOB)";
    world w;
    vault& desktop = w.first("desktop", txn);
    w.joins("phone", "desktop");
    w.sql("phone").run(table);
    REQUIRE(w["phone"].track("photo").ok());
    w.sql("desktop").run(table +
                         "; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 66) "
                         "INSERT INTO photo SELECT i, randomblob(1048576) FROM n");
    REQUIRE(desktop.track("photo").ok());
    w.everyone_syncs();
    CHECK(w.sql("phone").dump("SELECT count(*) FROM photo") == "66\n");
    w.all_agree({"SELECT id, length(b), hex(substr(b, 1, 8)) FROM photo ORDER BY id"});
}

TEST_CASE("where the number of an INTEGER PRIMARY KEY is natural, rows of one number are one row",
          "[vault]") {
    const std::string year = "CREATE TABLE year(n INTEGER PRIMARY KEY, motto TEXT, goal INTEGER)";
    world w;
    vault& desktop = w.first("desktop", txn);
    w.sql("desktop").run(year);
    sqlite::track_options natural;
    natural.natural_integer_key = true;
    REQUIRE(desktop.track("year", natural).ok());
    w.joins("phone", "desktop");
    w.sql("desktop").run("INSERT INTO year VALUES(2026, 'less', 10)");
    must(desktop.seal());
    w.now += 1000;
    w.sql("phone").run("INSERT INTO year VALUES(2026, 'more', 10)");
    w.everyone_syncs();
    CHECK(w.sql("desktop").dump("SELECT * FROM year") == "2026|more|10\n");
    w.all_agree({"SELECT * FROM year"});
    const auto open = must(desktop.conflicts());
    REQUIRE(open.size() == 1);
    CHECK(open[0].loser == value("less"));
}

TEST_CASE("what an app inserts into a table that it rebuilt by itself is found when that is noticed",
          "[vault]") {
    const std::string schema =
        "CREATE TABLE note(id TEXT PRIMARY KEY NOT NULL, body TEXT); INSERT INTO note VALUES('a', 'x'), "
        "('b', "
        "'y');"
        "CREATE TABLE item(id INTEGER PRIMARY KEY, what TEXT); INSERT INTO item VALUES(1, 'one');";
    const std::vector<std::string> all{"SELECT * FROM note ORDER BY 1", "SELECT * FROM item ORDER BY 1"};
    world w;
    w.first("desktop", schema);
    w.joins("phone", "desktop");
    app& phone = w.sql("phone");
    phone.run("DELETE FROM note WHERE id = 'a'");
    w.everyone_syncs();
    for (const char* table :
         {"note(id TEXT PRIMARY KEY NOT NULL, body TEXT)", "item(id INTEGER PRIMARY KEY, what TEXT)"}) {
        const std::string name(table, 4);
        phone.run("CREATE TABLE next_" + std::string(table) + "; INSERT INTO next_" + name +
                  " SELECT * FROM " + name + "; DROP TABLE " + name + "; ALTER TABLE next_" + name +
                  " RENAME TO " + name);
    }
    phone.run("INSERT INTO note VALUES('c', 'new'), ('a', 'again'); INSERT INTO item VALUES(2, 'two')");
    w.everyone_syncs();
    CHECK(w.sql("desktop").dump(all[0]) == "a|again\nb|y\nc|new\n");
    CHECK(w.sql("desktop").dump(all[1]) == "1|one\n2|two\n");
    w.all_agree(all);
    CHECK(must(w["phone"].seal()) == 0);
    // Written with triggers off: nothing tells, but verify does.
    sqlite3_db_config(phone.handle(), SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
    phone.run("INSERT INTO note VALUES('d', 'unseen')");
    sqlite3_db_config(phone.handle(), SQLITE_DBCONFIG_ENABLE_TRIGGER, 1, nullptr);
    const auto report = must(w["phone"].verify());
    REQUIRE(report.differences.size() == 1);
    CHECK_THAT(report.differences[0],
               Catch::Matchers::Contains("note: a row is there that the vault does not"));
    phone.run("UPDATE note SET body = 'seen' WHERE id = 'd'");
    w.everyone_syncs();
    CHECK(w.sql("desktop").dump("SELECT body FROM note WHERE id = 'd'") == "seen\n");
    w.all_agree(all);
}

TEST_CASE("max and field groups", "[vault]") {
    world v;
    v.apps["desktop"] = std::make_unique<app>(v.dir.file("desktop"));
    v.sql("desktop").run(
        "CREATE TABLE acc(id TEXT PRIMARY KEY NOT NULL, seen INTEGER, amount INTEGER, cur TEXT); INSERT INTO "
        "acc VALUES('a', 5, 1, 'EUR')");
    v.devices.emplace("desktop", must(vault::create(v.dir.file("desktop"), who("desktop", 1), v.options())));
    sqlite::track_options how;
    how.rules["seen"] = merge_rule::max;
    how.groups = {{"amount", "cur"}};
    must(v["desktop"].track("acc", how));
    v.joins("phone", "desktop");
    v.sql("desktop").run("UPDATE acc SET seen = 9, amount = 7");
    must(v["desktop"].seal());
    v.now += 1000;
    v.sql("phone").run("UPDATE acc SET seen = 6, cur = 'USD'");
    v.everyone_syncs();
    CHECK(v.sql("phone").dump("SELECT * FROM acc") == "a|9|1|USD\n");  // the group of the later write, whole
    v.all_agree({"SELECT * FROM acc"});
    v.sql("phone").run("UPDATE acc SET seen = 3");
    must(v["phone"].seal());
    CHECK(v.sql("phone").dump("SELECT seen FROM acc") == "9\n");
    CHECK(v["desktop"].track("acc", {.rules = {{"seen", merge_rule::min}}}).code() == errc::schema_mismatch);
}

TEST_CASE("a rule can be declared until something is written to the column", "[vault][schema]") {
    const sqlite::track_options how{.rules = {{"seen", merge_rule::max}}};
    const std::string add = "ALTER TABLE acc ADD COLUMN seen INTEGER",
                      rows = "SELECT id, name, seen FROM acc";
    world w;
    w.first("desktop",
            "CREATE TABLE acc(id TEXT PRIMARY KEY NOT NULL, name TEXT); INSERT INTO acc VALUES('a', 'x')");
    w.joins("phone", "desktop");
    w.sql("desktop").run(add);
    const bool both = GENERATE(false, true);
    if (both) w.sql("phone").run(add + "; UPDATE acc SET name = 'y'");
    w.everyone_syncs();  // the column is taken in
    must(w["desktop"].track("acc", how));
    w.sql("desktop").run("UPDATE acc SET seen = 9");
    w.everyone_syncs();
    const auto waiting = must(w["phone"].status()).waiting;
    CHECK(waiting.size() == (both ? 1 : 0));
    if (both) {
        CHECK(waiting[0].device_name == "desktop");
        CHECK(waiting[0].changesets == 1);
        CHECK_THAT(waiting[0].reason, Catch::Matchers::Contains("--rule seen=max"));
    } else {
        w.sql("phone").run(add);
    }
    must(w["phone"].track("acc", how));
    w.now += 1000;
    w.sql("phone").run("UPDATE acc SET seen = 6");
    w.everyone_syncs();
    w.everyone_syncs();
    w.all_agree({rows});
    CHECK(w.sql("phone").dump(rows) == (both ? "a|y|9\n" : "a|x|9\n"));
    CHECK(must(w["phone"].status()).waiting.empty());
    CHECK(w["phone"].track("acc", {.rules = {{"seen", merge_rule::min}}}).code() == errc::schema_mismatch);
}

TEST_CASE("two devices declared different rules: one goes on, the other is told, and begins anew",
          "[vault][schema]") {
    const std::string table = "CREATE TABLE acc(id TEXT PRIMARY KEY NOT NULL, seen INTEGER)",
                      rows = "SELECT id, seen FROM acc ORDER BY id";
    world w;
    w.first("desktop", "CREATE TABLE other(id TEXT PRIMARY KEY NOT NULL)");
    w.joins("phone", "desktop");
    for (const char* device : {"desktop", "phone"}) w.sql(device).run(table);
    must(w["desktop"].track("acc", {.rules = {{"seen", merge_rule::max}}}));
    must(w["phone"].track("acc"));
    w.sql("desktop").run("INSERT INTO acc VALUES('1', 5)");
    must(w["desktop"].seal());
    w.now += 1000;
    w.sql("phone").run("INSERT INTO acc VALUES('1', 3), ('2', 8)");
    w.everyone_syncs();
    w.sql("phone").run("UPDATE acc SET seen = 4; INSERT INTO other VALUES('x')");
    w.everyone_syncs();
    CHECK(w.sql("desktop").dump(rows) == "1|5\n2|8\n");
    CHECK(w.sql("desktop").dump("SELECT * FROM other") == "x\n");
    CHECK(must(w["desktop"].status()).in_sync);
    CHECK(must(w["desktop"].verify()).differences.empty());
    CHECK_FALSE(must(w["phone"].status()).in_sync);
    const auto waiting = must(w["phone"].status()).waiting;
    REQUIRE(waiting.size() == 1);
    CHECK_THAT(waiting[0].reason,
               Catch::Matchers::Contains("column seen merges by the rule lww here, and by max"));
    CHECK_THAT(waiting[0].reason, Catch::Matchers::Contains("let this device begin anew"));
    CHECK(w["phone"].track("acc", {.rules = {{"seen", merge_rule::max}}}).code() == errc::schema_mismatch);
    const auto lww = w["desktop"].merge_snapshot(w.snapshot_of("phone"), {});  // registers are of one rule
    CHECK(lww.code() == errc::schema_mismatch);

    w.devices.erase("phone");
    must(vault::leave(w.dir.file("phone"), w.options("phone")));
    w.sql("phone").run("INSERT INTO acc VALUES('3', 7)");
    const auto snapshot = w.snapshot_of("desktop");
    cursor at;
    at.pos = w.log.size();
    w.devices.emplace(
        "phone", must(vault::join(w.dir.file("phone"), who("phone", 9), snapshot, at, w.options("phone"))));
    w.everyone_syncs();
    w.everyone_syncs();
    w.all_agree({rows, "SELECT * FROM other"});
    CHECK(w.sql("desktop").dump(rows) == "1|5\n2|8\n3|7\n");
    CHECK(must(w["phone"].status()).waiting.empty());
    CHECK(must(w["desktop"].conflicts()).empty());
}

TEST_CASE("a column is in one group", "[vault]") {
    world w;
    w.apps["desktop"] = std::make_unique<app>(w.dir.file("desktop"));
    w.sql("desktop").run("CREATE TABLE acc(id TEXT PRIMARY KEY NOT NULL, a INTEGER, b INTEGER, c INTEGER)");
    w.devices.emplace("desktop", must(vault::create(w.dir.file("desktop"), who("desktop", 1), w.options())));
    std::vector<std::vector<std::string>> groups{{"a", "b"}, {"b", "c"}};
    if (GENERATE(false, true)) groups = {{"a", "b", "a"}};
    const auto refused = [&] {
        const auto no = w["desktop"].track("acc", {.groups = groups});
        REQUIRE_FALSE(no.ok());
        CHECK(no.code() == errc::invalid_argument);
        CHECK_THAT(no.failure().text(), Catch::Matchers::Contains("make them one group"));
    };
    refused();
    CHECK(must(w["desktop"].tracked()).empty());
    must(w["desktop"].track("acc", {.groups = {{"a", "b"}}}));
    refused();  // not when it is tracked, either
    must(w["desktop"].track("acc", {.groups = {{"a", "b", "c"}}}));
}

TEST_CASE("a column that is renamed merges as before, and stays in its group", "[vault][schema]") {
    world w;
    w.apps["desktop"] = std::make_unique<app>(w.dir.file("desktop"));
    w.sql("desktop").run(
        "CREATE TABLE acc(id TEXT PRIMARY KEY NOT NULL, seen INTEGER, amount INTEGER, cur TEXT); INSERT INTO "
        "acc VALUES('a', 5, 1, 'EUR')");
    w.devices.emplace("desktop", must(vault::create(w.dir.file("desktop"), who("desktop", 1), w.options())));
    must(w["desktop"].track("acc", {.rules = {{"seen", merge_rule::max}}, .groups = {{"amount", "cur"}}}));
    w.joins("phone", "desktop");
    const std::string both = "SELECT id, checked, amount, currency FROM acc";
    const auto rename = [&](const std::string& device) {
        must(w[device].migrate([](const auto& run) {
            return run(
                "ALTER TABLE acc RENAME COLUMN seen TO at_some_time;"
                "ALTER TABLE acc RENAME COLUMN at_some_time TO checked;"
                "ALTER TABLE acc RENAME COLUMN cur TO currency");
        }));
    };
    rename("desktop");
    if (GENERATE(false, true)) {  // the other app is older for a while
        w.sql("desktop").run("UPDATE acc SET checked = 7");
        w.everyone_syncs();
    }
    rename("phone");
    w.everyone_syncs();
    w.joins("tablet", "desktop");  // takes rules and groups from the snapshot
    w.sql("desktop").run("UPDATE acc SET checked = 9, amount = 7");
    must(w["desktop"].seal());
    w.now += 1000;
    const std::string later = GENERATE(std::string("phone"), "tablet");
    w.sql(later).run("UPDATE acc SET checked = 6, currency = 'USD'");
    w.everyone_syncs();
    w.everyone_syncs();
    w.all_agree({both});
    CHECK(w.sql("phone").dump(both) == "a|9|1|USD\n");  // the group of the later write, whole
    for (const auto& d : must(w["desktop"].status()).schema) CHECK(d.column != "at_some_time");
}

TEST_CASE("a device joins a vault that has dropped a column of a group", "[vault][schema]") {
    world w;
    w.apps["desktop"] = std::make_unique<app>(w.dir.file("desktop"));
    w.sql("desktop").run(
        "CREATE TABLE acc(id TEXT PRIMARY KEY NOT NULL, amount INTEGER, cur TEXT, rate INTEGER);"
        "INSERT INTO acc VALUES('a', 1, 'EUR', 2)");
    w.devices.emplace("desktop", must(vault::create(w.dir.file("desktop"), who("desktop", 1), w.options())));
    must(w["desktop"].track("acc", {.groups = {{"amount", "cur", "rate"}}}));
    must(w["desktop"].migrate([](const auto& run) { return run("ALTER TABLE acc DROP COLUMN rate"); }));
    w.joins("phone", "desktop");
    w.sql("desktop").run("UPDATE acc SET amount = 7");
    must(w["desktop"].seal());
    w.now += 1000;
    w.sql("phone").run("UPDATE acc SET cur = 'USD'");
    w.everyone_syncs();
    w.all_agree({"SELECT * FROM acc"});
    CHECK(w.sql("desktop").dump("SELECT * FROM acc") == "a|1|USD\n");
}

TEST_CASE("a row that stays is not said by a column whose group is in conflict", "[vault]") {
    const auto note = GENERATE(as<std::string>(), "", ", note TEXT");
    CAPTURE(note);
    world w;
    w.apps["desktop"] = std::make_unique<app>(w.dir.file("desktop"));
    w.sql("desktop").run("CREATE TABLE acc(id TEXT PRIMARY KEY NOT NULL, amount INTEGER, cur TEXT" + note +
                         "); INSERT INTO acc(id, amount, cur) VALUES('a', 1, 'EUR')");
    w.devices.emplace("desktop", must(vault::create(w.dir.file("desktop"), who("desktop", 1), w.options())));
    sqlite::track_options how;
    how.groups = {{"amount", "cur"}};
    must(w["desktop"].track("acc", how));
    for (const char* name : {"phone", "tablet"}) w.joins(name, "desktop");
    w.everyone_syncs();
    w.sql("desktop").run("UPDATE acc SET cur = 'USD'");
    must(w["desktop"].seal());
    w.now += 1000;
    w.sql("tablet").run("DELETE FROM acc");
    must(w["tablet"].seal());
    w.now += 1000;
    w.sql("phone").run("UPDATE acc SET cur = 'CHF'");
    w.everyone_syncs();
    const auto open = must(w["desktop"].conflicts());
    REQUIRE(open.size() == 2);
    const auto& deletion = open[0].column ? open[1] : open[0];
    REQUIRE(!deletion.column);
    must(w["desktop"].keep(deletion.id));
    w.everyone_syncs();
    const std::size_t left = note.empty() ? 0 : 1;  // without a column of its own, the row is said whole
    for (const char* name : {"desktop", "phone", "tablet"}) CHECK(must(w[name].conflicts()).size() == left);
    w.all_agree({"SELECT * FROM acc"});
}

TEST_CASE("three devices at random converge, whatever is delivered when", "[vault]") {
    const char* schema =
        "CREATE TABLE cat(id TEXT PRIMARY KEY NOT NULL, name TEXT UNIQUE);"
        "CREATE TABLE txn(id TEXT PRIMARY KEY NOT NULL, cat TEXT REFERENCES cat(id), amount INTEGER, note "
        "TEXT) WITHOUT ROWID;"
        "CREATE TABLE link(a TEXT NOT NULL, b INTEGER NOT NULL, PRIMARY KEY(a, b));"
        "INSERT INTO cat VALUES('c0', 'food'), ('c1', 'rent'); INSERT INTO txn VALUES('t0', 'c0', 1, 'a'), "
        "('t1', NULL, 2, 'b')";
    const std::vector<std::string> queries{"SELECT * FROM cat ORDER BY 1", "SELECT * FROM txn ORDER BY 1",
                                           "SELECT * FROM link ORDER BY 1, 2"};
    for (unsigned seed = 0; seed < 30; ++seed) {
        std::mt19937 rng(seed);
        const auto pick = [&rng](unsigned n) { return std::to_string(rng() % n); };
        world w;
        w.first("a", schema);
        w.joins("b", "a");
        w.joins("c", "b");
        for (auto& [name, db] : w.apps) db->run("PRAGMA foreign_keys = ON");
        const std::vector<std::string> names{"a", "b", "c"};
        for (int step = 0; step < 60; ++step) {
            const std::string& name = names[rng() % 3];
            app& db = w.sql(name);
            w.now += static_cast<unix_ms>(rng() % 3);
            switch (rng() % 12) {
                case 0:
                    db.attempt("INSERT OR IGNORE INTO cat VALUES('c" + pick(5) + "', 'n" + pick(4) + "')");
                    break;
                case 1:
                    db.attempt("UPDATE OR IGNORE cat SET name = 'n" + pick(4) + "' WHERE id = 'c" + pick(5) +
                               "'");
                    break;
                case 2:
                    db.attempt("DELETE FROM cat WHERE id = 'c" + pick(5) + "'");
                    break;
                case 3:
                    db.attempt("INSERT OR REPLACE INTO txn VALUES('t" + pick(4) +
                               "', (SELECT min(id) FROM cat WHERE id >= 'c" + pick(5) + "'), " + pick(9) +
                               ", 'n" + pick(9) + "')");
                    break;
                case 4:
                    db.attempt("UPDATE txn SET amount = " + pick(9) + " WHERE id = 't" + pick(4) + "'");
                    break;
                case 5:
                    db.attempt("UPDATE txn SET note = 'n" + pick(9) + "'");
                    break;
                case 6:
                    db.attempt("DELETE FROM txn WHERE id = 't" + pick(4) + "'");
                    break;
                case 7:
                    db.attempt("INSERT OR REPLACE INTO link VALUES('l" + pick(2) + "', " + pick(3) + ")");
                    break;
                case 8:
                    db.attempt("DELETE FROM link WHERE b = " + pick(3));
                    break;
                case 9:
                    db.attempt("INSERT OR REPLACE INTO cat VALUES('c" + pick(5) + "', 'n" + pick(4) + "')");
                    break;
                case 10:
                    w.push(name);
                    break;
                default:
                    w.pull(name);
                    break;
            }
            if (rng() % 4 == 0) must(w[name].seal());
        }
        INFO("seed " << seed);
        for (int round = 0; round < 2; ++round) w.everyone_syncs();
        w.all_agree(queries);
    }
}

TEST_CASE("what is not a vault says so, and a vault is not made twice", "[vault]") {
    scratch dir;
    {
        app plain(dir.file("plain"));
        plain.run("CREATE TABLE t(a)");
    }
    CHECK(vault::open(dir.file("plain")).code() == errc::not_a_vault);
    FILE* f = std::fopen(dir.file("text").c_str(), "w");
    std::fputs(
        "this is not a database, it is a text that is longer than a header of one hundred bytes, as it "
        "should be for this",
        f);
    std::fclose(f);
    CHECK(vault::open(dir.file("text")).code() == errc::not_a_database);
    must(vault::create(dir.file("plain"), who("one", 1)));
    CHECK(vault::create(dir.file("plain"), who("two", 2)).code() == errc::already_exists);
    auto v = must(vault::open(dir.file("plain")));
    CHECK(v.track("t").code() == errc::not_trackable);
    CHECK(v.track("nothing").code() == errc::not_found);
    CHECK(must(v.check(std::vector<std::string>{"t"})).size() == 1);
}

TEST_CASE("the engine works on the app's own connection", "[vault]") {
    world w;
    w.first("desktop", std::string(txn) + "; INSERT INTO txn VALUES('a', 1, 'x')");
    w.joins("phone", "desktop");
    auto options = w.options();
    options.run_on_app = [&w](const std::function<result<void>(sqlite3*)>& work) {
        return work(w.sql("phone").handle());
    };
    w.devices.erase("phone");
    w.devices.emplace("phone", must(vault::open(w.dir.file("phone"), options)));
    w.sql("phone").run(
        "PRAGMA foreign_keys = ON; UPDATE txn SET note = 'p'; INSERT INTO txn VALUES('b', 2, 'y')");
    w.sql("desktop").run("UPDATE txn SET amount = 7");
    w.push("desktop");
    w.pull("phone");  // seals and merges in one transaction: what the merge writes is not captured
    CHECK(w.sql("phone").dump("SELECT count(*) FROM casasync_log") == "0\n");
    w.everyone_syncs();
    CHECK(w.sql("phone").dump(all_txn) == "a|7|p\nb|2|y\n");
    w.all_agree({all_txn});
    CHECK(must(w["phone"].seal()) == 0);

    // The app closes its connection, and works on with another.
    w.apps.at("phone") = nullptr;
    w.apps.at("phone") = std::make_unique<app>(w.dir.file("phone"));
    w.sql("phone").run("UPDATE txn SET note = 'again'");
    CHECK(must(w["phone"].seal()) > 0);
    w.everyone_syncs();
    w.all_agree({all_txn});
}

TEST_CASE("what a table is tracked or changed beside tries a parked row again, and captures nothing of that",
          "[vault]") {
    const bool lent = GENERATE(false, true), migrates = GENERATE(false, true);
    world w;
    w.first("desktop",
            "CREATE TABLE account(id TEXT PRIMARY KEY NOT NULL, name TEXT);"
            "CREATE TABLE child(id TEXT PRIMARY KEY NOT NULL, account TEXT REFERENCES account(id));"
            "INSERT INTO account VALUES('a', 'Cash'), ('b', 'Bank')");
    if (lent) w.lent.insert("phone");
    w.joins("phone", "desktop");
    w.sql("desktop").run("DELETE FROM account WHERE id = 'a'");
    w.sql("phone").run("INSERT INTO child VALUES('c', 'a')");
    w.everyone_syncs();
    for (const char* name : {"desktop", "phone"}) REQUIRE(must(w[name].integrity()).size() == 1);

    w.sql("phone").run("UPDATE account SET name = 'Giro'; CREATE TABLE other(id TEXT PRIMARY KEY NOT NULL)");
    if (migrates)
        must(w["phone"].migrate([](const sqlite::sql_runner& run) {
            return run("ALTER TABLE account ADD COLUMN place TEXT; UPDATE account SET place = 'here'");
        }));
    else
        must(w["phone"].track("other"));
    w.everyone_syncs();
    for (const char* name : {"desktop", "phone"}) CHECK(must(w[name].integrity()).size() == 1);
    w.sql("desktop").run("INSERT INTO account VALUES('a', 'Cash')");
    w.everyone_syncs();
    for (const char* name : {"desktop", "phone"}) {
        CHECK(must(w[name].integrity()).empty());
        CHECK(w.sql(name).dump("SELECT * FROM child") == "c|a\n");
    }
    w.all_agree({});
}

TEST_CASE("databases in memory are vaults on the app's own connection", "[vault]") {
    world w;
    for (const std::string name : {"desktop", "phone"}) {
        w.lent.insert(name);
        w.apps[name] = std::make_unique<app>(":memory:");
    }
    w.sql("desktop").run(std::string(txn) + "; INSERT INTO txn VALUES('a', 1, 'x')");
    w.devices.emplace("desktop", must(vault::create(":memory:", who("desktop", 1), w.options("desktop"))));
    must(w["desktop"].track("txn"));
    cursor at;
    at.pos = w.log.size();
    const auto source = w.snapshot_of("desktop");
    w.devices.emplace("phone",
                      must(vault::join(":memory:", who("phone", 2), source, at, w.options("phone"))));
    w.pull("phone");
    w.sql("desktop").run("UPDATE txn SET amount = 2; INSERT INTO txn VALUES('b', 3, 'of the desktop')");
    w.sql("phone").run("UPDATE txn SET note = 'p'; INSERT INTO txn VALUES('c', 4, 'of the phone')");
    w.everyone_syncs();
    w.everyone_syncs();
    CHECK(w.sql("phone").dump(all_txn) == "a|2|p\nb|3|of the desktop\nc|4|of the phone\n");
    w.all_agree({all_txn});
    w.devices.clear();
    w.devices.emplace("phone", must(vault::open(":memory:", w.options("phone"))));
    CHECK(must(w["phone"].verify()).differences.empty());
}

TEST_CASE("an app that attaches the vault to another database is captured like any other", "[vault]") {
    world w;
    w.first("desktop", std::string(txn) + "; INSERT INTO txn VALUES('a', 1, 'x')");
    w.joins("phone", "desktop");
    app other(w.dir.file("other"));
    other.run("CREATE TABLE txn(id TEXT PRIMARY KEY NOT NULL, amount, note); ATTACH '" +
              w.dir.file("desktop") +
              "' AS home; INSERT INTO txn VALUES('o', 0, 'not ours'); INSERT INTO home.txn SELECT 'b', 2, "
              "note FROM txn; UPDATE home.txn SET amount = 9 WHERE id = 'a'");
    w.everyone_syncs();
    CHECK(w.sql("phone").dump(all_txn) == "a|9|x\nb|2|not ours\n");
    w.sql("phone").run("DELETE FROM txn WHERE id = 'a'");
    w.everyone_syncs();
    CHECK(other.dump("SELECT id FROM home.txn") == "b\n");
    CHECK(other.dump("SELECT id FROM main.txn") == "o\n");
    other.run("DETACH home");
    w.all_agree({all_txn});
}

TEST_CASE("a full disk leaves everything as it was, and the next try goes on", "[vault]") {
    world w;
    w.first("desktop", std::string(txn) + "; INSERT INTO txn VALUES('a', 1, 'x')");
    w.joins("phone", "desktop");
    w.sql("desktop").run(
        "INSERT INTO txn SELECT 'n' || value, value, hex(randomblob(200)) FROM (WITH RECURSIVE c(value) AS "
        "(SELECT 1 UNION ALL SELECT value + 1 FROM c WHERE value < 500) SELECT value FROM c)");
    w.push("desktop");
    auto options = w.options();
    options.run_on_app = [&w](const std::function<result<void>(sqlite3*)>& work) {
        return work(w.sql("phone").handle());
    };
    w.devices.erase("phone");
    w.devices.emplace("phone", must(vault::open(w.dir.file("phone"), options)));
    vault& phone = w["phone"];
    const std::string before = must(phone.digest());
    const std::int64_t pages = std::stoll(w.sql("phone").dump("PRAGMA page_count"));
    std::vector<inbound_part> parts(w.log.begin() + static_cast<std::ptrdiff_t>(must(phone.position()).pos),
                                    w.log.end());
    cursor at;
    at.pos = w.log.size();
    bool arrived = false;
    for (std::int64_t room = 0; !arrived; room += 8) {  // a little more space each time
        w.sql("phone").run("PRAGMA max_page_count = " + std::to_string(pages + room));
        const auto accepted = phone.accept(parts, at);
        const auto merged = accepted ? phone.merge_inbox(w.now) : result<merge_report>{accepted.failure()};
        arrived = merged.ok() && w.sql("phone").dump("SELECT count(*) FROM txn") == "501\n";
        if (arrived) break;
        REQUIRE_FALSE(merged.ok());
        CHECK(merged.code() == errc::store_full);
        CHECK(must(phone.digest()) == before);
        CHECK(w.sql("phone").dump(all_txn) == "a|1|x\n");
        CHECK(w.sql("phone").dump("PRAGMA integrity_check") == "ok\n");
    }
    w.sql("phone").run("PRAGMA max_page_count = 1073741823");
    w.everyone_syncs();
    w.all_agree({all_txn});
}

TEST_CASE("two vaults on one file know what the other one merged", "[vault]") {
    world w;
    w.first("desktop", std::string(txn) + "; INSERT INTO txn VALUES('a', 1, 'x'), ('b', 2, 'y')");
    w.joins("phone", "desktop");
    w.joins("tablet", "desktop");
    vault other = must(vault::open(w.dir.file("desktop"), w.options()));
    w.sql("phone").run("UPDATE txn SET amount = 5 WHERE id = 'a'");
    w.push("phone");
    w.pull("desktop");
    std::swap(w["desktop"], other);  // this one has not heard of the phone's writes
    w.sql("desktop").run("UPDATE txn SET amount = 6 WHERE id = 'a'");
    CHECK(must(w["desktop"].seal()) == 1);
    w.sql("tablet").run("UPDATE txn SET note = 't' WHERE id = 'b'");
    w.push("tablet");
    w.pull("desktop");
    std::swap(w["desktop"], other);
    w.sql("desktop").run("DELETE FROM txn WHERE id = 'b'");
    CHECK(must(w["desktop"].seal()) == 1);
    CHECK(must(w["desktop"].merged()) == must(other.merged()));
    w.everyone_syncs();
    CHECK(w.sql("phone").dump(all_txn) == "a|6|x\n");
    CHECK(must(w["phone"].conflicts()).empty());  // each of them had seen what it wrote over
    w.all_agree({all_txn});
}

TEST_CASE("a seal that fails leaves in memory what it was", "[vault]") {
    world w;
    w.lent.insert("desktop");
    vault& desktop = w.first("desktop", txn);
    w.sql("desktop").run(
        "INSERT INTO txn SELECT 'n' || value, value, hex(randomblob(200)) FROM (WITH RECURSIVE c(value) AS "
        "(SELECT 1 UNION ALL SELECT value + 1 FROM c WHERE value < 300) SELECT value FROM c)");
    const causal_context merged = must(desktop.merged());
    const std::int64_t pages = std::stoll(w.sql("desktop").dump("PRAGMA page_count"));
    int failed = 0;
    for (std::int64_t room = 0;; ++room) {  // a page more each time
        w.sql("desktop").run("PRAGMA max_page_count = " + std::to_string(pages + room));
        const auto sealed = desktop.seal();
        if (sealed) break;
        ++failed;
        CHECK(sealed.code() == errc::store_full);
        CHECK(must(desktop.merged()) == merged);
    }
    CHECK(failed > 2);
    w.sql("desktop").run("PRAGMA max_page_count = 1073741823");
    CHECK(must(desktop.outbox(std::size_t{1} << 30)).front().seq == 1);
    w.joins("phone", "desktop");
    w.everyone_syncs();
    w.all_agree({all_txn});
}

TEST_CASE("a seal empties the graveyard of what it has sealed", "[vault]") {
    world w;
    w.first("desktop", std::string(txn) + "; INSERT INTO txn VALUES('a', 1, 'x'), ('b', 2, 'y')");
    const std::string kept =
        "SELECT (SELECT count(*) FROM casasync_log) + (SELECT count(*) FROM "
        "casasync_grave_1)";
    for (const char* write :
         {"DELETE FROM txn WHERE id = 'a'", "UPDATE txn SET id = 'c' WHERE id = 'b'",
          "REPLACE INTO txn VALUES('c', 3, 'z')", "UPDATE txn SET amount = 4; DELETE FROM txn"}) {
        INFO(write);
        w.sql("desktop").run(write);
        CHECK(w.sql("desktop").dump(kept) != "0\n");
        CHECK(must(w["desktop"].seal()) > 0);
        CHECK(w.sql("desktop").dump(kept) == "0\n");
    }
}

TEST_CASE("triggers that come with the tables fire for the rows that come with them", "[vault]") {
    world w;
    w.first("desktop", txn);
    w.sql("desktop").run(
        "CREATE TABLE said(id); CREATE TRIGGER tell AFTER INSERT ON txn BEGIN INSERT INTO said "
        "VALUES(NEW.id); END; INSERT INTO txn VALUES('a', 1, 'x')");
    w.push("desktop");
    w.joins("phone", "desktop");
    CHECK(w.sql("phone").dump("SELECT * FROM said") == "a\n");
}

TEST_CASE("triggers that an app makes later fire for what arrives, and no more once they are dropped",
          "[vault]") {
    world w;
    w.first("desktop", txn);
    w.joins("phone", "desktop");
    const auto arrives = [&](const std::string& id) {
        w.sql("desktop").run("INSERT INTO txn VALUES('" + id + "', 1, 'x'); UPDATE txn SET amount = 2");
        w.push("desktop");
        w.pull("phone");
        CHECK(w.sql("phone").dump("SELECT count(*) FROM casasync_log") == "0\n");
        return w.sql("phone").dump("SELECT * FROM said");
    };
    w.sql("phone").run("CREATE TABLE said(id)");
    CHECK(arrives("a").empty());
    w.sql("phone").run("CREATE TRIGGER tell BEFORE INSERT ON txn BEGIN INSERT INTO said VALUES(NEW.id); END");
    CHECK(arrives("b") == "b\n");
    CHECK(arrives("c") == "b\nc\n");
    w.sql("phone").run("DROP TRIGGER tell");
    CHECK(arrives("d") == "b\nc\n");
    w.sql("phone").run("UPDATE txn SET note = 'p'");  // which is captured as ever
    w.everyone_syncs();
    w.all_agree({all_txn});
}

TEST_CASE("many rows are known again in the transaction that brought them", "[vault]") {
    world w;
    w.first("desktop", txn);
    w.joins("phone", "desktop");
    const auto writes = [&](const std::string& sql) {
        w.sql("desktop").run(
            "WITH RECURSIVE c(n) AS (SELECT 300 UNION ALL SELECT n + 1 FROM c WHERE n < 699) " + sql);
        CHECK(must(w["desktop"].seal()) >= 200);
    };
    writes("INSERT INTO txn SELECT 'k' || n, n, 'x' FROM c WHERE n BETWEEN 400 AND 599");
    writes("UPDATE txn SET amount = -amount");
    writes("INSERT INTO txn SELECT 'k' || n, n, 'y' FROM c WHERE n < 400 OR n > 599");
    writes("UPDATE txn SET note = 'z'");
    w.everyone_syncs();
    CHECK(w.sql("phone").dump("SELECT count(*), sum(amount < 0), min(note), max(note) FROM txn") ==
          "400|200|z|z\n");
    w.all_agree({all_txn});
}

TEST_CASE("some of many rows are known, whatever the order of their keys", "[vault]") {
    world w;
    w.first("desktop", txn);
    w.joins("phone", "desktop");
    const auto write = [&](const std::string& sql) {  // keys of some lengths: registers order them otherwise
        w.sql("desktop").run(
            "WITH RECURSIVE c(n, k) AS (SELECT 1, 'k1' UNION ALL SELECT n + 1, substr('kkkkkkk', n % 7) || "
            "(n + 1) FROM c WHERE n < 900) " +
            sql);
    };
    const auto seal = [&] { return must(w["desktop"].seal()); };
    write("INSERT INTO txn SELECT k, n, 'x' FROM c WHERE n % 3 = 0");
    CHECK(seal() == 300);
    write("INSERT INTO txn SELECT k, n, 'y' FROM c WHERE n % 3 = 1");
    write("UPDATE txn SET note = 'z' WHERE amount % 2 = 0");
    write("DELETE FROM txn WHERE amount % 9 = 0");
    w.everyone_syncs();
    write("UPDATE txn SET note = 'few' WHERE amount % 6 = 4");
    CHECK(seal() == 150);
    w.everyone_syncs();
    CHECK(w.sql("phone").dump("SELECT note, count(*), sum(amount) FROM txn GROUP BY note ORDER BY note") ==
          w.sql("desktop").dump("SELECT note, count(*), sum(amount) FROM txn GROUP BY note ORDER BY note"));
    CHECK(w.sql("phone").dump("SELECT count(*) FROM txn") == "500\n");
    CHECK(must(w["phone"].status()).open_conflicts == 0);
    w.all_agree({all_txn});
}
