// SPDX-License-Identifier: MIT
// Conflicts, and what a person decides about them.
#include "txn_table.hpp"
#include "vault_world.hpp"

using namespace vault_test;

TEST_CASE("one field changed on both sides: the later is shown, the other can be restored or given up",
          "[vault]") {
    world w;
    w.first("desktop", std::string(txn) + "; INSERT INTO txn VALUES('a', 1, 'x'), ('b', 1, 'x')");
    w.joins("phone", "desktop");
    w.sql("desktop").run("UPDATE txn SET note = 'desk'");
    must(w["desktop"].seal());
    w.now += 60'000;
    w.sql("phone").run("UPDATE txn SET note = 'phone'");
    w.everyone_syncs();
    CHECK(w.sql("desktop").dump(all_txn) == "a|1|phone\nb|1|phone\n");
    w.all_agree({all_txn});
    auto open = must(w["phone"].conflicts());
    REQUIRE(open.size() == 2);
    CHECK(open[0].loser == value("desk"));
    CHECK(open[0].loser_by.device_name == "desktop");
    CHECK(open[0].winner == value("phone"));
    CHECK(open[0].winner_by.device_name == "phone");
    CHECK(open[0].reason == conflict_reason::older_stamp);
    const auto on_a = open[0].key[0] == value("a") ? open[0] : open[1],
               on_b = open[0].key[0] == value("a") ? open[1] : open[0];
    must(w["phone"].restore(on_a.id));
    must(w["phone"].keep(on_b.id.substr(0, 8)));
    w.everyone_syncs();
    CHECK(w.sql("desktop").dump(all_txn) == "a|1|desk\nb|1|phone\n");
    CHECK(must(w["desktop"].conflicts()).empty());
    w.all_agree({all_txn});
    CHECK(must(w["desktop"].conflicts(false)).size() == 2);
    const auto story = must(w["desktop"].why("txn", std::vector<std::string>{"a"}));
    CHECK(story.visible);
    REQUIRE(story.cells.size() == 2);
    CHECK(story.cells[1].by.device_name == "phone");
    CHECK(story.cells[1].lost.size() == 1);
}

TEST_CASE("what is decided about one conflict of a row leaves the others open", "[vault]") {
    world w;
    w.first("desktop", std::string(txn) + "; INSERT INTO txn VALUES('a', 1, 'x')");
    w.joins("phone", "desktop");
    w.joins("tablet", "desktop");
    w.everyone_syncs();
    w.sql("desktop").run("UPDATE txn SET amount = 2");
    must(w["desktop"].seal());
    w.now += 1000;
    w.sql("tablet").run("DELETE FROM txn");
    must(w["tablet"].seal());
    w.now += 1000;
    w.sql("phone").run("UPDATE txn SET amount = 3");
    w.everyone_syncs();
    const auto open = must(w["desktop"].conflicts());
    REQUIRE(open.size() == 2);
    const auto& deletion = open[0].column ? open[1] : open[0];
    REQUIRE(!deletion.column);
    must(w["desktop"].keep(deletion.id));
    w.everyone_syncs();
    for (const char* name : {"desktop", "phone", "tablet"}) {
        INFO(name);
        const auto left = must(w[name].conflicts());
        REQUIRE(left.size() == 1);
        CHECK(left[0].loser == value(2));
    }
    w.all_agree({all_txn});
}

TEST_CASE("who decides that a row stays deleted has decided all that it lost", "[vault]") {
    world w;
    w.first("desktop", std::string(txn) + "; INSERT INTO txn VALUES('a', 1, 'x'), ('b', 1, 'x')");
    w.joins("phone", "desktop");
    w.sql("phone").run("UPDATE txn SET amount = 2, note = 'y'");
    must(w["phone"].seal());
    w.now += 1000;
    w.sql("desktop").run("DELETE FROM txn");
    w.everyone_syncs();
    const auto open = must(w["desktop"].conflicts());
    REQUIRE(open.size() == 4);
    must(w["desktop"].keep(open[0].id));
    w.everyone_syncs();
    for (const char* name : {"desktop", "phone"}) {
        INFO(name);
        const auto left = must(w[name].conflicts());
        REQUIRE(left.size() == 2);
        for (const auto& c : left) CHECK(c.key != open[0].key);
    }
    w.all_agree({all_txn});
}

