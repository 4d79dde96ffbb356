// SPDX-License-Identifier: MIT
/// A device joins with rows of its own: what is equal costs nothing, what differs is kept and listed, what
/// the vault does not have is added to it.
#include "vault_world.hpp"

#include <cstdlib>

using namespace vault_test;
using casasync::sqlite::brought_numbers;
using Catch::Matchers::Contains;

namespace {

constexpr const char* notes =
    "CREATE TABLE note(id TEXT PRIMARY KEY NOT NULL, title TEXT, body TEXT, stars INTEGER);"
    "INSERT INTO note VALUES('a', 'milk', 'two', 1), ('b', 'rent', 'due', 2), ('c', 'gone', 'soon', 3);";
constexpr const char* all_notes = "SELECT * FROM note ORDER BY id";

constexpr const char* own_money =
    "CREATE TABLE account(id INTEGER PRIMARY KEY, name TEXT NOT NULL, parent INTEGER REFERENCES account(id));"
    "CREATE TABLE txn(id INTEGER PRIMARY KEY, account INTEGER REFERENCES account(id), amount INTEGER);"
    "CREATE TABLE tag(txn INTEGER NOT NULL REFERENCES txn(id), word TEXT NOT NULL, weight INTEGER, PRIMARY "
    "KEY(txn, word));"
    "INSERT INTO account VALUES(1, 'bank', NULL), (2, 'cash', 1), (3, 'card', 1);"
    "INSERT INTO txn VALUES(1, 2, 10), (2, 2, 20), (3, 3, 30);"
    "INSERT INTO tag VALUES(1, 'food', 5), (3, 'fuel', 6);";
const std::vector<std::string> all_money{"SELECT * FROM account ORDER BY id", "SELECT * FROM txn ORDER BY id",
                                         "SELECT * FROM tag ORDER BY txn, word"};
/// What a person sees, without the numbers.
constexpr const char* people_view =
    "SELECT a.name, p.name, amount, word, weight FROM account AS a LEFT JOIN account AS p ON p.id = a.parent "
    "LEFT JOIN txn ON txn.account = a.id LEFT JOIN tag ON tag.txn = txn.id ORDER BY 1, 2, 3, 4, 5";

std::size_t sent_by(world& w, const std::string& name) {
    must(w[name].seal());
    return must(w[name].outbox(std::size_t{1} << 30)).size();
}

}  // namespace

TEST_CASE("a device joins with an equal copy: nothing is sent but its name, nothing is a conflict",
          "[vault][adoption]") {
    world w;
    w.first("desktop", notes);
    w.joins("phone", "desktop", notes);
    CHECK(sent_by(w, "phone") == 1);
    CHECK(must(w["phone"].conflicts()).empty());
    w.everyone_syncs();
    w.all_agree({all_notes});
    w.sql("phone").run("UPDATE note SET stars = 9 WHERE id = 'a'");
    w.everyone_syncs();
    w.all_agree({all_notes});
    CHECK(w.sql("desktop").dump("SELECT stars FROM note WHERE id = 'a'") == "9\n");
}

