// SPDX-License-Identifier: MIT
/// Tables with an INTEGER PRIMARY KEY: a row is known by an identity, its number is decided, and what refers
/// to it follows.
#include "vault_world.hpp"

using namespace vault_test;

namespace {

constexpr const char* money =
    "CREATE TABLE account(id INTEGER PRIMARY KEY, name TEXT NOT NULL);"
    "CREATE TABLE txn(id INTEGER PRIMARY KEY AUTOINCREMENT, account INTEGER REFERENCES account(id), amount "
    "INTEGER);"
    "CREATE TABLE tag(txn INTEGER NOT NULL REFERENCES txn(id) ON DELETE CASCADE, word TEXT NOT NULL, PRIMARY "
    "KEY(txn, word));";
constexpr const char* all_accounts = "SELECT id, name FROM account ORDER BY id";
constexpr const char* all_txns = "SELECT id, account, amount FROM txn ORDER BY id";
constexpr const char* all_tags = "SELECT txn, word FROM tag ORDER BY txn, word";
const std::vector<std::string> all{all_accounts, all_txns, all_tags};
/// What a person sees, without the numbers.
constexpr const char* by_name =
    "SELECT name, amount, word FROM txn LEFT JOIN account ON account.id = txn.account LEFT JOIN tag ON "
    "tag.txn = txn.id ORDER BY name, amount, word";

std::string count(app& a, const std::string& from) {
    return a.dump("SELECT count(*) FROM " + from);
}

}  // namespace

TEST_CASE("rows that were there keep their numbers, and edits and new rows travel both ways",
          "[vault][number]") {
    world w;
    w.first("desktop",
            std::string(money) +
                "INSERT INTO account VALUES(1, 'bank'), (7, 'cash'); INSERT INTO txn VALUES(1, 7, 10);"
                "INSERT INTO tag VALUES(1, 'food')");
    w.joins("phone", "desktop");
    CHECK(w.sql("phone").dump(all_accounts) == "1|bank\n7|cash\n");
    w.sql("desktop").run("UPDATE account SET name = 'wallet' WHERE id = 7");
    w.now += 1000;
    w.sql("phone").run(
        "INSERT INTO account(name) VALUES('savings'); INSERT INTO txn(account, amount) VALUES(8, 20);"
        "INSERT INTO tag VALUES(2, 'gift')");
    w.everyone_syncs();
    CHECK(w.sql("desktop").dump(all_accounts) == "1|bank\n7|wallet\n8|savings\n");
    CHECK(w.sql("desktop").dump(all_txns) == "1|7|10\n2|8|20\n");
    CHECK(w.sql("desktop").dump(all_tags) == "1|food\n2|gift\n");
    w.all_agree(all);
    CHECK(must(w["phone"].conflicts()).empty());
    w.everyone_syncs();
    CHECK(must(w["phone"].seal()) == 0);
    CHECK(must(w["desktop"].seal()) == 0);
}

TEST_CASE("two devices give out one number offline: both rows stay, and what refers to them follows",
          "[vault][number]") {
    world w;
    w.first("desktop", std::string(money) + "INSERT INTO account VALUES(1, 'bank')");
    w.joins("phone", "desktop");
    w.joins("tablet", "desktop");
    w.sql("desktop").run(
        "INSERT INTO account(name) VALUES('desk'); INSERT INTO txn(account, amount) VALUES(2, 100);"
        "INSERT INTO tag VALUES(1, 'a')");
    must(w["desktop"].seal());
    w.now += 1000;
    w.sql("phone").run(
        "INSERT INTO account(name) VALUES('phone'); INSERT INTO txn(account, amount) VALUES(2, 200);"
        "INSERT INTO tag VALUES(1, 'b')");
    w.everyone_syncs();
    w.everyone_syncs();
    CHECK(w.sql("desktop").dump(by_name) == "desk|100|a\nphone|200|b\n");
    CHECK(w.sql("desktop").dump("SELECT name FROM account WHERE id = 2") == "desk\n");
    CHECK(count(w.sql("phone"), "account WHERE id BETWEEN -9007199254740991 AND -4503599627370496") == "1\n");
    w.all_agree(all);
    const std::string number = w.sql("phone").dump("SELECT id FROM account WHERE name = 'phone'");
    w.devices.erase("phone");  // the app learns of it whenever it asks
    w.devices.emplace("phone", must(vault::open(w.dir.file("phone"), w.options("phone"))));
    const auto told = must(w["phone"].take_renumbered());
    REQUIRE(told.size() == 2);
    const auto& account = told[told[0].table == "account" ? 0 : 1];
    CHECK(account.table == "account");
    CHECK(account.was == 2);
    CHECK(std::to_string(account.is) + "\n" == number);
    CHECK(must(w["phone"].take_renumbered()).empty());
    CHECK(must(w["desktop"].take_renumbered()).empty());
    CHECK(must(w["phone"].conflicts()).empty());
    // No later number is disturbed.
    w.sql("phone").run("INSERT INTO account(name) VALUES('next')");
    CHECK(w.sql("phone").dump("SELECT id FROM account WHERE name = 'next'") == "3\n");
    w.sql("tablet").run("UPDATE account SET name = 'Phone' WHERE name = 'phone'");
    w.everyone_syncs();
    w.everyone_syncs();
    CHECK(w.sql("desktop").dump(by_name) == "Phone|200|b\ndesk|100|a\n");
    w.all_agree(all);
}

