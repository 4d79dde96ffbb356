// SPDX-License-Identifier: MIT
#include <casasync_test/catch.hpp>

#include "connection.hpp"
#include "file.hpp"

#include <cmath>
#include <fstream>
#include <limits>

using namespace casasync;
using namespace casasync::sqlite;

TEST_CASE("every kind of value comes back as it was bound", "[sqlite][connection]") {
    connection db = sqlite_test::memory();
    REQUIRE(db.execute("CREATE TABLE t(a)"));
    const std::vector<value> all{
        {},
        std::int64_t{0},
        std::numeric_limits<std::int64_t>::min(),
        std::numeric_limits<std::int64_t>::max(),
        1.0,
        -0.0,
        std::numeric_limits<double>::infinity(),
        5e-324,
        "",
        "Käse",
        std::string("a\0b", 3),
        bytes{},
        bytes{0, 255},
    };
    for (const value& v : all) REQUIRE(db.run("INSERT INTO t VALUES(?1)", v));
    auto s = db.prepare("SELECT a FROM t ORDER BY rowid");
    REQUIRE(s);
    for (const value& v : all) {
        const auto row = s->step();
        REQUIRE(row);
        REQUIRE(*row);
        CHECK((s->cell(0) == v));
    }
    const auto end = s->step();
    REQUIRE(end);
    CHECK_FALSE(*end);
}

TEST_CASE("names and text are quoted", "[sqlite][connection]") {
    CHECK(quote_name("a\"b") == "\"a\"\"b\"");
    CHECK(quote_text("it's") == "'it''s'");
}

TEST_CASE("a statement goes back to the cache and is open no longer", "[sqlite][connection]") {
    connection db = sqlite_test::memory();
    REQUIRE(db.execute("CREATE TABLE t(a); INSERT INTO t VALUES(1), (2);"));
    {
        auto one = db.prepare("SELECT a FROM t WHERE a > ?1");
        REQUIRE(one);
        one->bind(1, 0);
        REQUIRE(*one->step());
        auto two = db.prepare("SELECT a FROM t WHERE a > ?1");  // the same text while the first is in use
        REQUIRE(two);
        two->bind(1, 1);
        REQUIRE(*two->step());
        CHECK(one->integer(0) == 1);
        CHECK(two->integer(0) == 2);
    }
    CHECK(sqlite3_next_stmt(db.handle(), nullptr) != nullptr);
    for (auto* s = sqlite3_next_stmt(db.handle(), nullptr); s != nullptr;
         s = sqlite3_next_stmt(db.handle(), s))
        CHECK(sqlite3_stmt_busy(s) == 0);
    auto again = db.prepare("SELECT a FROM t WHERE a > ?1");
    REQUIRE(again);
    CHECK_FALSE(*again->step());  // no binding is left over
    db.forget_statements();
}

TEST_CASE("a transaction that is not committed is undone, nested ones alone", "[sqlite][connection]") {
    connection db = sqlite_test::memory();
    REQUIRE(db.execute("CREATE TABLE t(a)"));
    {
        auto outer = transaction::begin(db);
        REQUIRE(outer);
        REQUIRE(db.run("INSERT INTO t VALUES('outer')"));
        {
            auto inner = transaction::begin(db);
            REQUIRE(inner);
            REQUIRE(db.run("INSERT INTO t VALUES('undone')"));
        }
        {
            auto inner = transaction::begin(db);
            REQUIRE(inner);
            REQUIRE(db.run("INSERT INTO t VALUES('inner')"));
            REQUIRE(inner->commit());
        }
        CHECK(db.in_transaction());
        REQUIRE(outer->commit());
    }
    {
        auto lost = transaction::begin(db);
        REQUIRE(lost);
        REQUIRE(db.run("INSERT INTO t VALUES('undone')"));
    }
    CHECK_FALSE(db.in_transaction());
    CHECK(**db.query_value("SELECT group_concat(a) FROM t") == value("outer,inner"));
}

