// SPDX-License-Identifier: MIT
// What the loops and the simulation have found, each in its smallest form.
#include "pair.hpp"

#include <casasync_test/catch.hpp>

using namespace casasync;
using namespace casasync_test;

TEST_CASE("a row is deleted, then the app adds a column, before anything was sealed", "[faults]") {
    device_pair p("wal");
    REQUIRE(p.begin() == "");
    for (device* d : {&p.a, &p.b}) REQUIRE(d->open().ok());
    REQUIRE(p.a.sql().transact("DELETE FROM txn WHERE id = 'coffee'") == SQLITE_OK);
    for (device* d : {&p.a, &p.b})
        REQUIRE(d->sql().transact("ALTER TABLE txn ADD COLUMN place TEXT DEFAULT 'home'") == SQLITE_OK);
    SECTION("while the vault is open") {}
    SECTION("and the vault is opened again") {
        p.a.close();
        REQUIRE(problem("open", p.a.open()) == "");
    }
    CHECK(problem("seal", p.a.vault().seal()) == "");
    CHECK(p.settle() == "");
    CHECK(p.agree() == "");
    CHECK(p.fresh_write(p.b) == "");
}

TEST_CASE("what a vault has sealed and sent outlives the power, also with a rollback journal", "[faults]") {
    device_pair p("delete");
    REQUIRE(p.begin() == "");
    for (device* d : {&p.a, &p.b}) REQUIRE(d->open().ok());
    REQUIRE(p.a.sql().transact("UPDATE txn SET amount = -4 WHERE id = 'coffee'") == SQLITE_OK);
    p.network().set({0, 100, 0, 0, 0});  // the relay takes it, and the device does not hear so
    REQUIRE(p.sync(p.a) != "");
    p.network().set({});
    p.a.storage().lose_power(loss::all_unsynced, 1);
    p.a.start_again();
    REQUIRE(problem("open", p.a.open()) == "");
    // An envelope that came undone would be made again, with other bytes under the same number.
    CHECK(p.fresh_write(p.a) == "");
    CHECK(p.agree() == "");
}

TEST_CASE("a table is not tracked for a while, and the app writes it meanwhile", "[faults]") {
    device_pair p("wal");
    REQUIRE(p.begin() == "");
    for (device* d : {&p.a, &p.b}) REQUIRE(d->open().ok());
    REQUIRE(p.a.vault().untrack("txn").ok());
    REQUIRE(p.a.sql().transact(
                "INSERT INTO txn(id, note) VALUES('new', 'meanwhile');"
                "UPDATE txn SET amount = 0 WHERE id = 'rent'; DELETE FROM txn WHERE id = 'coffee'") ==
            SQLITE_OK);
    REQUIRE(p.a.vault().track("txn").ok());
    CHECK(p.settle() == "");
    CHECK(p.agree() == "");
    CHECK(p.rows(p.a) == p.rows(p.b));
}

TEST_CASE("the app adds a column and writes it before the vault has noticed", "[faults]") {
    device_pair p("wal");
    REQUIRE(p.begin() == "");
    for (device* d : {&p.a, &p.b}) REQUIRE(d->open().ok());
    for (device* d : {&p.a, &p.b})
        REQUIRE(d->sql().transact("ALTER TABLE txn ADD COLUMN place TEXT DEFAULT 'home'") == SQLITE_OK);
    REQUIRE(p.a.sql().transact("UPDATE txn SET place = 'abroad' WHERE id = 'coffee';"
                               "UPDATE txn SET place = 'work', note = 'Flat' WHERE id = 'rent'") ==
            SQLITE_OK);
    SECTION("while the vault is open") {}
    SECTION("and the vault is opened again") {
        p.a.close();
        REQUIRE(problem("open", p.a.open()) == "");
    }
    CHECK(p.settle() == "");
    CHECK(p.agree() == "");
    CHECK(p.rows(p.b).find("abroad") != std::string::npos);
    CHECK(p.rows(p.b).find("work") != std::string::npos);
}