TEST_CASE("a conflict in a column that a file has not is not decided there", "[vault]") {
    world w;
    w.first("desktop", std::string(txn) + "; INSERT INTO txn VALUES('a', 1, 'x')");
    w.joins("phone", "desktop");
    w.joins("tablet", "desktop");
    w.everyone_syncs();
    for (const char* name : {"desktop", "phone"}) w.sql(name).run("ALTER TABLE txn ADD COLUMN place TEXT");
    w.sql("desktop").run("UPDATE txn SET amount = 2, place = 'here'");
    must(w["desktop"].seal());
    w.now += 1000;
    w.sql("phone").run("UPDATE txn SET amount = 3, place = 'there'");
    w.everyone_syncs();
    const auto open = must(w["tablet"].conflicts());
    REQUIRE(open.size() == 2);
    const auto& place = open[0].column == "place" ? open[0] : open[1];
    REQUIRE(place.column == "place");
    CHECK(w["tablet"].keep(place.id).code() == errc::schema_mismatch);
    CHECK(w["tablet"].restore(place.id).code() == errc::schema_mismatch);
    w.everyone_syncs();
    for (const char* name : {"desktop", "phone", "tablet"}) CHECK(must(w[name].conflicts()).size() == 2);
    must(w["phone"].keep(place.id));
    w.everyone_syncs();
    for (const char* name : {"desktop", "phone", "tablet"}) CHECK(must(w[name].conflicts()).size() == 1);
}

TEST_CASE("a deleted row is brought back with what it has in columns that the file lacks", "[vault]") {
    world w;
    w.first("desktop", std::string(txn) + "; INSERT INTO txn VALUES('a', 1, 'x')");
    w.joins("phone", "desktop");
    w.sql("desktop").run("ALTER TABLE txn ADD COLUMN place TEXT; ALTER TABLE txn ADD COLUMN size INTEGER");
    w.sql("desktop").run("UPDATE txn SET place = 'here', size = 5");
    w.everyone_syncs();
    const std::string whole = "a|1|x|here|5\n";
    SECTION("a row that was deleted") {
        w.sql(GENERATE(std::string("desktop"), "phone")).run("DELETE FROM txn");
        w.everyone_syncs();
        const auto back = must(w["phone"].undelete(must(w["phone"].deleted("txn"))[0].id));
        CHECK(back.values.size() == 4);
        CHECK(must(w["phone"].status()).captured == 0);
    }
    SECTION("what lost to a delete of the row") {
        w.sql("phone").run("DELETE FROM txn");
        must(w["phone"].seal());
        w.now += 1000;
        w.sql("desktop").run("UPDATE txn SET place = 'there'");
        w.everyone_syncs();
        w.now += 1000;
        w.sql("desktop").run("UPDATE txn SET place = 'here'; DELETE FROM txn");
        w.everyone_syncs();
        must(w["phone"].undelete(must(w["phone"].deleted("txn"))[0].id));
    }
    CHECK(w.sql("phone").dump(all_txn) == "a|1|x\n");
    w.everyone_syncs();
    CHECK(w.sql("desktop").dump("SELECT * FROM txn") == whole);
    w.all_agree({all_txn});
    w.sql("phone").run("ALTER TABLE txn ADD COLUMN place TEXT; ALTER TABLE txn ADD COLUMN size INTEGER");
    w.everyone_syncs();
    CHECK(w.sql("phone").dump("SELECT * FROM txn") == whole);
    w.all_agree({"SELECT * FROM txn"});
}

