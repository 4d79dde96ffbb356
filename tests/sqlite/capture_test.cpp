// SPDX-License-Identifier: MIT
#include <casasync_test/catch.hpp>

#include "capture.hpp"
#include "file.hpp"
#include "suppress.hpp"

#include <cstdlib>

using namespace casasync;
using namespace casasync::sqlite;

namespace {

using strings = std::vector<std::string>;

/// A database with the table "t" (number 7, or `number`) tracked.
struct vault {
    connection db;
    table_shape shape{};

    explicit vault(const std::string& sql, connection opened = sqlite_test::memory())
        : db(std::move(opened)) {
        REQUIRE(db.execute(sql));
        track();
    }
    void track(const capture_options& options = {}) {
        auto read = read_shape(db, "t");
        REQUIRE(read);
        shape = std::move(*read);
        REQUIRE(check_trackable(shape));
        const auto installed = install(db, 7, shape, options);
        INFO((installed ? "" : installed.failure().text()));
        REQUIRE(installed);
    }
    void run(const std::string& sql) {
        const auto done = db.execute(sql);
        INFO((done ? "" : done.failure().text()));
        REQUIRE(done);
    }
    [[nodiscard]] bool installed(const capture_options& options = {}) {
        const auto read = read_shape(db, "t");
        REQUIRE(read);
        const auto checked = check_installed(db, 7, *read, options);
        REQUIRE(checked);
        return *checked;
    }
    /// The rows of a query, columns joined by '|', NULL as "-".
    strings rows(const std::string& sql) {
        auto s = db.prepare(sql);
        REQUIRE(s);
        strings out;
        while (*s->step()) {
            std::string line;
            for (int i = 0; i < s->columns(); ++i)
                line += (i > 0 ? "|" : "") + (s->is_null(i) ? "-" : std::string(s->text(i)));
            out.push_back(line);
        }
        return out;
    }
    /// The log without times: "7|-|k" and so on.
    strings log() { return rows("SELECT t, m, k0 FROM casasync_log ORDER BY rowid"); }
    log_chunk read(std::size_t limit = 1000) {
        auto chunk = read_log(db, limit);
        REQUIRE(chunk);
        return std::move(*chunk);
    }
    std::vector<std::vector<value>> grave(std::vector<value> key) {
        auto buried = read_grave(db, 7, shape, key);
        REQUIRE(buried);
        return std::move(*buried);
    }
    void clear() { REQUIRE(clear_log(db, read(100000).last, std::vector<table_number>{7})); }
};

constexpr const char* two_columns =
    "CREATE TABLE t(id TEXT NOT NULL PRIMARY KEY, a, b TEXT COLLATE NOCASE); INSERT INTO t VALUES('old', 1, "
    "'x');";

}  // namespace

TEST_CASE("a set of columns grows by groups", "[sqlite][capture]") {
    column_set s;
    CHECK(s.empty());
    CHECK_FALSE(s.contains(0));
    CHECK_FALSE(s.contains(5000));
    s.add(0);
    s.add(55);
    s.add(56);
    s.add(200);
    for (const std::size_t i : {0U, 55U, 56U, 200U}) CHECK(s.contains(i));
    for (const std::size_t i : {1U, 54U, 57U, 112U, 199U, 201U, 400U}) CHECK_FALSE(s.contains(i));
    column_set other;
    other.add_group(1, 2);
    other.add(s);
    CHECK(other.contains(57));
    CHECK(other.contains(200));
    CHECK_FALSE(other == s);
    column_set nothing;
    nothing.add_group(3, 0);
    CHECK(nothing.empty());
    CHECK(nothing == column_set{});
}