TEST_CASE("REPLACE of a number keeps the row; deleted and inserted again it is another", "[vault][number]") {
    world w;
    w.first("desktop", std::string(money) + "INSERT INTO account VALUES(1, 'bank'), (2, 'cash')");
    w.joins("phone", "desktop");
    w.sql("desktop").run("REPLACE INTO account VALUES(1, 'Bank')");
    w.sql("desktop").run("DELETE FROM account WHERE id = 2; INSERT INTO account VALUES(2, 'other')");
    must(w["desktop"].seal());
    w.now += 1000;
    w.sql("phone").run("INSERT INTO txn(account, amount) VALUES(1, 5)");
    w.everyone_syncs();
    CHECK(w.sql("phone").dump(all_accounts) == "1|Bank\n2|other\n");
    CHECK(w.sql("desktop").dump(all_txns) == "1|1|5\n");
    w.all_agree(all);
    w.sql("phone").run("REPLACE INTO account VALUES(2, 'once more'); UPDATE account SET id = 9 WHERE id = 1");
    w.everyone_syncs();
    w.all_agree({all_accounts});
    CHECK(w.sql("desktop").dump(all_accounts) == "2|once more\n9|Bank\n");
}

TEST_CASE("a deleted row with an integer key comes back whole", "[vault][number]") {
    world w;
    w.first("desktop", std::string(money) + "INSERT INTO account VALUES(1, 'bank'), (2, 'cash')");
    w.joins("phone", "desktop");
    w.sql("desktop").run("UPDATE account SET name = 'CASH' WHERE id = 2");
    must(w["desktop"].seal());
    w.now += 1000;
    w.sql("phone").run("DELETE FROM account WHERE id = 2; INSERT INTO account VALUES(2, 'new')");
    w.everyone_syncs();
    CHECK(w.sql("desktop").dump(all_accounts) == "1|bank\n2|new\n");
    w.all_agree(all);
    const auto open = must(w["desktop"].conflicts());
    REQUIRE(open.size() == 1);
    CHECK(open[0].reason == conflict_reason::hidden_by_delete);
    CHECK(open[0].key == std::vector<value>{value(std::int64_t{2})});
    CHECK(open[0].key_taken);
    const auto restored = must(w["phone"].restore(open[0].id));
    CHECK_FALSE(restored.key_taken);
    CHECK(restored.key[0].integer() < 0);
    w.everyone_syncs();
    w.all_agree(all);
    CHECK(w.sql("desktop").dump("SELECT name FROM account ORDER BY name") == "CASH\nbank\nnew\n");
    CHECK(w.sql("desktop").dump("SELECT id FROM account WHERE name = 'new'") == "2\n");
    CHECK(must(w["desktop"].conflicts()).empty());
}

