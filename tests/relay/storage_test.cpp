// SPDX-License-Identifier: MIT
#include "fixtures.hpp"

#include <casasync/cursor.hpp>
#include <casasync/openssl/hash.hpp>
#include <casasync/page.hpp>
#include <casasync/relay/command.hpp>
#include <casasync/relay/upkeep.hpp>

#include <sqlite3.h>
#include <sys/stat.h>

#include <casasync_test/catch.hpp>

#include <fstream>
#include <iterator>

using namespace casasync;
using namespace casasync_test;

namespace {

error failure_of(const relay::server_options& options) {
    auto started = relay::server::start(options);
    return started ? error{} : started.failure();
}

void run_sql(const std::string& path, const std::string& sql) {
    sqlite3* db = nullptr;
    REQUIRE(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
    CHECK(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
    sqlite3_close(db);
}

std::string content_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("a restart keeps everything", "[relay][storage]") {
    relay_fixture f;
    f.start();
    auto a = make_vault(f.port(), f.now_s());
    auto b = enrol(a, 2);
    REQUIRE(a.push({a.envelope(1), a.envelope(2)}).status == 201);
    const std::string generation = a.call("GET", "").string("generation");
    const reply before = b.pull(0, "");
    f.restart();
    a.at = b.at = f.port();
    CHECK(a.call("GET", "").string("generation") == generation);
    CHECK(b.pull(0, "").body == before.body);
    CHECK(a.push({a.envelope(2), a.envelope(3)}).number("head") == 3);
}

TEST_CASE("the master key is made once and guarded", "[relay][storage]") {
    relay_fixture f;
    f.start();
    const std::string path = f.options.data + "/master.key";
    const std::string key = content_of(path);
    CHECK(key.size() == 32);
    for (const char* name : {"/master.key", "/relay.db", "/lock"}) {
        struct stat info {};
        REQUIRE(::stat((f.options.data + name).c_str(), &info) == 0);
        CHECK((info.st_mode & 0777) == 0600);
    }
    f.restart();
    CHECK(content_of(path) == key);
    f.server.reset();

    SECTION("a key of a wrong size") {
        for (const std::string& wrong :
             {std::string("short"), std::string(31, 'k'), std::string(33, 'k'), std::string(36, '\0'),
              std::string(72, '\1'), std::string(108, 'k')}) {
            std::ofstream(path) << wrong;
            CHECK(failure_of(f.options).code == errc::io_failed);
        }
    }
    SECTION("a key that is gone is not made anew over the devices' heads") {
        std::filesystem::remove(path);
        CHECK(failure_of(f.options).code == errc::io_failed);
        CHECK_FALSE(std::filesystem::exists(path));
    }
}

TEST_CASE("a master key is replaced while devices go on with keys of the one before", "[relay][storage]") {
    relay_fixture f;
    f.start();
    auto a = make_vault(f.port(), f.now_s());
    const auto next = [&](bool keep_before) {
        CHECK(relay::rotate_master_key(f.options.data).code() == errc::relay_unavailable);
        f.server.reset();
        const auto number = relay::rotate_master_key(f.options.data, keep_before);
        REQUIRE(number);
        f.start();
        a.at = f.port();
        return *number;
    };
    const auto status = [&](const device_client& d) { return d.call("GET", "").status; };
    const auto attached = [&] {
        device_client out = a;
        const reply r = a.attach({});
        REQUIRE(r.status == 200);
        out.key_version = static_cast<std::uint32_t>(r.number("key_ver"));
        out.key = openssl::to_key256(from_base64url(r.string("device_key")).value()).value();
        return out;
    };
    CHECK(next(true) == 2);
    CHECK(status(a) == 200);
    device_client second = attached();
    CHECK(second.key_version == 2);
    CHECK(second.key != a.key);
    CHECK(status(second) == 200);
    device_client lie = a;
    lie.key_version = 2;
    CHECK(status(lie) == 401);

    CHECK(next(true) == 3);
    second.at = f.port();
    CHECK(status(a) == 401);
    CHECK(status(second) == 200);
    device_client third = attached();
    CHECK(third.key_version == 3);
    CHECK(next(false) == 4);
    third.at = f.port();
    CHECK(status(third) == 401);
    CHECK(status(attached()) == 200);
    CHECK(content_of(f.options.data + "/master.key").size() == 36);
}

TEST_CASE("what is not a relay's database is left alone", "[relay][storage]") {
    relay_fixture f;
    std::filesystem::create_directories(f.options.data);
    const std::string path = f.options.data + "/relay.db";
    std::ofstream(f.options.data + "/master.key") << std::string(32, 'k');

    SECTION("no database at all") {
        std::ofstream(path) << std::string(10'000, 'x');
    }
    SECTION("somebody else's database") {
        run_sql(path, "CREATE TABLE mine(a); INSERT INTO mine VALUES(1)");
    }
    const std::string before = content_of(path);
    const error e = failure_of(f.options);
    CHECK(e.code == errc::not_a_database);
    CHECK(e.detail.find(path) != std::string::npos);
    CHECK(content_of(path) == before);
}

TEST_CASE("a database of another version is left alone", "[relay][storage]") {
    relay_fixture f;
    f.start();
    f.server.reset();
    run_sql(f.options.data + "/relay.db", "PRAGMA user_version=1000");
    const error newer = failure_of(f.options);
    CHECK(newer.code == errc::unknown_format_version);
    CHECK(newer.detail.find("newer") != std::string::npos);
    run_sql(f.options.data + "/relay.db", "PRAGMA user_version=2");
    CHECK(failure_of(f.options).detail.find("older") != std::string::npos);
}

TEST_CASE("what cannot be started says why", "[relay][storage]") {
    relay_fixture f;
    f.start();

    SECTION("the data is in use") {
        const error e = failure_of(f.options);
        CHECK(e.code == errc::relay_unavailable);
        CHECK(e.detail.find(f.options.data) != std::string::npos);
    }
    SECTION("the port is in use") {
        auto other = f.options;
        other.data += "2";
        other.port = f.port();
        const error e = failure_of(other);
        CHECK(e.code == errc::relay_unavailable);
        CHECK(e.detail.find(std::to_string(f.port())) != std::string::npos);
    }
    SECTION("the data directory is a file") {
        auto other = f.options;
        other.data = f.directory.path() + "/file";
        std::ofstream(other.data) << "x";
        CHECK(failure_of(other).code == errc::io_failed);
    }
    SECTION("no data directory") {
        auto other = f.options;
        other.data.clear();
        CHECK(failure_of(other).code == errc::invalid_argument);
    }
    SECTION("an origin that is none") {
        auto other = f.options;
        other.origins = {"https://relay.example"};
        CHECK(failure_of(other).code == errc::invalid_argument);
    }
    SECTION("every address and no origin") {
        auto other = f.options;
        other.host = "0.0.0.0";
        CHECK(failure_of(other).code == errc::invalid_argument);
    }
}

TEST_CASE("an address to listen at", "[relay][storage]") {
    relay::server_options options;
    REQUIRE(relay::set_listen(options, "[::1]:8440"));
    CHECK(options.host == "::1");
    CHECK(options.port == 8440);
    for (const char* text : {"127.0.0.1", "", ":1", "host:port"})
        CHECK_FALSE(relay::set_listen(options, text).ok());
}

TEST_CASE("a stored backup answers as the relay did", "[relay][storage]") {
    relay_fixture f;
    f.start();
    auto a = make_vault(f.port(), f.now_s());
    REQUIRE(a.push({a.envelope(1)}).status == 201);
    const reply before = a.pull(0, "");
    const std::string backup = f.directory.path() + "/backup";
    std::filesystem::create_directories(backup);
    run_sql(f.options.data + "/relay.db", "VACUUM INTO '" + backup + "/relay.db'");  // while it runs
    std::filesystem::copy(f.options.data + "/master.key", backup + "/master.key");
    f.server.reset();
    f.options.data = backup;
    f.start();
    a.at = f.port();
    CHECK(a.pull(0, "").body == before.body);
}

TEST_CASE("a database that cannot be written answers 503 and recovers", "[relay][storage]") {
    relay_fixture f;
    f.start();
    const auto a = make_vault(f.port(), f.now_s());
    REQUIRE(a.push({a.envelope(1)}).status == 201);
    const std::string path = f.options.data + "/relay.db";
    run_sql(path, "CREATE TRIGGER broken BEFORE INSERT ON changeset BEGIN SELECT RAISE(ABORT, 'disk'); END");
    const reply r = a.push({a.envelope(2)});
    CHECK(r.status == 503);
    CHECK(r.problem() == "unavailable");
    CHECK(r.field("casasync-head") == "1");
    CHECK_FALSE(r.field("retry-after").empty());
    CHECK(a.call("GET", "").number("head") == 1);
    run_sql(path, "DROP TRIGGER broken");
    CHECK(a.push({a.envelope(2)}).number("head") == 2);
}
