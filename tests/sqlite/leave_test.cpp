// SPDX-License-Identifier: MIT
/// A file that leaves its vault is the ordinary file that it would have been, and may come back.
#include "vault_world.hpp"

using namespace vault_test;

namespace {

constexpr const char* shop =
    "CREATE TABLE item(id TEXT PRIMARY KEY NOT NULL, what TEXT, price INTEGER CHECK(price > 0));"
    "CREATE TABLE \"of \"\" day\"(d INTEGER PRIMARY KEY, item TEXT UNIQUE REFERENCES item(id));"
    "CREATE TABLE seen(k TEXT PRIMARY KEY NOT NULL, n INTEGER); INSERT INTO seen VALUES('items', 0);"
    "CREATE INDEX by_price ON item(price); CREATE VIEW dear AS SELECT * FROM item WHERE price > 9;"
    "CREATE TRIGGER counts AFTER INSERT ON item BEGIN UPDATE seen SET n = n + 1; END;"
    "INSERT INTO item VALUES('a', 'apple', 3), ('b', 'bread', 12); INSERT INTO \"of \"\" day\" VALUES(1, "
    "'a');";
constexpr const char* schema_text = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY 1, 2";
const std::vector<std::string> rows_of_shop{"SELECT * FROM item ORDER BY 1",
                                            "SELECT * FROM \"of \"\" day\" ORDER BY 1"};

/// Returns what `name` has in its tables, once it is no device any more.
app& leaves(world& w, const std::string& name) {
    const std::string path = w.dir.file(name);
    w.devices.erase(name);
    must(vault::leave(path));
    CHECK(vault::open(path).code() == errc::not_a_vault);
    return *w.apps.at(name);
}

}  // namespace

TEST_CASE("a vault that is left is the file that it was, with its rows", "[vault][leave]") {
    world w;
    w.first("desktop", shop);
    w.joins("phone", "desktop", {});
    app& file = w.sql("desktop");
    file.run(
        "INSERT INTO item VALUES('c', 'cake', 20); DELETE FROM item WHERE id = 'b'; UPDATE item SET price = "
        "4");
    w.everyone_syncs();
    file.run("UPDATE item SET what = 'unsent'");
    std::vector<std::string> rows;
    for (const auto& sql : rows_of_shop) rows.push_back(file.dump(sql));
    app plain(w.dir.file("plain"));
    plain.run(shop);

    app& left = leaves(w, "desktop");
    CHECK(left.dump(schema_text) == plain.dump(schema_text));
    for (std::size_t i = 0; i < rows_of_shop.size(); ++i) CHECK(left.dump(rows_of_shop[i]) == rows[i]);
    left.run(
        "INSERT INTO item VALUES('d', 'dates', 5); UPDATE item SET price = 6; DELETE FROM item WHERE id = "
        "'a'");
    CHECK(left.dump("PRAGMA integrity_check") == "ok\n");
    CHECK(vault::leave(w.dir.file("desktop")).code() == errc::not_a_vault);
    must(vault::create(w.dir.file("desktop"), who("desktop", 7)));
}

TEST_CASE("what was not sent before leaving comes along with the rows", "[vault][leave][adoption]") {
    world w;
    w.first("desktop", shop);
    w.joins("phone", "desktop", {});
    w.sql("phone").run("UPDATE item SET what = 'pear'; INSERT INTO item VALUES('x', 'xigua', 30)");
    w.sql("desktop").run("UPDATE item SET price = 8 WHERE id = 'a'");
    w.push("desktop");
    leaves(w, "phone");
    const auto snapshot = w.snapshot_of("desktop");
    cursor at;
    at.pos = w.log.size();
    w.devices.emplace("phone", must(vault::join(w.dir.file("phone"), who("phone", 9), snapshot, at,
                                                w.options(), sqlite::brought_numbers::same_rows)));
    w.everyone_syncs();
    w.everyone_syncs();
    w.all_agree(rows_of_shop);
    CHECK(w.sql("desktop").dump("SELECT what FROM item WHERE id = 'x'") == "xigua\n");
    std::size_t kept = 0;
    for (const auto& c : must(w["desktop"].conflicts()))
        if (c.loser == value("pear")) ++kept;
    CHECK(kept == 2);
}

TEST_CASE("a file that is no vault is not left", "[vault][leave]") {
    const scratch dir;
    app file(dir.file("plain"));
    file.run(shop);
    const std::string before = file.dump(schema_text);
    CHECK(vault::leave(dir.file("plain")).code() == errc::not_a_vault);
    CHECK(vault::leave(dir.file("missing")).code() == errc::io_failed);
    CHECK(file.dump(schema_text) == before);
}
