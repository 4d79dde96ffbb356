// SPDX-License-Identifier: MIT
#include "display_world.hpp"

#include <array>
#include <numeric>

using namespace sqlite_test;

namespace {

constexpr const char* names = "CREATE TABLE t(id TEXT NOT NULL PRIMARY KEY, name TEXT UNIQUE, v INTEGER);";

constexpr const char* family =
    "CREATE TABLE p(id TEXT NOT NULL PRIMARY KEY, v INTEGER);"
    "CREATE TABLE c(id TEXT NOT NULL PRIMARY KEY, p TEXT REFERENCES p(id) ON DELETE CASCADE, v INTEGER);"
    "CREATE TABLE g(id TEXT NOT NULL PRIMARY KEY, c TEXT NOT NULL REFERENCES c(id) ON DELETE CASCADE);";

}  // namespace

TEST_CASE("rows are shown, changed and hidden", "[sqlite][display]") {
    world w("CREATE TABLE t(id TEXT NOT NULL PRIMARY KEY, a TEXT DEFAULT 'x', b);");
    w.receive({add("t", {"k"}, {{"a", "1"}, {"b", 2}}), add("t", {"l"}, {{"b", 2.5}})});
    CHECK(w.query("SELECT * FROM t ORDER BY id") == strings{"k|1|2", "l|x|2.5"});
    w.receive({set("t", {"k"}, {{"b", 3}}), cut("t", {"l"})});
    CHECK(w.query("SELECT * FROM t") == strings{"k|1|3"});
    CHECK(w.held("t", {"l"}, "b") == value(2.5));
    w.receive({cut("t", {"k"})});
    CHECK(w.query("SELECT * FROM t").empty());
    CHECK(w.held("t", {"k"}, "a") == value("1"));
    SECTION("an edit made later than the delete brings the row back whole") {
        w.receive({set("t", {"k"}, {{"b", 4}})}, false);
        CHECK(w.query("SELECT * FROM t") == strings{"k|1|4"});
    }
    SECTION("a new life does not show the columns of the old one") {
        w.receive({add("t", {"k"}, {{"b", 5}})});
        CHECK(w.query("SELECT * FROM t") == strings{"k|x|5"});
    }
    CHECK(w.parked().empty());
    CHECK(w.query("SELECT count(*) FROM casasync_log") == strings{"0"});
}

TEST_CASE("a later insert of a shown row sets what it does not name to the default", "[sqlite][display]") {
    world w("CREATE TABLE t(id TEXT NOT NULL PRIMARY KEY, a TEXT DEFAULT 'x', b);");
    w.receive({add("t", {"k"}, {{"a", "1"}, {"b", 2}})});
    w.receive({add("t", {"k"}, {{"b", 3}})}, false);
    CHECK(w.query("SELECT * FROM t") == strings{"k|x|3"});
}

TEST_CASE("columns and tables this file does not have are kept as registers", "[sqlite][display]") {
    world w("CREATE TABLE t(id TEXT NOT NULL PRIMARY KEY, a);");
    changeset c = w.maker.make(w.tables, {add("t", {"k"}, {{"a", 1}})});
    c.tables[0].table.columns = {{"new", merge_rule::lww}, {"a", merge_rule::lww}};
    c.tables[0].rows[0].op.cells = {{0, "far"}, {1, 1}};
    changeset other = c;
    other.tables[0].table.name = "elsewhere";
    w.receive(c);
    w.receive(other);
    CHECK(w.query("SELECT * FROM t") == strings{"k|1"});
    CHECK(w.held("t", {"k"}, "new") == value("far"));
    CHECK(w.held("elsewhere", {"k"}, "a") == value(1));
    w.receive({set("t", {"k"}, {{"a", 2}})});
    CHECK(w.query("SELECT * FROM t") == strings{"k|2"});
    CHECK(w.held("t", {"k"}, "new") == value("far"));
}

