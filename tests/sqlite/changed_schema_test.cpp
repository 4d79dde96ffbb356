// SPDX-License-Identifier: MIT
/// Schemas that an app, or its person, changes without casasync: noticed, told, and never a silent
/// difference.
#include "vault_world.hpp"

#include <casasync_test/catch.hpp>

using namespace casasync;
using namespace vault_test;
using casasync::sqlite::schema_verdict;

namespace {

const std::vector<std::string> all{"SELECT id, name, n FROM item ORDER BY id",
                                   "SELECT * FROM page ORDER BY id"};

/// A table with a text key, one with an integer key, and one that nothing happens to.
void begin(world& w) {
    w.first("desktop",
            "CREATE TABLE item(id TEXT PRIMARY KEY NOT NULL, name TEXT, n INTEGER DEFAULT 0);"
            "INSERT INTO item VALUES('a', 'one', 1), ('b', 'two', 2);"
            "CREATE TABLE page(id INTEGER PRIMARY KEY, title TEXT); INSERT INTO page VALUES(1, 'cover');"
            "CREATE TABLE other(id TEXT PRIMARY KEY NOT NULL); INSERT INTO other VALUES('x')");
    w.joins("phone", "desktop");
    w.sql("phone").run("UPDATE item SET n = 10 WHERE id = 'a'");
    w.everyone_syncs();
}

/// SQL that gives a table another definition, as many migrations do.
std::string rebuilt(const std::string& table, const std::string& definition,
                    const std::string& columns = "*") {
    return "CREATE TABLE fresh(" + definition + "); INSERT OR IGNORE INTO fresh SELECT " + columns +
           " FROM " + table + "; DROP TABLE " + table + "; ALTER TABLE fresh RENAME TO " + table + ";";
}

/// Returns the refused tables and columns of a device: "table" or "table.column", then the detail.
std::vector<std::pair<std::string, std::string>> refused(vault& v) {
    std::vector<std::pair<std::string, std::string>> out;
    for (const auto& d : must(v.status()).schema)
        if (d.verdict == schema_verdict::refused)
            out.emplace_back(d.table + (d.column.empty() ? "" : "." + d.column), d.detail);
    return out;
}

struct change {
    std::string what, sql, back, refused_as, detail;
};

const std::vector<change> changes{
    {"a column is renamed", "ALTER TABLE item RENAME COLUMN n TO amount",
     "ALTER TABLE item RENAME COLUMN amount TO n", "item.n", "Rename it back"},
    {"a key column is renamed", "ALTER TABLE item RENAME COLUMN id TO uuid",
     "ALTER TABLE item RENAME COLUMN uuid TO id", "item", "it was \"id\" TEXT"},
    {"the table is renamed", "ALTER TABLE item RENAME TO thing", "ALTER TABLE thing RENAME TO item", "item",
     "renamed to \"thing\""},
    {"a column gets another type", rebuilt("item", "id TEXT PRIMARY KEY NOT NULL, name TEXT, n TEXT"),
     rebuilt("item", "id TEXT PRIMARY KEY NOT NULL, name TEXT, n INTEGER DEFAULT 0"), "item.n",
     "it was INTEGER"},
    {"another column is the key",
     rebuilt("item", "id TEXT NOT NULL, name TEXT NOT NULL PRIMARY KEY, n INTEGER"),
     rebuilt("item", "id TEXT PRIMARY KEY NOT NULL, name TEXT, n INTEGER DEFAULT 0"), "item",
     "it was \"id\" TEXT"},
    {"the key gets one column more",
     rebuilt("item", "id TEXT NOT NULL, name TEXT NOT NULL, n INTEGER, PRIMARY KEY(id, name)"),
     rebuilt("item", "id TEXT PRIMARY KEY NOT NULL, name TEXT, n INTEGER DEFAULT 0"), "item",
     "it was \"id\" TEXT"},
    {"the key gets another type", rebuilt("item", "id BLOB PRIMARY KEY NOT NULL, name TEXT, n INTEGER"),
     rebuilt("item", "id TEXT PRIMARY KEY NOT NULL, name TEXT, n INTEGER DEFAULT 0"), "item",
     "it was \"id\" TEXT"},
    {"the key gets another collation",
     rebuilt("item", "id TEXT COLLATE NOCASE PRIMARY KEY NOT NULL, name TEXT, n INTEGER"),
     rebuilt("item", "id TEXT PRIMARY KEY NOT NULL, name TEXT, n INTEGER DEFAULT 0"), "item",
     "compares with the collation"},
    {"an integer key becomes a text", rebuilt("page", "id TEXT PRIMARY KEY NOT NULL, title TEXT"),
     rebuilt("page", "id INTEGER PRIMARY KEY, title TEXT"), "page", "INTEGER PRIMARY KEY"},
    {"an integer key is no other name of the rowid any more",
     rebuilt("page", "id INT PRIMARY KEY NOT NULL, title TEXT"),
     rebuilt("page", "id INTEGER PRIMARY KEY, title TEXT"), "page", "INTEGER PRIMARY KEY"},
};

}  // namespace