TEST_CASE("of rows that differ the vault's values are shown, and the others are open conflicts everywhere",
          "[vault][adoption]") {
    world w;
    w.first("desktop", notes);
    w.joins("tablet", "desktop");
    w.sql("desktop").run("UPDATE note SET body = 'three' WHERE id = 'a'; DELETE FROM note WHERE id = 'c'");
    w.now += 1000;
    w.joins("phone", "desktop",
            std::string(notes) +
                "UPDATE note SET stars = 7 WHERE id = 'b'; INSERT INTO note VALUES('d', 'mine', 'new', 4);"
                "UPDATE note SET title = 'Milk' WHERE id = 'a'");
    const std::string merged = "a|milk|three|1\nb|rent|due|2\nd|mine|new|4\n";
    CHECK(w.sql("phone").dump(all_notes) == merged);
    w.sql("tablet").run("UPDATE note SET title = 'oat milk' WHERE id = 'a'");
    w.everyone_syncs();
    w.everyone_syncs();
    w.all_agree({all_notes});
    CHECK(w.sql("desktop").dump(all_notes) == "a|oat milk|three|1\nb|rent|due|2\nd|mine|new|4\n");
    std::map<std::string, value> lost;
    for (const auto& c : must(w["desktop"].conflicts())) {
        CHECK(c.loser_by.device_name == "phone");
        lost[c.key[0].text() + std::string(".") + c.column.value_or("")] = c.loser;
    }
    // The vault had deleted c; the phone's copy of it is listed field by field.
    CHECK(lost == std::map<std::string, value>{{"a.title", value("Milk")},
                                               {"a.body", value("two")},
                                               {"b.stars", value(7)},
                                               {"c.title", value("gone")},
                                               {"c.body", value("soon")},
                                               {"c.stars", value(3)}});
    for (const auto& c : must(w["desktop"].conflicts()))
        if (c.key[0] == value("b")) must(w["desktop"].restore(c.id));
    w.everyone_syncs();
    CHECK(w.sql("phone").dump("SELECT stars FROM note WHERE id = 'b'") == "7\n");
    w.all_agree({all_notes});
}

TEST_CASE(
    "rows with integer keys that are equal in all they refer to are one row, others are rows of their own",
    "[vault][adoption][number]") {
    world w;
    w.first("desktop", own_money);
    w.sql("desktop").run("INSERT INTO account VALUES(4, 'savings', NULL); INSERT INTO txn VALUES(4, 4, 40)");
    w.now += 1000;
    SECTION("an equal copy with new rows under the same numbers") {
        w.joins(
            "phone", "desktop",
            std::string(own_money) +
                "INSERT INTO account VALUES(4, 'wallet', 1); INSERT INTO txn VALUES(4, 4, 41), (5, 1, 50);"
                "INSERT INTO tag VALUES(4, 'gift', 7), (1, 'fun', 8)");
        CHECK(w.sql("phone").dump("SELECT name FROM account WHERE id = 4") == "savings\n");
        const std::string people =
            "bank|NULL|50|NULL|NULL\ncard|bank|30|fuel|6\ncash|bank|10|food|5\ncash|bank|10|fun|8\n"
            "cash|bank|20|NULL|NULL\nsavings|NULL|40|NULL|NULL\nwallet|bank|41|gift|7\n";
        CHECK(w.sql("phone").dump(people_view) == people);
        w.everyone_syncs();
        CHECK(w.sql("desktop").dump(people_view) == people);
        CHECK(w.sql("desktop").dump("SELECT name FROM account WHERE id = 4") == "savings\n");
    }
    SECTION("a row that was edited is another, and so is what refers to it") {
        w.joins("phone", "desktop", std::string(own_money) + "UPDATE account SET name = 'Card' WHERE id = 3");
        const std::string people =
            "Card|bank|30|fuel|6\nbank|NULL|NULL|NULL|NULL\ncard|bank|30|fuel|6\ncash|bank|10|food|5\n"
            "cash|bank|20|NULL|NULL\nsavings|NULL|40|NULL|NULL\n";
        CHECK(w.sql("phone").dump(people_view) == people);
        w.everyone_syncs();
        CHECK(w.sql("desktop").dump(people_view) == people);
        // A second device with the same copy has nothing to add.
        w.joins("tablet", "phone", std::string(own_money) + "UPDATE account SET name = 'Card' WHERE id = 3");
        CHECK(sent_by(w, "tablet") == 1);
    }
    SECTION("the file is a copy of the vault's: rows of one number are one row") {
        w.joins(
            "phone", "desktop",
            std::string(own_money) +
                "UPDATE account SET name = 'Card', parent = 2 WHERE id = 3; UPDATE tag SET weight = 9 WHERE "
                "word = 'fuel'",
            brought_numbers::same_rows);
        CHECK(w.sql("phone").dump("SELECT count(*) FROM account") == "4\n");
        w.everyone_syncs();
        std::map<std::string, value> lost;
        for (const auto& c : must(w["desktop"].conflicts()))
            lost[c.table + "." + c.column.value_or("")] = c.loser;
        CHECK(lost.size() == 3);
        CHECK(lost["account.name"] == value("Card"));
        CHECK(lost["tag.weight"] == value(9));
    }
    w.everyone_syncs();
    w.all_agree(all_money);
    for (auto& [name, v] : w.devices) CHECK(must(v.seal()) == 0);
}

