// SPDX-License-Identifier: MIT
// The engine on the app's own connection.
#include "txn_table.hpp"
#include "vault_world.hpp"

#include <set>
#include <string>

using namespace vault_test;

TEST_CASE("the engine works on the app's own connection", "[vault]") {
    world w;
    w.first("desktop", std::string(txn) + "; INSERT INTO txn VALUES('a', 1, 'x')");
    w.joins("phone", "desktop");
    auto options = w.options();
    options.run_on_app = [&w](const std::function<result<void>(sqlite3*)>& work) {
        return work(w.sql("phone").handle());
    };
    w.devices.erase("phone");
    w.devices.emplace("phone", must(vault::open(w.dir.file("phone"), options)));
    w.sql("phone").run(
        "PRAGMA foreign_keys = ON; UPDATE txn SET note = 'p'; INSERT INTO txn VALUES('b', 2, 'y')");
    w.sql("desktop").run("UPDATE txn SET amount = 7");
    w.push("desktop");
    w.pull("phone");  // seals and merges in one transaction: what the merge writes is not captured
    CHECK(w.sql("phone").dump("SELECT count(*) FROM casasync_log") == "0\n");
    w.everyone_syncs();
    CHECK(w.sql("phone").dump(all_txn) == "a|7|p\nb|2|y\n");
    w.all_agree({all_txn});
    CHECK(must(w["phone"].seal()) == 0);

    // The app closes its connection, and works on with another.
    w.apps.at("phone") = nullptr;
    w.apps.at("phone") = std::make_unique<app>(w.dir.file("phone"));
    w.sql("phone").run("UPDATE txn SET note = 'again'");
    CHECK(must(w["phone"].seal()) > 0);
    w.everyone_syncs();
    w.all_agree({all_txn});
}

TEST_CASE("databases in memory are vaults on the app's own connection", "[vault]") {
    world w;
    for (const std::string name : {"desktop", "phone"}) {
        w.lent.insert(name);
        w.apps[name] = std::make_unique<app>(":memory:");
    }
    w.sql("desktop").run(std::string(txn) + "; INSERT INTO txn VALUES('a', 1, 'x')");
    w.devices.emplace("desktop", must(vault::create(":memory:", who("desktop", 1), w.options("desktop"))));
    must(w["desktop"].track("txn"));
    cursor at;
    at.pos = w.log.size();
    const auto source = w.snapshot_of("desktop");
    w.devices.emplace("phone",
                      must(vault::join(":memory:", who("phone", 2), source, at, w.options("phone"))));
    w.pull("phone");
    w.sql("desktop").run("UPDATE txn SET amount = 2; INSERT INTO txn VALUES('b', 3, 'of the desktop')");
    w.sql("phone").run("UPDATE txn SET note = 'p'; INSERT INTO txn VALUES('c', 4, 'of the phone')");
    w.everyone_syncs();
    w.everyone_syncs();
    CHECK(w.sql("phone").dump(all_txn) == "a|2|p\nb|3|of the desktop\nc|4|of the phone\n");
    w.all_agree({all_txn});
    w.devices.clear();
    w.devices.emplace("phone", must(vault::open(":memory:", w.options("phone"))));
    CHECK(must(w["phone"].verify()).differences.empty());
}

TEST_CASE("an app may lower how many parameters a statement of its connection has", "[vault]") {
    const std::string many = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 120) ";
    world w;
    w.first("desktop", txn);
    w.joins("phone", "desktop");
    sqlite3* const lent = w.sql("phone").handle();
    auto options = w.options();
    options.run_on_app = [lent](const std::function<result<void>(sqlite3*)>& work) { return work(lent); };
    w.devices.erase("phone");
    sqlite3_limit(lent, SQLITE_LIMIT_VARIABLE_NUMBER, 20);
    w.devices.emplace("phone", must(vault::open(w.dir.file("phone"), options)));
    w.sql("phone").run(many + "INSERT INTO txn SELECT 'p' || n, n, 'x' FROM c");
    w.sql("desktop").run(many + "INSERT INTO txn SELECT 'd' || n, n, 'x' FROM c");
    w.everyone_syncs();
    CHECK(w.sql("phone").dump("SELECT count(*) FROM txn") == "240\n");
    w.all_agree({all_txn});

    for (const char* const device : {"desktop", "phone"})
        w.sql(device).run("UPDATE txn SET note = id || ' of the " + std::string(device) +
                          "' WHERE id LIKE 'p%' AND amount <= 45");
    w.everyone_syncs();
    w.everyone_syncs();
    for (const char* const device : {"desktop", "phone"}) {
        const auto open = must(w[device].conflicts(true));
        CHECK(open.size() == 45);  // listed twenty and more at a time, and one by one
        std::set<std::string> rows;
        for (const auto& c : open) {
            const std::string id = c.key.at(0).text();
            rows.insert(id);
            const bool of_phone = c.loser == value(id + " of the phone");
            CHECK((of_phone || c.loser == value(id + " of the desktop")));
            CHECK(c.winner == value(id + (of_phone ? " of the desktop" : " of the phone")));
            CHECK(c.column == "note");
        }
        CHECK(rows.size() == 45);
    }
    w.all_agree({all_txn});
    for (const auto& c : must(w["phone"].conflicts(true))) must(w["phone"].keep(c.id));
    w.everyone_syncs();
    for (const char* const device : {"desktop", "phone"}) {
        CHECK(must(w[device].conflicts(true)).empty());
        CHECK(w.sql(device).dump("SELECT count(*) FROM casasync_side") == "0\n");
    }
}

TEST_CASE("an app that attaches the vault to another database is captured like any other", "[vault]") {
    world w;
    w.first("desktop", std::string(txn) + "; INSERT INTO txn VALUES('a', 1, 'x')");
    w.joins("phone", "desktop");
    app other(w.dir.file("other"));
    other.run("CREATE TABLE txn(id TEXT PRIMARY KEY NOT NULL, amount, note); ATTACH '" +
              w.dir.file("desktop") +
              "' AS home; INSERT INTO txn VALUES('o', 0, 'not ours'); INSERT INTO home.txn SELECT 'b', 2, "
              "note FROM txn; UPDATE home.txn SET amount = 9 WHERE id = 'a'");
    w.everyone_syncs();
    CHECK(w.sql("phone").dump(all_txn) == "a|9|x\nb|2|not ours\n");
    w.sql("phone").run("DELETE FROM txn WHERE id = 'a'");
    w.everyone_syncs();
    CHECK(other.dump("SELECT id FROM home.txn") == "b\n");
    CHECK(other.dump("SELECT id FROM main.txn") == "o\n");
    other.run("DETACH home");
    w.all_agree({all_txn});
}