TEST_CASE("each kind of write leaves its entry, and tracking alone leaves none", "[sqlite][capture]") {
    vault v(two_columns);
    CHECK(v.log().empty());
    SECTION("insert") {
        v.run("INSERT INTO t(id) VALUES('k'), ('l')");
        CHECK(v.log() == strings{"7|-|k", "7|-|l"});
    }
    SECTION("update: one bit a changed column") {
        v.run("UPDATE t SET a = 2; UPDATE t SET b = 'X'; UPDATE t SET a = 3, b = 'y'; UPDATE t SET a = a;");
        CHECK(v.log() == strings{"7|2|old", "7|4|old", "7|6|old", "7|0|old"});
    }
    SECTION("update of the type alone, where the column keeps types") {
        v.run("UPDATE t SET a = 1.0; UPDATE t SET b = 'x'");
        CHECK(v.log() == strings{"7|2|old", "7|0|old"});
    }
    SECTION("a zero counts as changed, because SQL cannot tell it from the negative one") {
        v.run("UPDATE t SET a = 0.0");
        v.clear();
        v.run("UPDATE t SET a = -0.0");
        CHECK(v.log() == strings{"7|2|old"});
    }
    SECTION("delete") {
        v.run("DELETE FROM t");
        CHECK(v.log() == strings{"7|-2|old"});
        CHECK(v.grave({"old"}) == std::vector<std::vector<value>>{{"old", 1, "x"}});
    }
    SECTION("key change") {
        v.run("UPDATE t SET id = 'new', a = 5");
        CHECK(v.rows("SELECT t, m, k0 FROM casasync_log ORDER BY m") ==
              strings{"7|-|new", "7|-2|old", "7|2|new"});
        CHECK(v.grave({"old"}) == std::vector<std::vector<value>>{{"old", 1, "x"}});
        CHECK(v.grave({"new"}).empty());
    }
    SECTION("a write that is rolled back leaves nothing") {
        v.run("BEGIN; DELETE FROM t; ROLLBACK;");
        CHECK(v.log().empty());
        CHECK(v.grave({"old"}).empty());
    }
}

TEST_CASE("a row that REPLACE may displace is logged and buried", "[sqlite][capture]") {
    vault v(
        "CREATE TABLE t(id TEXT NOT NULL PRIMARY KEY, u UNIQUE, g AS (u || '!')); INSERT INTO t "
        "VALUES('one', 1);");
    SECTION("and it is gone") {
        v.run("INSERT OR REPLACE INTO t VALUES('two', 1)");
        CHECK(v.log() == strings{"7|-1|one", "7|-|two"});
        CHECK(v.grave({"one"}) == std::vector<std::vector<value>>{{"one", 1, {}}});
    }
    SECTION("and it stays, because the statement does not replace") {
        v.run("INSERT OR IGNORE INTO t VALUES('two', 1)");
        CHECK(v.log() == strings{"7|-1|one"});
        CHECK(v.read().rows[0].entries[0].kind == change_kind::displaced);
    }
    SECTION("by an update, too") {
        v.run("INSERT INTO t VALUES('two', 2); UPDATE OR REPLACE t SET u = 1 WHERE id = 'two'");
        CHECK(v.log() == strings{"7|-|two", "7|-1|one", "7|2|two"});
    }
    SECTION("but an UPSERT of the row itself displaces nothing") {
        v.run("INSERT INTO t VALUES('one', 1) ON CONFLICT(id) DO UPDATE SET u = 5");
        CHECK(v.log() == strings{"7|2|one"});
    }
}

TEST_CASE("the log is read back by row, with times and types", "[sqlite][capture]") {
    vault v("CREATE TABLE t(k INT NOT NULL, id BLOB NOT NULL, a, PRIMARY KEY(id, k))");
    v.run(
        "INSERT INTO t VALUES(2, x'ff', 1); INSERT INTO t VALUES(1, 'x', 1); UPDATE t SET a = 2 WHERE k = "
        "2;");
    v.run("UPDATE casasync_log SET at = julianday('2024-02-29 12:34:56.789')");
    const log_chunk chunk = v.read();
    REQUIRE(chunk.rows.size() == 2);
    CHECK(chunk.complete);
    CHECK(chunk.last == 3);
    CHECK(chunk.rows[0].table == 7);
    CHECK(chunk.rows[0].key == std::vector<value>{"x", 1});
    CHECK(chunk.rows[1].key == std::vector<value>{bytes{0xff}, 2});
    REQUIRE(chunk.rows[1].entries.size() == 2);
    CHECK(chunk.rows[1].entries[0].kind == change_kind::insert);
    CHECK(chunk.rows[1].entries[0].position == 1);
    CHECK(chunk.rows[1].entries[1].kind == change_kind::update);
    CHECK(chunk.rows[1].entries[1].position == 3);
    CHECK(chunk.rows[1].entries[1].columns.contains(2));
    CHECK(chunk.rows[1].entries[1].at == 1709210096789);
}

