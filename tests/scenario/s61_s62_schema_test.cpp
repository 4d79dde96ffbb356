// SPDX-License-Identifier: MIT
// An app's newer version changes its tables on one device first.
#include "schema_story.hpp"

using namespace casasync;
using casasync::sqlite::schema_verdict;
using casasync_test::file_device;
using casasync_test::schema_story;
using casasync_test::sqlite_schema;

namespace {

sqlite_schema items() {
    return {{"CREATE TABLE item(id TEXT PRIMARY KEY NOT NULL, name TEXT UNIQUE, n INTEGER DEFAULT 0)",
             "CREATE INDEX by_n ON item(n)"},
            {{"item", {}}}};
}

result<std::vector<sqlite::schema_difference>> try_to_migrate(file_device& device, const std::string& sql) {
    return device.vault().migrate([&sql](const sqlite::sql_runner& run) { return run(sql); });
}

std::vector<sqlite::schema_difference> migrate(file_device& device, const std::string& sql) {
    auto done = try_to_migrate(device, sql);
    INFO((done ? std::string() : done.failure().text()));
    REQUIRE(done.ok());
    return std::move(*done);
}

/// Returns what status says of the schema, as "table.column".
std::vector<std::string> listed(file_device& device, schema_verdict verdict = schema_verdict::pending) {
    const auto status = device.vault().status();
    REQUIRE(status.ok());
    std::vector<std::string> out;
    for (const auto& d : status->schema) {
        CHECK_FALSE(d.detail.empty());
        if (d.verdict == verdict) out.push_back(d.table + (d.column.empty() ? "" : "." + d.column));
    }
    return out;
}

device_id author_of(file_device& device, const std::string& id, const std::string& column) {
    const std::string key[] = {id};
    const auto story = device.vault().why("item", key);
    REQUIRE(story.ok());
    for (const auto& c : story->cells)
        if (c.column == column) return c.by.device;
    return {};
}

std::vector<std::vector<value>> everything(file_device& device) {
    auto out = device.run("SELECT type, name, sql FROM sqlite_schema ORDER BY name");
    for (const auto& row : device.run("SELECT * FROM item ORDER BY id")) out.push_back(row);
    return out;
}

}  // namespace

SCENARIO("S61 one device has the next version of the schema first", "[scenario]") {
    const int seed = GENERATE(range(0, 40));
    CAPTURE(seed);
    GIVEN("three items on both devices") {
        schema_story s(seed, items());
        auto &desktop = s["desktop"], &phone = s["phone"];
        desktop.run("INSERT INTO item VALUES('1', 'one', 1), ('2', 'two', 2), ('3', 'three', 3)");
        s.everyone_syncs();
        s.minutes_pass(1);
        WHEN("the desktop's app adds a column and a table") {
            const auto said =
                migrate(desktop,
                        "-- version 2\nBEGIN; ALTER TABLE item ADD COLUMN color TEXT DEFAULT 'none';"
                        "CREATE TABLE tag(id TEXT PRIMARY KEY NOT NULL, word TEXT); COMMIT;");
            REQUIRE(said.size() == 1);
            CHECK(said[0].column == "color");
            CHECK(said[0].verdict == schema_verdict::compatible);
            CHECK(desktop.sealed().empty());
            REQUIRE(desktop.vault().track("tag").ok());
            desktop.run("UPDATE item SET color = 'red' WHERE id = '1'");
            desktop.run("INSERT INTO item VALUES('4', 'four', 4, 'black')");
            desktop.run("INSERT INTO tag VALUES('t', 'word')");
            s.everyone_syncs();
            s.minutes_pass(1);
            desktop.run("UPDATE item SET color = 'blue' WHERE id = '1'");
            phone.run("UPDATE item SET n = 10 WHERE id = '1'");
            phone.run("INSERT INTO item VALUES('5', 'five', 5)");
            s.everyone_syncs();
            THEN("the other one goes on, and status tells what waits there") {
                CHECK(desktop.digest() == phone.digest());
                CHECK(phone.row("4").at("n") == value(4));
                CHECK(listed(phone) == std::vector<std::string>{"item.color", "tag"});
                CHECK(listed(desktop).empty());
            }
            AND_WHEN("the other one is upgraded too, and its app fills the new column") {
                s.minutes_pass(1);
                migrate(phone,
                        "ALTER TABLE item ADD COLUMN color TEXT DEFAULT 'none';"
                        "UPDATE item SET color = 'green';"
                        "CREATE TABLE tag(id TEXT PRIMARY KEY NOT NULL, word TEXT)");
                REQUIRE(phone.vault().track("tag").ok());
                s.everyone_syncs();
                THEN("what was written stands, the latest of it, and what nobody wrote is filled") {
                    CHECK(s.conflicts().empty());
                    CHECK(phone.row("1").at("color") == value("blue"));
                    CHECK(phone.row("4").at("color") == value("black"));
                    CHECK(author_of(phone, "1", "color") ==
                          desktop.vault().device());  // not written once more
                    CHECK(author_of(desktop, "2", "color") == phone.vault().device());
                    CHECK(desktop.row("2").at("color") == value("green"));
                    CHECK(desktop.row("5").at("color") == value("green"));
                    CHECK(phone.run("SELECT word FROM tag") == std::vector<std::vector<value>>{{"word"}});
                    CHECK(listed(phone).empty());
                }
            }
            AND_WHEN("a third device joins from the desktop, and the phone never is") {
                s.joins("tablet");
                THEN("it has the new column with its values") {
                    CHECK(s["tablet"].row("1").at("color") == value("blue"));
                    CHECK(s["tablet"].digest() == desktop.digest());
                }
            }
        }
    }
}

