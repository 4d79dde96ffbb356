// SPDX-License-Identifier: MIT
#include <casasync_test/catch.hpp>

#include <sqlite3.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vault.hpp>

namespace ex = casasync::examples;

namespace {

struct close_database {
    void operator()(sqlite3* db) const noexcept { sqlite3_close_v2(db); }
};
using database = std::unique_ptr<sqlite3, close_database>;

database in_memory() {
    sqlite3* db = nullptr;
    REQUIRE(sqlite3_open(":memory:", &db) == SQLITE_OK);
    return database(db);
}

/// The rows of a query, one a line, the columns with their types.
std::string rows(sqlite3* db, const std::string& query) {
    std::string out;
    const auto add = [](void* text, int columns, char** values, char**) {
        auto& line = *static_cast<std::string*>(text);
        for (int i = 0; i < columns; ++i)
            line += std::string(i == 0 ? "" : "|") + (values[i] == nullptr ? "NULL" : values[i]);
        line += '\n';
        return 0;
    };
    INFO(query);
    REQUIRE(sqlite3_exec(db, query.c_str(), add, &out, nullptr) == SQLITE_OK);
    return out;
}

constexpr std::array<std::string_view, 7> tables_with_id = {"account", "category", "payee", "txn",
                                                            "split",   "rule",     "tag"};

std::string dump(sqlite3* db) {
    std::string out;
    for (const std::string_view table : tables_with_id)
        out += rows(db, "SELECT * FROM " + std::string(table) + " ORDER BY id");
    return out + rows(db, "SELECT * FROM txn_tag ORDER BY txn, tag");
}

database vault(std::int64_t transactions, std::uint64_t seed) {
    auto db = in_memory();
    const auto made = ex::make_vault(db.get(), {.transactions = transactions, .seed = seed});
    REQUIRE(made.ok());
    CHECK(made->transactions == transactions);
    return db;
}

void check_sound(sqlite3* db) {
    CHECK(rows(db, "PRAGMA foreign_key_check") == "");
    CHECK(rows(db, "PRAGMA integrity_check") == "ok\n");
}

}  // namespace