TEST_CASE("what SQLite refuses becomes an error with a remedy", "[sqlite][connection]") {
    sqlite_test::file vault;
    SECTION("a file that is not there") {
        const auto db = connection::open(vault.path() + "-none", open_mode::read_write, 0);
        REQUIRE_FALSE(db);
        CHECK(db.code() == errc::io_failed);
    }
    SECTION("a file that is not SQLite") {
        std::ofstream(vault.path()) << std::string(4096, 'x');
        const auto db = connection::open(vault.path(), open_mode::read_write, 0);
        REQUIRE_FALSE(db);
        CHECK(db.code() == errc::not_a_database);
        CHECK(db.failure().detail.find("not an SQLite database") != std::string::npos);
    }
    SECTION("another writer") {
        auto one = connection::open(vault.path(), open_mode::create, 0);
        REQUIRE(one);
        REQUIRE(one->execute("CREATE TABLE t(a)"));
        auto two = connection::open(vault.path(), open_mode::read_write, 0);
        REQUIRE(two);
        auto held = transaction::begin(*one);
        REQUIRE(held);
        const auto refused = transaction::begin(*two);
        REQUIRE_FALSE(refused);
        CHECK(refused.code() == errc::store_busy);
        CHECK(refused.failure().what() == condition::retryable);
    }
    SECTION("no memory, wherever in SQLite") {
        for (const int code : {SQLITE_NOMEM, SQLITE_IOERR_NOMEM}) {
            CHECK(to_error(code, nullptr).code == errc::io_failed);
            CHECK(to_error(code, nullptr).detail.find("not enough memory") != std::string::npos);
        }
    }
    SECTION("a connection that only reads") {
        REQUIRE(connection::open(vault.path(), open_mode::create, 0)->execute("CREATE TABLE t(a)"));
        auto db = connection::open(vault.path(), open_mode::read_only, 0);
        REQUIRE(db);
        CHECK(db->run("INSERT INTO t VALUES(1)").code() == errc::io_failed);
    }
    SECTION("no space") {
        auto db = connection::open(vault.path(), open_mode::create, 0);
        REQUIRE(db->execute("CREATE TABLE t(a); PRAGMA max_page_count = 3;"));
        const auto full = db->run("INSERT INTO t VALUES(zeroblob(100000))");
        REQUIRE_FALSE(full);
        CHECK(full.code() == errc::store_full);
    }
    SECTION("a constraint, told apart by its code") {
        connection db = sqlite_test::memory();
        REQUIRE(db.execute("CREATE TABLE t(a UNIQUE); INSERT INTO t VALUES(1);"));
        auto s = db.prepare("INSERT INTO t VALUES(?1)");
        REQUIRE(s);
        CHECK_FALSE(s->bind(1, 1).run());
        CHECK(s->code() == SQLITE_CONSTRAINT_UNIQUE);
        CHECK(s->bind(1, 2).run());  // and the statement can be used again
    }
    SECTION("a parameter that is not there") {
        connection db = sqlite_test::memory();
        CHECK_FALSE(db.run("SELECT ?1", 1, 2));
    }
    SECTION("a mistake in the SQL") {
        connection db = sqlite_test::memory();
        const auto bad = db.prepare("SELEKT 1");
        REQUIRE_FALSE(bad);
        CHECK(bad.failure().detail.find("SELEKT") != std::string::npos);
        CHECK(db.prepare(" -- nothing").code() == errc::invalid_argument);
    }
}

TEST_CASE("a borrowed connection stays open", "[sqlite][connection]") {
    sqlite3* app = nullptr;
    REQUIRE(sqlite3_open(":memory:", &app) == SQLITE_OK);
    {
        connection db = connection::borrow(app);
        REQUIRE(db.execute("CREATE TABLE t(a UNIQUE); INSERT INTO t VALUES(1);"));
        auto s = db.prepare("INSERT INTO t VALUES(1)");
        CHECK_FALSE(s->run());
        CHECK(s->code() == SQLITE_CONSTRAINT_UNIQUE);  // though extended codes are off here
    }
    CHECK(sqlite3_exec(app, "INSERT INTO t VALUES(2)", nullptr, nullptr, nullptr) == SQLITE_OK);
    CHECK(sqlite3_close(app) == SQLITE_OK);  // nothing of ours is left on it
}
