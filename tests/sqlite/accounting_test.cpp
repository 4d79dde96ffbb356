// SPDX-License-Identifier: MIT
// What became of every write, as the vault counts it: the classes add up, on every device, across restarts.
#include "vault_world.hpp"

using namespace vault_test;

namespace {

constexpr const char* txn = "CREATE TABLE txn(id TEXT PRIMARY KEY NOT NULL, amount INTEGER, note TEXT)";

sqlite::write_counts ops(world& w, const std::string& name) {
    const auto now = must(w[name].status()).ops;
    CHECK(now.total == now.applied + now.superseded + now.absorbed + now.conflicts + now.held + now.rejected);
    CHECK(now.parked <= now.applied);
    CHECK(now.conflicts == must(w[name].conflicts()).size());
    return now;
}

/// applied, superseded, absorbed, conflicts
using classes = std::vector<std::size_t>;
classes classes_of(const sqlite::write_counts& c) {
    return {c.applied, c.superseded, c.absorbed, c.conflicts};
}

void reopen(world& w, const std::string& name) {
    w.devices.erase(name);
    w.devices.emplace(name, must(vault::open(w.dir.file(name), w.options())));
}

}  // namespace

TEST_CASE("a write is counted once, wherever it ends, and devices that met count the same", "[accounting]") {
    world w;
    w.first("desktop", std::string(txn) + "; INSERT INTO txn VALUES('old', 1, 'x'), ('shared', 5, 'five')");
    w.joins("phone", "desktop");
    const auto met = [&](const classes& expected) {
        w.everyone_syncs();
        for (const char* name : {"desktop", "phone"}) {
            INFO(name);
            CHECK(classes_of(ops(w, name)) == expected);
        }
        w.all_agree({"SELECT * FROM txn ORDER BY id"});
    };
    met({0, 0, 0, 0});  // what was there when the vault began is nobody's write
    w.sql("desktop").run("INSERT INTO txn VALUES('new', 2, 'y'); UPDATE txn SET note = 'X' WHERE id = 'old'");
    met({3, 0, 0, 0});
    w.now += 1000;
    w.sql("phone").run("UPDATE txn SET note = 'yy' WHERE id = 'new'");
    met({3, 1, 0, 0});
    w.sql("desktop").run("UPDATE txn SET note = 'mine' WHERE id = 'shared'");
    must(w["desktop"].seal());
    w.now += 1000;
    w.sql("phone").run("UPDATE txn SET note = 'yours' WHERE id = 'shared'");
    met({4, 1, 0, 1});
    must(w["desktop"].keep(must(w["desktop"].conflicts()).at(0).id));
    met({4, 3, 0, 0});  // one write more has replaced both
    for (const char* name : {"desktop", "phone"})
        w.sql(name).run("UPDATE txn SET note = 'same' WHERE id = 'shared'");
    met({4, 4, 1, 0});
    w.now += 1000;
    w.sql("desktop").run("DELETE FROM txn WHERE id = 'new'");
    met({3, 6, 1, 0});  // two cells went, and the DELETE is what is shown of the row
    w.sql("desktop").run("DELETE FROM txn WHERE id = 'old'");
    must(w["desktop"].seal());
    w.now += 1000;
    w.sql("phone").run("UPDATE txn SET amount = 9 WHERE id = 'old'");
    met({3, 7, 1, 1});  // the row stayed: its DELETE has lost
    reopen(w, "phone");
    CHECK(classes_of(ops(w, "phone")) == classes{3, 7, 1, 1});
}

TEST_CASE("under max one write for each cell counts as applied, the others as absorbed", "[accounting]") {
    world w;
    w.apps["desktop"] = std::make_unique<app>(w.dir.file("desktop"));
    w.sql("desktop").run("CREATE TABLE account(id TEXT PRIMARY KEY NOT NULL, checked INTEGER)");
    w.devices.emplace("desktop", must(vault::create(w.dir.file("desktop"), who("desktop", 1), w.options())));
    must(w["desktop"].track("account", {{}, {{"checked", merge_rule::max}}, {}, false}));
    w.joins("phone", "desktop");
    w.sql("desktop").run("INSERT INTO account VALUES('a', 10)");
    w.everyone_syncs();
    w.sql("phone").run("UPDATE account SET checked = 20");
    w.sql("desktop").run("UPDATE account SET checked = 15");
    w.everyone_syncs();
    CHECK(classes_of(ops(w, "desktop")) == classes{1, 0, 2, 0});
    CHECK(classes_of(ops(w, "phone")) == classes{1, 0, 2, 0});
    w.sql("phone").run("DELETE FROM account");
    w.everyone_syncs();
    CHECK(classes_of(ops(w, "desktop")) == classes{1, 0, 3, 0});  // the DELETE is what is shown
    w.all_agree({"SELECT * FROM account"});
}