TEST_CASE("of two rows with one unique value the older is shown, in whatever order they come",
          "[sqlite][display]") {
    const std::vector<edit> first{add("t", {"b"}, {{"name", "n"}, {"v", 1}}, 10)},
        second{add("t", {"a"}, {{"name", "n"}, {"v", 2}}, 11)};
    world x(names), y(names);
    x.receive(first);
    x.receive(second);
    y.receive(second);
    y.receive(first);
    for (world* w : {&x, &y}) {
        CHECK(w->query("SELECT * FROM t") == strings{"b|n|1"});
        CHECK(w->parked() == strings{"t a: unique"});
        CHECK(w->held("t", {"a"}, "v") == value(2));
        const auto hidden = w->shown.is_parked(w->tables.find("t")->number, *encode_key({{"a"}}));
        REQUIRE(hidden);
        CHECK(*hidden);
    }
    SECTION("it comes back when its blocker is renamed") {
        x.receive({set("t", {"b"}, {{"name", "m"}})});
        CHECK(x.query("SELECT * FROM t ORDER BY id") == strings{"a|n|2", "b|m|1"});
        CHECK(x.parked().empty());
        CHECK(x.held("t", {"a"}, "name") == value("n"));
    }
    SECTION("it comes back when its blocker is deleted") {
        x.receive({cut("t", {"b"})});
        CHECK(x.query("SELECT * FROM t") == strings{"a|n|2"});
        CHECK(x.parked().empty());
    }
    SECTION("it comes back when it is renamed itself, edits in between included") {
        x.receive({set("t", {"a"}, {{"v", 3}})});
        CHECK(x.parked() == strings{"t a: unique"});
        x.receive({set("t", {"a"}, {{"name", "m"}})});
        CHECK(x.query("SELECT * FROM t ORDER BY id") == strings{"a|m|3", "b|n|1"});
    }
    SECTION("it is deleted while parked") {
        x.receive({cut("t", {"a"})});
        CHECK(x.parked().empty());
        CHECK(x.query("SELECT * FROM t") == strings{"b|n|1"});
    }
    SECTION("the blocker is renamed by a person here") {
        x.write("UPDATE t SET name = 'm' WHERE id = 'b'", {set("t", {"b"}, {{"name", "m"}})});
        CHECK(x.query("SELECT * FROM t ORDER BY id") == strings{"a|n|2", "b|m|1"});
        CHECK(x.parked().empty());
    }
    SECTION("a person here writes over the parked row") {
        x.write("INSERT INTO t VALUES('a', 'mine', 7)", {add("t", {"a"}, {{"name", "mine"}, {"v", 7}})});
        CHECK(x.query("SELECT * FROM t ORDER BY id") == strings{"a|mine|7", "b|n|1"});
        CHECK(x.parked().empty());
        CHECK(x.held("t", {"a"}, "v") == value(7));
    }
}

TEST_CASE("two rows swap a unique value in one changeset", "[sqlite][display]") {
    world w(names);
    w.receive({add("t", {"a"}, {{"name", "1"}}), add("t", {"b"}, {{"name", "2"}})});
    w.receive({set("t", {"a"}, {{"name", "2"}}), set("t", {"b"}, {{"name", "1"}})});
    CHECK(w.query("SELECT id, name FROM t ORDER BY id") == strings{"a|2", "b|1"});
    CHECK(w.parked().empty());
}

TEST_CASE("a thousand rows pass a unique value on in one changeset", "[sqlite][display]") {
    world w(names);
    std::vector<edit> made, turned;
    for (int i = 0; i < 1000; ++i) {
        made.push_back(add("t", {std::to_string(i)}, {{"name", std::to_string(i)}, {"v", i}}));
        turned.push_back(set("t", {std::to_string(i)}, {{"name", std::to_string((i + 1) % 1000)}}));
    }
    w.receive(made);
    w.receive(turned);
    CHECK(w.parked().empty());
    CHECK(w.query("SELECT count(*) FROM t WHERE CAST(name AS INTEGER) = (v + 1) % 1000") == strings{"1000"});
    CHECK(w.query("SELECT count(*) FROM t") == strings{"1000"});
}