TEST_CASE("what a row had when the vault began does not grow with its table", "[vault][schema]") {
    world w;
    w.first("desktop",
            "CREATE TABLE account(id TEXT PRIMARY KEY NOT NULL); INSERT INTO account VALUES('a1'), ('a2');"
            "CREATE TABLE txn(id TEXT PRIMARY KEY NOT NULL, note TEXT, account TEXT REFERENCES account(id));"
            "INSERT INTO txn VALUES('t1', 'old', 'a1')");
    w.joins("phone", "desktop");
    w.everyone_syncs();
    // The row is hidden, as its account is gone: nobody sees what it has, and writes another one in its
    // place.
    w.sql("desktop").run("DELETE FROM account WHERE id = 'a2'");
    w.push("desktop");
    w.sql("phone").run("UPDATE txn SET account = 'a2'");
    w.pull("phone");
    w.sql("desktop").run("ALTER TABLE txn ADD COLUMN place TEXT");
    w.sql("phone").run("INSERT INTO txn(id, note, account) VALUES('t1', 'anew', 'a1')");
    SECTION("one device has the column") {}
    SECTION("one begins with it") {
        w.joins("tablet", "desktop");
    }
    w.everyone_syncs();
    w.everyone_syncs();
    w.all_agree({"SELECT id, note, account FROM txn ORDER BY id"});
    CHECK_FALSE(must(w["desktop"].conflicts()).empty());
}

TEST_CASE("a table whose schema changed without casasync is left alone until it fits again",
          "[vault][schema]") {
    const change& c = changes[static_cast<std::size_t>(GENERATE(range(0, 10)))];
    INFO(c.what);
    const bool first_device = GENERATE(false, true);
    const std::string here = first_device ? "desktop" : "phone", there = first_device ? "phone" : "desktop";
    world w;
    begin(w);
    app &mine = w.sql(here), &theirs = w.sql(there);
    mine.run(c.sql);
    must(w[here].seal());
    theirs.run("UPDATE item SET name = 'edited' WHERE id = 'b'; UPDATE page SET title = 'edited'");
    mine.run("UPDATE other SET id = 'y'");
    w.everyone_syncs();
    const auto told = refused(w[here]);
    REQUIRE(told.size() == 1);
    CHECK(told[0].first == c.refused_as);
    CHECK_THAT(told[0].second, Catch::Matchers::Contains(c.detail));
    CHECK_THAT(told[0].second, Catch::Matchers::Contains("Until then"));
    CHECK(refused(w[there]).empty());
    CHECK(theirs.dump("SELECT * FROM other") == "y\n");  // everything else goes on
    CHECK(must(w[here].status()).held == 1);
    CHECK_FALSE(must(w[here].status()).in_sync);
    const auto no = w[here].write_snapshot([](bytes_view) { return result<void>{}; });
    REQUIRE_FALSE(no.ok());
    CHECK(no.code() == errc::schema_mismatch);

    w.devices.erase(here);  // after a restart, too
    w.devices.emplace(here, must(vault::open(w.dir.file(here), w.options(here))));
    CHECK(refused(w[here]).size() == 1);
    mine.run(c.back);
    if (first_device) must(w[here].seal());  // it cannot tell rows it began with from new ones
    mine.run("INSERT INTO item VALUES('c', 'three', 3); UPDATE item SET name = 'uno' WHERE id = 'a'");
    w.everyone_syncs();
    w.everyone_syncs();
    CHECK(refused(w[here]).empty());
    CHECK(mine.dump("SELECT name FROM item WHERE id = 'b'") == "edited\n");
    CHECK(theirs.dump("SELECT name FROM item WHERE id = 'c'") == "three\n");
    CHECK(mine.dump(all[0]) != "");
    if (c.back.starts_with("ALTER")) w.all_agree(all);  // a rebuilt table: its rows are compared by key only
}

