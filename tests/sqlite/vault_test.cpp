// SPDX-License-Identifier: MIT
#include "txn_table.hpp"
#include "vault_world.hpp"

using namespace vault_test;

static_assert(change_store<vault>);

TEST_CASE("rows that were there join by snapshot, and edits travel both ways", "[vault]") {
    world w;
    w.first("desktop", std::string(txn) + "; INSERT INTO txn VALUES('a', 1, 'x'), ('b', 2, NULL)");
    w.joins("phone", "desktop");
    CHECK(w.sql("phone").dump(all_txn) == "a|1|x\nb|2|NULL\n");
    w.sql("desktop").run(
        "UPDATE txn SET amount = 10 WHERE id = 'a'; INSERT INTO txn(id, amount) VALUES('c', 3)");
    w.now += 1000;
    w.sql("phone").run("UPDATE txn SET note = 'y' WHERE id = 'a'; DELETE FROM txn WHERE id = 'b'");
    w.everyone_syncs();
    CHECK(w.sql("desktop").dump(all_txn) == "a|10|y\nc|3|none\n");
    w.all_agree({all_txn});
    CHECK(must(w["desktop"].conflicts()).empty());
    const auto status = must(w["desktop"].status());
    CHECK(status.in_sync);
    CHECK(status.devices.size() == 2);
    CHECK(status.devices[1].name == "phone");
    w.everyone_syncs();
    CHECK(must(w["phone"].seal()) == 0);
}

TEST_CASE("a populated table tracked later is brought along, and meets its like", "[vault]") {
    world w;
    w.first("desktop", txn);
    w.joins("phone", "desktop");
    for (const char* name : {"desktop", "phone"})
        w.sql(name).run(
            "CREATE TABLE tag(name TEXT PRIMARY KEY NOT NULL, color TEXT); INSERT INTO tag VALUES('food', "
            "'red'), ('" +
            std::string(name) + "', 'blue')");
    must(w["desktop"].track("tag"));
    w.everyone_syncs();
    CHECK(w.sql("phone").dump("SELECT count(*) FROM tag") == "2\n");
    must(w["phone"].track("tag"));
    w.everyone_syncs();
    CHECK(w.sql("phone").dump("SELECT * FROM tag ORDER BY 1") == "desktop|blue\nfood|red\nphone|blue\n");
    w.all_agree({"SELECT * FROM tag ORDER BY 1"});
    CHECK(must(w["phone"].conflicts()).empty());
}

TEST_CASE("a table larger than a changeset can be is brought along", "[vault]") {
    const std::string table = "CREATE TABLE photo(id INT NOT NULL PRIMARY KEY, b BLOB)";
    world w;
    vault& desktop = w.first("desktop", txn);
    w.joins("phone", "desktop");
    w.sql("phone").run(table);
    REQUIRE(w["phone"].track("photo").ok());
    w.sql("desktop").run(table +
                         "; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 66) "
                         "INSERT INTO photo SELECT i, randomblob(1048576) FROM n");
    REQUIRE(desktop.track("photo").ok());
    w.everyone_syncs();
    CHECK(w.sql("phone").dump("SELECT count(*) FROM photo") == "66\n");
    w.all_agree({"SELECT id, length(b), hex(substr(b, 1, 8)) FROM photo ORDER BY id"});
}

TEST_CASE("where the number of an INTEGER PRIMARY KEY is natural, rows of one number are one row",
          "[vault]") {
    const std::string year = "CREATE TABLE year(n INTEGER PRIMARY KEY, motto TEXT, goal INTEGER)";
    world w;
    vault& desktop = w.first("desktop", txn);
    w.sql("desktop").run(year);
    sqlite::track_options natural;
    natural.natural_integer_key = true;
    REQUIRE(desktop.track("year", natural).ok());
    w.joins("phone", "desktop");
    w.sql("desktop").run("INSERT INTO year VALUES(2026, 'less', 10)");
    must(desktop.seal());
    w.now += 1000;
    w.sql("phone").run("INSERT INTO year VALUES(2026, 'more', 10)");
    w.everyone_syncs();
    CHECK(w.sql("desktop").dump("SELECT * FROM year") == "2026|more|10\n");
    w.all_agree({"SELECT * FROM year"});
    const auto open = must(desktop.conflicts());
    REQUIRE(open.size() == 1);
    CHECK(open[0].loser == value("less"));
}