TEST_CASE("every kind of unique index has its rivals found", "[sqlite][display]") {
    const std::string head = "CREATE TABLE t(id TEXT NOT NULL PRIMARY KEY, a TEXT, b INTEGER, ";
    std::string schema;
    columns one{{"a", "x"}, {"b", 1}}, same{{"a", "x"}, {"b", 1}}, free{{"a", "y"}, {"b", 2}};
    SECTION("NOCASE") {
        schema = head + "UNIQUE(a COLLATE NOCASE))";
        same[0].second = "X";
    }
    SECTION("a column's own NOCASE") {
        schema = "CREATE TABLE t(id TEXT NOT NULL PRIMARY KEY, a TEXT COLLATE NOCASE UNIQUE, b INTEGER)";
        same[0].second = "X";
    }
    SECTION("two columns") {
        schema = head + "UNIQUE(a, b))";
    }
    SECTION("partial") {
        schema = head + "v); CREATE UNIQUE INDEX u ON t(a) WHERE b = 1";
        free = {{"a", "x"}, {"b", 2}};
    }
    SECTION("partial, with a condition that needs the collation of its column") {
        schema =
            "CREATE TABLE t(id TEXT NOT NULL PRIMARY KEY, a TEXT COLLATE NOCASE, b INTEGER);"
            "CREATE UNIQUE INDEX u ON t(b) WHERE a = 'X'";
        free = {{"a", "y"}, {"b", 1}};
    }
    SECTION("expression") {
        schema = head + "v); CREATE UNIQUE INDEX u ON t(lower(a), b + 1)";
        same[0].second = "X";
    }
    SECTION("generated column") {
        schema = head + "n TEXT AS (a || b) UNIQUE)";
    }
    SECTION("default of a column nobody named") {
        schema = head + "v TEXT DEFAULT 'd' UNIQUE)";
        free = {{"a", "x"}, {"b", 1}, {"v", "e"}};
    }
    SECTION("declared to replace") {
        schema = head + "UNIQUE(a, b) ON CONFLICT REPLACE)";
    }
    SECTION("declared to be ignored") {
        schema = head + "UNIQUE(a, b) ON CONFLICT IGNORE)";
    }
    SECTION("WITHOUT ROWID") {
        schema = head + "UNIQUE(a, b)) WITHOUT ROWID";
    }
    SECTION("STRICT") {
        schema = head + "UNIQUE(a, b)) STRICT";
    }
    world w(schema);
    w.receive({add("t", {"2"}, same, 20), add("t", {"3"}, free, 19)});
    CHECK(w.query("SELECT id FROM t ORDER BY id") == strings{"2", "3"});
    w.receive({add("t", {"1"}, one, 10)});
    CHECK(w.query("SELECT id FROM t ORDER BY id") == strings{"1", "3"});
    CHECK(w.parked() == strings{"t 2: unique"});
    w.receive({cut("t", {"1"})});
    CHECK(w.query("SELECT id FROM t ORDER BY id") == strings{"2", "3"});
}

TEST_CASE("keys that SQL takes for equal and we do not are unique like others", "[sqlite][display]") {
    world w("CREATE TABLE t(id NOT NULL PRIMARY KEY, v)");
    w.receive({add("t", {2.0}, {{"v", "real"}}, 20)});
    w.receive({add("t", {2}, {{"v", "integer"}}, 10)});
    CHECK(w.query("SELECT typeof(id), v FROM t") == strings{"integer|integer"});
    w.receive({set("t", {2.0}, {{"v", "still"}}, 30)});
    CHECK(w.query("SELECT v FROM t") == strings{"integer"});
    w.receive({cut("t", {2})});
    CHECK(w.query("SELECT typeof(id), v FROM t") == strings{"real|still"});
}

TEST_CASE("a key the table would store as another one is parked", "[sqlite][display]") {
    const auto key = GENERATE(casasync::value(1), casasync::value(1.5), casasync::value("1"));
    const std::string type = GENERATE("TEXT NOT NULL PRIMARY KEY", "INTEGER PRIMARY KEY",
                                      "INT NOT NULL PRIMARY KEY", "REAL NOT NULL PRIMARY KEY");
    world w("CREATE TABLE t(id " + type + ", v)");
    w.receive({add("t", {key}, {{"v", 1}})});
    const auto there = w.rows.in_table(*w.tables.find("t"), *encode_key({&key, 1}));
    REQUIRE(there);
    CHECK(w.query("SELECT count(*) FROM t") == strings{there->has_value() ? "1" : "0"});
    CHECK(w.query("SELECT count(*) FROM casasync_parked") == strings{there->has_value() ? "0" : "1"});
}