TEST_CASE("the time of a write is kept, or not when so wished", "[sqlite][capture]") {
    vault v(two_columns);
    v.run("DELETE FROM t");
    CHECK(v.read().rows[0].entries[0].at.has_value());
    v.clear();
    v.track({.write_time = false});
    CHECK(v.installed({.write_time = false}));
    CHECK_FALSE(v.installed({.write_time = true}));
    v.run("INSERT INTO t(id) VALUES('k')");
    CHECK_FALSE(v.read().rows[0].entries[0].at.has_value());
}

TEST_CASE("the log is read and cleared in chunks", "[sqlite][capture]") {
    vault v(two_columns);
    v.run("INSERT INTO t(id) VALUES('k'); DELETE FROM t WHERE id = 'old'; DELETE FROM t WHERE id = 'k';");
    const log_chunk first = v.read(2);
    CHECK_FALSE(first.complete);
    CHECK(first.last == 2);
    REQUIRE(clear_log(v.db, first.last, std::vector<table_number>{7}));
    CHECK(v.grave({"old"}).empty());
    CHECK(v.grave({"k"}).size() == 1);  // of the next chunk
    const log_chunk second = v.read(2);
    CHECK(second.complete);
    REQUIRE(second.rows.size() == 1);
    CHECK(second.rows[0].entries[0].kind == change_kind::erase);
    REQUIRE(clear_log(v.db, second.last, std::vector<table_number>{7}));
    CHECK(v.grave({"k"}).empty());
    const log_chunk nothing = v.read(2);
    CHECK(nothing.complete);
    CHECK(nothing.rows.empty());
    CHECK(nothing.last == 0);
}

TEST_CASE("a log somebody else wrote into is read without harm", "[sqlite][capture]") {
    vault v(two_columns);
    v.run(
        "INSERT INTO casasync_log VALUES('x', 'y', 'z', NULL), (7, -99, 1e300, 'k'), (7, 9e18, x'00', 'l'), "
        "(7, 9223372036854775807, NULL, 'm')");
    const log_chunk chunk = v.read();
    REQUIRE(chunk.rows.size() == 4);
    CHECK(chunk.rows[0].table == 0);
    CHECK(chunk.rows[0].key.empty());
    CHECK(chunk.rows[1].entries[0].kind == change_kind::insert);  // what is not known looks at the whole row
    CHECK_FALSE(chunk.rows[1].entries[0].at.has_value());
    CHECK(chunk.rows[3].entries[0].columns.contains(127 * column_set::group_columns));
}

TEST_CASE("an update of a wide table is one entry", "[sqlite][capture]") {
    std::string sql = "CREATE TABLE t(id TEXT NOT NULL PRIMARY KEY";
    for (int i = 1; i < 1999; ++i) sql += ", c" + std::to_string(i);
    vault v(sql + ")");  // as many columns as can be tracked
    v.run("INSERT INTO t(id, c1998) VALUES('k', 1); UPDATE t SET c55 = 1, c56 = 2; UPDATE t SET c1998 = 3;");
    const log_chunk chunk = v.read(2);  // not cut inside an update
    CHECK_FALSE(chunk.complete);
    REQUIRE(chunk.rows.size() == 1);
    REQUIRE(chunk.rows[0].entries.size() == 2);
    column_set expected;
    expected.add(55);
    expected.add(56);
    CHECK(chunk.rows[0].entries[1].columns == expected);
    const log_chunk all = v.read();
    REQUIRE(all.rows[0].entries.size() == 3);
    CHECK(all.rows[0].entries[2].columns.contains(1998));
    CHECK_FALSE(all.rows[0].entries[2].columns.contains(55));
    v.run("DELETE FROM t");
    REQUIRE(v.grave({"k"}).size() == 1);
    CHECK(v.grave({"k"})[0][1998] == value(3));
}

TEST_CASE("the graveyard is asked by exact key", "[sqlite][capture]") {
    vault v("CREATE TABLE t(id BLOB NOT NULL PRIMARY KEY, a); INSERT INTO t VALUES(1, 'integer');");
    v.run(
        "DELETE FROM t; INSERT INTO t VALUES(1.0, 'real'); DELETE FROM t; INSERT INTO t VALUES(1, 'again'); "
        "DELETE FROM t;");
    CHECK(v.grave({1}) == std::vector<std::vector<value>>{{1, "integer"}, {1, "again"}});
    CHECK(v.grave({1.0}) == std::vector<std::vector<value>>{{1.0, "real"}});
}