TEST_CASE("of a field group that differs in one member all of it is brought along", "[vault][adoption]") {
    const std::string price =
        "CREATE TABLE price(id TEXT PRIMARY KEY NOT NULL, amount INTEGER, currency TEXT); INSERT INTO price "
        "VALUES('a', 1, 'EUR');";
    world w;
    w.apps["desktop"] = std::make_unique<app>(w.dir.file("desktop"));
    w.sql("desktop").run(price);
    w.devices.emplace("desktop", must(vault::create(w.dir.file("desktop"), who("desktop", 1), w.options())));
    sqlite::track_options how;
    how.groups = {{"amount", "currency"}};
    must(w["desktop"].track("price", how));
    w.joins("tablet", "desktop");
    w.joins("phone", "desktop", price + "UPDATE price SET amount = 2");
    w.sql("tablet").run("UPDATE price SET currency = 'USD'");  // has not met the phone
    w.everyone_syncs();
    w.everyone_syncs();
    w.all_agree({"SELECT * FROM price"});
    std::map<std::string, value> lost;
    for (const auto& c : must(w["desktop"].conflicts())) lost[c.column.value_or("")] = c.loser;
    CHECK(lost == std::map<std::string, value>{{"amount", value(2)}, {"currency", value("EUR")}});
}

TEST_CASE("of rows with one unique name the vault's is shown, the one brought along waits",
          "[vault][adoption]") {
    const std::string tags =
        "CREATE TABLE tag(id TEXT PRIMARY KEY NOT NULL, name TEXT UNIQUE); INSERT INTO tag VALUES('a', "
        "'food');";
    world w;
    w.first("desktop", tags);
    w.sql("desktop").run("INSERT INTO tag VALUES('b', 'rent')");
    w.joins("phone", "desktop", tags + "INSERT INTO tag VALUES('0', 'rent'), ('c', 'fun')");
    CHECK(w.sql("phone").dump("SELECT * FROM tag ORDER BY id") == "a|food\nb|rent\nc|fun\n");
    w.everyone_syncs();
    w.all_agree({"SELECT * FROM tag ORDER BY id"});
    for (auto& [name, v] : w.devices) CHECK(must(v.integrity()).size() == 1);
    w.sql("desktop").run("UPDATE tag SET name = 'house' WHERE id = 'b'");
    w.everyone_syncs();
    CHECK(w.sql("phone").dump("SELECT name FROM tag WHERE id = '0'") == "rent\n");
    w.all_agree({"SELECT * FROM tag ORDER BY id"});
}

TEST_CASE("rows whose values differ in their type alone are not equal", "[vault][adoption]") {
    const std::string things =
        "CREATE TABLE thing(id INTEGER PRIMARY KEY, what); CREATE TABLE other(id TEXT PRIMARY KEY NOT NULL, "
        "what);";
    world w;
    w.first("desktop", things + "INSERT INTO thing VALUES(1, 1); INSERT INTO other VALUES('a', 1)");
    w.joins("phone", "desktop",
            things + "INSERT INTO thing VALUES(1, 1.0); INSERT INTO other VALUES('a', 1.0)");
    w.everyone_syncs();
    CHECK(w.sql("desktop").dump("SELECT typeof(what) FROM thing ORDER BY 1") == "integer\nreal\n");
    const auto open = must(w["desktop"].conflicts());
    REQUIRE(open.size() == 1);
    CHECK(open[0].loser == value(1.0));
    w.all_agree({"SELECT id, typeof(what) FROM thing ORDER BY 1", "SELECT id, typeof(what) FROM other"});
}