TEST_CASE("a row that breaks a rule of its table is parked until it is corrected", "[sqlite][display]") {
    world w(
        "CREATE TABLE t(id TEXT NOT NULL PRIMARY KEY, a INTEGER, b INTEGER NOT NULL, CHECK(a < b)) STRICT");
    w.receive({add("t", {"k"}, {{"a", 1}, {"b", 5}}), add("t", {"l"}, {{"a", 1}, {"b", 5}})});
    w.receive({set("t", {"k"}, {{"a", 4}})});
    const value broken = GENERATE(casasync::value(3), casasync::value(), casasync::value("text"));
    w.receive({set("t", {"k"}, {{"b", broken}}), set("t", {"l"}, {{"a", 2}})});
    CHECK(w.query("SELECT * FROM t") == strings{"l|2|5"});
    CHECK(w.parked() == strings{"t k: check"});
    CHECK(w.held("t", {"k"}, "a") == value(4));
    CHECK(w.held("t", {"k"}, "b") == broken);
    w.receive({set("t", {"k"}, {{"b", 9}})});
    CHECK(w.query("SELECT * FROM t ORDER BY id") == strings{"k|4|9", "l|2|5"});
    CHECK(w.parked().empty());
}

TEST_CASE("a trigger of the application that refuses a row parks it", "[sqlite][display]") {
    const std::string what = GENERATE("ABORT, 'no'", "FAIL, 'no'", "IGNORE");
    world w(
        "CREATE TABLE t(id TEXT NOT NULL PRIMARY KEY, a);"
        "CREATE TRIGGER i BEFORE INSERT ON t WHEN NEW.a = 'bad' BEGIN SELECT RAISE(" +
        what +
        "); END;"
        "CREATE TRIGGER u BEFORE UPDATE ON t WHEN NEW.a = 'bad' BEGIN SELECT RAISE(" +
        what + "); END;");
    w.receive({add("t", {"k"}, {{"a", "bad"}}), add("t", {"l"}, {{"a", 1}})});
    w.receive({set("t", {"l"}, {{"a", "bad"}})});
    CHECK(w.query("SELECT * FROM t").empty());
    CHECK(w.parked() == strings{"t k: check", "t l: check"});
    w.receive({set("t", {"k"}, {{"a", 2}}), set("t", {"l"}, {{"a", 3}})});
    CHECK(w.query("SELECT * FROM t ORDER BY id") == strings{"k|2", "l|3"});
}

TEST_CASE("a row that a trigger wrote already is taken over", "[sqlite][display]") {
    world w(
        "CREATE TABLE t(id TEXT NOT NULL PRIMARY KEY, a);"
        "CREATE TABLE s(id TEXT NOT NULL PRIMARY KEY, n);"
        "CREATE TRIGGER i AFTER INSERT ON s BEGIN INSERT OR IGNORE INTO t VALUES(NEW.id, 'made'); END;");
    w.receive({add("s", {"k"}, {{"n", 1}}), add("t", {"k"}, {{"a", "theirs"}})});
    CHECK(w.query("SELECT * FROM t") == strings{"k|theirs"});
    CHECK(w.parked().empty());
}

TEST_CASE("children wait for their parents", "[sqlite][display]") {
    world w(family, GENERATE(false, true));
    w.receive({add("g", {"g"}, {{"c", "c"}})});
    CHECK(w.parked() == strings{"g g: foreign key"});
    w.receive({add("c", {"c"}, {{"p", "p"}, {"v", 1}})});
    CHECK(w.parked() == strings{"c c: foreign key", "g g: foreign key"});
    CHECK(w.query("SELECT * FROM c").empty());
    w.receive({set("c", {"c"}, {{"v", 2}})});
    w.receive({add("p", {"p"}, {{"v", 1}})});
    CHECK(w.parked().empty());
    CHECK(w.query("SELECT p.id, c.id, c.v, g.id FROM p JOIN c ON c.p = p.id JOIN g ON g.c = c.id") ==
          strings{"p|c|2|g"});
    SECTION("and are parked, not lost, when a parent is deleted by somebody who did not know them") {
        w.receive({cut("p", {"p"})});
        CHECK(w.parked() == strings{"c c: foreign key", "g g: foreign key"});
        for (const char* table : {"p", "c", "g"})
            CHECK(w.query(std::string("SELECT * FROM ") + table).empty());
        CHECK(w.held("c", {"c"}, "v") == value(2));
        w.receive({add("p", {"p"}, {{"v", 3}})});
        CHECK(w.parked().empty());
        CHECK(w.query("SELECT c.v FROM g JOIN c ON c.id = g.c") == strings{"2"});
    }
    SECTION("and go with it when that was captured") {
        w.receive({cut("p", {"p"}), cut("c", {"c"}), cut("g", {"g"})});
        CHECK(w.parked().empty());
    }
    SECTION("and stay when the reference goes elsewhere in the same changeset") {
        w.receive({cut("p", {"p"}), set("c", {"c"}, {{"p", "q"}}), add("p", {"q"}, {})});
        CHECK(w.parked().empty());
        CHECK(w.query("SELECT c.p FROM g JOIN c ON c.id = g.c") == strings{"q"});
    }
    SECTION("and come when a person here adds the parent") {
        w.receive({cut("p", {"p"})});
        w.write("INSERT INTO p VALUES('p', 5)", {add("p", {"p"}, {{"v", 5}})});
        CHECK(w.parked().empty());
        CHECK(w.query("SELECT count(*) FROM g") == strings{"1"});
    }
}