TEST_CASE("that a row stays deleted takes no number from a row that has it by now", "[vault][number]") {
    world w;
    w.first("desktop", std::string(money) + "INSERT INTO account VALUES(1, 'bank'), (2, 'cash')");
    w.joins("phone", "desktop");
    w.sql("desktop").run("UPDATE account SET name = 'CASH' WHERE id = 2");
    must(w["desktop"].seal());
    w.now += 1000;
    w.sql("phone").run(
        "DELETE FROM account WHERE id = 2; INSERT INTO account(name) VALUES('new');"
        "INSERT INTO txn(account, amount) VALUES(2, 5)");
    w.everyone_syncs();
    const auto open = must(w["desktop"].conflicts());
    REQUIRE(open.size() == 1);
    CHECK(open[0].key == std::vector<value>{value(std::int64_t{2})});
    CHECK(open[0].key_taken);
    CHECK(must(w["phone"].deleted("account"))[0].key_taken);
    const std::string decides = GENERATE(std::string("desktop"), "phone");
    w.now += 1000;
    if (GENERATE(false, true)) w.sql(decides).run("UPDATE account SET name = 'newer' WHERE id = 2");
    must(w[decides].keep(open[0].id));
    w.everyone_syncs();
    w.everyone_syncs();
    w.all_agree(all);
    CHECK(count(w.sql("phone"), "account WHERE id = 2 AND name LIKE 'new%'") == "1\n");
    CHECK(w.sql("phone").dump(all_txns) == "1|2|5\n");
    for (const char* device : {"desktop", "phone"}) {
        CHECK(must(w[device].conflicts()).empty());
        CHECK(must(w[device].take_renumbered()).empty());
    }
    const auto back = must(w[decides].undelete(must(w[decides].deleted("account"))[0].id));  // beside it
    CHECK_FALSE(back.key_taken);
    CHECK(std::to_string(back.key[0].integer()) + "\n" ==
          w.sql(decides).dump("SELECT id FROM account WHERE name = 'CASH'"));
    w.everyone_syncs();
    w.all_agree(all);
    CHECK(count(w.sql("desktop"), "account WHERE id = 2 AND name LIKE 'new%'") == "1\n");
    CHECK(count(w.sql("desktop"), "account WHERE name = 'CASH'") == "1\n");
}

TEST_CASE("a deleted row that comes back under another number moves no row that lost against it",
          "[vault][number]") {
    world w;
    w.first("desktop", std::string(money) + "INSERT INTO account VALUES(1, 'bank')");
    w.joins("phone", "desktop");
    w.sql("desktop").run("INSERT INTO account(name) VALUES('desk')");
    must(w["desktop"].seal());
    w.now += 1000;
    w.sql("phone").run("INSERT INTO account(name) VALUES('phone')");
    w.everyone_syncs();
    const std::string number = w.sql("phone").dump("SELECT id FROM account WHERE name = 'phone'");
    w.now += 1000;
    const bool given_again = GENERATE(false, true);
    w.sql("phone").run("DELETE FROM account WHERE name = 'desk'");
    if (given_again) w.sql("phone").run("INSERT INTO account(name) VALUES('new')");
    w.everyone_syncs();
    w.all_agree(all);
    must(w["desktop"].take_renumbered());
    must(w["desktop"].undelete(must(w["desktop"].deleted("account"))[0].id));
    w.everyone_syncs();
    w.all_agree(all);
    const std::string second = given_again ? "new" : "desk";
    CHECK(w.sql("phone").dump("SELECT name FROM account WHERE id = 2") == second + "\n");
    CHECK(w.sql("phone").dump("SELECT id FROM account WHERE name = 'phone'") == number);
    CHECK(count(w.sql("phone"), "account WHERE name = 'desk'") == "1\n");
    CHECK(must(w["desktop"].take_renumbered()).empty());
}