TEST_CASE("a vault has the size that was asked for, whatever it is", "[examples]") {
    for (const std::int64_t n : {0, 1, 7, 100, 2'000}) check_sound(vault(n, 1).get());
}

TEST_CASE("a vault is the same for a seed, on every platform, and another for another", "[examples]") {
    const auto one = vault(1'000, 1);
    CHECK(dump(one.get()) == dump(vault(1'000, 1).get()));
    CHECK(dump(one.get()) != dump(vault(1'000, 2).get()));
    CHECK(rows(one.get(), "SELECT min(id), max(id), sum(amount), min(date) FROM txn") ==
          "001954ba-817b-4aa4-9a8f-a17b5813b70f|fffcf9bc-96c3-44e7-92cf-eae23d190cf1|250170|2024-08-02\n");
}

TEST_CASE("a made vault is plausible", "[examples]") {
    const auto db = vault(5'000, 3);
    // The parts of a split transaction add up, and it has no category of its own.
    CHECK(rows(db.get(),
               "SELECT txn.id FROM txn JOIN split ON split.txn = txn.id GROUP BY txn.id"
               " HAVING sum(split.amount) <> txn.amount OR txn.category IS NOT NULL") == "");
    CHECK(rows(db.get(), "SELECT count(*) > 100 FROM split") == "1\n");
    CHECK(rows(db.get(), "SELECT count(*) > 100 FROM txn_tag") == "1\n");
    // Accounts see more than one currency.
    CHECK(rows(db.get(),
               "SELECT count(*) > 0 FROM (SELECT account FROM txn GROUP BY account"
               " HAVING count(DISTINCT currency) > 2)") == "1\n");
    // Once a month there is a salary.
    CHECK(rows(db.get(),
               "SELECT count(*) FROM (SELECT strftime('%Y-%m', date) FROM txn JOIN category"
               " ON category.id = txn.category WHERE category.name = 'Salary' GROUP BY 1 HAVING count(*) <> "
               "1)") == "0\n");
    CHECK(rows(db.get(), "SELECT count(*) > 20 FROM category WHERE parent IS NOT NULL") == "1\n");
}

TEST_CASE("edits do the same to equal vaults, keep them sound and reach every table", "[examples]") {
    const auto one = vault(1'000, 1);
    const auto two = vault(1'000, 1);
    std::array<std::string, tables_with_id.size()> before;
    for (std::size_t i = 0; i < before.size(); ++i)
        before[i] = rows(one.get(), "SELECT * FROM " + std::string(tables_with_id[i]) + " ORDER BY id");
    const std::string tags_before = rows(one.get(), "SELECT * FROM txn_tag ORDER BY txn, tag");

    for (sqlite3* db : {one.get(), two.get()}) {
        const auto done = ex::edit_vault(db, {.edits = 2'000, .seed = 5});
        REQUIRE(done.ok());
        CHECK(done->edits == 2'000);
        CHECK(done->inserted > 300);
        CHECK(done->updated > 1'000);
        CHECK(done->deleted > 50);
        check_sound(db);
    }
    CHECK(dump(one.get()) == dump(two.get()));
    for (std::size_t i = 0; i < before.size(); ++i) {
        INFO(tables_with_id[i]);
        CHECK(rows(one.get(), "SELECT * FROM " + std::string(tables_with_id[i]) + " ORDER BY id") !=
              before[i]);
    }
    CHECK(rows(one.get(), "SELECT * FROM txn_tag ORDER BY txn, tag") != tags_before);
}

TEST_CASE("edits can be repeated with one seed, and work on an empty vault", "[examples]") {
    const auto db = vault(0, 1);
    for (int i = 0; i < 3; ++i) CHECK(ex::edit_vault(db.get(), {.edits = 200, .seed = 9}).ok());
    check_sound(db.get());

    const auto empty = in_memory();
    rows(empty.get(), std::string(ex::vault_schema()));
    CHECK(ex::edit_vault(empty.get(), {.edits = 50, .seed = 1}).ok());
    check_sound(empty.get());
}

TEST_CASE("what cannot be done is refused and changes nothing", "[examples]") {
    const auto db = in_memory();
    CHECK(ex::make_vault(db.get(), {.transactions = -1}).code() == casasync::errc::invalid_argument);
    CHECK(ex::edit_vault(db.get(), {.edits = -1}).code() == casasync::errc::invalid_argument);
    // No tables: the edits have nothing to work on.
    CHECK(ex::edit_vault(db.get(), {.edits = 1}).code() == casasync::errc::store_failed);

    // A table is in the way: neither the other tables nor an open transaction are left behind.
    rows(db.get(), "CREATE TABLE rule (x)");
    const auto made = ex::make_vault(db.get(), {});
    REQUIRE_FALSE(made.ok());
    CHECK(made.code() == casasync::errc::store_failed);
    CHECK(made.failure().text().find("rule") != std::string::npos);
    CHECK(rows(db.get(), "SELECT name FROM sqlite_schema WHERE type = 'table'") == "rule\n");
    CHECK(sqlite3_get_autocommit(db.get()) != 0);
}

TEST_CASE("the schema refuses what would spoil a vault", "[examples]") {
    const auto db = vault(10, 1);
    const auto refused = [&](const char* statement) {
        return sqlite3_exec(db.get(), statement, nullptr, nullptr, nullptr) != SQLITE_OK;
    };
    CHECK(refused("UPDATE txn SET amount = 12.5"));
    CHECK(refused("UPDATE txn SET date = '30.6.2025'"));
    CHECK(refused("UPDATE txn SET cleared = 2"));
    CHECK(refused("INSERT INTO tag (id, name) SELECT 'another', name FROM tag LIMIT 1"));
    CHECK(refused("INSERT INTO tag (name) VALUES ('no id')"));
    CHECK_FALSE(refused("UPDATE txn SET amount = 1250"));
}