TEST_CASE("an optional reference to a missing row is shown as NULL and kept", "[sqlite][display]") {
    world w(
        "CREATE TABLE p(id TEXT NOT NULL PRIMARY KEY);"
        "CREATE TABLE c(id TEXT NOT NULL PRIMARY KEY, p TEXT REFERENCES p(id) ON DELETE SET NULL, v "
        "INTEGER);",
        GENERATE(false, true));
    w.receive({add("c", {"c"}, {{"p", "p"}, {"v", 1}})});
    CHECK(w.query("SELECT * FROM c") == strings{"c|-|1"});
    CHECK(w.parked() == strings{"c c: dangling"});
    CHECK(w.held("c", {"c"}, "p") == value("p"));
    const auto hidden = w.shown.is_parked(w.tables.find("c")->number, *encode_key({{"c"}}));
    REQUIRE(hidden);
    CHECK_FALSE(*hidden);
    w.receive({set("c", {"c"}, {{"v", 2}})});
    CHECK(w.query("SELECT * FROM c") == strings{"c|-|2"});
    w.write("UPDATE c SET v = 3", {set("c", {"c"}, {{"v", 3}})});
    CHECK(w.held("c", {"c"}, "p") == value("p"));
    CHECK(w.parked() == strings{"c c: dangling"});
    w.receive({add("p", {"p"}, {})});
    CHECK(w.query("SELECT * FROM c") == strings{"c|p|3"});
    CHECK(w.parked().empty());
    w.receive({cut("p", {"p"})});
    CHECK(w.query("SELECT * FROM c") == strings{"c|-|3"});
    CHECK(w.held("c", {"c"}, "p") == value("p"));
    SECTION("cleared for good") {
        w.receive({set("c", {"c"}, {{"p", value()}})});
        CHECK(w.parked().empty());
        CHECK(w.held("c", {"c"}, "p") == value());
    }
    SECTION("deleted") {
        w.receive({cut("c", {"c"})});
        CHECK(w.parked().empty());
        CHECK(w.held("c", {"c"}, "p") == value("p"));
    }
}

TEST_CASE("an optional reference that a rule of the table needs parks the row", "[sqlite][display]") {
    world w(
        "CREATE TABLE p(id TEXT NOT NULL PRIMARY KEY);"
        "CREATE TABLE c(id TEXT NOT NULL PRIMARY KEY, p TEXT REFERENCES p ON DELETE SET NULL CHECK(p IS NOT "
        "NULL))");
    w.receive({add("c", {"c"}, {{"p", "p"}})});
    CHECK(w.parked() == strings{"c c: foreign key"});
    w.receive({add("p", {"p"}, {})});
    CHECK(w.query("SELECT * FROM c") == strings{"c|p"});
}

