// SPDX-License-Identifier: MIT
// Vaults that are spread over several files.
#include "fixtures.hpp"
#include "snapshot_upload.hpp"

#include <casasync/relay/upkeep.hpp>

#include "shards.hpp"

#include <sqlite3.h>

#include <casasync_test/catch.hpp>

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <thread>
#include <vector>

using namespace casasync;
using namespace casasync_test;

namespace {

constexpr unsigned shard_count = 3;

/// Runs a script; returns the first column of the last row, as text.
std::string sql_of(const std::string& path, const std::string& script) {
    sqlite3* db = nullptr;
    std::string out;
    const auto keep = [](void* to, int, char** values, char**) {
        *static_cast<std::string*>(to) = values[0] == nullptr ? "" : values[0];
        return 0;
    };
    const bool done = sqlite3_open(path.c_str(), &db) == SQLITE_OK &&
                      sqlite3_exec(db, script.c_str(), keep, &out, nullptr) == SQLITE_OK;
    sqlite3_close(db);
    REQUIRE(done);
    return out;
}

struct sharded_relay : relay_fixture {
    std::vector<device_client> devices{};

    sharded_relay() {
        options.shards = shard_count;
        start();
        for (std::uint8_t n = 1; n <= 12; ++n) devices.push_back(make_vault(port(), now_s(), n));
    }
    [[nodiscard]] std::string file(unsigned n) const { return options.data + "/" + relay::shard_name(n); }
    /// Returns a device whose vault is in file `n`.
    [[nodiscard]] const device_client& device_in(unsigned n) const {
        for (const device_client& d : devices)
            if (relay::shard_of(d.vault, shard_count) == n) return d;
        throw std::runtime_error("no vault there");
    }
    /// Starts the relay anew. Returns what kept it from that.
    [[nodiscard]] result<void> again(unsigned shards) {
        server.reset();
        options.shards = shards;
        auto started = relay::server::start(options);
        if (!started) return started.failure();
        server = std::move(*started);
        for (device_client& d : devices) d.at = port();
        return {};
    }
};

}  // namespace

TEST_CASE("each vault is in one file, whole", "[relay][shards]") {
    sharded_relay f;
    std::map<unsigned, int> expected;
    for (const device_client& d : f.devices) {
        REQUIRE(d.push({d.envelope(1)}).status == 201);
        upload_all(d, make_upload(1, 2500, 1));
        ++expected[relay::shard_of(d.vault, shard_count)];
    }
    REQUIRE(expected.size() == shard_count);
    for (unsigned n = 0; n < shard_count; ++n) {
        const std::string count = std::to_string(expected[n]);
        for (const std::string table : {"vault", "device", "member", "changeset", "snapshot"}) {
            CAPTURE(n, table);
            CHECK(sql_of(f.file(n), "SELECT count(*) FROM " + table) == count);
        }
    }
    CHECK(http_client(f.port()).call("GET", "/readyz", {{"Host", "x"}}).status == 200);
    // Whatever file their vaults are in, devices meet by the same codes.
    for (unsigned n = 0; n < shard_count; ++n) {
        const device_client& d = f.device_in(n);
        const reply slot = d.send(d.make("POST", "/v1/pairings"));
        REQUIRE(slot.status == 201);
        const std::string claim = "/v1/pairings/" + slot.string("slot") + "/claim";
        CHECK(http_client(f.port()).call("POST", claim, {{"Host", d.at.authority()}}).status == 200);
    }
}

TEST_CASE("how many files there are is decided when the data is made", "[relay][shards]") {
    sharded_relay f;
    const device_client& d = f.device_in(2);
    REQUIRE(d.push({d.envelope(1)}).status == 201);
    REQUIRE(f.again(0));
    CHECK(d.call("GET", "").number("head") == 1);
    REQUIRE(f.again(shard_count));
    for (const unsigned other : {1U, 2U, 4U}) {
        const auto refused = f.again(other);
        CHECK(refused.code() == errc::invalid_argument);
        CHECK(refused.failure().detail.find("in 3 file(s)") != std::string::npos);
    }
    REQUIRE(f.again(0));
    CHECK(d.pull(0, "").status == 200);
}

TEST_CASE("data of one file is as it always was", "[relay][shards]") {
    relay_fixture f;
    f.start();
    f.server.reset();
    const std::string path = f.options.data + "/relay.db";
    CHECK(sql_of(path, "PRAGMA user_version") == "5");
    CHECK(sql_of(path, "SELECT count(*) FROM sqlite_schema WHERE name = 'shard'") == "0");
    CHECK_FALSE(std::filesystem::exists(f.options.data + "/relay-1.db"));
    f.options.shards = 2;
    CHECK(relay::server::start(f.options).code() == errc::invalid_argument);
    f.options.shards = 1;
    f.start();
}

