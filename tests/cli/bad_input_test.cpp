// SPDX-License-Identifier: MIT
// What goes wrong says what happened and what to do, and leaves the vault as it was.
#include "household.hpp"

#include <casasync_test/catch.hpp>

#include <boost/json/parse.hpp>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

using casasync_test::check_error;
using casasync_test::has;
using casasync_test::household;
using casasync_test::outcome;

namespace {

std::string content(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("files that are not vaults are named and left alone", "[cli]") {
    const household home;
    check_error(home.casasync({"status", home.dir / "nowhere.db"}), 66, "There is no file");
    check_error(home.casasync({"init", home.dir / "nowhere.db", "--relay", home.url()}), 66,
                "There is no file");
    CHECK_FALSE(std::filesystem::exists(home.dir / "nowhere.db"));

    const std::string text = home.dir / "letter.txt";
    std::ofstream(text) << std::string(5000, 'x');
    for (const char* command : {"status", "sync", "digest", "verify", "conflicts", "pair", "devices"}) {
        INFO(command);
        check_error(home.casasync({command, text}), 65, "SQLite");
    }
    check_error(home.casasync({"init", text, "--relay", home.url()}), 65, "SQLite");
    CHECK(content(text) == std::string(5000, 'x'));
    CHECK_FALSE(std::filesystem::exists(text + "-casasync.key"));

    const std::string plain = home.make_file("plain.db");
    const std::string before = content(plain);
    for (const char* command : {"status", "sync", "digest", "verify", "conflicts", "pair", "devices"}) {
        INFO(command);
        check_error(home.casasync({command, plain}), 65, "vault");
    }
    CHECK(content(plain) == before);
    check_error(home.casasync({"sync", home.dir / "relay"}), 65, "not a file");
}

TEST_CASE("tables that cannot be tracked are all named, with the fix, and nothing is changed", "[cli]") {
    const household home;
    const std::string db = home.make_file("home.db");
    home.sql(db, "CREATE TABLE log(line TEXT); CREATE TABLE seq(id INTEGER PRIMARY KEY, x)");
    const std::string before = content(db);
    const outcome refused = home.casasync({"init", db, "--relay", home.url()});
    check_error(refused, 78, "log");
    CHECK(has(refused.err, "no PRIMARY KEY"));
    CHECK_FALSE(has(refused.err, "seq"));
    CHECK(content(db) == before);
    CHECK_FALSE(std::filesystem::exists(db + "-casasync.key"));
    check_error(home.casasync({"init", db, "--relay", home.url(), "--track", "account,lgo"}), 78, "lgo");
    CHECK(content(db) == before);

    CHECK(home.casasync({"init", db, "--relay", home.url(), "--track", "account,txn,tag"}).exit == 0);
    check_error(home.casasync({"track", db, "log"}), 78, "no PRIMARY KEY");
    CHECK(home.casasync({"track", db, "seq", "--integer-keys", "natural"}).exit == 0);
    check_error(home.casasync({"init", db, "--relay", home.url()}), 73, "vault already");
}

TEST_CASE("a wrong URL or a relay that is not there", "[cli]") {
    household home;
    const std::string db = home.make_file("home.db");
    const std::string before = content(db);
    check_error(home.casasync({"init", db, "--relay", "relay.example"}), 64, "http");
    check_error(home.casasync({"init", db, "--relay", "http://127.0.0.1:1"}), 75, "cannot be reached");
    CHECK(content(db) == before);

    REQUIRE(home.casasync({"init", db, "--relay", home.url()}).exit == 0);  // after the failed try
    home.stop_relay();
    home.sql(db, "UPDATE txn SET note='offline' WHERE id='rent'");
    const outcome offline = home.casasync({"sync", db, "--json"});
    check_error(offline, 75, "cannot be reached");
    CHECK(boost::json::parse(offline.out).at("error").at("code").as_string() == "offline");
    const auto status = home.json({"status", db});
    CHECK(status.at("state").as_string() == "offline");
    CHECK(status.at("last_error_code").as_string() == "offline");
    CHECK(status.at("pending_out").as_int64() == 1);
    CHECK(home.sql(db, "SELECT note FROM txn WHERE id='rent'") == "offline");

    home.start_relay();
    CHECK(home.casasync({"sync", db}).exit == 0);
    CHECK(home.json({"status", db}).at("state").as_string() == "in_sync");
}

TEST_CASE("without its key file a vault says so, and works again when it is back", "[cli]") {
    const household home;
    const std::string db = home.make_vault("home.db");
    const std::string key = db + "-casasync.key";
    std::filesystem::rename(key, key + ".away");
    check_error(home.casasync({"sync", db}), 77, key);
    CHECK(home.casasync({"digest", db}).exit == 0);
    std::filesystem::rename(key + ".away", key);
    CHECK(home.casasync({"sync", db}).exit == 0);

    const std::string other = home.make_vault("other.db");
    std::filesystem::copy_file(other + "-casasync.key", key,
                               std::filesystem::copy_options::overwrite_existing);
    check_error(home.casasync({"sync", db}), 77, "another vault");
}

TEST_CASE("usage errors exit 64, and errors are JSON with --json", "[cli]") {
    const household home;
    CHECK(home.casasync({}).exit == 64);
    check_error(home.casasync({"frobnicate"}), 64, "--help");
    CHECK(home.casasync({"sync"}).exit == 64);
    CHECK(home.casasync({"--help"}).exit == 0);
    CHECK(has(home.casasync({"--version"}).out, "casasync 0."));
    const std::string db = home.make_vault("home.db");
    const outcome failed = home.casasync({"restore", db, "0123456789ab", "--json"});
    CHECK(failed.exit == 66);
    CHECK(boost::json::parse(failed.out).at("error").at("code").as_string() == "not_found");
    check_error(home.casasync({"why", db, "txn"}), 64, "KEY");
    check_error(home.casasync({"why", db, "txn", "coffee", "category", "x"}), 64, "1 column");
    check_error(home.casasync({"why", db, "nothing", "coffee"}), 66, "nothing");
}

TEST_CASE("verify names what differs between two devices and exits 1", "[cli]") {
    const household home;
    const std::string a = home.make_vault("a.db");
    const std::string b = home.add_device(a, "b.db");
    home.sql(b, "UPDATE txn SET amount=-351 WHERE id='coffee'; INSERT INTO tag VALUES('n','new')");
    const outcome found = home.casasync({"verify", a, b});
    CHECK(found.exit == 1);
    CHECK(has(found.out, "txn: 1 row only in the first, 1 row only in the second"));
    CHECK(has(found.out, "'coffee'"));
    CHECK(has(found.out, "tag: 0 rows only in the first, 1 row only in the second"));
}