TEST_CASE("rows in a ring are the same where all of the ring is equal", "[vault][adoption][number]") {
    const std::string ring =
        "CREATE TABLE person(id INTEGER PRIMARY KEY, name TEXT, likes INTEGER REFERENCES person(id));"
        "INSERT INTO person VALUES(1, 'ann', 2), (2, 'bob', 3), (3, 'cleo', 1);";
    const std::string likes =
        "SELECT a.name, b.name FROM person AS a LEFT JOIN person AS b ON b.id = a.likes ORDER BY 1, 2";
    world w;
    w.first("desktop", ring);
    w.joins("phone", "desktop", ring);
    CHECK(sent_by(w, "phone") == 1);
    w.joins("tablet", "desktop", ring + "UPDATE person SET name = 'Bob' WHERE id = 2");
    CHECK(w.sql("tablet").dump(likes) == "Bob|cleo\nann|Bob\nann|bob\nbob|cleo\ncleo|ann\ncleo|ann\n");
    w.everyone_syncs();
    w.everyone_syncs();
    w.all_agree({"SELECT * FROM person ORDER BY id"});
}

TEST_CASE("what an app keeps with triggers stays right while rows make room", "[vault][adoption]") {
    const std::string shop =
        "CREATE TABLE item(id TEXT PRIMARY KEY NOT NULL, price INTEGER);"
        "CREATE TABLE sum(one INTEGER PRIMARY KEY, total INTEGER); INSERT INTO sum VALUES(1, 0);"
        "CREATE TRIGGER more AFTER INSERT ON item BEGIN UPDATE sum SET total = total + new.price; END;"
        "CREATE TRIGGER less AFTER DELETE ON item BEGIN UPDATE sum SET total = total - old.price; END;"
        "CREATE TRIGGER other AFTER UPDATE ON item BEGIN UPDATE sum SET total = total - old.price + "
        "new.price; "
        "END;"
        "INSERT INTO item VALUES('a', 1), ('b', 2);";
    world w;
    w.apps["desktop"] = std::make_unique<app>(w.dir.file("desktop"));
    w.sql("desktop").run(shop);
    w.devices.emplace("desktop", must(vault::create(w.dir.file("desktop"), who("desktop", 1), w.options())));
    must(w["desktop"].track("item"));
    w.joins("phone", "desktop",
            shop + "UPDATE item SET price = 5 WHERE id = 'b'; INSERT INTO item VALUES('c', 4)");
    CHECK(w.sql("phone").dump("SELECT * FROM item ORDER BY id") == "a|1\nb|2\nc|4\n");
    CHECK(w.sql("phone").dump("SELECT total FROM sum") == "7\n");
    w.everyone_syncs();
    CHECK(w.sql("desktop").dump("SELECT total FROM sum") == "7\n");
    w.all_agree({"SELECT * FROM item ORDER BY id"});
}

TEST_CASE("a file that cannot take the vault's rows is refused and stays as it is", "[vault][adoption]") {
    world w;
    w.first("desktop", notes);
    std::string own, expected;
    SECTION("another key") {
        own =
            "CREATE TABLE note(id TEXT NOT NULL, title TEXT NOT NULL, body TEXT, stars INTEGER, PRIMARY "
            "KEY(id, title)); INSERT INTO note VALUES('x', 'y', 'z', 1)";
        expected = "another primary key";
    }
    SECTION("another type") {
        own =
            "CREATE TABLE note(id TEXT PRIMARY KEY NOT NULL, title TEXT, body TEXT, stars TEXT); INSERT INTO "
            "note VALUES('x', 'y', 'z', 1)";
        expected = "another type of column stars";
    }
    SECTION("keys that are too long") {
        own = std::string(notes) + "INSERT INTO note(id) VALUES(printf('%.*c', 5000, 'k'))";
        expected = "longer than 4 KiB";
    }
    SECTION("a connection that would delete children") {
        own = std::string(notes) +
              "CREATE TABLE mark(note TEXT REFERENCES note(id) ON DELETE CASCADE); INSERT INTO mark "
              "VALUES('a')";
        expected = "PRAGMA foreign_keys = OFF";
    }
    w.apps["phone"] = std::make_unique<app>(w.dir.file("phone"));
    app& phone = w.sql("phone");
    phone.run(own);
    if (expected[0] == 'P') {
        phone.run("PRAGMA foreign_keys = ON");
        w.lent.insert("phone");
    }
    const std::string dump = "SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite%' ORDER BY 1";
    const std::string schema = phone.dump(dump);
    const std::string rows = phone.dump("SELECT * FROM note");
    const auto refused = w.try_join("phone", "desktop", brought_numbers::other_rows);
    REQUIRE(!refused);
    CHECK_THAT(refused.failure().text(), Contains(expected) && Contains("Nothing was changed"));
    CHECK(phone.dump(dump) == schema);
    CHECK(phone.dump("SELECT * FROM note") == rows);
}

