// SPDX-License-Identifier: MIT
// Rules of columns, and groups of them.
#include "vault_world.hpp"

using namespace vault_test;

TEST_CASE("max and field groups", "[vault]") {
    world v;
    v.apps["desktop"] = std::make_unique<app>(v.dir.file("desktop"));
    v.sql("desktop").run(
        "CREATE TABLE acc(id TEXT PRIMARY KEY NOT NULL, seen INTEGER, amount INTEGER, cur TEXT); INSERT INTO "
        "acc VALUES('a', 5, 1, 'EUR')");
    v.devices.emplace("desktop", must(vault::create(v.dir.file("desktop"), who("desktop", 1), v.options())));
    sqlite::track_options how;
    how.rules["seen"] = merge_rule::max;
    how.groups = {{"amount", "cur"}};
    must(v["desktop"].track("acc", how));
    v.joins("phone", "desktop");
    v.sql("desktop").run("UPDATE acc SET seen = 9, amount = 7");
    must(v["desktop"].seal());
    v.now += 1000;
    v.sql("phone").run("UPDATE acc SET seen = 6, cur = 'USD'");
    v.everyone_syncs();
    CHECK(v.sql("phone").dump("SELECT * FROM acc") == "a|9|1|USD\n");  // the group of the later write, whole
    v.all_agree({"SELECT * FROM acc"});
    v.sql("phone").run("UPDATE acc SET seen = 3");
    must(v["phone"].seal());
    CHECK(v.sql("phone").dump("SELECT seen FROM acc") == "9\n");
    CHECK(v["desktop"].track("acc", {.rules = {{"seen", merge_rule::min}}}).code() == errc::schema_mismatch);
}

TEST_CASE("a rule can be declared until something is written to the column", "[vault][schema]") {
    const sqlite::track_options how{.rules = {{"seen", merge_rule::max}}};
    const std::string add = "ALTER TABLE acc ADD COLUMN seen INTEGER",
                      rows = "SELECT id, name, seen FROM acc";
    world w;
    w.first("desktop",
            "CREATE TABLE acc(id TEXT PRIMARY KEY NOT NULL, name TEXT); INSERT INTO acc VALUES('a', 'x')");
    w.joins("phone", "desktop");
    w.sql("desktop").run(add);
    const bool both = GENERATE(false, true);
    if (both) w.sql("phone").run(add + "; UPDATE acc SET name = 'y'");
    w.everyone_syncs();  // the column is taken in
    must(w["desktop"].track("acc", how));
    w.sql("desktop").run("UPDATE acc SET seen = 9");
    w.everyone_syncs();
    const auto waiting = must(w["phone"].status()).waiting;
    CHECK(waiting.size() == (both ? 1 : 0));
    if (both) {
        CHECK(waiting[0].device_name == "desktop");
        CHECK(waiting[0].changesets == 1);
        CHECK_THAT(waiting[0].reason, Catch::Matchers::Contains("--rule seen=max"));
    } else {
        w.sql("phone").run(add);
    }
    must(w["phone"].track("acc", how));
    w.now += 1000;
    w.sql("phone").run("UPDATE acc SET seen = 6");
    w.everyone_syncs();
    w.everyone_syncs();
    w.all_agree({rows});
    CHECK(w.sql("phone").dump(rows) == (both ? "a|y|9\n" : "a|x|9\n"));
    CHECK(must(w["phone"].status()).waiting.empty());
    CHECK(w["phone"].track("acc", {.rules = {{"seen", merge_rule::min}}}).code() == errc::schema_mismatch);
}

