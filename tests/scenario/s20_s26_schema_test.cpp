// SPDX-License-Identifier: MIT
// Transactions, and what tables forbid.
#include "schema_story.hpp"

#include <atomic>
#include <thread>

using namespace casasync;
using casasync_test::file_device;
using casasync_test::schema_story;
using casasync_test::sqlite_schema;
using casasync_test::stories;

namespace {

/// Syncs a device whose sync must not fail, whatever its tables can hold.
sync_report synced(file_device& device) {
    const auto done = device.sync();
    INFO((done ? std::string() : done.failure().text()));
    REQUIRE(done.ok());
    return *done;
}

/// Returns the rows that are not shown as "table key: reason", after checking that no device shows other
/// ones.
std::vector<std::string> parked(schema_story& s,
                                const std::vector<std::string>& devices = {"desktop", "phone"}) {
    std::vector<std::string> first;
    for (const std::string& name : devices) {
        const auto list = s[name].vault().integrity();
        REQUIRE(list.ok());
        std::vector<std::string> now;
        for (const auto& p : *list) {
            CHECK_FALSE(p.detail.empty());
            now.push_back(p.table + " " + p.key.at(0).text() + ": " + p.reason);
        }
        if (name == devices.front()) first = now;
        CHECK(now == first);
    }
    return first;
}

sqlite_schema three_tables() {
    return {{"CREATE TABLE account(id TEXT PRIMARY KEY NOT NULL, name TEXT)",
             "CREATE TABLE txn(id TEXT PRIMARY KEY NOT NULL, note TEXT)",
             "CREATE TABLE tag(txn TEXT NOT NULL, name TEXT NOT NULL, color TEXT, PRIMARY KEY(txn, name))"},
            {{"account", {}}, {"txn", {}}, {"tag", {}}}};
}

sqlite_schema people() {
    return {{"CREATE TABLE person(id TEXT PRIMARY KEY NOT NULL, email TEXT UNIQUE, name TEXT)"},
            {{"person", {}}}};
}

}  // namespace

SCENARIO("S20 wide transaction: nobody ever sees a part of it", "[scenario]") {
    const int seed = GENERATE(range(0, 12));
    CAPTURE(seed);
    GIVEN("a transaction over three tables and 500 rows, larger than one envelope") {
        schema_story s(seed, three_tables());
        auto &desktop = s["desktop"], &phone = s["phone"];
        desktop.run("BEGIN IMMEDIATE");
        const value note(std::string(8000, 'n'));
        for (int i = 0; i < 500; ++i) {
            const value id("row " + std::to_string(i));
            if (i % 5 == 0) desktop.run("INSERT INTO account VALUES(?1, 'name')", {id});
            if (i % 5 == 1) desktop.run("INSERT INTO tag VALUES(?1, 'tag', 'red')", {id});
            if (i % 5 > 1) desktop.run("INSERT INTO txn VALUES(?1, ?2)", {id, note});
        }
        desktop.run("COMMIT");
        WHEN("it travels while somebody on the phone keeps reading") {
            std::atomic<bool> over{false};
            std::atomic<int> parts_seen{0}, looks{0};
            std::thread reader([&, path = phone.path()] {
                sqlite3* db = nullptr;
                sqlite3_open(path.c_str(), &db);
                sqlite3_busy_timeout(db, 5000);
                sqlite3_stmt* count = nullptr;
                sqlite3_prepare_v2(db,
                                   "SELECT (SELECT count(*) FROM account), (SELECT count(*) FROM tag), "
                                   "(SELECT count(*) FROM txn)",
                                   -1, &count, nullptr);
                while (!over) {
                    if (sqlite3_step(count) == SQLITE_ROW) {
                        const int rows = sqlite3_column_int(count, 0) + sqlite3_column_int(count, 1) +
                                         sqlite3_column_int(count, 2);
                        if (rows != 0 && rows != 500) ++parts_seen;
                        ++looks;
                    }
                    sqlite3_reset(count);
                }
                sqlite3_finalize(count);
                sqlite3_close(db);
            });
            s.everyone_syncs();
            over = true;
            reader.join();
            THEN("it was there whole, or not at all") {
                CHECK(looks > 0);
                CHECK(parts_seen == 0);
                CHECK(phone.rows().size() == 500);
                CHECK(s.all_agree());
            }
        }
    }
}

