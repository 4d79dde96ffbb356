// SPDX-License-Identifier: MIT
/// What an app makes by itself on a new device, before the first sync there, wins over nothing that the
/// person did elsewhere.
#include "vault_world.hpp"

using namespace vault_test;

namespace {

constexpr const char* app_schema =
    "CREATE TABLE setting(name TEXT PRIMARY KEY NOT NULL, what TEXT);"
    "CREATE TABLE category(id INTEGER PRIMARY KEY, name TEXT);"
    "INSERT INTO setting VALUES('theme', 'light'), ('old', 'x'); INSERT INTO category VALUES(1, 'food');";
const std::vector<std::string> all_settings{"SELECT * FROM setting ORDER BY 1",
                                            "SELECT * FROM category ORDER BY 1"};

/// Joins, and does not sync yet.
app& joins_only(world& w, const std::string& name, const std::string& sponsor) {
    w.apps[name] = std::make_unique<app>(w.dir.file(name));
    w.devices.emplace(name, must(w.try_join(name, sponsor, sqlite::brought_numbers::other_rows)));
    CHECK_FALSE(must(w[name].status()).hydrated);
    return w.sql(name);
}

void settle(world& w) {
    for (int i = 0; i < 2; ++i) w.everyone_syncs();
    w.all_agree(all_settings);
    for (auto& [name, v] : w.devices) {
        CHECK(must(v.seal()) == 0);
        CHECK(must(v.status()).hydrated);
    }
}

}  // namespace

TEST_CASE("what an app inserts before the first sync gives way to what the person wrote meanwhile",
          "[vault][seed]") {
    world w;
    w.first("desktop", app_schema);
    app& phone = joins_only(w, "phone", "desktop");
    w.sql("desktop").run("INSERT INTO setting VALUES('sound', 'off')");
    must(w["desktop"].seal());
    w.now += 1000;  // the app starts later, with its defaults
    phone.run("INSERT OR IGNORE INTO setting VALUES('theme', 'dark'), ('sound', 'on'), ('size', '12')");
    phone.run(
        "UPDATE setting SET what = '13' WHERE name = 'size'; UPDATE setting SET what = 'loud' WHERE name "
        "= 'sound'");
    settle(w);
    CHECK(phone.dump(all_settings[0]) == "old|x\nsize|13\nsound|off\ntheme|light\n");
    const auto open = must(w["desktop"].conflicts());
    REQUIRE(open.size() == 1);
    CHECK(open[0].loser == value("loud"));
    CHECK(open[0].loser_by.device_name == "phone");
    CHECK(open[0].loser_by.at == 0);
    // From then on it is a device like any other.
    phone.run("UPDATE setting SET what = 'on' WHERE name = 'sound'; INSERT INTO setting VALUES('new', 'y')");
    settle(w);
    CHECK(w.sql("desktop").dump("SELECT what FROM setting WHERE name IN ('sound', 'new') ORDER BY 1") ==
          "on\ny\n");
}

TEST_CASE("a row that a person brings back before the first sync is no row that the app made by itself",
          "[vault][seed]") {
    world w;
    w.first("desktop", app_schema);
    w.joins("tablet", "desktop");
    w.everyone_syncs();
    w.sql("desktop").run("DELETE FROM setting WHERE name = 'old'; DELETE FROM category");
    must(w["desktop"].seal());
    app& phone = joins_only(w, "phone", "desktop");
    SECTION("from what was deleted") {
        for (const auto& row : must(w["phone"].deleted())) must(w["phone"].undelete(row.id));
    }
    SECTION("as what lost to the delete") {
        phone.run("INSERT INTO setting VALUES('old', 'made')");  // by the app: it gives way
        must(w["phone"].undelete(must(w["phone"].deleted("category")).at(0).id));
        const auto open = must(w["phone"].conflicts());
        REQUIRE(open.size() == 1);
        CHECK(open[0].loser == value("made"));
        CHECK(phone.dump(all_settings[0]) == "theme|light\n");
        must(w["phone"].restore(open[0].id));
    }
    CHECK(phone.dump("SELECT count(*) FROM setting") == "2\n");
    settle(w);
    CHECK(w.sql("desktop").dump(all_settings[0]) == phone.dump(all_settings[0]));
    CHECK(w.sql("desktop").dump(all_settings[1]) == "1|food\n");
    CHECK(w.sql("tablet").dump("SELECT count(*) FROM setting") == "2\n");
    CHECK(must(w["desktop"].conflicts()).empty());
}

TEST_CASE("an edit before the first sync is an edit, also of what the app had just inserted elsewhere",
          "[vault][seed]") {
    world w;
    w.first("desktop", app_schema);
    app& phone = joins_only(w, "phone", "desktop");
    phone.run("UPDATE setting SET what = 'dark' WHERE name = 'theme'; DELETE FROM category WHERE id = 1");
    phone.run("DELETE FROM setting WHERE name = 'old'");
    must(w["phone"].seal());
    phone.run("INSERT INTO setting VALUES('old', 'x')");  // what was deleted here may come back here
    settle(w);
    CHECK(w.sql("desktop").dump(all_settings[0]) == "old|x\ntheme|dark\n");
    CHECK(w.sql("desktop").dump(all_settings[1]).empty());
    CHECK(must(w["desktop"].conflicts()).empty());
}