TEST_CASE("a column dropped without casasync takes the table out, and does not make the app fail",
          "[vault][schema]") {
    world w;
    begin(w);
    app& phone = w.sql("phone");
    phone.run("PRAGMA legacy_alter_table = ON; ALTER TABLE item DROP COLUMN n");
    must(w["phone"].seal());
    CHECK(phone.dump("SELECT * FROM other") == "x\n");           // the app's connection learns of the schema
    phone.run("UPDATE item SET name = 'still' WHERE id = 'a'");  // our triggers named the column
    w.sql("desktop").run("UPDATE item SET n = 7 WHERE id = 'b'; UPDATE page SET title = 'edited'");
    w.everyone_syncs();
    REQUIRE(refused(w["phone"]).size() == 1);
    CHECK(refused(w["phone"])[0].first == "item.n");
    CHECK_THAT(refused(w["phone"])[0].second, Catch::Matchers::Contains("Other devices have them"));
    CHECK(must(w["phone"].status()).held == 1);
    CHECK_FALSE(w["phone"].track("item").ok());
    CHECK_FALSE(w["phone"].untrack("item").ok());
    phone.run("ALTER TABLE item ADD COLUMN n INTEGER DEFAULT 0");  // its values do not come back by that
    w.everyone_syncs();
    CHECK(refused(w["phone"]).size() == 1);
    CHECK(w.sql("desktop").dump(all[0]) == "a|one|10\nb|two|7\n");
}

TEST_CASE("a column dropped without casasync on the only device: nobody is sent to devices there are not",
          "[vault][schema]") {
    world w;
    w.first("desktop",
            "CREATE TABLE item(id TEXT PRIMARY KEY NOT NULL, n INTEGER); INSERT INTO item VALUES('a', 1)");
    const bool table = GENERATE(false, true);
    w.sql("desktop").run(table ? "DROP TABLE item"
                               : "PRAGMA legacy_alter_table = ON; ALTER TABLE item DROP COLUMN n");
    const auto told = refused(w["desktop"]);
    REQUIRE(told.size() == 1);
    CHECK_THAT(told[0].second, Catch::Matchers::Contains("No other device has them") &&
                                   Catch::Matchers::Contains("casasync leave"));
    w.devices.erase("desktop");
    must(vault::leave(w.dir.file("desktop"), w.options("desktop")));
    w.devices.emplace("desktop",
                      must(vault::create(w.dir.file("desktop"), who("desktop", 1), w.options("desktop"))));
    if (!table) must(w["desktop"].track("item"));
    CHECK(refused(w["desktop"]).empty());
}

TEST_CASE("a column dropped without casasync comes back with its values when the file joins anew",
          "[vault][schema]") {
    world w;
    begin(w);
    app& phone = w.sql("phone");
    phone.run("PRAGMA legacy_alter_table = ON; ALTER TABLE item DROP COLUMN n");
    must(w["phone"].seal());
    CHECK(phone.dump("SELECT * FROM other") == "x\n");
    phone.run("UPDATE item SET name = 'mine' WHERE id = 'b'; INSERT INTO item(id, name) VALUES('c', 'new')");
    w.devices.erase("phone");
    must(vault::leave(w.dir.file("phone"), w.options("phone")));
    const auto snapshot = w.snapshot_of("desktop");
    cursor at;
    at.pos = w.log.size();
    w.devices.emplace(
        "phone", must(vault::join(w.dir.file("phone"), who("phone", 9), snapshot, at, w.options("phone"))));
    w.everyone_syncs();
    CHECK(w.sql("desktop").dump(all[0]) == "a|one|10\nb|two|2\nc|new|0\n");
    for (const char* device : {"desktop", "phone"}) {  // what was written meanwhile is not lost
        const auto open = must(w[device].conflicts());
        REQUIRE(open.size() == 1);
        CHECK(open[0].loser == value("mine"));
    }
    phone.run("ALTER TABLE item ADD COLUMN n INTEGER DEFAULT 0");
    w.everyone_syncs();
    w.everyone_syncs();
    w.all_agree(all);
    CHECK(phone.dump(all[0]) == "a|one|10\nb|two|2\nc|new|0\n");
}

TEST_CASE("delete policies that differ are told, until they do not", "[vault][schema]") {
    world w;
    begin(w);
    must(w["phone"].track("item", {.policy = delete_policy::delete_wins}));
    w.sql("desktop").run("DELETE FROM item WHERE id = 'a'");
    must(w["desktop"].seal());
    w.now += 1000;
    w.sql("phone").run("UPDATE item SET n = 5 WHERE id = 'a'");
    w.everyone_syncs();
    CHECK(w.sql("desktop").dump(all[0]) != w.sql("phone").dump(all[0]));
    w.sql("desktop").run("UPDATE item SET name = 'own' WHERE id = 'b'");
    must(w["desktop"].seal());
    for (const char* device : {"desktop", "phone"}) {
        w.devices.erase(device);  // kept across restarts
        w.devices.emplace(device, must(vault::open(w.dir.file(device), w.options(device))));
        const auto told = must(w[device].status()).schema;
        REQUIRE(told.size() == 1);
        CHECK(told[0].table == "item");
        CHECK_THAT(told[0].detail, Catch::Matchers::Contains("other delete policy"));
    }
    must(w["phone"].track("item"));  // later_wins
    w.sql("desktop").run("UPDATE item SET n = 6 WHERE id = 'b'");
    w.everyone_syncs();
    w.sql("phone").run("UPDATE item SET n = 7 WHERE id = 'b'");
    w.everyone_syncs();
    w.all_agree(all);
    for (const char* device : {"desktop", "phone"}) CHECK(must(w[device].status()).schema.empty());
}