TEST_CASE("our triggers stand around the application's, which stay as they are", "[sqlite][capture]") {
    vault v(
        "CREATE TABLE t(id TEXT NOT NULL PRIMARY KEY, u UNIQUE); CREATE TABLE note(what);"
        "CREATE TRIGGER  \"app \"\"1\"  BEFORE INSERT ON t BEGIN /* kept */ INSERT INTO note VALUES('1'); "
        "END;"
        "CREATE TRIGGER app2 AFTER INSERT ON t BEGIN INSERT INTO note VALUES('2'); END;"
        "CREATE TRIGGER app3 AFTER INSERT ON T BEGIN INSERT INTO note VALUES('3'); END;"
        "CREATE TRIGGER elsewhere AFTER INSERT ON note BEGIN SELECT 1; END;");
    const std::string order =
        "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name <> 'note' ORDER BY rowid";
    const strings sandwich{"casasync_7_before_insert",
                           "casasync_7_before_update",
                           "app \"1",
                           "app2",
                           "app3",
                           "casasync_7_insert",
                           "casasync_7_update",
                           "casasync_7_key",
                           "casasync_7_delete"};
    CHECK(v.rows(order) == sandwich);
    CHECK(v.rows("SELECT sql FROM sqlite_schema WHERE name = 'app \"1'") ==
          strings{"CREATE TRIGGER \"app \"\"1\"  BEFORE INSERT ON t BEGIN /* kept */ INSERT INTO note "
                  "VALUES('1'); END"});
    CHECK(v.installed());
    v.run("INSERT INTO t VALUES('k', 1)");
    CHECK(v.rows("SELECT what FROM note") == strings{"1", "3", "2"});  // as without us: the newest first

    SECTION("a trigger that the application adds is noticed and taken in") {
        v.run("CREATE TRIGGER app4 BEFORE UPDATE ON t BEGIN SELECT 1; END");
        CHECK_FALSE(v.installed());
        v.track();
        CHECK(v.installed());
        CHECK(v.rows(order)[5] == "app4");
    }
    SECTION("a trigger of ours that is dropped or altered is noticed and made again") {
        v.run("DROP TRIGGER casasync_7_delete");
        CHECK_FALSE(v.installed());
        v.run("CREATE TRIGGER casasync_7_delete AFTER DELETE ON t BEGIN SELECT 1; END");
        CHECK_FALSE(v.installed());
        v.track();
        CHECK(v.installed());
    }
    SECTION("a unique index that is added is noticed") {
        v.run("CREATE UNIQUE INDEX more ON t(u, id)");
        CHECK_FALSE(v.installed());
        v.track();
        CHECK(v.installed());
    }
    SECTION("installing twice changes nothing") {
        const strings before = v.rows("PRAGMA schema_version");
        v.track();
        CHECK(v.rows("PRAGMA schema_version") == before);
    }
    SECTION("removing leaves the application's triggers and rows") {
        REQUIRE(remove(v.db, 7));
        CHECK(v.rows(order) == strings{"app \"1", "app2", "app3"});
        CHECK(v.log().empty());
        CHECK(v.rows("SELECT name FROM sqlite_schema WHERE name GLOB 'casasync_grave*'").empty());
        CHECK(v.rows("SELECT * FROM t") == strings{"k|1"});
        v.track();
        CHECK(v.rows(order) == sandwich);
    }
}

