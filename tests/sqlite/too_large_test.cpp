// SPDX-License-Identifier: MIT
// Keys and cells that are too large to travel stay in their file, and in nobody's way.
#include "vault_world.hpp"

using namespace vault_test;

TEST_CASE("a table with keys over 4 KiB is refused with the fix; such a row written later is listed",
          "[vault]") {
    using Catch::Matchers::Contains;
    const auto too_large = [](vault& v) { return must(v.status()).too_large; };
    world w;
    // One byte of tag, two of length: 4,093 bytes are the longest text that fits.
    const std::string at_limit = "printf('%.*c', 4093, 'k')", above = "printf('%.*c', 4094, 'k')";
    vault& desktop = w.first(
        "desktop",
        "CREATE TABLE txn(id TEXT PRIMARY KEY NOT NULL, amount INTEGER); INSERT INTO txn(id) VALUES(" +
            at_limit + ")");
    w.sql("desktop").run(
        "CREATE TABLE doc(a TEXT NOT NULL, b BLOB NOT NULL, PRIMARY KEY(a, b)); INSERT INTO doc "
        "VALUES('short', x'01'), ('long', zeroblob(5000)), (" +
        above + ", x'02')");
    const std::vector<std::string> names{"doc"};
    const auto refused = must(desktop.check(names));
    REQUIRE(refused.size() == 1);
    CHECK_THAT(refused[0].reason, Contains("2 of its rows") && Contains("4 KiB") && Contains("Shorten"));
    CHECK(desktop.track("doc").code() == errc::not_trackable);
    CHECK(must(desktop.tracked()) == std::vector<std::string>{"txn"});
    w.sql("desktop").run("DELETE FROM doc WHERE a <> 'short'");
    CHECK(must(desktop.check(names)).empty());
    CHECK(desktop.track("doc").ok());

    w.joins("phone", "desktop");
    w.sql("desktop").run("INSERT INTO txn(id) VALUES(" + above + "), ('b')");
    w.everyone_syncs();
    CHECK(too_large(desktop) == 1);
    CHECK(too_large(w["phone"]) == 0);
    CHECK(w.sql("phone").dump("SELECT length(id) FROM txn ORDER BY 1") == "1\n4093\n");
    w.sql("desktop").run("UPDATE txn SET amount = 1");
    CHECK(must(desktop.seal()) == 2);
    CHECK(too_large(desktop) == 1);
    w.sql("desktop").run("UPDATE txn SET id = 'shortened' WHERE length(id) > 4093");
    w.everyone_syncs();
    CHECK(too_large(desktop) == 0);
    w.all_agree({"SELECT id, amount FROM txn ORDER BY id"});
}

TEST_CASE("a cell over 16 MiB that is there when its table is tracked stays there, listed", "[vault]") {
    const auto too_large = [](vault& v) { return must(v.status()).too_large; };
    const std::string table = "(id TEXT PRIMARY KEY NOT NULL, note TEXT, b BLOB)",
                      rows = "VALUES('a', 'x', zeroblob(16777217)), ('b', 'y', x'01')",
                      dump = "SELECT id, note, length(b) FROM doc ORDER BY id";
    world w;
    vault& desktop = w.first("desktop", "CREATE TABLE txn(id TEXT PRIMARY KEY NOT NULL)");
    SECTION("adopted") {
        w.sql("desktop").run("CREATE TABLE doc" + table + "; INSERT INTO doc " + rows);
        REQUIRE(desktop.track("doc").ok());
        CHECK(too_large(desktop) == 1);
        w.joins("phone", "desktop");
    }
    SECTION("brought along") {
        w.joins("phone", "desktop");
        w.sql("desktop").run("CREATE TABLE doc" + table + "; INSERT INTO doc " + rows);
        w.sql("phone").run("CREATE TABLE doc" + table);
        REQUIRE(desktop.track("doc").ok());
        REQUIRE(w["phone"].track("doc").ok());
        CHECK(too_large(desktop) == 1);
        w.everyone_syncs();
    }
    CHECK(w.sql("phone").dump(dump) == "a|x|NULL\nb|y|1\n");
    CHECK(w.sql("desktop").dump(dump) == "a|x|16777217\nb|y|1\n");
    w.sql("desktop").run("UPDATE doc SET b = x'0203' WHERE id = 'a'");
    w.everyone_syncs();
    CHECK(too_large(desktop) == 0);
    CHECK(w.sql("phone").dump(dump) == "a|x|2\nb|y|1\n");
    w.all_agree({"SELECT id, note, b FROM doc ORDER BY id"});
}