TEST_CASE("a row that is brought back has nothing of an earlier life", "[vault]") {
    world w;
    w.first("desktop", std::string(txn) + "; INSERT INTO txn VALUES('a', 1, 'x')");
    w.joins("phone", "desktop");
    w.sql("desktop").run("ALTER TABLE txn ADD COLUMN place TEXT; UPDATE txn SET place = 'secret'");
    w.everyone_syncs();
    w.now += 1000;
    w.sql("phone").run("DELETE FROM txn");
    w.everyone_syncs();
    w.sql("phone").run("INSERT INTO txn VALUES('a', 2, 'y')");
    w.everyone_syncs();
    CHECK(w.sql("desktop").dump("SELECT * FROM txn") == "a|2|y|NULL\n");
    w.sql("desktop").run("UPDATE txn SET amount = 3");
    must(w["desktop"].seal());
    w.now += 1000;
    w.sql("phone").run("DELETE FROM txn");
    w.everyone_syncs();
    const auto open = must(w["phone"].conflicts());
    REQUIRE(open.size() == 1);
    CHECK(open[0].loser == value(std::int64_t{3}));
    const std::string decides = GENERATE(std::string("desktop"), "phone");
    must(w[decides].restore(open[0].id));
    w.everyone_syncs();
    w.all_agree({all_txn});
    CHECK(w.sql("desktop").dump("SELECT * FROM txn") == "a|3|y|NULL\n");
}

TEST_CASE("a row that an older app replaces keeps what newer columns have", "[vault]") {
    world w;
    const std::string index = GENERATE("", "; CREATE UNIQUE INDEX txn_note ON txn(note)");
    w.first("desktop", std::string(txn) + index + "; INSERT INTO txn VALUES('a', 1, 'x'), ('b', 2, 'y')");
    w.joins("phone", "desktop");
    w.sql("desktop").run("ALTER TABLE txn ADD COLUMN place TEXT; ALTER TABLE txn ADD COLUMN size INTEGER");
    w.sql("desktop").run("UPDATE txn SET place = 'here', size = 5");
    w.everyone_syncs();
    w.sql("phone").run("REPLACE INTO txn VALUES('a', 10, 'x')");
    if (GENERATE(false, true))
        w.sql("phone").run("REPLACE INTO txn VALUES('a', 10, 'z'); UPDATE txn SET note = 'x' WHERE id = 'a'");
    w.sql("phone").run(
        "DELETE FROM txn WHERE id = 'b'; INSERT INTO txn VALUES('b', 20, 'y')");  // another row
    w.everyone_syncs();
    CHECK(w.sql("desktop").dump("SELECT * FROM txn ORDER BY id") == "a|10|x|here|5\nb|20|y|NULL|NULL\n");
    w.all_agree({all_txn});
    CHECK(must(w["phone"].conflicts()).empty());
    w.sql("phone").run("ALTER TABLE txn ADD COLUMN place TEXT; ALTER TABLE txn ADD COLUMN size INTEGER");
    w.everyone_syncs();
    w.all_agree({"SELECT * FROM txn ORDER BY id"});
    CHECK(w.sql("phone").dump("SELECT place FROM txn ORDER BY id") == "here\nNULL\n");
}

TEST_CASE("an edit against a delete, either way round, and restored", "[vault]") {
    world w;
    w.first("desktop", std::string(txn) + "; INSERT INTO txn VALUES('a', 1, 'x'), ('b', 2, 'y')");
    w.joins("phone", "desktop");
    w.sql("desktop").run("DELETE FROM txn WHERE id = 'a'; UPDATE txn SET amount = 20 WHERE id = 'b'");
    must(w["desktop"].seal());
    w.now += 60'000;
    w.sql("phone").run("UPDATE txn SET amount = 10 WHERE id = 'a'; DELETE FROM txn WHERE id = 'b'");
    w.everyone_syncs();
    CHECK(w.sql("desktop").dump(all_txn) == "a|10|x\n");
    w.all_agree({all_txn});
    std::map<conflict_reason, sqlite::conflict_info> open;
    for (const auto& c : must(w["desktop"].conflicts())) open[c.reason] = c;
    REQUIRE(open.size() == 2);
    CHECK(open.at(conflict_reason::hidden_by_delete).loser == value(20));
    must(w["desktop"].restore(open.at(conflict_reason::hidden_by_delete).id));
    must(w["desktop"].restore(open.at(conflict_reason::delete_undone).id));
    w.everyone_syncs();
    CHECK(w.sql("phone").dump(all_txn) == "b|20|y\n");
    w.all_agree({all_txn});
    CHECK(must(w["phone"].conflicts()).empty());
}