TEST_CASE(
    "what refers to the row that has a number now is not taken for what refers to the one that began with it",
    "[vault][number]") {
    world w;
    w.first("desktop", std::string(money) + "INSERT INTO txn VALUES(1, NULL, 10), (2, NULL, 20)");
    w.joins("phone", "desktop");
    w.sql("phone").run("DELETE FROM txn WHERE id = 2; INSERT INTO txn VALUES(2, NULL, 99)");
    w.everyone_syncs();
    w.now += 1000;
    const auto back = must(w["desktop"].undelete(must(w["desktop"].deleted("txn"))[0].id));
    const std::string number = std::to_string(back.key[0].integer());
    REQUIRE(number != "2");
    const std::string writer = GENERATE(std::string("desktop"), "phone");
    w.everyone_syncs();
    w.sql(writer).run("INSERT INTO tag VALUES(2, 'gift'), (" + number + ", 'gift')");
    w.everyone_syncs();
    w.all_agree(all);
    w.now += 1000;
    w.sql(writer).run("DELETE FROM tag WHERE txn = 2");
    w.everyone_syncs();
    w.all_agree(all);
    for (const char* device : {"desktop", "phone"}) CHECK(w.sql(device).dump(all_tags) == number + "|gift\n");
}

TEST_CASE(
    "a row that is replaced and deleted with its parent is no row of the parent that has the number next",
    "[vault][number]") {
    world w;
    w.first("desktop",
            std::string(money) + "INSERT INTO txn VALUES(1, NULL, 10); INSERT INTO tag VALUES(1, 'old')");
    w.joins("phone", "desktop");
    const std::string writer = GENERATE(std::string("desktop"), "phone");
    w.sql(writer).run("INSERT INTO txn VALUES(2, NULL, 20); INSERT INTO tag VALUES(2, 'new')");
    w.everyone_syncs();
    w.now += 1000;
    w.sql(writer).run("PRAGMA foreign_keys = ON");
    std::string tags;
    for (const char* number : {"1", "2"}) {
        const std::string n = number;
        w.sql(writer).run("REPLACE INTO tag VALUES(" + n + ", '" + (n == "1" ? "old" : "new") + "'), (" + n +
                          ", 'more'); DELETE FROM txn WHERE id = " + n + "; INSERT INTO txn VALUES(" + n +
                          ", NULL, 99)");
        if (GENERATE(false, true)) {
            w.sql(writer).run("INSERT INTO tag VALUES(" + n + ", 'new')");
            tags += n + "|new\n";
        }
    }
    w.everyone_syncs();
    w.all_agree(all);
    for (const char* device : {"desktop", "phone"}) {
        CHECK(w.sql(device).dump(all_tags) == tags);
        CHECK(must(w[device].conflicts()).empty());
    }
}

TEST_CASE("a conflict of two numbers of one row is decided without touching the row's other conflicts",
          "[vault][number]") {
    world w;
    w.first("desktop", std::string(money) + "INSERT INTO txn VALUES(1, NULL, 10), (2, NULL, 20)");
    w.joins("phone", "desktop");
    w.sql("phone").run("DELETE FROM txn WHERE id = 2");
    w.everyone_syncs();
    w.now += 1000;
    must(w["desktop"].undelete(must(w["desktop"].deleted("txn")).at(0).id));
    w.sql("desktop").run("UPDATE txn SET amount = 21 WHERE id = 2; INSERT INTO tag VALUES(2, 'gift')");
    must(w["desktop"].seal());
    w.now += 1000;
    w.sql("phone").run("INSERT INTO txn VALUES(2, NULL, 99)");
    const auto back = must(w["phone"].undelete(must(w["phone"].deleted("txn")).at(0).id));
    const std::string number = std::to_string(back.key[0].integer());
    w.sql("phone").run("UPDATE txn SET amount = 22 WHERE id = " + number);
    w.everyone_syncs();
    const auto open = must(w["phone"].conflicts());
    REQUIRE(open.size() == 2);
    const auto& of_number = open[open[0].column == "id" ? 0 : 1];
    CHECK(of_number.column == "id");
    w.now += 1000;
    SECTION("kept") {
        must(w["phone"].keep(of_number.id));
    }
    SECTION("restored") {
        const auto early = w["phone"].restore(of_number.id);
        CHECK(early.code() == errc::invalid_argument);
        CHECK(early.failure().text().find("another row has the number 2") != std::string::npos);
        w.sql("phone").run("DELETE FROM txn WHERE amount = 99");
        CHECK(must(w["phone"].restore(of_number.id)).key == std::vector<value>{value(std::int64_t{2})});
        CHECK(w.sql("phone").dump("SELECT amount FROM txn WHERE id = 2") == "22\n");
    }
    w.everyone_syncs();
    w.everyone_syncs();
    w.all_agree(all);
    for (const char* device : {"desktop", "phone"}) {
        const auto left = must(w[device].conflicts());
        REQUIRE(left.size() == 1);
        CHECK(left[0].column == "amount");
        CHECK(w.sql(device).dump("SELECT amount FROM txn WHERE amount <> 99 ORDER BY 1") == "10\n22\n");
        CHECK(w.sql(device).dump("SELECT amount FROM tag JOIN txn ON txn.id = tag.txn") == "22\n");
    }
}

