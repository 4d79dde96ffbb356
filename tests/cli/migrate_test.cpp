// SPDX-License-Identifier: MIT
// A person changes the schema of a vault on two devices, one after the other.
#include "household.hpp"

#include <casasync_test/catch.hpp>

#include <fstream>

using casasync_test::household;

namespace {

std::string file_with(const household& home, const std::string& name, const std::string& sql) {
    const std::string path = home.dir / name;
    std::ofstream(path) << sql;
    return path;
}

}  // namespace

TEST_CASE("a column is added and another dropped by migrate, on one device and later on the other", "[cli]") {
    const household home;
    const std::string a = home.make_vault("a.db"), b = home.add_device(a, "b.db");
    const std::string sql = file_with(
        home, "next.sql", "ALTER TABLE txn ADD COLUMN place TEXT; ALTER TABLE txn DROP COLUMN note;");
    const auto done = home.casasync({"migrate", a, sql});
    INFO(done.out << done.err);
    REQUIRE(done.exit == 0);
    home.sql(a, "UPDATE txn SET place = 'abroad' WHERE id = 'coffee'");
    for (const std::string& db : {a, b, a}) REQUIRE(home.casasync({"sync", db}).exit == 0);
    CHECK(home.json({"status", b}).at("in_sync").as_bool());
    REQUIRE(home.casasync({"migrate", b, sql}).exit == 0);
    for (const std::string& db : {b, a}) REQUIRE(home.casasync({"sync", db}).exit == 0);
    CHECK(home.sql(b, "SELECT place FROM txn WHERE id = 'coffee'") == "abroad");
    const auto compared = home.casasync({"verify", a, b});
    INFO(compared.out << compared.err);
    CHECK(compared.exit == 0);
}

TEST_CASE("a migration that fails changes nothing and says so", "[cli]") {
    const household home;
    const std::string a = home.make_vault("a.db");
    const std::string before = home.sql(a, "SELECT group_concat(sql) FROM sqlite_schema");
    const std::string wrong = file_with(
        home, "wrong.sql", "ALTER TABLE txn ADD COLUMN place TEXT; ALTER TABLE nowhere DROP COLUMN x;");
    const auto failed = home.casasync({"migrate", a, wrong});
    CHECK(failed.exit != 0);
    CHECK(failed.err.find("nowhere") != std::string::npos);
    CHECK(home.sql(a, "SELECT group_concat(sql) FROM sqlite_schema") == before);
    CHECK(home.casasync({"migrate", a, home.dir / "missing.sql"}).exit != 0);
    home.sql(a, "UPDATE txn SET note = 'still watched' WHERE id = 'coffee'");
    CHECK(home.json({"sync", a}).at("sent").as_int64() == 1);
}