TEST_CASE("rows that refer to themselves and to each other are shown", "[sqlite][display]") {
    world w(
        "CREATE TABLE t(id TEXT NOT NULL PRIMARY KEY, up TEXT REFERENCES t(id) ON DELETE CASCADE);"
        "CREATE TABLE a(id TEXT NOT NULL PRIMARY KEY, b TEXT NOT NULL REFERENCES b(id));"
        "CREATE TABLE b(id TEXT NOT NULL PRIMARY KEY, a TEXT NOT NULL REFERENCES a(id));",
        GENERATE(false, true));
    w.receive({add("t", {"self"}, {{"up", "self"}}), add("t", {"1"}, {{"up", "2"}}),
               add("t", {"3"}, {{"up", "1"}}), add("a", {"a"}, {{"b", "b"}})});
    CHECK(w.query("SELECT id FROM t") == strings{"self"});
    w.receive({add("t", {"2"}, {{"up", "3"}}), add("b", {"b"}, {{"a", "a"}})});
    CHECK(w.query("SELECT id FROM t ORDER BY id") == strings{"1", "2", "3", "self"});
    CHECK(w.query("SELECT a.id, b.id FROM a JOIN b ON a.b = b.id") == strings{"a|b"});
    CHECK(w.parked().empty());
    w.receive({cut("t", {"1"}), cut("t", {"self"}), cut("b", {"b"})});
    CHECK(w.query("SELECT id FROM t").empty());
    CHECK(w.query("SELECT id FROM a").empty());
    CHECK(w.parked() == strings{"t 2: foreign key", "t 3: foreign key", "a a: foreign key"});
    w.receive({add("t", {"1"}, {{"up", value()}})});
    CHECK(w.query("SELECT id FROM t ORDER BY id") == strings{"1", "2", "3"});
    w.receive({cut("t", {"1"}), cut("t", {"2"}), cut("t", {"3"})});
    CHECK(w.query("SELECT id FROM t").empty());
    CHECK(w.parked() == strings{"a a: foreign key"});
}

TEST_CASE("references by a unique column, composite and without regard to case", "[sqlite][display]") {
    world w(
        "CREATE TABLE p(id TEXT NOT NULL, n INTEGER NOT NULL, code TEXT COLLATE NOCASE UNIQUE, PRIMARY "
        "KEY(id, n)) WITHOUT ROWID;"
        "CREATE TABLE c(id TEXT NOT NULL PRIMARY KEY, code TEXT REFERENCES p(code) ON UPDATE CASCADE);"
        "CREATE TABLE d(id TEXT NOT NULL PRIMARY KEY, x TEXT, y INTEGER, FOREIGN KEY(x, y) REFERENCES P);",
        GENERATE(false, true));
    w.receive({add("c", {"c"}, {{"code", "EUR"}}), add("d", {"d"}, {{"x", "p"}, {"y", 1}}),
               add("d", {"half"}, {{"x", "nobody"}, {"y", value()}})});
    CHECK(w.parked() == strings{"c c: foreign key", "d d: foreign key"});
    w.receive({add("p", {"p", 1}, {{"code", "eur"}})});
    CHECK(w.parked().empty());
    w.receive({set("p", {"p", 1}, {{"code", "usd"}})});
    CHECK(w.query("SELECT * FROM c").empty());
    CHECK(w.query("SELECT id FROM d ORDER BY id") == strings{"d", "half"});
    CHECK(w.held("c", {"c"}, "code") == value("EUR"));
    w.receive({add("p", {"q", 1}, {{"code", "Eur"}})});
    CHECK(w.query("SELECT code FROM c") == strings{"EUR"});
    CHECK(w.parked().empty());
}

TEST_CASE("a row that waits for its parent keeps its unique value", "[sqlite][display]") {
    world w(
        "CREATE TABLE p(id TEXT NOT NULL PRIMARY KEY);"
        "CREATE TABLE c(id TEXT NOT NULL PRIMARY KEY, name TEXT UNIQUE, p TEXT REFERENCES p(id));");
    w.receive({add("c", {"old"}, {{"name", "n"}, {"p", "p"}}, 10)});
    w.receive({add("c", {"new"}, {{"name", "n"}}, 11)});
    CHECK(w.query("SELECT * FROM c").empty());
    CHECK(w.parked() == strings{"c new: unique", "c old: foreign key"});
    w.receive({set("c", {"old"}, {{"name", "m"}})});
    CHECK(w.query("SELECT id FROM c") == strings{"new"});
    w.receive({add("p", {"p"}, {})});
    CHECK(w.query("SELECT id FROM c ORDER BY id") == strings{"new", "old"});
}