TEST_CASE("what waits, and what nobody can read, is counted until it is merged", "[accounting]") {
    world w;
    w.first("desktop", txn);
    w.joins("phone", "desktop");
    w.joins("tablet", "desktop");
    w.everyone_syncs();
    w.now += 3'600'000;  // the desktop's clock is an hour ahead
    w.sql("desktop").run("INSERT INTO txn VALUES('a', 1, 'x')");
    w.push("desktop");
    w.now -= 3'600'000;
    w.pull("phone");
    CHECK(ops(w, "phone").held == 2);
    CHECK(ops(w, "phone").total == 2);
    reopen(w, "phone");
    CHECK(ops(w, "phone").held == 2);
    w.now += 3'600'000;
    must(w["phone"].merge_inbox(w.now));
    CHECK(ops(w, "phone").held == 0);
    CHECK(classes_of(ops(w, "phone")) == classes{2, 0, 0, 0});

    w.sql("desktop").run("UPDATE txn SET note = 'z'");
    w.push("desktop");
    const bytes whole = w.log.back().payload;
    w.log.back().payload.resize(whole.size() - 1);
    w.pull("phone");
    CHECK(ops(w, "phone").rejected == 1);
    CHECK(ops(w, "phone").total == 3);
    must(w["phone"].note_sync(w.log.size(), w.now, "two do not open", 2));
    CHECK(ops(w, "phone").rejected == 3);
    must(w["phone"].note_sync(w.log.size(), w.now, "no network"));  // nothing new is known of them
    CHECK(ops(w, "phone").rejected == 3);
    must(w["phone"].note_sync(w.log.size(), w.now, "", 0));
    CHECK(ops(w, "phone").rejected == 1);
}

TEST_CASE("writes of a parked row are applied, and counted apart", "[accounting]") {
    world w;
    w.first("desktop", "CREATE TABLE person(id TEXT PRIMARY KEY NOT NULL, email TEXT UNIQUE, name TEXT)");
    w.joins("phone", "desktop");
    w.sql("desktop").run("INSERT INTO person VALUES('1', 'e', 'Ann')");
    must(w["desktop"].seal());
    w.now += 1000;
    w.sql("phone").run("INSERT INTO person VALUES('2', 'e', 'Bob')");
    w.everyone_syncs();
    for (const char* name : {"desktop", "phone"}) {
        CHECK(ops(w, name).applied == 4);
        CHECK(ops(w, name).parked == 2);
    }
    w.sql("desktop").run("DELETE FROM person WHERE id = '1'");
    w.everyone_syncs();
    CHECK(ops(w, "phone").parked == 0);
    CHECK(classes_of(ops(w, "phone")) == classes{3, 2, 0, 0});
}

TEST_CASE("a snapshot brings the writes that stand, not those that were overwritten before", "[accounting]") {
    world w;
    w.first("desktop", std::string(txn) + "; INSERT INTO txn VALUES('a', 1, 'x')");
    w.joins("phone", "desktop");
    w.sql("desktop").run("UPDATE txn SET note = 'mine'");
    must(w["desktop"].seal());
    w.sql("desktop").run("UPDATE txn SET note = 'mine, better'");
    must(w["desktop"].seal());
    w.now += 1000;
    w.sql("phone").run("UPDATE txn SET note = 'yours'");
    w.everyone_syncs();
    w.joins("tablet", "desktop");
    CHECK(classes_of(ops(w, "desktop")) == classes{1, 1, 0, 1});
    CHECK(classes_of(ops(w, "tablet")) == classes{1, 0, 0, 1});
    w.sql("tablet").run("UPDATE txn SET note = 'ours'");
    w.everyone_syncs();
    CHECK(classes_of(ops(w, "desktop")) == classes{1, 3, 0, 0});
    CHECK(classes_of(ops(w, "tablet")) == classes{1, 2, 0, 0});
    w.all_agree({"SELECT * FROM txn"});
}

TEST_CASE("a conflict tells what is shown, also where that is nobody's write", "[audit]") {
    world w;
    w.first("desktop", "CREATE TABLE txn(id TEXT PRIMARY KEY NOT NULL, note TEXT)");
    w.joins("phone", "desktop");
    w.sql("desktop").run("INSERT INTO txn VALUES('a', 'first')");
    w.everyone_syncs();
    w.sql("phone").run("ALTER TABLE txn ADD COLUMN place TEXT; UPDATE txn SET place = 'Rome'");
    must(w["phone"].seal());
    w.now += 60'000;
    w.sql("desktop").run("REPLACE INTO txn VALUES('a', 'anew')");
    w.sql("desktop").run("UPDATE casasync_log SET at = NULL");  // SQLite's clock is another
    w.push("desktop");
    w.push("phone");
    w.pull("phone");
    REQUIRE(w.sql("phone").dump("SELECT * FROM txn") == "a|anew|NULL\n");
    const auto all = must(w["phone"].conflicts());
    REQUIRE(all.size() == 1);
    CHECK(all[0].column == "place");
    CHECK(all[0].loser == value("Rome"));
    CHECK(all[0].winner == value());
    must(w["phone"].keep(all[0].id));
    const auto kept = must(w["phone"].conflicts(false));
    REQUIRE(kept.size() == 1);
    CHECK_FALSE(kept[0].open);
    CHECK(kept[0].winner == value());
}