SCENARIO("S21 delete and insert in one transaction: the row lives, and what it displaced is gone",
         "[scenario]") {
    const int seed = GENERATE(range(0, stories()));
    CAPTURE(seed);
    GIVEN("three people on both devices") {
        schema_story s(seed, people());
        auto &desktop = s["desktop"], &phone = s["phone"];
        desktop.run(
            "INSERT INTO person VALUES('1', 'one', 'One'), ('2', 'two', 'Two'), ('4', 'four', 'Four')");
        s.everyone_syncs();
        s.minutes_pass(1);
        WHEN("one transaction deletes and inserts the first, displaces the second, and upserts the last") {
            desktop.run("BEGIN IMMEDIATE");
            desktop.run("DELETE FROM person WHERE id = '1'");
            desktop.run("INSERT INTO person VALUES('1', 'uno', 'Uno')");
            desktop.run("INSERT OR REPLACE INTO person VALUES('3', 'two', 'Three')");
            desktop.run(
                "INSERT INTO person VALUES('4', 'x', 'Quattro') ON CONFLICT(id) DO UPDATE SET name = "
                "excluded.name");
            desktop.run("COMMIT");
            const auto wanted = desktop.rows();
            CHECK(wanted.size() == 3);
            s.everyone_syncs();
            THEN("the phone shows the same rows, and nothing is open") {
                CHECK(phone.rows() == wanted);
                CHECK(phone.rows().count("2") == 0);
                CHECK(phone.row("1").at("name") == value("Uno"));
                CHECK(phone.row("4").at("email") == value("four"));
                CHECK(s.conflicts().empty());
            }
        }
    }
}