TEST_CASE("a populated table that others track already is compared with theirs when it is tracked here",
          "[vault][adoption]") {
    world w;
    w.first("desktop", "CREATE TABLE txn(id TEXT PRIMARY KEY NOT NULL)");
    w.joins("phone", "desktop");
    const std::string table =
        "CREATE TABLE tag(id INTEGER PRIMARY KEY, name TEXT); INSERT INTO tag VALUES(1, 'food'), (2, "
        "'rent');";
    w.sql("desktop").run(table);
    must(w["desktop"].track("tag"));
    w.sql("desktop").run("UPDATE tag SET name = 'Food' WHERE id = 1");
    w.everyone_syncs();
    w.sql("phone").run(table + "UPDATE tag SET name = 'Food' WHERE id = 1; INSERT INTO tag VALUES(3, 'fun')");
    must(w["phone"].track("tag"));
    w.everyone_syncs();
    CHECK(w.sql("desktop").dump("SELECT * FROM tag ORDER BY 1") == "1|Food\n2|rent\n3|fun\n");
    w.all_agree({"SELECT * FROM tag ORDER BY 1"});
    CHECK(must(w["phone"].conflicts()).empty());
}

namespace {

/// Edits a copy as an app or a person might.
std::string random_edits(std::mt19937& rng) {
    const auto pick = [&rng](unsigned n) { return std::to_string(rng() % n); };
    std::string sql;
    for (auto i = rng() % 6; i > 0; --i) {
        switch (rng() % 9) {
            case 0:
                sql += "UPDATE note SET stars = " + pick(3) + " WHERE id = '" + "abcd"[rng() % 4] + "';";
                break;
            case 1:
                sql += std::string("INSERT OR IGNORE INTO note VALUES('") + "cdef"[rng() % 4] +
                       "', 't', 'u', " + pick(3) + ");";
                break;
            case 2:
                sql += std::string("DELETE FROM note WHERE id = '") + "abcd"[rng() % 4] + "';";
                break;
            case 3:
                sql += "INSERT INTO account(name, parent) VALUES('n" + pick(3) +
                       "', (SELECT max(id) FROM account WHERE id <= " + pick(5) + "));";
                break;
            case 4:
                sql += "UPDATE account SET name = 'n" + pick(3) + "' WHERE id = " + pick(5) + ";";
                break;
            case 5:
                sql += "INSERT INTO txn(account, amount) SELECT id, " + pick(4) +
                       " FROM account ORDER BY id DESC LIMIT 1;";
                break;
            case 6:
                sql += "UPDATE txn SET account = (SELECT max(id) FROM account), amount = " + pick(4) +
                       " WHERE id = " + pick(6) + ";";
                break;
            case 7:
                sql += "INSERT OR REPLACE INTO tag SELECT max(id), 'w" + pick(2) + "', " + pick(3) +
                       " FROM txn;";
                break;
            default:
                sql += "DELETE FROM tag WHERE txn = " + pick(4) + ";";
                break;
        }
    }
    return sql;
}

std::set<std::string> lines(const std::string& text) {
    std::set<std::string> out;
    for (std::size_t from = 0; from < text.size();) {
        const std::size_t end = text.find('\n', from);
        out.insert(text.substr(from, end - from));
        from = end + 1;
    }
    return out;
}

/// Rows with natural keys, field by field.
constexpr const char* cells =
    "SELECT 'note', id, 'title', title FROM note UNION ALL SELECT 'note', id, 'body', body FROM note UNION "
    "ALL "
    "SELECT 'note', id, 'stars', stars FROM note UNION ALL SELECT 'tag', word, 'weight', weight FROM tag";
/// Rows with integer keys, without the numbers.
constexpr const char* numbered_rows =
    "SELECT a.name, p.name FROM account AS a LEFT JOIN account AS p ON p.id = a.parent UNION ALL "
    "SELECT amount, a.name FROM txn LEFT JOIN account AS a ON a.id = txn.account";

std::string text_of(const value& v) {
    if (v.kind() == value_kind::integer) return std::to_string(v.integer());
    return v.kind() == value_kind::text ? std::string(v.text()) : "NULL";
}

/// What was in the file before is there, or is listed; rows with integer keys are all there.
void nothing_is_lost(world& w, const std::string& name, const std::set<std::string>& own_cells,
                     const std::set<std::string>& own_rows) {
    std::set<std::string> there = lines(w.sql(name).dump(cells));
    for (const auto& c : must(w[name].conflicts()))
        if ((c.table == "note" || c.table == "tag") && c.column)
            there.insert(c.table + "|" + text_of(c.key.back()) + "|" + *c.column + "|" + text_of(c.loser));
    for (const std::string& cell : own_cells) {
        INFO(cell);
        CHECK(there.contains(cell));
    }
    const std::set<std::string> rows = lines(w.sql(name).dump(numbered_rows));
    bool listed = false;
    for (const auto& c : must(w[name].conflicts()))
        listed = listed || c.table == "account" || c.table == "txn";
    for (const std::string& row : own_rows) {
        INFO(row);
        // An equal row that another device brought along before, and somebody has edited since, is the same
        // row.
        if (!rows.contains(row)) CHECK(listed);
    }
}

}  // namespace