TEST_CASE("two devices declared different rules: one goes on, the other is told, and begins anew",
          "[vault][schema]") {
    const std::string table = "CREATE TABLE acc(id TEXT PRIMARY KEY NOT NULL, seen INTEGER)",
                      rows = "SELECT id, seen FROM acc ORDER BY id";
    world w;
    w.first("desktop", "CREATE TABLE other(id TEXT PRIMARY KEY NOT NULL)");
    w.joins("phone", "desktop");
    for (const char* device : {"desktop", "phone"}) w.sql(device).run(table);
    must(w["desktop"].track("acc", {.rules = {{"seen", merge_rule::max}}}));
    must(w["phone"].track("acc"));
    w.sql("desktop").run("INSERT INTO acc VALUES('1', 5)");
    must(w["desktop"].seal());
    w.now += 1000;
    w.sql("phone").run("INSERT INTO acc VALUES('1', 3), ('2', 8)");
    w.everyone_syncs();
    w.sql("phone").run("UPDATE acc SET seen = 4; INSERT INTO other VALUES('x')");
    w.everyone_syncs();
    CHECK(w.sql("desktop").dump(rows) == "1|5\n2|8\n");
    CHECK(w.sql("desktop").dump("SELECT * FROM other") == "x\n");
    CHECK(must(w["desktop"].status()).in_sync);
    CHECK(must(w["desktop"].verify()).differences.empty());
    CHECK_FALSE(must(w["phone"].status()).in_sync);
    const auto waiting = must(w["phone"].status()).waiting;
    REQUIRE(waiting.size() == 1);
    CHECK_THAT(waiting[0].reason,
               Catch::Matchers::Contains("column seen merges by the rule lww here, and by max"));
    CHECK_THAT(waiting[0].reason, Catch::Matchers::Contains("let this device begin anew"));
    CHECK(w["phone"].track("acc", {.rules = {{"seen", merge_rule::max}}}).code() == errc::schema_mismatch);
    const auto lww = w["desktop"].merge_snapshot(w.snapshot_of("phone"), {});  // registers are of one rule
    CHECK(lww.code() == errc::schema_mismatch);

    w.devices.erase("phone");
    must(vault::leave(w.dir.file("phone"), w.options("phone")));
    w.sql("phone").run("INSERT INTO acc VALUES('3', 7)");
    const auto snapshot = w.snapshot_of("desktop");
    cursor at;
    at.pos = w.log.size();
    w.devices.emplace(
        "phone", must(vault::join(w.dir.file("phone"), who("phone", 9), snapshot, at, w.options("phone"))));
    w.everyone_syncs();
    w.everyone_syncs();
    w.all_agree({rows, "SELECT * FROM other"});
    CHECK(w.sql("desktop").dump(rows) == "1|5\n2|8\n3|7\n");
    CHECK(must(w["phone"].status()).waiting.empty());
    CHECK(must(w["desktop"].conflicts()).empty());
}

TEST_CASE("a column is in one group", "[vault]") {
    world w;
    w.apps["desktop"] = std::make_unique<app>(w.dir.file("desktop"));
    w.sql("desktop").run("CREATE TABLE acc(id TEXT PRIMARY KEY NOT NULL, a INTEGER, b INTEGER, c INTEGER)");
    w.devices.emplace("desktop", must(vault::create(w.dir.file("desktop"), who("desktop", 1), w.options())));
    std::vector<std::vector<std::string>> groups{{"a", "b"}, {"b", "c"}};
    if (GENERATE(false, true)) groups = {{"a", "b", "a"}};
    const auto refused = [&] {
        const auto no = w["desktop"].track("acc", {.groups = groups});
        REQUIRE_FALSE(no.ok());
        CHECK(no.code() == errc::invalid_argument);
        CHECK_THAT(no.failure().text(), Catch::Matchers::Contains("make them one group"));
    };
    refused();
    CHECK(must(w["desktop"].tracked()).empty());
    must(w["desktop"].track("acc", {.groups = {{"a", "b"}}}));
    refused();  // not when it is tracked, either
    must(w["desktop"].track("acc", {.groups = {{"a", "b", "c"}}}));
}