TEST_CASE("an edit of what another device's app had made is an edit", "[vault][seed]") {
    world w;
    w.first("desktop", app_schema);
    joins_only(w, "phone", "desktop").run("INSERT INTO setting VALUES('size', '12')");
    w.push("phone");
    w.pull("desktop");
    app& tablet = joins_only(w, "tablet", "desktop");
    tablet.run("UPDATE setting SET what = '13' WHERE name = 'size'");
    settle(w);
    CHECK(w.sql("phone").dump("SELECT what FROM setting WHERE name = 'size'") == "13\n");
    CHECK(must(w["phone"].conflicts()).empty());
}

TEST_CASE("a device that merged a snapshot is hydrated", "[vault][seed]") {
    world w;
    w.first("desktop", app_schema);
    app& phone = joins_only(w, "phone", "desktop");
    w.sql("desktop").run("INSERT INTO setting VALUES('sound', 'off')");
    const auto source = w.snapshot_of("desktop");
    cursor at;
    at.pos = w.log.size();
    must(w["phone"].merge_snapshot(source, at));
    CHECK(must(w["phone"].status()).hydrated);
    phone.run("REPLACE INTO setting VALUES('sound', 'on'); INSERT INTO setting VALUES('new', 'y')");
    must(w["phone"].seal());
    w.now += 1000;
    CHECK(must(w["phone"].why("setting", std::vector<std::string>{"new"})).born.at > 0);
    settle(w);
}

TEST_CASE("what the person deleted does not come back because an app makes it again", "[vault][seed]") {
    world w;
    w.first("desktop", app_schema);
    w.sql("desktop").run("DELETE FROM setting WHERE name = 'old'");
    const bool lent = GENERATE(false, true);
    if (lent) w.lent.insert("phone");
    app& phone = joins_only(w, "phone", "desktop");
    phone.run(
        "INSERT OR IGNORE INTO setting VALUES('old', 'x'); CREATE TABLE later(id TEXT PRIMARY KEY NOT "
        "NULL)");
    const bool captured = GENERATE(false, true);
    if (captured) must(w["phone"].track("later"));  // seals in a transaction that captures
    must(w["phone"].seal());
    CHECK(phone.dump(all_settings[0]) == "theme|light\n");
    settle(w);
    CHECK(phone.dump(all_settings[0]) == "theme|light\n");
    const auto open = must(w["desktop"].conflicts());
    REQUIRE(open.size() == 1);
    CHECK(open[0].reason == conflict_reason::hidden_by_delete);
    must(w["desktop"].restore(open[0].id));
    settle(w);
    CHECK(phone.dump(all_settings[0]) == "old|x\ntheme|light\n");
}

TEST_CASE("what an app makes by itself decides nothing that is open", "[vault][seed]") {
    world w;
    w.first("desktop", app_schema);
    w.joins("tablet", "desktop");
    w.sql("tablet").run("UPDATE setting SET what = 'y' WHERE name = 'old'");
    must(w["tablet"].seal());
    w.now += 1000;
    w.sql("desktop").run("DELETE FROM setting WHERE name = 'old'");
    settle(w);
    REQUIRE(must(w["desktop"].conflicts()).size() == 1);
    joins_only(w, "phone", "desktop").run("INSERT OR IGNORE INTO setting VALUES('old', 'x')");
    settle(w);
    std::set<value> open;
    for (const auto& c : must(w["desktop"].conflicts())) open.insert(c.loser);
    CHECK(open == std::set<value>{value("x"), value("y")});
}

TEST_CASE("devices whose apps make the same rows with integer keys have each row once", "[vault][seed]") {
    world w;
    w.first("desktop", app_schema);
    app& phone = joins_only(w, "phone", "desktop");
    app& tablet = joins_only(w, "tablet", "desktop");
    w.sql("desktop").run("INSERT INTO category VALUES(2, 'rent')");
    const std::string defaults = "INSERT OR IGNORE INTO category VALUES(1, 'food'), (2, 'fun'), (3, 'car')";
    phone.run(defaults);
    tablet.run(defaults);
    settle(w);
    CHECK(phone.dump("SELECT name FROM category ORDER BY name") == "car\nfood\nfun\nrent\n");
    CHECK(phone.dump("SELECT id FROM category WHERE name = 'rent'") ==
          "2\n");  // the person's keeps its number
    CHECK(phone.dump("SELECT id FROM category WHERE name = 'car'") == "3\n");
    CHECK(must(w["desktop"].conflicts()).empty());
    phone.run("DELETE FROM category WHERE name = 'car'");
    settle(w);
    app& watch = joins_only(w, "watch", "tablet");
    watch.run("INSERT OR IGNORE INTO category VALUES(3, 'car')");
    settle(w);
    CHECK(watch.dump("SELECT name FROM category ORDER BY name") == "food\nfun\nrent\n");
}