TEST_CASE("devices that join with copies at random lose nothing and converge", "[vault][adoption]") {
    const char* from = std::getenv("CASASYNC_SEED");
    const char* runs = std::getenv("CASASYNC_RUNS");
    const unsigned first = from != nullptr ? static_cast<unsigned>(std::stoul(from)) : 0;
    const unsigned count = runs != nullptr ? static_cast<unsigned>(std::stoul(runs)) : 40;
    for (unsigned seed = first; seed < first + count; ++seed) {
        INFO("CASASYNC_SEED=" << seed);
        std::mt19937 rng(seed);
        world w;
        w.first("a", std::string(notes) + own_money);
        w.sql("a").run(random_edits(rng));
        for (const std::string name : {"b", "c", "d"}) {
            std::vector<std::string> there;
            for (const auto& [device, v] : w.devices) there.push_back(device);
            const std::string& sponsor = there[rng() % there.size()];
            w.pull(sponsor);
            app copy(w.dir.file(name));
            copy.run(std::string(notes) + own_money + random_edits(rng));
            const auto own_cells = lines(copy.dump(cells)), own_numbered = lines(copy.dump(numbered_rows));
            w.joins(name, sponsor);
            nothing_is_lost(w, name, own_cells, own_numbered);
            for (const std::string& device : there) {
                w.now += 1000;
                w.sql(device).run(random_edits(rng));
                if (rng() % 2 == 0) w.push(device);
                if (rng() % 2 == 0) w.pull(device);
            }
        }
        for (int round = 0; round < 3; ++round) w.everyone_syncs();
        std::vector<std::string> queries = all_money;
        queries.emplace_back(all_notes);
        w.all_agree(queries);
        for (auto& [name, v] : w.devices) CHECK(must(v.seal()) == 0);
    }
}
