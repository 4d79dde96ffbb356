// SPDX-License-Identifier: MIT
#include "fixtures.hpp"

#include <casasync/cursor.hpp>
#include <casasync/openssl/hash.hpp>
#include <casasync/page.hpp>

#include <boost/json/array.hpp>
#include <casasync_test/catch.hpp>
#include <casasync_test/relay_process.hpp>

#include <chrono>
#include <csignal>
#include <fstream>
#include <map>
#include <mutex>
#include <thread>

using namespace casasync;
using namespace casasync_test;

namespace {

std::uint64_t real_now_s() {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
            .count());
}

/// What the relay has said it stores: position -> digest.
struct acknowledged {
    std::mutex mutex{};
    std::map<std::uint64_t, digest256> all{};
    std::atomic<std::size_t> count = 0;

    void add(std::uint64_t pos, const digest256& digest) {
        const std::lock_guard lock(mutex);
        all[pos] = digest;
        count = all.size();
    }
};

/// Pushes one envelope after the other until the relay is gone. \return the first one without an answer
std::uint64_t push_until_gone(const device_client& device, std::uint64_t seq, acknowledged& said) {
    for (;; ++seq) {
        const bytes envelope = device.envelope(seq, 2048);
        reply r;
        try {
            r = device.push({envelope});
        } catch (const std::runtime_error&) {
            return seq;
        }
        if (r.status != 200 && r.status != 201) return seq;
        said.add(static_cast<std::uint64_t>(r.json().at("results").as_array().at(0).at("pos").as_int64()),
                 openssl::sha256(envelope));
    }
}

/// Reads the whole log and checks it against itself. \return position -> digest
std::map<std::uint64_t, digest256> read_log(const device_client& reader) {
    std::map<std::uint64_t, digest256> out;
    digest256 log{};
    for (std::uint64_t pos = 0;;) {
        const reply r = reader.pull(pos, pos == 0 ? "" : log_text(log));
        if (r.status == 204) return out;
        const auto page = decode_page(r.body, pos);
        REQUIRE(page);
        for (const log_record& record : page->records) {
            const digest256 digest =
                record.envelope.empty() ? record.digest : openssl::sha256(record.envelope);
            out[record.pos] = digest;
            log = advance_log(log, digest, openssl::sha256);
        }
        REQUIRE(log == page->log);
        pos = page->last;
    }
}

}  // namespace

TEST_CASE("what was acknowledged survives kill -9 at any moment", "[relay][process]") {
    temporary_directory directory;
    const std::vector<std::string> arguments{"--listen", "127.0.0.1:0", "--data", directory.path()};
    constexpr std::uint8_t devices = 4;
    constexpr int rounds = 10;
    acknowledged said;
    std::vector<device_client> all;
    std::vector<std::uint64_t> next(devices, 1);
    for (int round = 0; round < rounds; ++round) {
        relay_process relay(CASASYNC_RELAY_PROGRAM, arguments);
        REQUIRE_FALSE(relay.address().empty());
        if (round == 0) {
            all.push_back(make_vault(relay.port(), real_now_s()));
            for (std::uint8_t n = 2; n <= devices; ++n) all.push_back(enrol(all.front(), n));
        }
        const std::size_t enough = said.count + 20 + static_cast<std::size_t>(round) * 7;
        std::vector<std::thread> threads;
        for (std::size_t i = 0; i < devices; ++i) {
            all[i].port = relay.port();
            all[i].created = real_now_s();
            threads.emplace_back([&, i] { next[i] = push_until_gone(all[i], next[i], said); });
        }
        while (said.count < enough) std::this_thread::yield();
        relay.signal(SIGKILL);
        for (auto& t : threads) t.join();
        CHECK(relay.wait() == -SIGKILL);
    }
    relay_process relay(CASASYNC_RELAY_PROGRAM, arguments);
    REQUIRE_FALSE(relay.address().empty());
    for (auto& device : all) {
        device.port = relay.port();
        device.created = real_now_s();
    }
    const auto stored = read_log(all.front());
    CHECK(said.all.size() >= rounds * 20);
    for (const auto& [pos, digest] : said.all) {
        const auto it = stored.find(pos);
        REQUIRE(it != stored.end());
        CHECK(it->second == digest);
    }
    for (std::size_t i = 0; i < devices; ++i)  // and each goes on where it was
        CHECK(all[i].push({all[i].envelope(next[i], 2048)}).status / 100 == 2);
}

TEST_CASE("a relay that is told to stop finishes and leaves one file", "[relay][process]") {
    temporary_directory directory;
    for (const int number : {SIGTERM, SIGINT}) {
        relay_process relay(CASASYNC_RELAY_PROGRAM,
                            {"--listen", "127.0.0.1:0", "--data", directory.path(), "--verbose"});
        REQUIRE_FALSE(relay.address().empty());
        auto device = make_vault(relay.port(), real_now_s(), static_cast<std::uint8_t>(number));
        REQUIRE(device.push({device.envelope(1)}).status == 201);
        relay.signal(number);
        CHECK(relay.wait() == 0);
        CHECK_FALSE(std::filesystem::exists(directory.path() + "/relay.db-wal"));
        // The log of requests: routes, not paths; no whole id and no key.
        CHECK(relay.errors().find(R"("route":"vaults/{v}/changesets","status":201)") != std::string::npos);
        CHECK(relay.errors().find(device.vault.text()) == std::string::npos);
        CHECK(relay.errors().find(device.device.text()) == std::string::npos);
        CHECK(relay.errors().find(device.vault.text().substr(0, 6)) != std::string::npos);
        CHECK(relay.errors().find(to_base64url(device.key).substr(0, 8)) == std::string::npos);
    }
}

TEST_CASE("what is wrong is one sentence and an exit code", "[relay][process]") {
    temporary_directory directory;
    const auto run = [](const std::vector<std::string>& arguments) {
        relay_process relay(CASASYNC_RELAY_PROGRAM, arguments);
        CHECK(relay.address().empty());
        const int code = relay.wait();
        CHECK(relay.errors().starts_with("casasync-relay: "));
        CHECK(relay.errors().find('\n') == relay.errors().size() - 1);
        return code;
    };
    relay_process running(CASASYNC_RELAY_PROGRAM,
                          {"--listen", "127.0.0.1:0", "--data", directory.path() + "/a"});
    const std::string taken = running.address().substr(7);
    CHECK(run({"--listen", taken, "--data", directory.path() + "/b"}) == 69);
    CHECK(run({"--listen", "127.0.0.1:0", "--data", directory.path() + "/a"}) == 69);
    std::ofstream(directory.path() + "/file") << "x";
    CHECK(run({"--listen", "127.0.0.1:0", "--data", directory.path() + "/file"}) == 73);
    CHECK(run({"--listen", "0.0.0.0:0", "--data", directory.path() + "/c"}) == 78);
    CHECK(run({"--listen", "127.0.0.1:0", "--data", directory.path() + "/c", "--origin", "a/b"}) == 78);
    CHECK(run({"--listen", "nowhere", "--data", directory.path() + "/c"}) == 64);
    relay_process usage(CASASYNC_RELAY_PROGRAM, {"--what"});
    CHECK(usage.wait() == 64);
}
