// SPDX-License-Identifier: MIT
// What a person finds in the log, and in the list of rows that cannot be shown.
#include "household.hpp"

#include <casasync_test/catch.hpp>

using casasync_test::household;

namespace {

void sync_all(const household& home, const std::vector<std::string>& dbs) {
    for (int round = 0; round < 2; ++round)
        for (const std::string& db : dbs) REQUIRE(home.casasync({"sync", db}).exit == 0);
}

}  // namespace

TEST_CASE("the log tells of writes that lost, also after they were decided", "[cli]") {
    const household home;
    const std::string a = home.make_vault("a.db"), b = home.add_device(a, "b.db");
    home.sql(a, "UPDATE txn SET category='Eating out' WHERE id='coffee'");
    home.sql(b, "UPDATE txn SET category='Coffee' WHERE id='coffee'");
    sync_all(home, {a, b, a});
    const auto size = [&](std::vector<std::string> more) {
        more.insert(more.begin(), {"log", a});
        return home.json(more).as_array().size();
    };
    CHECK(size({}) == 1);
    CHECK(size({"--table", "txn", "--key", "coffee"}) == 1);
    CHECK(size({"--table", "txn", "--key", "rent"}) == 0);
    CHECK(size({"--table", "rule"}) == 0);
    CHECK(size({"--since", "2000-01-01"}) == 1);
    CHECK(size({"--since", "2999-12-31 23:59"}) == 0);
    const auto open = home.json({"log", a}).as_array()[0].as_object();
    CHECK(open.at("noticed_at").as_int64() > 1'700'000'000);
    CHECK(open.at("closed_at").is_null());
    CHECK(home.casasync({"keep", a, std::string(open.at("id").as_string())}).exit == 0);
    const auto closed = home.json({"log", a}).as_array()[0].as_object();
    CHECK_FALSE(closed.at("open").as_bool());
    CHECK(closed.at("closed_at").as_int64() >= closed.at("noticed_at").as_int64());
    const auto text = home.casasync({"log", a});
    CHECK(text.out.find("Eating out") != std::string::npos);
    CHECK(text.out.find("closed") != std::string::npos);
    for (const char* since : {"yesterday", "2026-13-01", "2026-11-25x", "2026-11-25 24:00", "26-11-25", ""})
        if (*since != '\0') CHECK(home.casasync({"log", a, "--since", since}).exit == 64);
    CHECK(home.casasync({"log", a, "--key", "coffee"}).exit == 64);  // of which table?
}

TEST_CASE("a device joins with its own copy: what differs is listed as brought along", "[cli]") {
    const household home;
    const std::string a = home.make_vault("a.db"), copy = home.make_file("b.db");
    home.sql(copy, "UPDATE txn SET note='April' WHERE id='rent'");
    home.sql(copy, "INSERT INTO txn VALUES('tea','giro','Food',-200,NULL)");
    const std::string b = home.add_device(a, "b.db");
    sync_all(home, {a, b, a});
    CHECK(home.sql(a, "SELECT note FROM txn ORDER BY id") == home.sql(b, "SELECT note FROM txn ORDER BY id"));
    CHECK(home.sql(a, "SELECT count(*) FROM txn") == "3");
    const auto open = home.json({"conflicts", a}).as_array();
    REQUIRE(open.size() == 1);
    const auto& loser = open[0].at("loser").as_object();
    CHECK(loser.at("value").as_string() == "April");
    CHECK(loser.at("device").as_string() == "b.db");
    CHECK(loser.at("at").is_null());
    CHECK(home.casasync({"conflicts", a}).out.find("brought along") != std::string::npos);
    CHECK(home.json({"status", b}).at("hydrated").as_bool());
    CHECK(home.casasync({"verify", b}).exit == 0);
}

TEST_CASE("with history all, log and why tell a cell's whole story", "[cli]") {
    const household home;
    const std::string a = home.make_vault("a.db"), b = home.add_device(a, "b.db");
    CHECK(home.json({"history", a}).at("keep").as_string() == "conflicts");
    CHECK(home.casasync({"history", a}).out.find("for good") != std::string::npos);
    const auto set = home.json({"history", a, "--keep", "all", "--days", "90"});
    CHECK(set.at("keep").as_string() == "all");
    CHECK(set.at("days").as_int64() == 90);
    CHECK(home.json({"history", b}).at("keep").as_string() == "conflicts");  // each device has its own
    home.sql(a, "UPDATE txn SET category='Tea' WHERE id='coffee'");
    sync_all(home, {a, b});
    home.sql(b, "UPDATE txn SET category='Coffee' WHERE id='coffee'");
    sync_all(home, {b, a});
    const auto cell = home.json({"why", a, "txn", "coffee", "category"}).at("cells").as_array()[0];
    CHECK(cell.at("value").as_string() == "Coffee");
    const auto writes = cell.at("writes").as_array();
    REQUIRE(writes.size() == 2);
    CHECK(writes[0].at("value").as_string() == "Tea");
    CHECK(writes[0].at("kind").as_string() == "update");
    CHECK(writes[0].at("device_id") != writes[1].at("device_id"));
    const auto told = home.casasync({"why", a, "txn", "coffee"}).out;
    CHECK(told.find("category = 'Coffee'") != std::string::npos);
    CHECK(told.find("earlier: update 'Tea'") != std::string::npos);
    CHECK(told.find("earlier: update 'Coffee'") == std::string::npos);  // it is what is shown
    const auto log = home.json({"log", a, "--table", "txn", "--key", "coffee"}).as_array();
    REQUIRE(log.size() == 2);
    CHECK(log[0].at("entry").as_string() == "write");
    CHECK(log[0].at("value").as_string() == "Coffee");  // newest first
    CHECK(home.json({"log", a, "--key", "rent", "--table", "txn"}).as_array().empty());
    CHECK(home.json({"log", a, "--since", "2999-12-31"}).as_array().empty());
    CHECK(home.casasync({"log", a}).out.find("update 'Tea'") != std::string::npos);
    CHECK(home.casasync({"history", a, "--keep", "some"}).exit == 64);
    CHECK(home.casasync({"history", a, "--days", "40000"}).exit == 64);
    CHECK(home.casasync({"history", a, "--days", "-1"}).exit == 64);
    CHECK(home.json({"history", a, "--keep", "conflicts"}).at("writes").as_int64() == 0);
    CHECK(home.json({"history", a}).at("days").as_int64() == 90);
    const auto ops = home.json({"status", a, "--local"}).at("ops").as_object();
    CHECK(ops.at("applied").as_int64() == 1);
    CHECK(ops.at("superseded").as_int64() == 1);
    CHECK(ops.at("total").as_int64() == 2);
}

TEST_CASE("integrity lists a row that cannot be shown, why, and what to do", "[cli]") {
    const household home;
    const std::string a = home.make_file("a.db");
    home.sql(a, "CREATE TABLE person(id TEXT PRIMARY KEY NOT NULL, email TEXT UNIQUE)");
    REQUIRE(home.casasync({"init", a, "--relay", home.url()}).exit == 0);
    const std::string b = home.add_device(a, "b.db");
    CHECK(home.json({"integrity", a}).as_array().empty());
    CHECK(home.casasync({"integrity", a}).out.find("Every row") != std::string::npos);
    home.sql(a, "INSERT INTO person VALUES('1', 'e')");
    home.sql(b, "INSERT INTO person VALUES('2', 'e')");
    sync_all(home, {a, b, a});
    for (const std::string& db : {a, b}) {
        const auto list = home.json({"integrity", db}).as_array();
        REQUIRE(list.size() == 1);
        CHECK(list[0].at("table").as_string() == "person");
        CHECK(list[0].at("reason").as_string() == "unique");
        CHECK_FALSE(list[0].at("detail").as_string().empty());
        const auto text = home.casasync({"integrity", db});
        CHECK(text.exit == 0);
        CHECK(text.out.find("(unique)") != std::string::npos);
    }
    CHECK(home.casasync({"integrity", home.dir / "none.db"}).exit != 0);
}

TEST_CASE("integer keys by the command: both rows stay, references follow, a deleted row comes back",
          "[cli]") {
    const household home;
    const std::string a = home.make_file("a.db");
    home.sql(a,
             "CREATE TABLE purse(id INTEGER PRIMARY KEY, name TEXT); INSERT INTO purse VALUES(1, 'bank');"
             "CREATE TABLE memo(id TEXT PRIMARY KEY NOT NULL, about INTEGER, text TEXT)");
    CHECK(home.casasync({"init", a, "--relay", home.url(), "--references", "memo.about"}).exit == 64);
    CHECK(home.casasync({"init", a, "--relay", home.url(), "--references", "mimo.about=purse"}).exit == 64);
    REQUIRE(home.casasync({"init", a, "--relay", home.url(), "--references", "memo.about=purse"}).exit == 0);
    const std::string b = home.add_device(a, "b.db");
    home.sql(a, "INSERT INTO purse(name) VALUES('here'); INSERT INTO memo VALUES('h', 2, 'mine')");
    home.sql(b, "INSERT INTO purse(name) VALUES('there'); INSERT INTO memo VALUES('t', 2, 'yours')");
    sync_all(home, {a, b, a});
    const std::string pairs =
        "SELECT group_concat(name || ' ' || text, ', ') FROM (SELECT * FROM memo JOIN purse ON purse.id "
        "= about "
        "ORDER BY name)";
    for (const std::string& db : {a, b}) CHECK(home.sql(db, pairs) == "here mine, there yours");
    home.sql(b, "DELETE FROM memo WHERE id = 'h'");
    sync_all(home, {b, a});
    const auto list = home.json({"deleted", a, "--table", "memo"}).as_array();
    REQUIRE(list.size() == 1);
    CHECK(list[0].at("values").at("text").as_string() == "mine");
    CHECK(list[0].at("deleted").at("at").as_int64() > 1'700'000'000);
    CHECK(home.casasync({"deleted", a}).out.find("'mine'") != std::string::npos);
    const std::string id(list[0].at("id").as_string());
    CHECK(home.casasync({"undelete", a, "123"}).exit == 64);
    CHECK(home.casasync({"undelete", a, "000000000000"}).exit != 0);
    CHECK(home.casasync({"undelete", a, id}).exit == 0);
    sync_all(home, {a, b});
    CHECK(home.sql(b, pairs) == "here mine, there yours");
    CHECK(home.json({"deleted", b}).as_array().empty());
}