TEST_CASE("a parent that the other device deleted: the child waits for it, or shows a number of nobody",
          "[vault][number]") {
    world w;
    const std::string schema =
        std::string(money) + "CREATE TABLE note(id TEXT PRIMARY KEY NOT NULL, about INTEGER)";
    w.apps["desktop"] = std::make_unique<app>(w.dir.file("desktop"));
    w.sql("desktop").run(schema + "; INSERT INTO account VALUES(1, 'bank'), (2, 'cash')");
    w.devices.emplace("desktop", must(vault::create(w.dir.file("desktop"), who("desktop", 1), w.options())));
    for (const char* t : {"account", "txn", "tag"}) must(w["desktop"].track(t));
    sqlite::track_options how;
    how.references["about"] = "account";
    must(w["desktop"].track("note", how));
    w.joins("phone", "desktop");
    w.sql("desktop").run("DELETE FROM account WHERE id = 2");
    must(w["desktop"].seal());
    w.now += 1000;
    w.sql("phone").run(
        "INSERT INTO txn(account, amount) VALUES(2, 5); INSERT INTO note VALUES('n', 2), ('m', 1)");
    w.everyone_syncs();
    w.everyone_syncs();
    w.all_agree({all_accounts, all_txns, "SELECT id, about FROM note ORDER BY id"});
    CHECK(count(w.sql("desktop"), "txn") == "0\n");
    CHECK(count(w.sql("desktop"), "note WHERE about < -4000000000000000") == "1\n");
    // A new row takes the number 2: nothing of the old one is taken for its.
    w.sql("desktop").run("INSERT INTO account VALUES(2, 'another')");
    w.everyone_syncs();
    CHECK(count(w.sql("phone"), "note JOIN account ON account.id = about WHERE name = 'another'") == "0\n");
    w.all_agree({all_accounts, all_txns, "SELECT id, about FROM note ORDER BY id"});
    const auto parked = must(w["desktop"].integrity());
    CHECK(parked.size() == 2);
    // Written once more as it stands, with the number of nobody, the note still means the old account.
    w.sql("phone").run("REPLACE INTO note SELECT * FROM note WHERE id = 'n'");
    w.everyone_syncs();
    w.sql("desktop").run("DELETE FROM account WHERE name = 'another'");
    for (const auto& row : must(w["desktop"].deleted("account")))
        if (row.values[0].second == value("cash")) must(w["desktop"].undelete(row.id));
    CHECK(w.sql("desktop").dump("SELECT id FROM account WHERE name = 'cash'") == "2\n");
    w.everyone_syncs();
    CHECK(w.sql("phone").dump(
              "SELECT name FROM note JOIN account ON account.id = about WHERE note.id = 'n'") == "cash\n");
    w.all_agree({all_accounts, all_txns, "SELECT id, about FROM note ORDER BY id"});
}