TEST_CASE("a row with too long a key is in nobody's way but for what it keeps out by itself", "[vault]") {
    const bool lent = GENERATE(false, true);
    CAPTURE(lent);
    world w;
    if (lent) w.lent.insert("phone");
    vault& desktop =
        w.first("desktop",
                "CREATE TABLE book(id TEXT PRIMARY KEY NOT NULL, name TEXT UNIQUE);"
                "CREATE TABLE page(id TEXT PRIMARY KEY NOT NULL, book TEXT REFERENCES book(id))");
    w.joins("phone", "desktop");
    w.sql("phone").run("PRAGMA foreign_keys = ON");
    w.sql("desktop").run("INSERT INTO book VALUES('a', 'first')");
    w.everyone_syncs();
    const std::string key = "printf('%.5000c', 'k')";
    const std::string elsewhere = "INSERT INTO book VALUES('z', 'elsewhere')";

    SECTION("it holds a unique name") {
        w.sql("phone").run("INSERT INTO book VALUES(" + key + ", 'mine')");
        w.sql("desktop").run("INSERT INTO book VALUES('b', 'mine');" + elsewhere);
        w.everyone_syncs();
        CHECK(w.sql("phone").dump("SELECT name FROM book WHERE length(id) < 9 ORDER BY id") ==
              "first\nelsewhere\n");
        REQUIRE(must(w["phone"].integrity()).size() == 1);
        CHECK(must(w["phone"].integrity())[0].detail.find("name") != std::string::npos);
        CHECK(w.sql("phone").dump("SELECT count(*) FROM book WHERE length(id) > 9") == "1\n");
        w.sql("phone").run("DELETE FROM book WHERE length(id) > 9");
        w.everyone_syncs();
        w.all_agree({"SELECT * FROM book ORDER BY id"});
        CHECK(must(w["phone"].integrity()).empty());
    }
    SECTION("it is short enough in the file, but not with the identity of the row that it refers to") {
        for (const char* name : {"desktop", "phone"}) {
            w.sql(name).run(
                "CREATE TABLE song(n INTEGER PRIMARY KEY, title TEXT);"
                "CREATE TABLE played(song INTEGER REFERENCES song(n), place TEXT, PRIMARY KEY(song, place)) "
                "WITHOUT ROWID");
            must(w[name].track("song"));
            must(w[name].track("played"));
        }
        w.everyone_syncs();
        w.sql("phone").run(
            "INSERT INTO song VALUES(1, 'x'); INSERT INTO played VALUES(1, printf('%.4080c', 'k'))");
        must(w["phone"].seal());
        CHECK(must(w["phone"].status()).too_large == 1);
        w.sql("desktop").run("DELETE FROM book WHERE id = 'a';" + elsewhere);
        w.everyone_syncs();
        w.sql("desktop").run("DELETE FROM song");
        w.everyone_syncs();
        CHECK(w.sql("phone").dump("SELECT count(*) FROM played") == "1\n");
        w.sql("phone").run("DELETE FROM played");
        w.everyone_syncs();
        CHECK(must(w["phone"].status()).too_large == 0);
        w.all_agree({"SELECT * FROM book", "SELECT * FROM song", "SELECT * FROM played"});
    }
    SECTION("it refers to a row that is deleted elsewhere") {
        w.sql("phone").run("INSERT INTO page VALUES(" + key + ", 'a')");
        w.sql("desktop").run("DELETE FROM book WHERE id = 'a';" + elsewhere);
        w.everyone_syncs();
        CHECK(w.sql("phone").dump("SELECT name FROM book WHERE id = 'z'") == "elsewhere\n");
        CHECK(w.sql("phone").dump("SELECT count(*) FROM page") == "1\n");
        CHECK(must(w["phone"].digest()) == must(desktop.digest()));
        w.sql("phone").run("DELETE FROM page");
        w.everyone_syncs();
        w.all_agree({"SELECT * FROM book ORDER BY id", "SELECT * FROM page"});
    }
}

TEST_CASE("a row with a cell over 16 MiB is deleted, edited elsewhere, and written again", "[vault]") {
    world w;
    vault& desktop =
        w.first("desktop", "CREATE TABLE txn(id TEXT PRIMARY KEY NOT NULL, amount INTEGER, note TEXT)");
    w.joins("phone", "desktop");
    w.sql("desktop").run("INSERT INTO txn VALUES('a', 1, 'short')");
    w.everyone_syncs();
    w.sql("desktop").run("UPDATE txn SET note = CAST(zeroblob(16777217) AS TEXT)");
    w.everyone_syncs();
    w.now += 1000;
    w.sql("desktop").run("DELETE FROM txn");
    w.now += 1000;
    w.sql("phone").run("UPDATE txn SET amount = 2");
    w.everyone_syncs();
    CHECK(must(desktop.status()).last_error.empty());
    w.now += 1000;
    w.sql("desktop").run("INSERT OR REPLACE INTO txn VALUES('a', 3, 'new')");
    w.everyone_syncs();
    CHECK(w.sql("phone").dump("SELECT id, amount, note FROM txn") == "a|3|new\n");
    w.all_agree({"SELECT id, amount, note FROM txn"});
}