TEST_CASE("files that do not belong together are left alone", "[relay][shards]") {
    sharded_relay f;
    f.server.reset();
    SECTION("one is missing") {
        std::filesystem::rename(f.file(1), f.options.data + "/away");
        const auto refused = f.again(0);
        CHECK(refused.code() == errc::io_failed);
        CHECK(refused.failure().detail.find("relay-1.db is missing") != std::string::npos);
        CHECK_FALSE(std::filesystem::exists(f.file(1)));
        CHECK(relay::back_up(f.options.data, f.directory.path() + "/backup").code() == errc::io_failed);
    }
    SECTION("two changed places") {
        std::filesystem::rename(f.file(1), f.options.data + "/away");
        std::filesystem::rename(f.file(2), f.file(1));
        std::filesystem::rename(f.options.data + "/away", f.file(2));
        CHECK(f.again(0).code() == errc::io_failed);
    }
    SECTION("making them was interrupted before the last one") {
        std::filesystem::remove(f.file(0));
        REQUIRE(f.again(shard_count));
        CHECK(sql_of(f.file(0), "SELECT count FROM shard") == "3");
    }
}

TEST_CASE("a file that cannot be written is no trouble to vaults in others", "[relay][shards]") {
    sharded_relay f;
    f.options.metrics_host = "127.0.0.1";
    REQUIRE(f.again(0));
    sql_of(f.file(1),
           "CREATE TRIGGER broken BEFORE INSERT ON changeset BEGIN SELECT RAISE(ABORT, 'disk'); END");
    for (unsigned n = 0; n < shard_count; ++n) {
        const device_client& d = f.device_in(n);
        CHECK(d.push({d.envelope(1)}).status == (n == 1 ? 503 : 201));
    }
    const auto metrics = [&] {
        const std::string url = f.server->metrics_address();
        return http_client(port_of(url.substr(0, url.rfind('/'))))
            .call("GET", "/metrics", {{"Host", "x"}})
            .text();
    };
    const auto says_failing = [&] {
        return metrics().find("casasync_relay_database_failing 1\n") != std::string::npos;
    };
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!says_failing() && std::chrono::steady_clock::now() < deadline)  // it is counted after the answer
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    CHECK(says_failing());
    CHECK(metrics().find("casasync_relay_changesets 2\n") != std::string::npos);
    CHECK(metrics().find("casasync_relay_vaults 12\n") != std::string::npos);
    sql_of(f.file(1), "DROP TRIGGER broken");
    CHECK(f.device_in(1).push({f.device_in(1).envelope(1)}).status == 201);
}

TEST_CASE("a backup has all files, and so has what is made from it", "[relay][shards][upkeep]") {
    sharded_relay f;
    for (const device_client& d : f.devices) REQUIRE(d.push({d.envelope(1)}).status == 201);
    const std::string generation = f.devices[0].call("GET", "").string("generation");
    const std::string backup = f.directory.path() + "/backup";
    REQUIRE(relay::back_up(f.options.data, backup));
    CHECK(relay::restore(backup, f.options.data).code() == errc::already_exists);
    const auto all = relay::list_vaults(f.options.data, f.now_s());
    REQUIRE(all);
    CHECK(all->size() == 12);
    const auto sums = relay::summarize(backup, f.now_s());
    REQUIRE(sums);
    CHECK(sums->shards == shard_count);
    CHECK(sums->changesets == 12);
    f.server.reset();
    f.options.data = f.directory.path() + "/restored";
    REQUIRE(relay::restore(backup, f.options.data));
    REQUIRE(f.again(0));
    for (const device_client& d : f.devices) CHECK(d.call("GET", "").number("head") == 1);
    CHECK(f.devices[0].call("GET", "").string("generation") != generation);
}

TEST_CASE("every file's log is forgotten in its time", "[relay][shards][retention]") {
    sharded_relay f;
    for (unsigned n = 0; n < shard_count; ++n) {
        device_client d = f.device_in(n);
        REQUIRE(d.push({d.envelope(1)}).status == 201);
        upload_all(d, make_upload(1, 2500, 1));
        d.ack = 1;
        REQUIRE(d.push({d.envelope(2)}).status == 201);
    }
    f.now_ms += 8LL * 24 * 3600 * 1000;
    f.server->tidy();
    for (unsigned n = 0; n < shard_count; ++n)
        CHECK(sql_of(f.file(n), "SELECT count(*) FROM vault WHERE floor = 1") == "1");
}