SCENARIO("S62 schemas that do not fit get a verdict, and no value is lost", "[scenario]") {
    const int seed = GENERATE(range(0, 20));
    CAPTURE(seed);
    GIVEN("three items on both devices, some written since") {
        schema_story s(seed, items());
        auto &desktop = s["desktop"], &phone = s["phone"];
        desktop.run("INSERT INTO item VALUES('1', 'one', 1), ('2', 'two', 2), ('3', 'three', 3)");
        s.everyone_syncs();
        s.minutes_pass(1);
        desktop.run("UPDATE item SET n = 20 WHERE id = '2'");
        WHEN("the desktop drops a column that the phone goes on writing") {
            const auto said = migrate(desktop, "DROP INDEX by_n; ALTER TABLE item DROP COLUMN n");
            REQUIRE(said.size() == 1);
            CHECK(said[0].verdict == schema_verdict::pending);
            phone.run("UPDATE item SET n = 30 WHERE id = '3'");
            desktop.run("UPDATE item SET name = 'uno' WHERE id = '1'");
            s.everyone_syncs();
            THEN("the phone keeps its values, and the desktop keeps them beside") {
                CHECK(desktop.digest() == phone.digest());
                CHECK(listed(desktop) == std::vector<std::string>{"item.n"});
                CHECK(phone.row("1").at("n") == value(1));
                CHECK(phone.row("2").at("n") == value(20));
            }
            AND_WHEN("the column comes back there") {
                migrate(desktop, "ALTER TABLE item ADD COLUMN n INTEGER DEFAULT 0");
                s.everyone_syncs();
                THEN("all its values are back") {
                    CHECK(s.conflicts().empty());
                    CHECK(desktop.row("1").at("n") == value(1));
                    CHECK(desktop.row("2").at("n") == value(20));
                    CHECK(desktop.row("3").at("n") == value(30));
                    CHECK(listed(desktop).empty());
                }
            }
            AND_WHEN("a third device joins, whose table has no such column") {
                s.joins("tablet");
                s.everyone_syncs();
                THEN("it keeps the values beside, too") {
                    CHECK(s["tablet"].digest() == phone.digest());
                    CHECK(listed(s["tablet"]) == std::vector<std::string>{"item.n"});
                }
            }
        }
        WHEN("both add a column of one name, with different defaults") {
            migrate(desktop, "ALTER TABLE item ADD COLUMN color TEXT DEFAULT 'red'");
            migrate(phone, "ALTER TABLE item ADD COLUMN color TEXT DEFAULT \"blue\"");
            s.everyone_syncs();
            desktop.run("UPDATE item SET name = 'uno' WHERE id = '1'");
            phone.run("UPDATE item SET name = 'due' WHERE id = '2'");
            s.everyone_syncs();
            const auto color = [](file_device& device, const std::string& id) {
                return device.row(id).at("color");
            };
            const auto same_default = [](const std::string& what) {
                return "CREATE TABLE fresh(id TEXT PRIMARY KEY NOT NULL, name TEXT UNIQUE, n INTEGER DEFAULT "
                       "0, color TEXT DEFAULT '" +
                       what + "'); INSERT INTO fresh SELECT " + "id, name, n, color" +
                       " FROM item; DROP TABLE item; ALTER TABLE fresh RENAME TO item";
            };
            THEN("both say so, with the two values") {
                REQUIRE(color(desktop, "1") == value("red"));
                REQUIRE(color(phone, "1") == value("blue"));
                CHECK(listed(desktop) == std::vector<std::string>{"item.color"});
                CHECK(listed(phone) == std::vector<std::string>{"item.color"});
                const auto said = phone.vault().status();
                REQUIRE(said.ok());
                CHECK_THAT(said->schema[0].detail,
                           Catch::Matchers::Contains("'blue' here and 'red' on another device"));
            }
            AND_WHEN("the person decides, as the sentence says") {
                phone.run("UPDATE \"item\" SET \"color\" = 'red' WHERE \"color\" IS 'blue'");
                migrate(phone, same_default("red"));
                s.everyone_syncs();
                THEN("both show the same, and nothing is listed any more") {
                    for (const char* id : {"1", "2", "3"}) {
                        CHECK(color(desktop, id) == value("red"));
                        CHECK(color(phone, id) == value("red"));
                    }
                    CHECK(listed(desktop).empty());
                    CHECK(listed(phone).empty());
                    CHECK(s.conflicts().empty());
                }
            }
            AND_WHEN("the phone's app only takes over the other default") {
                migrate(phone, same_default("red"));
                s.everyone_syncs();
                THEN("what its rows showed was written by that, and is shown by both") {
                    for (const char* id : {"1", "2", "3"}) {
                        CHECK(color(desktop, id) == value("blue"));
                        CHECK(color(phone, id) == value("blue"));
                    }
                    CHECK(listed(desktop).empty());
                    CHECK(listed(phone).empty());
                }
            }
            AND_WHEN("a third device joins from the phone's snapshot") {
                s.joins("tablet");
                s.everyone_syncs();
                THEN("it shows what one of them shows, and one of the two that differ says so") {
                    const bool as_desktop = color(s["tablet"], "1") == color(desktop, "1");
                    CHECK((as_desktop || color(s["tablet"], "1") == color(phone, "1")));
                    CHECK_FALSE(listed(as_desktop ? phone : desktop).empty());
                }
            }
        }
        WHEN("both rename a column, one after the other, and both wrote it in between") {
            migrate(desktop, "ALTER TABLE item RENAME COLUMN n TO amount");
            s.minutes_pass(1);
            phone.run("UPDATE item SET n = 31 WHERE id = '3'");
            desktop.run("UPDATE item SET amount = 11 WHERE id = '1'");
            s.everyone_syncs();
            s.minutes_pass(1);
            migrate(phone, "ALTER TABLE item RENAME COLUMN n TO amount");
            s.everyone_syncs();
            THEN("both show the latest of each") {
                CHECK(s.conflicts().empty());
                CHECK(phone.row("1").at("amount") == value(11));
                CHECK(phone.row("2").at("amount") == value(20));
                CHECK(desktop.row("3").at("amount") == value(31));
            }
        }
        WHEN("the desktop rebuilds the table by create, copy, drop, rename, and changes rows on the way") {
            migrate(desktop,
                    "CREATE TABLE fresh(id TEXT PRIMARY KEY NOT NULL, n INTEGER NOT NULL DEFAULT 0, name "
                    "VARCHAR(20), "
                    "CHECK(n >= 0));"
                    "INSERT INTO fresh(id, name, n) SELECT id, upper(name), n FROM item WHERE id <> '1';"
                    "INSERT INTO fresh VALUES('4', 4, 'FOUR');"
                    "DROP TABLE item; ALTER TABLE fresh RENAME TO item; CREATE INDEX by_n ON item(n)");
            desktop.run("UPDATE item SET n = 21 WHERE id = '2'");
            s.everyone_syncs();
            THEN("the changes travel like any others, and what is written after is captured") {
                CHECK(s.conflicts().empty());
                CHECK_FALSE(phone.has("1"));
                CHECK(phone.row("2").at("name") == value("TWO"));
                CHECK(phone.row("2").at("n") == value(21));
                CHECK(phone.row("4").at("name") == value("FOUR"));
                CHECK(phone.rows().size() == 3);
            }
        }
        WHEN("it renames the table away, makes it anew and copies") {
            migrate(desktop,
                    "ALTER TABLE item RENAME TO old; CREATE TABLE item(id TEXT PRIMARY KEY NOT NULL, name "
                    "TEXT, n "
                    "INTEGER DEFAULT 0); INSERT INTO item SELECT * FROM old; DROP TABLE old");
            THEN("nothing is sent for rows that came out the same") {
                CHECK(desktop.sealed().size() == 1);
                s.everyone_syncs();
                CHECK(s.conflicts().empty());
            }
        }
        WHEN("it drops the table, and the phone edits on") {
            migrate(desktop, "DROP TABLE item");
            s.minutes_pass(1);
            phone.run("UPDATE item SET n = 5 WHERE id = '1'");
            s.everyone_syncs();
            THEN("the phone keeps it, and it comes back whole when it is made and tracked again") {
                CHECK(listed(desktop) == std::vector<std::string>{"item"});
                CHECK(phone.rows().size() == 3);
                desktop.run(
                    "CREATE TABLE item(id TEXT PRIMARY KEY NOT NULL, name TEXT UNIQUE, n INTEGER DEFAULT 0)");
                REQUIRE(desktop.vault().track("item").ok());
                s.everyone_syncs();
                CHECK(s.conflicts().empty());
                CHECK(desktop.row("1").at("n") == value(5));
                CHECK(desktop.rows().size() == 3);
            }
        }
        for (const char* sql :
             {"ALTER TABLE item RENAME TO thing",
              "CREATE TABLE f(id TEXT, name TEXT NOT NULL PRIMARY KEY, n INTEGER); INSERT INTO f SELECT * "
              "FROM item; "
              "DROP TABLE item; ALTER TABLE f RENAME TO item",
              "CREATE TABLE f(id TEXT PRIMARY KEY NOT NULL, name TEXT, n TEXT); INSERT INTO f SELECT * FROM "
              "item; "
              "DROP TABLE item; ALTER TABLE f RENAME TO item",
              "CREATE TABLE f(id TEXT PRIMARY KEY, name TEXT, n INTEGER); DROP TABLE item; ALTER TABLE f "
              "RENAME TO "
              "item",
              "UPDATE item SET n = 99; ALTER TABLE item ADD COLUMN x; ALTER TABLE item ADD COLUMN x",
              "DELETE FROM item; VACUUM", "DROP TABLE item; COMMIT; ROLLBACK", "SELEC 1"}) {
            WHEN(std::string("it tries what cannot be: ") + sql) {
                desktop.seal();
                const auto before = everything(desktop);
                const auto tried = try_to_migrate(desktop, sql);
                THEN("it is told why and what to do, nothing is changed, and capture goes on") {
                    REQUIRE_FALSE(tried.ok());
                    CHECK(condition_of(tried.code()) == condition::rejected);
                    INFO(tried.failure().text());
                    CHECK(tried.failure().text().find("schema and data are as they were") !=
                          std::string::npos);
                    CHECK(everything(desktop) == before);
                    desktop.run("UPDATE item SET n = 7 WHERE id = '1'");
                    s.everyone_syncs();
                    CHECK(phone.row("1").at("n") == value(7));
                    CHECK(s.all_agree());
                }
            }
        }
    }
}