TEST_CASE("the schema may change under capture", "[sqlite][capture]") {
    vault v("CREATE TABLE t(id TEXT NOT NULL PRIMARY KEY, a, u UNIQUE); INSERT INTO t VALUES('k', 1, 2);");
    SECTION("a column is renamed: capture goes on") {
        v.run("ALTER TABLE t RENAME COLUMN a TO \"a 2\"; UPDATE t SET \"a 2\" = 5");
        CHECK(v.installed());
        CHECK(v.log() == strings{"7|2|k"});
    }
    SECTION("the table is renamed: capture goes on") {
        v.run("ALTER TABLE t RENAME TO other; UPDATE other SET u = 5; ALTER TABLE other RENAME TO t");
        CHECK(v.installed());
        CHECK(v.log() == strings{"7|4|k"});
    }
    SECTION(
        "a column is added: a write to it shows as an update of nothing, until the triggers are made again") {
        v.run("ALTER TABLE t ADD COLUMN z; UPDATE t SET z = 1");
        CHECK(v.log() == strings{"7|0|k"});
        CHECK_FALSE(v.installed());
        v.run("DELETE FROM t");
        v.track();
        CHECK(v.installed());
        CHECK(v.grave({"k"}) == std::vector<std::vector<value>>{{"k", 1, 2, {}}});
        v.run("INSERT INTO t VALUES('l', 1, 2, 3); UPDATE t SET z = 4; DELETE FROM t;");
        CHECK(v.log().at(3) == "7|8|l");
        CHECK(v.grave({"l"}) == std::vector<std::vector<value>>{{"l", 1, 2, 4}});
    }
    SECTION("a column is removed between remove_triggers() and install()") {
        CHECK_FALSE(v.db.execute("ALTER TABLE t DROP COLUMN a"));  // our triggers name it
        v.run("DELETE FROM t");
        REQUIRE(remove_triggers(v.db, 7));
        v.run("ALTER TABLE t DROP COLUMN a");
        auto shape = read_shape(v.db, "t");
        REQUIRE(shape);
        const auto refused = install(v.db, 7, *shape, {});
        REQUIRE_FALSE(refused);  // the buried row has the old columns
        CHECK(refused.code() == errc::invalid_argument);
        CHECK_FALSE(v.installed());
        v.clear();
        v.track();
        v.run("INSERT INTO t VALUES('l', 3); DELETE FROM t;");
        CHECK(v.grave({"l"}) == std::vector<std::vector<value>>{{"l", 3}});
    }
    SECTION("the table is made again with a longer key: the triggers are gone, and that is noticed") {
        v.run(
            "DROP TABLE t; CREATE TABLE t(a TEXT, b TEXT, c TEXT, PRIMARY KEY(c, b)) STRICT, WITHOUT ROWID;");
        CHECK_FALSE(v.installed());
        v.track();
        v.run("INSERT INTO t VALUES('1', '2', '3'); DELETE FROM t;");
        CHECK(v.read().rows[0].key == std::vector<value>{"3", "2"});
        CHECK(v.grave({"3", "2"}) == std::vector<std::vector<value>>{{"1", "2", "3"}});
    }
}

TEST_CASE("a table whose triggers SQLite cannot compile is refused, and nothing is left",
          "[sqlite][capture]") {
    sqlite_test::file vault_file;
    auto app = connection::open(vault_file.path(), open_mode::create, 0);
    REQUIRE(app);
    const auto compare = [](void*, int, const void*, int, const void*) { return 0; };
    REQUIRE(sqlite3_create_collation(app->handle(), "of_the_app", SQLITE_UTF8, nullptr, compare) ==
            SQLITE_OK);
    REQUIRE(app->execute("CREATE TABLE t(id TEXT NOT NULL PRIMARY KEY, a TEXT COLLATE of_the_app UNIQUE)"));
    auto engine = connection::open(vault_file.path(), open_mode::read_write, 0);
    REQUIRE(engine);
    const auto shape = read_shape(*engine, "t");
    REQUIRE(shape);
    const auto refused = install(*engine, 7, *shape, {});
    REQUIRE_FALSE(refused);
    CHECK(refused.code() == errc::not_trackable);
    CHECK(refused.failure().detail.find("of_the_app") != std::string::npos);
    CHECK(*engine->query_integer("SELECT count(*) FROM sqlite_schema WHERE name GLOB 'casasync*'") == 0);
    CHECK(install(*app, 7, *shape, {}));  // on a connection that has the collation it goes
}

TEST_CASE("what the application sees of its own statements is as without capture", "[sqlite][capture]") {
    vault v("CREATE TABLE t(id TEXT NOT NULL PRIMARY KEY, u UNIQUE)");
    v.run("INSERT INTO t VALUES('a', 1), ('b', 2), ('c', 3)");
    CHECK(v.db.changes() == 3);
    CHECK(sqlite3_last_insert_rowid(v.db.handle()) == 3);
    CHECK(v.rows("UPDATE t SET u = u + 10 WHERE u > 1 RETURNING id, u") == strings{"b|12", "c|13"});
    CHECK(v.db.changes() == 2);
}