TEST_CASE("what an app inserts into a table that it rebuilt by itself is found when that is noticed",
          "[vault]") {
    const std::string schema =
        "CREATE TABLE note(id TEXT PRIMARY KEY NOT NULL, body TEXT); INSERT INTO note VALUES('a', 'x'), "
        "('b', "
        "'y');"
        "CREATE TABLE item(id INTEGER PRIMARY KEY, what TEXT); INSERT INTO item VALUES(1, 'one');";
    const std::vector<std::string> all{"SELECT * FROM note ORDER BY 1", "SELECT * FROM item ORDER BY 1"};
    world w;
    w.first("desktop", schema);
    w.joins("phone", "desktop");
    app& phone = w.sql("phone");
    phone.run("DELETE FROM note WHERE id = 'a'");
    w.everyone_syncs();
    for (const char* table :
         {"note(id TEXT PRIMARY KEY NOT NULL, body TEXT)", "item(id INTEGER PRIMARY KEY, what TEXT)"}) {
        const std::string name(table, 4);
        phone.run("CREATE TABLE next_" + std::string(table) + "; INSERT INTO next_" + name +
                  " SELECT * FROM " + name + "; DROP TABLE " + name + "; ALTER TABLE next_" + name +
                  " RENAME TO " + name);
    }
    phone.run("INSERT INTO note VALUES('c', 'new'), ('a', 'again'); INSERT INTO item VALUES(2, 'two')");
    w.everyone_syncs();
    CHECK(w.sql("desktop").dump(all[0]) == "a|again\nb|y\nc|new\n");
    CHECK(w.sql("desktop").dump(all[1]) == "1|one\n2|two\n");
    w.all_agree(all);
    CHECK(must(w["phone"].seal()) == 0);
    // Written with triggers off: nothing tells, but verify does.
    sqlite3_db_config(phone.handle(), SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
    phone.run("INSERT INTO note VALUES('d', 'unseen')");
    sqlite3_db_config(phone.handle(), SQLITE_DBCONFIG_ENABLE_TRIGGER, 1, nullptr);
    const auto report = must(w["phone"].verify());
    REQUIRE(report.differences.size() == 1);
    CHECK_THAT(report.differences[0],
               Catch::Matchers::Contains("note: a row is there that the vault does not"));
    phone.run("UPDATE note SET body = 'seen' WHERE id = 'd'");
    w.everyone_syncs();
    CHECK(w.sql("desktop").dump("SELECT body FROM note WHERE id = 'd'") == "seen\n");
    w.all_agree(all);
}

TEST_CASE("three devices at random converge, whatever is delivered when", "[vault]") {
    const char* schema =
        "CREATE TABLE cat(id TEXT PRIMARY KEY NOT NULL, name TEXT UNIQUE);"
        "CREATE TABLE txn(id TEXT PRIMARY KEY NOT NULL, cat TEXT REFERENCES cat(id), amount INTEGER, note "
        "TEXT) WITHOUT ROWID;"
        "CREATE TABLE link(a TEXT NOT NULL, b INTEGER NOT NULL, PRIMARY KEY(a, b));"
        "INSERT INTO cat VALUES('c0', 'food'), ('c1', 'rent'); INSERT INTO txn VALUES('t0', 'c0', 1, 'a'), "
        "('t1', NULL, 2, 'b')";
    const std::vector<std::string> queries{"SELECT * FROM cat ORDER BY 1", "SELECT * FROM txn ORDER BY 1",
                                           "SELECT * FROM link ORDER BY 1, 2"};
    for (unsigned seed = 0; seed < 30; ++seed) {
        std::mt19937 rng(seed);
        const auto pick = [&rng](unsigned n) { return std::to_string(rng() % n); };
        world w;
        w.first("a", schema);
        w.joins("b", "a");
        w.joins("c", "b");
        for (auto& [name, db] : w.apps) db->run("PRAGMA foreign_keys = ON");
        const std::vector<std::string> names{"a", "b", "c"};
        for (int step = 0; step < 60; ++step) {
            const std::string& name = names[rng() % 3];
            app& db = w.sql(name);
            w.now += static_cast<unix_ms>(rng() % 3);
            switch (rng() % 12) {
                case 0:
                    db.attempt("INSERT OR IGNORE INTO cat VALUES('c" + pick(5) + "', 'n" + pick(4) + "')");
                    break;
                case 1:
                    db.attempt("UPDATE OR IGNORE cat SET name = 'n" + pick(4) + "' WHERE id = 'c" + pick(5) +
                               "'");
                    break;
                case 2:
                    db.attempt("DELETE FROM cat WHERE id = 'c" + pick(5) + "'");
                    break;
                case 3:
                    db.attempt("INSERT OR REPLACE INTO txn VALUES('t" + pick(4) +
                               "', (SELECT min(id) FROM cat WHERE id >= 'c" + pick(5) + "'), " + pick(9) +
                               ", 'n" + pick(9) + "')");
                    break;
                case 4:
                    db.attempt("UPDATE txn SET amount = " + pick(9) + " WHERE id = 't" + pick(4) + "'");
                    break;
                case 5:
                    db.attempt("UPDATE txn SET note = 'n" + pick(9) + "'");
                    break;
                case 6:
                    db.attempt("DELETE FROM txn WHERE id = 't" + pick(4) + "'");
                    break;
                case 7:
                    db.attempt("INSERT OR REPLACE INTO link VALUES('l" + pick(2) + "', " + pick(3) + ")");
                    break;
                case 8:
                    db.attempt("DELETE FROM link WHERE b = " + pick(3));
                    break;
                case 9:
                    db.attempt("INSERT OR REPLACE INTO cat VALUES('c" + pick(5) + "', 'n" + pick(4) + "')");
                    break;
                case 10:
                    w.push(name);
                    break;
                default:
                    w.pull(name);
                    break;
            }
            if (rng() % 4 == 0) must(w[name].seal());
        }
        INFO("seed " << seed);
        for (int round = 0; round < 2; ++round) w.everyone_syncs();
        w.all_agree(queries);
    }
}

TEST_CASE("what is not a vault says so, and a vault is not made twice", "[vault]") {
    scratch dir;
    {
        app plain(dir.file("plain"));
        plain.run("CREATE TABLE t(a)");
    }
    CHECK(vault::open(dir.file("plain")).code() == errc::not_a_vault);
    FILE* f = std::fopen(dir.file("text").c_str(), "w");
    std::fputs(
        "this is not a database, it is a text that is longer than a header of one hundred bytes, as it "
        "should be for this",
        f);
    std::fclose(f);
    CHECK(vault::open(dir.file("text")).code() == errc::not_a_database);
    must(vault::create(dir.file("plain"), who("one", 1)));
    CHECK(vault::create(dir.file("plain"), who("two", 2)).code() == errc::already_exists);
    auto v = must(vault::open(dir.file("plain")));
    CHECK(v.track("t").code() == errc::not_trackable);
    CHECK(v.track("nothing").code() == errc::not_found);
    CHECK(must(v.check(std::vector<std::string>{"t"})).size() == 1);
}

TEST_CASE("what a table is tracked or changed beside tries a parked row again, and captures nothing of that",
          "[vault]") {
    const bool lent = GENERATE(false, true), migrates = GENERATE(false, true);
    world w;
    w.first("desktop",
            "CREATE TABLE account(id TEXT PRIMARY KEY NOT NULL, name TEXT);"
            "CREATE TABLE child(id TEXT PRIMARY KEY NOT NULL, account TEXT REFERENCES account(id));"
            "INSERT INTO account VALUES('a', 'Cash'), ('b', 'Bank')");
    if (lent) w.lent.insert("phone");
    w.joins("phone", "desktop");
    w.sql("desktop").run("DELETE FROM account WHERE id = 'a'");
    w.sql("phone").run("INSERT INTO child VALUES('c', 'a')");
    w.everyone_syncs();
    for (const char* name : {"desktop", "phone"}) REQUIRE(must(w[name].integrity()).size() == 1);

    w.sql("phone").run("UPDATE account SET name = 'Giro'; CREATE TABLE other(id TEXT PRIMARY KEY NOT NULL)");
    if (migrates)
        must(w["phone"].migrate([](const sqlite::sql_runner& run) {
            return run("ALTER TABLE account ADD COLUMN place TEXT; UPDATE account SET place = 'here'");
        }));
    else
        must(w["phone"].track("other"));
    w.everyone_syncs();
    for (const char* name : {"desktop", "phone"}) CHECK(must(w[name].integrity()).size() == 1);
    w.sql("desktop").run("INSERT INTO account VALUES('a', 'Cash')");
    w.everyone_syncs();
    for (const char* name : {"desktop", "phone"}) {
        CHECK(must(w[name].integrity()).empty());
        CHECK(w.sql(name).dump("SELECT * FROM child") == "c|a\n");
    }
    w.all_agree({});
}

TEST_CASE("a full disk leaves everything as it was, and the next try goes on", "[vault]") {
    world w;
    w.first("desktop", std::string(txn) + "; INSERT INTO txn VALUES('a', 1, 'x')");
    w.joins("phone", "desktop");
    w.sql("desktop").run(
        "INSERT INTO txn SELECT 'n' || value, value, hex(randomblob(200)) FROM (WITH RECURSIVE c(value) AS "
        "(SELECT 1 UNION ALL SELECT value + 1 FROM c WHERE value < 500) SELECT value FROM c)");
    w.push("desktop");
    auto options = w.options();
    options.run_on_app = [&w](const std::function<result<void>(sqlite3*)>& work) {
        return work(w.sql("phone").handle());
    };
    w.devices.erase("phone");
    w.devices.emplace("phone", must(vault::open(w.dir.file("phone"), options)));
    vault& phone = w["phone"];
    const std::string before = must(phone.digest());
    const std::int64_t pages = std::stoll(w.sql("phone").dump("PRAGMA page_count"));
    std::vector<inbound_part> parts(w.log.begin() + static_cast<std::ptrdiff_t>(must(phone.position()).pos),
                                    w.log.end());
    cursor at;
    at.pos = w.log.size();
    bool arrived = false;
    for (std::int64_t room = 0; !arrived; room += 8) {  // a little more space each time
        w.sql("phone").run("PRAGMA max_page_count = " + std::to_string(pages + room));
        const auto accepted = phone.accept(parts, at);
        const auto merged = accepted ? phone.merge_inbox(w.now) : result<merge_report>{accepted.failure()};
        arrived = merged.ok() && w.sql("phone").dump("SELECT count(*) FROM txn") == "501\n";
        if (arrived) break;
        REQUIRE_FALSE(merged.ok());
        CHECK(merged.code() == errc::store_full);
        CHECK(must(phone.digest()) == before);
        CHECK(w.sql("phone").dump(all_txn) == "a|1|x\n");
        CHECK(w.sql("phone").dump("PRAGMA integrity_check") == "ok\n");
    }
    w.sql("phone").run("PRAGMA max_page_count = 1073741823");
    w.everyone_syncs();
    w.all_agree({all_txn});
}

TEST_CASE("two vaults on one file know what the other one merged", "[vault]") {
    world w;
    w.first("desktop", std::string(txn) + "; INSERT INTO txn VALUES('a', 1, 'x'), ('b', 2, 'y')");
    w.joins("phone", "desktop");
    w.joins("tablet", "desktop");
    vault other = must(vault::open(w.dir.file("desktop"), w.options()));
    w.sql("phone").run("UPDATE txn SET amount = 5 WHERE id = 'a'");
    w.push("phone");
    w.pull("desktop");
    std::swap(w["desktop"], other);  // this one has not heard of the phone's writes
    w.sql("desktop").run("UPDATE txn SET amount = 6 WHERE id = 'a'");
    CHECK(must(w["desktop"].seal()) == 1);
    w.sql("tablet").run("UPDATE txn SET note = 't' WHERE id = 'b'");
    w.push("tablet");
    w.pull("desktop");
    std::swap(w["desktop"], other);
    w.sql("desktop").run("DELETE FROM txn WHERE id = 'b'");
    CHECK(must(w["desktop"].seal()) == 1);
    CHECK(must(w["desktop"].merged()) == must(other.merged()));
    w.everyone_syncs();
    CHECK(w.sql("phone").dump(all_txn) == "a|6|x\n");
    CHECK(must(w["phone"].conflicts()).empty());  // each of them had seen what it wrote over
    w.all_agree({all_txn});
}

TEST_CASE("a seal that fails leaves in memory what it was", "[vault]") {
    world w;
    w.lent.insert("desktop");
    vault& desktop = w.first("desktop", txn);
    w.sql("desktop").run(
        "INSERT INTO txn SELECT 'n' || value, value, hex(randomblob(200)) FROM (WITH RECURSIVE c(value) AS "
        "(SELECT 1 UNION ALL SELECT value + 1 FROM c WHERE value < 300) SELECT value FROM c)");
    const causal_context merged = must(desktop.merged());
    const std::int64_t pages = std::stoll(w.sql("desktop").dump("PRAGMA page_count"));
    int failed = 0;
    for (std::int64_t room = 0;; ++room) {  // a page more each time
        w.sql("desktop").run("PRAGMA max_page_count = " + std::to_string(pages + room));
        const auto sealed = desktop.seal();
        if (sealed) break;
        ++failed;
        CHECK(sealed.code() == errc::store_full);
        CHECK(must(desktop.merged()) == merged);
    }
    CHECK(failed > 2);
    w.sql("desktop").run("PRAGMA max_page_count = 1073741823");
    CHECK(must(desktop.outbox(std::size_t{1} << 30)).front().seq == 1);
    w.joins("phone", "desktop");
    w.everyone_syncs();
    w.all_agree({all_txn});
}

TEST_CASE("a seal empties the graveyard of what it has sealed", "[vault]") {
    world w;
    w.first("desktop", std::string(txn) + "; INSERT INTO txn VALUES('a', 1, 'x'), ('b', 2, 'y')");
    const std::string kept =
        "SELECT (SELECT count(*) FROM casasync_log) + (SELECT count(*) FROM "
        "casasync_grave_1)";
    for (const char* write :
         {"DELETE FROM txn WHERE id = 'a'", "UPDATE txn SET id = 'c' WHERE id = 'b'",
          "REPLACE INTO txn VALUES('c', 3, 'z')", "UPDATE txn SET amount = 4; DELETE FROM txn"}) {
        INFO(write);
        w.sql("desktop").run(write);
        CHECK(w.sql("desktop").dump(kept) != "0\n");
        CHECK(must(w["desktop"].seal()) > 0);
        CHECK(w.sql("desktop").dump(kept) == "0\n");
    }
}

TEST_CASE("triggers that come with the tables fire for the rows that come with them", "[vault]") {
    world w;
    w.first("desktop", txn);
    w.sql("desktop").run(
        "CREATE TABLE said(id); CREATE TRIGGER tell AFTER INSERT ON txn BEGIN INSERT INTO said "
        "VALUES(NEW.id); END; INSERT INTO txn VALUES('a', 1, 'x')");
    w.push("desktop");
    w.joins("phone", "desktop");
    CHECK(w.sql("phone").dump("SELECT * FROM said") == "a\n");
}

TEST_CASE("triggers that an app makes later fire for what arrives, and no more once they are dropped",
          "[vault]") {
    world w;
    w.first("desktop", txn);
    w.joins("phone", "desktop");
    const auto arrives = [&](const std::string& id) {
        w.sql("desktop").run("INSERT INTO txn VALUES('" + id + "', 1, 'x'); UPDATE txn SET amount = 2");
        w.push("desktop");
        w.pull("phone");
        CHECK(w.sql("phone").dump("SELECT count(*) FROM casasync_log") == "0\n");
        return w.sql("phone").dump("SELECT * FROM said");
    };
    w.sql("phone").run("CREATE TABLE said(id)");
    CHECK(arrives("a").empty());
    w.sql("phone").run("CREATE TRIGGER tell BEFORE INSERT ON txn BEGIN INSERT INTO said VALUES(NEW.id); END");
    CHECK(arrives("b") == "b\n");
    CHECK(arrives("c") == "b\nc\n");
    w.sql("phone").run("DROP TRIGGER tell");
    CHECK(arrives("d") == "b\nc\n");
    w.sql("phone").run("UPDATE txn SET note = 'p'");  // which is captured as ever
    w.everyone_syncs();
    w.all_agree({all_txn});
}

TEST_CASE("many rows are known again in the transaction that brought them", "[vault]") {
    world w;
    w.first("desktop", txn);
    w.joins("phone", "desktop");
    const auto writes = [&](const std::string& sql) {
        w.sql("desktop").run(
            "WITH RECURSIVE c(n) AS (SELECT 300 UNION ALL SELECT n + 1 FROM c WHERE n < 699) " + sql);
        CHECK(must(w["desktop"].seal()) >= 200);
    };
    writes("INSERT INTO txn SELECT 'k' || n, n, 'x' FROM c WHERE n BETWEEN 400 AND 599");
    writes("UPDATE txn SET amount = -amount");
    writes("INSERT INTO txn SELECT 'k' || n, n, 'y' FROM c WHERE n < 400 OR n > 599");
    writes("UPDATE txn SET note = 'z'");
    w.everyone_syncs();
    CHECK(w.sql("phone").dump("SELECT count(*), sum(amount < 0), min(note), max(note) FROM txn") ==
          "400|200|z|z\n");
    w.all_agree({all_txn});
}

TEST_CASE("some of many rows are known, whatever the order of their keys", "[vault]") {
    world w;
    w.first("desktop", txn);
    w.joins("phone", "desktop");
    const auto write = [&](const std::string& sql) {  // keys of some lengths: registers order them otherwise
        w.sql("desktop").run(
            "WITH RECURSIVE c(n, k) AS (SELECT 1, 'k1' UNION ALL SELECT n + 1, substr('kkkkkkk', n % 7) || "
            "(n + 1) FROM c WHERE n < 900) " +
            sql);
    };
    const auto seal = [&] { return must(w["desktop"].seal()); };
    write("INSERT INTO txn SELECT k, n, 'x' FROM c WHERE n % 3 = 0");
    CHECK(seal() == 300);
    write("INSERT INTO txn SELECT k, n, 'y' FROM c WHERE n % 3 = 1");
    write("UPDATE txn SET note = 'z' WHERE amount % 2 = 0");
    write("DELETE FROM txn WHERE amount % 9 = 0");
    w.everyone_syncs();
    write("UPDATE txn SET note = 'few' WHERE amount % 6 = 4");
    CHECK(seal() == 150);
    w.everyone_syncs();
    CHECK(w.sql("phone").dump("SELECT note, count(*), sum(amount) FROM txn GROUP BY note ORDER BY note") ==
          w.sql("desktop").dump("SELECT note, count(*), sum(amount) FROM txn GROUP BY note ORDER BY note"));
    CHECK(w.sql("phone").dump("SELECT count(*) FROM txn") == "500\n");
    CHECK(must(w["phone"].status()).open_conflicts == 0);
    w.all_agree({all_txn});
}

TEST_CASE("keys that are equal in SQL are told apart among many rows, too", "[vault]") {
    const std::string counted =
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 60) ";
    world w;
    w.first("desktop", "CREATE TABLE t(k NOT NULL, l TEXT NOT NULL, x, PRIMARY KEY(k, l))");
    w.joins("phone", "desktop");
    w.sql("desktop").run(
        counted +
        "INSERT INTO t SELECT n, 'a', 'integer' FROM c UNION ALL SELECT '' || n, 'a', 'text' FROM c");
    w.everyone_syncs();
    w.sql("desktop").run("DELETE FROM t WHERE typeof(k) = 'integer'; " + counted +
                         "INSERT INTO t SELECT n * 1.0, 'a', 'real' FROM c WHERE n <> 7; "
                         "UPDATE t SET x = 'changed' WHERE typeof(k) = 'text' AND k <> '7'");
    CHECK(must(w["desktop"].seal()) == 60 + 59 + 59);
    w.everyone_syncs();
    CHECK(w.sql("phone").dump("SELECT typeof(k), x, count(*) FROM t GROUP BY 1, 2 ORDER BY 1, 2") ==
          "real|real|59\ntext|changed|59\ntext|text|1\n");
    w.all_agree({"SELECT typeof(k), k, l, x FROM t ORDER BY 1, 2"});
}