TEST_CASE("a column that others have written is added here later", "[faults]") {
    device_pair p("wal");
    REQUIRE(p.begin() == "");
    for (device* d : {&p.a, &p.b}) REQUIRE(d->open().ok());
    const char* const add = "ALTER TABLE txn ADD COLUMN place TEXT DEFAULT 'home'";
    REQUIRE(p.a.sql().transact(add) == SQLITE_OK);
    REQUIRE(p.a.sql().transact("UPDATE txn SET place = 'abroad'") == SQLITE_OK);
    REQUIRE(p.settle() == "");
    REQUIRE(p.b.sql().transact(add) == SQLITE_OK);
    std::size_t mine = 0;
    SECTION("and nothing was written here since") {}
    SECTION("and other columns of the row were written meanwhile") {
        REQUIRE(p.b.sql().transact("UPDATE txn SET note = 'mine'") == SQLITE_OK);
    }
    SECTION("and the column was written meanwhile") {
        REQUIRE(p.b.sql().transact("UPDATE txn SET place = 'mine' WHERE id = 'rent'") == SQLITE_OK);
        mine = 1;
    }
    CHECK(p.settle() == "");
    CHECK(p.agree() == "");
    for (device* d : {&p.a, &p.b}) {
        CHECK(d->sql().rows("SELECT count(*) FROM txn WHERE place = 'abroad'") ==
              "1:" + std::to_string(2 - mine) + "|\n");
        CHECK(d->sql().rows("SELECT count(*) FROM txn WHERE place = 'mine'") ==
              "1:" + std::to_string(mine) + "|\n");
    }
    CHECK(p.a.vault().conflicts()->size() == p.b.vault().conflicts()->size());
}

TEST_CASE("a row the vault began with is replaced and deleted before anything was sealed", "[faults]") {
    device_pair p("wal");
    REQUIRE(p.begin() == "");
    for (device* d : {&p.a, &p.b}) REQUIRE(d->open().ok());
    REQUIRE(p.a.sql().transact("INSERT OR REPLACE INTO txn VALUES('rent', 1, 'new', 'cash');"
                               "DELETE FROM txn WHERE id = 'rent'") == SQLITE_OK);
    CHECK(p.settle() == "");
    CHECK(p.agree() == "");
    CHECK(p.rows(p.b).find("rent") == std::string::npos);
}

TEST_CASE("a conflict of a row that is parked waits with it", "[faults]") {
    device_pair p("wal");
    REQUIRE(p.begin() == "");
    for (device* d : {&p.a, &p.b}) REQUIRE(d->open().ok());
    // Two accounts get one name; what refers to the younger waits with it. One of its cells is in conflict.
    REQUIRE(p.a.sql().transact("INSERT INTO account VALUES('new', 'New', 1);"
                               "INSERT INTO txn VALUES('x', 1, 'x', 'new')") == SQLITE_OK);
    REQUIRE(p.settle() == "");
    p.minutes_pass(1);
    REQUIRE(p.a.sql().transact("UPDATE txn SET amount = 2 WHERE id = 'x';"
                               "UPDATE account SET name = 'Both' WHERE id = 'new'") == SQLITE_OK);
    REQUIRE(p.b.sql().transact("UPDATE txn SET amount = 3 WHERE id = 'x';"
                               "UPDATE account SET name = 'Both' WHERE id = 'cash'") == SQLITE_OK);
    REQUIRE(p.settle() == "");
    REQUIRE(p.a.sql().rows("SELECT * FROM txn WHERE id = 'x'").empty());
    std::string id;
    const auto open = p.a.vault().conflicts();
    REQUIRE(open.ok());
    for (const auto& c : *open)
        if (c.table == "txn" && c.column == "amount") id = c.id;
    REQUIRE_FALSE(id.empty());
    for (const bool restores : {true, false}) {
        const auto done = restores ? p.a.vault().restore(id) : p.a.vault().keep(id);
        REQUIRE_FALSE(done.ok());
        CHECK(done.failure().text().find("integrity") != std::string::npos);
        CHECK(p.settle() == "");
        CHECK(p.agree() == "");
    }
    REQUIRE(p.a.sql().transact("UPDATE account SET name = 'Cash' WHERE id = 'cash'") == SQLITE_OK);
    CHECK(p.settle() == "");
    CHECK(p.a.vault().restore(id).ok());
    CHECK(p.settle() == "");
    CHECK(p.agree() == "");
    CHECK_FALSE(p.b.sql().rows("SELECT * FROM txn WHERE id = 'x'").empty());
}