SCENARIO("S22 unique collision: one row is shown, the other waits and is listed", "[scenario]") {
    const int seed = GENERATE(range(0, stories()));
    CAPTURE(seed);
    GIVEN("two people with one address, added on two devices") {
        schema_story s(seed, people());
        auto &desktop = s["desktop"], &phone = s["phone"];
        desktop.run("INSERT INTO person VALUES('1', 'e', 'First')");
        s.at(60'000);
        phone.run("INSERT INTO person VALUES('2', 'e', 'Second'), ('3', 'other', 'Third')");
        s.everyone_syncs();
        THEN("the older one is shown on both, the other is listed, and all else has arrived") {
            CHECK(parked(s) == std::vector<std::string>{"person 2: unique"});
            CHECK(s.all_agree());
            CHECK(desktop.rows().size() == 2);
            CHECK(desktop.row("1").at("name") == value("First"));
            CHECK(desktop.row("3").at("name") == value("Third"));
        }
        for (const std::string& freed : casasync_test::variants<std::string>(
                 seed,
                 {"UPDATE person SET email = 'f' WHERE id = '1'", "DELETE FROM person WHERE id = '1'"})) {
            WHEN("somebody frees the address: " + freed) {
                s.minutes_pass(1);
                (seed % 2 == 0 ? desktop : phone).run(freed);
                s.everyone_syncs();
                THEN("the waiting row appears on both") {
                    CHECK(parked(s).empty());
                    CHECK(s.all_agree());
                    CHECK(desktop.row("2").at("name") == value("Second"));
                }
            }
        }
    }
}

SCENARIO("S23 dangling child: it is kept and listed until its parent is back", "[scenario]") {
    const int seed = GENERATE(range(0, stories()));
    CAPTURE(seed);
    const bool cascades = seed % 4 >= 2;
    GIVEN("a parent that one device deletes while another adds a child") {
        schema_story s(
            seed,
            {{"CREATE TABLE account(id TEXT PRIMARY KEY NOT NULL, name TEXT)",
              std::string("CREATE TABLE txn(id TEXT PRIMARY KEY NOT NULL, note TEXT, account TEXT NOT NULL "
                          "REFERENCES account(id)") +
                  (cascades ? " ON DELETE CASCADE)" : ")")},
             {{"account", {}}, {"txn", {}}}});
        auto &desktop = s["desktop"], &phone = s["phone"];
        for (file_device* d : {&desktop, &phone}) d->run("PRAGMA foreign_keys = ON");
        desktop.run("INSERT INTO account VALUES('a', 'Cash'), ('b', 'Bank')");
        desktop.run("INSERT INTO txn VALUES('kept', 'k', 'b')");
        if (cascades) desktop.run("INSERT INTO txn VALUES('gone', 'g', 'a')");
        s.everyone_syncs();
        s.minutes_pass(1);
        desktop.run("DELETE FROM account WHERE id = 'a'");
        s.minutes_pass(1);
        phone.run("INSERT INTO txn VALUES('child', 'new', 'a')");
        phone.run("UPDATE txn SET note = 'also here' WHERE id = 'kept'");
        s.everyone_syncs();
        THEN("the child waits on both, what came with it is shown, and a cascade is nobody's second change") {
            CHECK(parked(s) == std::vector<std::string>{"txn child: foreign key"});
            CHECK(s.all_agree());
            CHECK(desktop.row("txn kept").at("note") == value("also here"));
            CHECK(desktop.rows().count("txn gone") == 0);
            CHECK(phone.rows().count("txn gone") == 0);
        }
        WHEN("the parent is added again") {
            s.minutes_pass(1);
            (seed % 2 == 0 ? desktop : phone).run("INSERT INTO account VALUES('a', 'Cash')");
            s.everyone_syncs();
            THEN("the child is shown on both") {
                CHECK(parked(s).empty());
                CHECK(s.all_agree());
                CHECK(desktop.row("txn child").at("note") == value("new"));
            }
        }
    }
}

SCENARIO("S24 a CHECK that only the merge breaks: the row is listed, everything else arrives", "[scenario]") {
    const int seed = GENERATE(range(0, stories()));
    CAPTURE(seed);
    GIVEN("two halves of a row that are fine alone and too much together") {
        schema_story s(seed, {{"CREATE TABLE box(id TEXT PRIMARY KEY NOT NULL, a INTEGER, b INTEGER, "
                               "CHECK(a + b <= 100))"},
                              {{"box", {}}}});
        auto &desktop = s["desktop"], &phone = s["phone"];
        desktop.run("INSERT INTO box VALUES('x', 10, 10), ('y', 1, 1)");
        s.everyone_syncs();
        s.minutes_pass(1);
        desktop.run("UPDATE box SET a = 80 WHERE id = 'x'");
        phone.run("UPDATE box SET b = 80 WHERE id = 'x'");
        phone.run("UPDATE box SET b = 2");
        phone.run("UPDATE box SET b = 80 WHERE id = 'x'");
        s.everyone_syncs();
        THEN("the row waits on both with both halves, and the others arrived") {
            CHECK(parked(s) == std::vector<std::string>{"box x: check"});
            CHECK(s.conflicts().empty());
            CHECK(desktop.row("y").at("b") == value(2));
            const std::string key[] = {"x"};
            for (file_device* d : {&desktop, &phone}) {
                const auto story = d->vault().why("box", key);
                REQUIRE(story.ok());
                for (const auto& cell : story->cells) CHECK(cell.shown == value(80));
            }
        }
        WHEN("somebody writes the row anew") {
            s.minutes_pass(1);
            phone.run("INSERT INTO box VALUES('x', 20, 80)");
            s.everyone_syncs();
            THEN("it is shown on both, and what it overwrote unseen is open") {
                CHECK(parked(s).empty());
                CHECK(s.all_agree());
                CHECK(desktop.row("x").at("a") == value(20));
                CHECK(s.conflicts().size() == 1);
            }
        }
    }
}

SCENARIO("S25 triggers of the app: they work, and nothing they do echoes", "[scenario]") {
    const int seed = GENERATE(range(0, 6));
    CAPTURE(seed);
    GIVEN("an app that dates every update, and keeps a journal and a search index by triggers") {
        schema_story s(
            seed,
            {{"CREATE TABLE note(id TEXT PRIMARY KEY NOT NULL, body TEXT, updated_at INTEGER NOT NULL "
              "DEFAULT 0)",
              "CREATE TABLE journal(n INTEGER PRIMARY KEY, what TEXT)",
              "CREATE VIRTUAL TABLE search USING fts5(id UNINDEXED, body)",
              "CREATE TRIGGER dated AFTER UPDATE OF body ON note BEGIN UPDATE note SET updated_at = "
              "updated_at + "
              "1 WHERE id = NEW.id; END",
              "CREATE TRIGGER journaled AFTER UPDATE ON note BEGIN INSERT INTO journal(what) VALUES(NEW.id); "
              "END",
              "CREATE TRIGGER indexed AFTER INSERT ON note BEGIN INSERT INTO search VALUES(NEW.id, "
              "NEW.body); END",
              "CREATE TRIGGER reindexed AFTER UPDATE OF body ON note BEGIN UPDATE search SET body = NEW.body "
              "WHERE id = NEW.id; END"},
             {{"note", {}}}});
        auto &desktop = s["desktop"], &phone = s["phone"];
        for (int i = 0; i < 500; ++i)
            desktop.run("INSERT INTO note(id, body) VALUES(?1, 'word')", {value("n" + std::to_string(i))});
        desktop.run("UPDATE note SET body = 'other'");
        WHEN("a thousand changes arrive") {
            s.everyone_syncs();
            const auto status = phone.vault().status();
            REQUIRE(status.ok());
            THEN("the receiver has nothing to send, its index knows the rows, and all is silent") {
                CHECK(status->captured + status->pending_out == 0);
                CHECK(s.all_agree());
                CHECK(phone.run("SELECT count(*) FROM search WHERE search MATCH 'other'")[0][0] ==
                      value(500));
                CHECK(phone.row("n7").at("updated_at") == desktop.row("n7").at("updated_at"));
                const auto again = synced(phone);
                CHECK(again.sealed + again.pushed + again.received + again.merged == 0);
            }
            AND_WHEN("the phone writes as well") {
                s.minutes_pass(1);
                phone.run("UPDATE note SET body = 'third' WHERE id = 'n7'");
                s.everyone_syncs();
                THEN("its triggers' writes travel with it, once") {
                    CHECK(s.all_agree());
                    CHECK(desktop.row("n7").at("updated_at") == value(2));
                    CHECK(desktop.run("SELECT count(*) FROM search WHERE search MATCH 'third'")[0][0] ==
                          value(1));
                }
            }
        }
    }
}

SCENARIO("S26 unique values that swap and rotate in one transaction arrive whole", "[scenario]") {
    const int seed = GENERATE(range(0, 12));
    CAPTURE(seed);
    GIVEN("a thousand rows with unique numbers") {
        schema_story s(seed, {{"CREATE TABLE seat(id TEXT PRIMARY KEY NOT NULL, number INTEGER UNIQUE)"},
                              {{"seat", {}}}});
        auto &desktop = s["desktop"], &phone = s["phone"];
        desktop.run(
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999) "
            "INSERT INTO seat SELECT 's' || i, i FROM n");
        s.everyone_syncs();
        s.minutes_pass(1);
        WHEN("two of them swap by way of NULL, and all of them move on by one") {
            for (const char* sql :
                 {"BEGIN IMMEDIATE", "UPDATE seat SET number = NULL WHERE id = 's1'",
                  "UPDATE seat SET number = 1 WHERE id = 's3'", "UPDATE seat SET number = 3 WHERE id = 's1'",
                  "UPDATE seat SET number = -1 - (number + 1) % 1000", "UPDATE seat SET number = -1 - number",
                  "COMMIT"})
                desktop.run(sql);
            const auto wanted = desktop.rows();
            s.everyone_syncs();
            THEN("the phone shows the same, and no row waits") {
                CHECK(phone.rows() == wanted);
                CHECK(phone.row("s1").at("number") == value(4));
                CHECK(phone.row("s3").at("number") == value(2));
                CHECK(parked(s).empty());
                CHECK(s.conflicts().empty());
            }
        }
    }
}