TEST_CASE("a column that is renamed merges as before, and stays in its group", "[vault][schema]") {
    world w;
    w.apps["desktop"] = std::make_unique<app>(w.dir.file("desktop"));
    w.sql("desktop").run(
        "CREATE TABLE acc(id TEXT PRIMARY KEY NOT NULL, seen INTEGER, amount INTEGER, cur TEXT); INSERT INTO "
        "acc VALUES('a', 5, 1, 'EUR')");
    w.devices.emplace("desktop", must(vault::create(w.dir.file("desktop"), who("desktop", 1), w.options())));
    must(w["desktop"].track("acc", {.rules = {{"seen", merge_rule::max}}, .groups = {{"amount", "cur"}}}));
    w.joins("phone", "desktop");
    const std::string both = "SELECT id, checked, amount, currency FROM acc";
    const auto rename = [&](const std::string& device) {
        must(w[device].migrate([](const auto& run) {
            return run(
                "ALTER TABLE acc RENAME COLUMN seen TO at_some_time;"
                "ALTER TABLE acc RENAME COLUMN at_some_time TO checked;"
                "ALTER TABLE acc RENAME COLUMN cur TO currency");
        }));
    };
    rename("desktop");
    if (GENERATE(false, true)) {  // the other app is older for a while
        w.sql("desktop").run("UPDATE acc SET checked = 7");
        w.everyone_syncs();
    }
    rename("phone");
    w.everyone_syncs();
    w.joins("tablet", "desktop");  // takes rules and groups from the snapshot
    w.sql("desktop").run("UPDATE acc SET checked = 9, amount = 7");
    must(w["desktop"].seal());
    w.now += 1000;
    const std::string later = GENERATE(std::string("phone"), "tablet");
    w.sql(later).run("UPDATE acc SET checked = 6, currency = 'USD'");
    w.everyone_syncs();
    w.everyone_syncs();
    w.all_agree({both});
    CHECK(w.sql("phone").dump(both) == "a|9|1|USD\n");  // the group of the later write, whole
    for (const auto& d : must(w["desktop"].status()).schema) CHECK(d.column != "at_some_time");
}

TEST_CASE("a device joins a vault that has dropped a column of a group", "[vault][schema]") {
    world w;
    w.apps["desktop"] = std::make_unique<app>(w.dir.file("desktop"));
    w.sql("desktop").run(
        "CREATE TABLE acc(id TEXT PRIMARY KEY NOT NULL, amount INTEGER, cur TEXT, rate INTEGER);"
        "INSERT INTO acc VALUES('a', 1, 'EUR', 2)");
    w.devices.emplace("desktop", must(vault::create(w.dir.file("desktop"), who("desktop", 1), w.options())));
    must(w["desktop"].track("acc", {.groups = {{"amount", "cur", "rate"}}}));
    must(w["desktop"].migrate([](const auto& run) { return run("ALTER TABLE acc DROP COLUMN rate"); }));
    w.joins("phone", "desktop");
    w.sql("desktop").run("UPDATE acc SET amount = 7");
    must(w["desktop"].seal());
    w.now += 1000;
    w.sql("phone").run("UPDATE acc SET cur = 'USD'");
    w.everyone_syncs();
    w.all_agree({"SELECT * FROM acc"});
    CHECK(w.sql("desktop").dump("SELECT * FROM acc") == "a|1|USD\n");
}

TEST_CASE("a row that stays is not said by a column whose group is in conflict", "[vault]") {
    const auto note = GENERATE(as<std::string>(), "", ", note TEXT");
    CAPTURE(note);
    world w;
    w.apps["desktop"] = std::make_unique<app>(w.dir.file("desktop"));
    w.sql("desktop").run("CREATE TABLE acc(id TEXT PRIMARY KEY NOT NULL, amount INTEGER, cur TEXT" + note +
                         "); INSERT INTO acc(id, amount, cur) VALUES('a', 1, 'EUR')");
    w.devices.emplace("desktop", must(vault::create(w.dir.file("desktop"), who("desktop", 1), w.options())));
    sqlite::track_options how;
    how.groups = {{"amount", "cur"}};
    must(w["desktop"].track("acc", how));
    for (const char* name : {"phone", "tablet"}) w.joins(name, "desktop");
    w.everyone_syncs();
    w.sql("desktop").run("UPDATE acc SET cur = 'USD'");
    must(w["desktop"].seal());
    w.now += 1000;
    w.sql("tablet").run("DELETE FROM acc");
    must(w["tablet"].seal());
    w.now += 1000;
    w.sql("phone").run("UPDATE acc SET cur = 'CHF'");
    w.everyone_syncs();
    const auto open = must(w["desktop"].conflicts());
    REQUIRE(open.size() == 2);
    const auto& deletion = open[0].column ? open[1] : open[0];
    REQUIRE(!deletion.column);
    must(w["desktop"].keep(deletion.id));
    w.everyone_syncs();
    const std::size_t left = note.empty() ? 0 : 1;  // without a column of its own, the row is said whole
    for (const char* name : {"desktop", "phone", "tablet"}) CHECK(must(w[name].conflicts()).size() == left);
    w.all_agree({"SELECT * FROM acc"});
}