TEST_CASE("a row that nobody edited is deleted, listed with what it held, and brought back whole",
          "[vault][number]") {
    world w;
    w.first("desktop", std::string(money) +
                           "INSERT INTO account VALUES(1, 'bank'), (2, 'cash');"
                           "INSERT INTO txn VALUES(1, 2, 50); INSERT INTO tag VALUES(1, 'food')");
    w.joins("phone", "desktop");
    w.sql("phone").run(
        "PRAGMA foreign_keys = ON; DELETE FROM txn WHERE id = 1; DELETE FROM account WHERE id = 2;"
        "INSERT INTO account VALUES(2, 'other')");
    w.everyone_syncs();
    w.all_agree(all);
    const auto gone = must(w["desktop"].deleted());
    REQUIRE(gone.size() == 3);  // the tag went with its transaction
    const auto find = [&](const std::string& table) {
        for (const auto& row : must(w["desktop"].deleted(table))) return row;
        return sqlite::deleted_row{};
    };
    const auto account = find("account"), txn = find("txn");
    CHECK(account.key == std::vector<value>{value(std::int64_t{2})});
    CHECK(account.values == std::vector<std::pair<std::string, value>>{{"name", value("cash")}});
    CHECK(account.deleted_by.device_name == "phone");
    CHECK(must(w["phone"].deleted("account"))[0].id == account.id);

    const auto early = w["desktop"].undelete(txn.id);
    REQUIRE_FALSE(early);
    CHECK_THAT(early.failure().text(), Catch::Matchers::Contains("refers to a row of account"));
    CHECK(count(w.sql("desktop"), "txn") == "0\n");
    must(w["desktop"].undelete(account.id));
    must(w["desktop"].undelete(txn.id.substr(0, 8)));
    must(w["desktop"].undelete(find("tag").id));
    w.everyone_syncs();
    w.everyone_syncs();
    w.all_agree(all);
    CHECK(w.sql("phone").dump(by_name) == "cash|50|food\n");
    CHECK(w.sql("phone").dump("SELECT name FROM account WHERE id = 2") == "other\n");
    CHECK(must(w["phone"].deleted()).empty());
    CHECK(w["phone"].undelete(account.id).code() == errc::not_found);
    CHECK(w["phone"].deleted("no").code() == errc::not_found);
}

TEST_CASE("tables with integer keys that are tracked late: equal rows are one row, others stay both",
          "[vault][number]") {
    world w;
    w.first("desktop", "CREATE TABLE other(id TEXT PRIMARY KEY NOT NULL)");
    w.joins("phone", "desktop");
    const std::string rows =
        "INSERT INTO account VALUES(1, 'bank'), (2, 'cash'); INSERT INTO txn VALUES(1, 2, 50);";
    w.sql("desktop").run(std::string(money) + rows + "INSERT INTO account VALUES(3, 'desk')");
    w.sql("phone").run(std::string(money) + rows + "INSERT INTO account VALUES(3, 'phone')");
    for (const char* device : {"desktop", "phone"})
        for (const char* table : {"txn", "account", "tag"}) must(w[device].track(table));  // the child first
    for (int round = 0; round < 3; ++round) w.everyone_syncs();
    CHECK(w.sql("desktop").dump("SELECT name FROM account ORDER BY name") == "bank\ncash\ndesk\nphone\n");
    CHECK(w.sql("desktop").dump("SELECT name, amount FROM txn JOIN account ON account.id = txn.account") ==
          "cash|50\n");
    w.all_agree(all);
    CHECK(must(w["desktop"].seal()) == 0);
}

TEST_CASE("a migration rebuilds a table with an integer key, and its rows stay the same rows",
          "[vault][number]") {
    world w;
    w.first("desktop", std::string(money) + "INSERT INTO account VALUES(1, 'bank'), (2, 'cash')");
    w.joins("phone", "desktop");
    w.sql("desktop").run(
        "INSERT INTO account(name) VALUES('new'); INSERT INTO txn(account, amount) VALUES(3, 1)");
    w.everyone_syncs();
    must(w["desktop"].migrate([](const sqlite::sql_runner& run) -> result<void> {
        return run(
            "CREATE TABLE account_(id INTEGER PRIMARY KEY, name TEXT NOT NULL, bank TEXT DEFAULT 'b');"
            "INSERT INTO account_(id, name) SELECT id, upper(name) FROM account WHERE id <> 2; DROP TABLE "
            "account; ALTER TABLE account_ RENAME TO account");
    }));
    w.now += 1000;
    w.sql("phone").run("INSERT INTO txn(account, amount) VALUES(3, 2)");
    w.everyone_syncs();
    w.everyone_syncs();
    CHECK(w.sql("phone").dump(all_accounts) == "1|BANK\n3|NEW\n");
    w.all_agree(all);
    CHECK(w.sql("desktop").dump(
              "SELECT name, amount FROM txn JOIN account ON account.id = txn.account ORDER BY "
              "amount") == "NEW|1\nNEW|2\n");
}