TEST_CASE("a second connection's writes are captured, in a table of the same name only ours",
          "[sqlite][capture]") {
    sqlite_test::file vault_file;
    vault v(two_columns, std::move(*connection::open(vault_file.path(), open_mode::create, 0)));
    sqlite3* app = nullptr;
    REQUIRE(sqlite3_open(vault_file.path().c_str(), &app) == SQLITE_OK);
    CHECK(
        sqlite3_exec(app,
                     "CREATE TEMP TABLE t(id); INSERT INTO temp.t VALUES('temporary'); "
                     "CREATE TEMP TABLE casasync_log(t, m, at, k0); INSERT INTO main.t VALUES('app', 1, 2);",
                     nullptr, nullptr, nullptr) == SQLITE_OK);
    CHECK(sqlite3_close(app) == SQLITE_OK);
    CHECK(v.log() == strings{"7|-|app"});
}

#ifdef CASASYNC_SQLITE3_SHELL
TEST_CASE("writes by the sqlite3 shell are captured", "[sqlite][capture]") {
    sqlite_test::file vault_file;
    vault v(two_columns, std::move(*connection::open(vault_file.path(), open_mode::create, 0)));
    const std::string command =
        std::string(CASASYNC_SQLITE3_SHELL) + " '" + vault_file.path() +
        "' \"UPDATE t SET a = 9; INSERT INTO t(id) VALUES('shell'); DELETE FROM t WHERE id = 'old'\"";
    REQUIRE(std::system(command.c_str()) == 0);
    CHECK(v.log() == strings{"7|2|old", "7|-|shell", "7|-2|old"});
    CHECK(v.grave({"old"}) == std::vector<std::vector<value>>{{"old", 9, "x"}});
}
#endif

TEST_CASE("what is applied under suppression is not captured, and application triggers still fire",
          "[sqlite][capture][suppress]") {
    sqlite_test::file vault_file;
    vault v(
        "CREATE TABLE t(id TEXT NOT NULL PRIMARY KEY, u UNIQUE, n);"
        "CREATE TABLE note(what);"
        "CREATE TRIGGER app AFTER INSERT ON t BEGIN INSERT INTO note VALUES(NEW.id); "
        "UPDATE t SET n = 1 WHERE id = NEW.id; END;",
        std::move(*connection::open(vault_file.path(), open_mode::create, 0)));
    const auto write_all = [&v](const std::string& id) {
        REQUIRE(v.db.run("INSERT INTO t(id, u) VALUES(?1, 1)", id));
        REQUIRE(v.db.run("INSERT INTO t(id) VALUES(?1) ON CONFLICT DO UPDATE SET u = 2", id));
        REQUIRE(v.db.run("INSERT OR REPLACE INTO t(id, u) VALUES(?1 || '2', 2)", id));
        REQUIRE(v.db.run("UPDATE t SET id = ?1 || '3', n = 5 WHERE id = ?1 || '2'", id));
        REQUIRE(v.db.run("DELETE FROM t"));
    };
    {
        const catalog none;
        const suppress_capture quiet(v.db, none);
        write_all("k");
        CHECK(v.log().empty());
        CHECK(*v.db.query_integer("SELECT count(*) FROM casasync_grave_7") == 0);
        CHECK(v.rows("SELECT what FROM note") == strings{"k", "k2"});

        auto other = connection::open(vault_file.path(), open_mode::read_write, 0);
        REQUIRE(other);
        REQUIRE(other->execute("CREATE TABLE more(a); INSERT INTO t(id) VALUES('other');"));
        CHECK(v.log() == strings{"7|-|other", "7|4|other"});  // others are captured all the time
        write_all("again");                                   // after statements were compiled anew
        CHECK(v.log().size() == 2);
    }
    v.clear();
    write_all("l");
    CHECK(v.log().size() > 5);
}

TEST_CASE("what was captured since a mark is discarded, and no more", "[sqlite][capture][suppress]") {
    vault v(two_columns);
    const std::vector<table_number> tables{7};
    v.run("INSERT INTO t(id) VALUES('k'); DELETE FROM t WHERE id = 'k'");
    const strings before = v.log();
    auto tx = transaction::begin(v.db);
    REQUIRE(tx);
    const auto mark = capture_mark::set(v.db, tables);
    REQUIRE(mark);
    v.run("DELETE FROM t; INSERT INTO t(id) VALUES('l'); UPDATE t SET a = 2;");
    CHECK(v.log().size() == 5);
    REQUIRE(mark->discard(v.db));
    CHECK(v.log() == before);
    CHECK(v.grave({"old"}).empty());
    CHECK(v.grave({"k"}).size() == 1);
    v.run("DELETE FROM t");
    REQUIRE(mark->discard(v.db));
    CHECK(v.log() == before);
    REQUIRE(tx->commit());
}