TEST_CASE("a table that the app drops and makes anew has lost the rows it lacks", "[vault][schema]") {
    const bool noticed = GENERATE(false, true);
    world w;
    begin(w);
    app& phone = w.sql("phone");
    phone.run("DROP TABLE item");
    w.sql("desktop").run("INSERT INTO item VALUES('d', 'four', 4)");
    w.push("desktop");
    if (noticed) {
        w.pull("phone");
        must(w["phone"].seal());
        REQUIRE(refused(w["phone"]).size() == 1);
        CHECK_THAT(refused(w["phone"])[0].second, Catch::Matchers::Contains("no longer in this file"));
    }
    w.now += 1000;
    phone.run(
        "CREATE TABLE item(id TEXT PRIMARY KEY NOT NULL, name TEXT, n INTEGER DEFAULT 0); INSERT INTO item "
        "VALUES('c', 'three', 3)");
    w.everyone_syncs();
    w.everyone_syncs();
    CHECK(refused(w["phone"]).empty());
    CHECK(phone.dump("SELECT id FROM item WHERE id <> 'b' ORDER BY id") == "c\nd\n");
    CHECK(w.sql("desktop").dump("SELECT id FROM item WHERE id IN ('a', 'c', 'd') ORDER BY id") == "c\nd\n");
    CHECK(must(w["desktop"].deleted()).size() > 0);  // it can be had back there
}

TEST_CASE("what a rebuilt table holds in a new column is sent", "[vault][schema]") {
    const std::string here = GENERATE(std::string("desktop"), "phone");
    world w;
    begin(w);
    w.sql(here).run(rebuilt("item",
                            "id TEXT PRIMARY KEY NOT NULL, name TEXT, n INTEGER, size INTEGER DEFAULT 1",
                            "id, name, n, CASE id WHEN 'a' THEN 5 ELSE 1 END"));
    w.everyone_syncs();
    const std::string there = here == "phone" ? "desktop" : "phone";
    CHECK(refused(w[here]).empty());
    w.sql(there).run("ALTER TABLE item ADD COLUMN size INTEGER DEFAULT 1");
    w.everyone_syncs();
    w.all_agree({"SELECT id, name, n, size FROM item ORDER BY id"});
    CHECK(w.sql(there).dump("SELECT size FROM item WHERE id = 'a'") == "5\n");
}

TEST_CASE("casasync migrate mends a table that was left alone", "[vault][schema]") {
    world w;
    begin(w);
    app& phone = w.sql("phone");
    phone.run(
        "ALTER TABLE item RENAME COLUMN n TO amount; UPDATE item SET amount = 11 WHERE id = 'a'; UPDATE "
        "other SET id = 'z'");
    must(w["phone"].seal());
    REQUIRE(refused(w["phone"]).size() == 1);
    must(w["phone"].migrate(
        [](const auto& run) { return run("ALTER TABLE item RENAME COLUMN amount TO n"); }));
    w.everyone_syncs();
    CHECK(refused(w["phone"]).empty());
    w.all_agree(all);
    CHECK(w.sql("desktop").dump("SELECT n FROM item WHERE id = 'a'") == "11\n");
}

TEST_CASE("a table that is rebuilt with another default keeps what its rows showed, on every device",
          "[vault][schema]") {
    world w;
    begin(w);
    w.sql("desktop").run("ALTER TABLE item ADD COLUMN color TEXT DEFAULT red");
    w.sql("phone").run("ALTER TABLE item ADD COLUMN color TEXT DEFAULT red");
    w.sql("desktop").run("UPDATE item SET color = 'green' WHERE id = 'b'");
    w.everyone_syncs();
    w.sql("phone").run(
        rebuilt("item",
                "id TEXT PRIMARY KEY NOT NULL, name TEXT, n INTEGER DEFAULT 0, color TEXT DEFAULT "
                "'blue'"));
    w.sql("phone").run("INSERT INTO item(id) VALUES('c')");
    w.everyone_syncs();
    const std::string colors = "SELECT id, color FROM item ORDER BY id";
    CHECK(w.sql("phone").dump(colors) == "a|red\nb|green\nc|blue\n");
    CHECK(w.sql("desktop").dump(colors) == "a|red\nb|green\nc|blue\n");
    for (const char* device : {"desktop", "phone"}) {
        const auto said = must(w[device].status()).schema;
        REQUIRE(said.size() == 1);
        CHECK(said[0].column == "color");
        CHECK(said[0].verdict == schema_verdict::pending);
    }
    w.all_agree(all);
}