TEST_CASE("a smaller amount written here is put back", "[sqlite][display]") {
    world w("");
    w.check(w.db.execute("CREATE TABLE t(id TEXT NOT NULL PRIMARY KEY, hi INTEGER, v INTEGER)"));
    w.track("t", {.rules = {{"hi", merge_rule::max}}});
    w.receive({add("t", {"k"}, {{"hi", 7}, {"v", 1}})});
    w.write("UPDATE t SET hi = 3, v = 2", {set("t", {"k"}, {{"hi", 3}, {"v", 2}})});
    CHECK(w.query("SELECT hi, v FROM t") == strings{"7|2"});
}

TEST_CASE("a person's row without its parent stays as written", "[sqlite][display]") {
    world w(family);
    w.receive({add("c", {"waits"}, {{"p", "p"}})});
    w.write("INSERT INTO c VALUES('c', 'nobody', 1)", {add("c", {"c"}, {{"p", "nobody"}, {"v", 1}})});
    CHECK(w.query("SELECT id FROM c") == strings{"c"});
    CHECK(w.parked() == strings{"c waits: foreign key"});
}

TEST_CASE("the time since when a row is parked stays", "[sqlite][display]") {
    world w(names);
    w.receive({add("t", {"a"}, {{"name", "n"}}, 10), add("t", {"b"}, {{"name", "n"}}, 11)});
    const strings since = w.query("SELECT since FROM casasync_parked");
    REQUIRE(since == strings{"1"});
    w.receive({set("t", {"b"}, {{"v", 2}})});
    w.receive({add("t", {"0"}, {{"name", "n"}}, 5)});
    CHECK(w.query("SELECT since FROM casasync_parked ORDER BY k") == strings{"3", "1"});
}

TEST_CASE("a trigger that keeps a deleted row neither stops the merge nor loses the row",
          "[sqlite][display]") {
    const std::string what = GENERATE("ABORT, 'keep it'", "IGNORE");
    const std::string unique = GENERATE("", " UNIQUE");
    world w("CREATE TABLE t(id TEXT NOT NULL PRIMARY KEY, a TEXT" + unique +
            ");"
            "CREATE TRIGGER d BEFORE DELETE ON t WHEN OLD.a = 'kept' BEGIN SELECT RAISE(" +
            what + "); END;");
    w.receive({add("t", {"k"}, {{"a", "kept"}}), add("t", {"l"}, {{"a", "free"}})});
    w.receive({cut("t", {"k"}), cut("t", {"l"})});
    CHECK(w.query("SELECT id FROM t") == strings{"k"});
    CHECK(w.parked() == strings{"t k: check"});
    CHECK(w.held("t", {"k"}, "a") == value("kept"));
    w.receive({add("t", {"m"}, {{"a", "other"}})});
    CHECK(w.parked() == strings{"t k: check"});
    w.receive({add("t", {"k"}, {{"a", "again"}})});
    CHECK(w.query("SELECT id, a FROM t ORDER BY id") == strings{"k|again", "m|other"});
    CHECK(w.parked().empty());
}

TEST_CASE("a row that a trigger keeps is not displaced", "[sqlite][display]") {
    world w(
        "CREATE TABLE t(id TEXT NOT NULL PRIMARY KEY, a TEXT UNIQUE);"
        "CREATE TRIGGER d BEFORE DELETE ON t BEGIN SELECT RAISE(ABORT, 'keep it'); END;");
    w.receive({add("t", {"new"}, {{"a", "x"}}, 20)});
    w.receive({add("t", {"old"}, {{"a", "x"}}, 10)});
    CHECK(w.query("SELECT id FROM t") == strings{"new"});
    CHECK(w.parked() == strings{"t old: check"});
}

TEST_CASE("a trigger that deletes children finds none that the registers still show", "[sqlite][display]") {
    world w(
        "CREATE TABLE p(id TEXT NOT NULL PRIMARY KEY, name TEXT UNIQUE);"
        "CREATE TABLE c(id TEXT NOT NULL PRIMARY KEY, p TEXT REFERENCES p(id), v);"
        "CREATE TRIGGER d AFTER DELETE ON p BEGIN DELETE FROM c WHERE p = OLD.id; END;");
    w.receive({add("p", {"1"}, {{"name", "a"}}), add("p", {"2"}, {{"name", "b"}}),
               add("c", {"c"}, {{"p", "1"}, {"v", "kept"}})});
    w.receive({set("p", {"1"}, {{"name", "b"}}), set("p", {"2"}, {{"name", "a"}})});
    CHECK(w.query("SELECT p.name, c.v FROM c JOIN p ON p.id = c.p") == strings{"b|kept"});
    w.receive({cut("p", {"1"})});
    CHECK(w.parked() == strings{"c c: foreign key"});
    CHECK(w.held("c", {"c"}, "v") == value("kept"));
}

TEST_CASE("tables that are not tracked do not stop a merge on the application's connection",
          "[sqlite][display]") {
    const std::string action = GENERATE("", "ON DELETE RESTRICT", "ON DELETE CASCADE");
    world w("CREATE TABLE p(id TEXT NOT NULL PRIMARY KEY, a);", true);
    w.check(w.db.execute("CREATE TABLE recent(p TEXT REFERENCES p(id) " + action +
                         "); CREATE TABLE cache(id TEXT PRIMARY KEY);"
                         "CREATE TABLE c(id TEXT NOT NULL PRIMARY KEY, cache TEXT REFERENCES cache);"));
    w.track("c");
    w.receive({add("p", {"p"}, {{"a", 1}}), add("c", {"c"}, {{"cache", "x"}})});
    CHECK(w.parked() == strings{"c c: foreign key"});
    w.check(w.db.execute("INSERT INTO recent VALUES('p')"));
    w.receive({cut("p", {"p"}), set("c", {"c"}, {{"cache", value()}})});
    CHECK(w.held("p", {"p"}, "a") == value(1));
    CHECK(w.query("SELECT * FROM c") == strings{"c|-"});
    CHECK(w.parked().empty());
    CHECK(w.query("SELECT count(*) FROM p") == strings{"0"});
}

TEST_CASE("what a trigger does to a tracked table comes with the changes and is not done again",
          "[sqlite][display]") {
    world w(
        "CREATE TABLE t(id TEXT NOT NULL PRIMARY KEY, a, n INTEGER DEFAULT 0);"
        "CREATE TABLE total(id TEXT NOT NULL PRIMARY KEY, n INTEGER);");
    REQUIRE(w.db.execute(
        "CREATE TABLE journal(what TEXT);"
        "CREATE TRIGGER counted AFTER UPDATE OF a ON t BEGIN UPDATE t SET n = n + 1 WHERE id = NEW.id;"
        " INSERT INTO total VALUES(NEW.id, 1) ON CONFLICT(id) DO UPDATE SET n = n + 1;"
        " INSERT INTO journal VALUES(NEW.id); END;"));
    w.receive({add("t", {"k"}, {{"a", 1}, {"n", 0}})});
    w.receive({set("t", {"k"}, {{"a", 2}, {"n", 1}}), add("total", {"k"}, {{"n", 1}})});
    w.receive({set("t", {"k"}, {{"a", 3}})});  // by an app without the trigger
    CHECK(w.query("SELECT * FROM t") == strings{"k|3|1"});
    CHECK(w.query("SELECT * FROM total") == strings{"k|1"});
    CHECK(w.query("SELECT * FROM journal") == strings{"k", "k"});  // which is this device's own
}

TEST_CASE("the digest of the replicas is another one after each change of them", "[sqlite][display]") {
    world w("CREATE TABLE t(id TEXT NOT NULL PRIMARY KEY, a);");
    std::vector<casasync::detail::u128> seen{w.rows.digest()};
    const auto is_another = [&] {
        const auto now = w.rows.digest();
        const bool fresh = std::find(seen.begin(), seen.end(), now) == seen.end();
        seen.push_back(now);
        w.check(w.rows.read());
        return fresh && w.rows.digest() == now;  // the same of what is in the file
    };
    w.receive({add("t", {"k"}, {{"a", 1}})});
    CHECK(is_another());
    for (const std::uint64_t when : {1U, 2U}) {
        version_vector merged;
        merged.raise(replica(1), hlc{band::adopt.packed + when});
        w.check(w.rows.raise(merged));
        CHECK(is_another());
    }
    for (const std::uint8_t n : std::array<std::uint8_t, 3>{0, 7, 8}) {
        device_id device;
        device.octets[0] = n;
        w.check(w.rows.own(replica(1), device));
        CHECK(is_another());
    }
    CHECK(seen.size() == 7);
}
