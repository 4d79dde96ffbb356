// SPDX-License-Identifier: MIT
// kill -9, after each request and at any moment: what was acknowledged is there, and asking again does no
// harm.
#include "log_reading.hpp"
#include "relay_under_test.hpp"
#include "snapshot_upload.hpp"

#include <casasync/openssl/hash.hpp>

#include <boost/json/array.hpp>
#include <casasync_test/catch.hpp>
#include <casasync_test/member_chain.hpp>

#include <atomic>
#include <map>
#include <mutex>
#include <thread>

using namespace casasync;
using namespace casasync_test;

namespace {

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

/// Reads the next page. \return false when there is nothing more
bool read_on(log_reading& log, const device_client& as, const std::string& more = {}) {
    const reply r = as.call("GET", "/changesets" + log.query() + more);
    if (r.status == 204) return false;
    REQUIRE(log.take(r));
    return true;
}

}  // namespace

TEST_CASE("what was acknowledged survives kill -9 at any moment", "[conformance][crash]") {
    own_relay relay;
    constexpr std::uint8_t devices = 4;
    constexpr std::size_t rounds = 10;
    acknowledged said;
    std::vector<device_client> all{relay.vault()};
    for (std::uint8_t n = 2; n <= devices; ++n) all.push_back(relay.enrol(all.front(), n));
    std::vector<std::uint64_t> next(devices, 1);
    for (std::size_t round = 0; round < rounds; ++round) {
        const std::size_t enough = said.count + 20 + round * 7;
        std::vector<std::thread> threads;
        for (std::size_t i = 0; i < devices; ++i) {
            all[i].at = relay.at();
            threads.emplace_back([&, i] { next[i] = push_until_gone(all[i], next[i], said); });
        }
        while (said.count < enough) std::this_thread::yield();
        relay.kill();
        for (auto& t : threads) t.join();
        relay.start();
    }
    for (auto& device : all) device.at = relay.at();
    log_reading stored;
    while (read_on(stored, all.front())) {
    }
    CHECK(said.all.size() >= rounds * 20);
    for (const auto& [pos, digest] : said.all) {
        const auto it = stored.digests().find(pos);
        REQUIRE(it != stored.digests().end());
        CHECK(it->second == digest);
    }
    for (std::size_t i = 0; i < devices; ++i)  // and each goes on where it was
        CHECK(all[i].push({all[i].envelope(next[i], 2048)}).status / 100 == 2);
}

TEST_CASE("concurrent pushes get dense positions, and every reader sees each", "[conformance][push]") {
    const relay_under_test f;
    const auto first = f.vault();
    constexpr std::uint64_t pushes = 60;
    constexpr std::uint8_t devices = 6;
    std::vector<device_client> all{first};
    for (std::uint8_t n = 2; n <= devices; ++n) all.push_back(f.enrol(first, n));
    std::atomic<unsigned> refused = 0;
    std::vector<std::thread> threads;
    for (const auto& device : all)
        threads.emplace_back([&refused, &device] {
            for (std::uint64_t seq = 1; seq <= pushes; ++seq)
                if (device.push({device.envelope(seq)}).status != 201 ||
                    device.push({device.envelope(seq)}).status != 200)  // and each of them twice
                    ++refused;
        });
    const device_client reader = f.enrol(first, 99);
    log_reading seen;
    while (seen.pos() < pushes * devices) REQUIRE(read_on(seen, reader, "&wait=25"));
    for (auto& t : threads) t.join();
    CHECK(refused == 0);
    CHECK_FALSE(read_on(seen, reader));
}

TEST_CASE("a relay that is killed after each request goes on with the next", "[conformance][crash]") {
    own_relay f;
    device_client a = f.nobody(1, 1), b = f.nobody(2, 1);
    const bytes genesis = first_entry(a.self);
    const auto killed = [&] {
        f.restart();
        a.at = b.at = f.at();
    };
    const auto key_of = [](const reply& r) {
        return openssl::to_key256(from_base64url(r.string("device_key")).value()).value();
    };
    const reply made = a.attach({genesis});
    REQUIRE(made.status == 201);
    a.key = key_of(made);
    killed();
    CHECK(a.attach({genesis}).string("device_key") == made.string("device_key"));
    CHECK(a.call("GET", "").string("generation") == made.string("generation"));

    const bytes entry = add_entry(a.members(), b.self, a.self);
    REQUIRE(a.post(entry).status == 201);
    killed();
    CHECK(a.post(entry).status == 200);
    b.key = key_of(b.attach({}));
    killed();
    REQUIRE(b.push({b.envelope(1), b.envelope(2)}).status == 201);
    killed();
    CHECK(b.push({b.envelope(1), b.envelope(2)}).status == 200);
    REQUIRE(a.call("PUT", "/devices/" + a.device.text() + "/ack", R"({"pos":2})").status == 204);
    killed();
    std::uint64_t acknowledged_pos = 0;
    const auto vault = a.call("GET", "").json();
    for (const auto& d : vault.at("devices").as_array())
        if (d.at("id").as_string() == a.device.text())
            acknowledged_pos = d.at("ack").to_number<std::uint64_t>();
    CHECK(acknowledged_pos == 2);

    const upload u = make_upload(1, 2500, 2);
    REQUIRE(begin(a, u).status == 201);
    for (std::size_t n = 0; n < u.parts(); ++n) {
        killed();
        CHECK(a.call("GET", "/snapshots/latest").status == 404);
        REQUIRE(put(a, u, n, u.part(n)).status == 204);
    }
    killed();
    CHECK(complete(a, u).status == 201);
    killed();
    CHECK(complete(a, u).status == 201);
    CHECK(b.call("GET", u.path() + "/content").body == u.content);

    const bytes removal = a.removal({b.device});
    REQUIRE(a.post(removal).status == 201);
    killed();
    CHECK(b.call("GET", "").problem() == "device-revoked");
    CHECK(a.post(removal).status == 200);
    CHECK(a.call("GET", "").number("epoch") == 2);
}

TEST_CASE("a relay's clock may jump by years", "[conformance][clock]") {
    own_relay f;
    auto a = f.vault();
    REQUIRE(a.push({a.envelope(1)}).status == 201);
    constexpr std::int64_t year_ms = 365LL * 24 * 3600 * 1000;
    for (const std::int64_t jump : {year_ms, -2 * year_ms, 10 * year_ms, -9 * year_ms}) {
        f.pass(jump);
        const reply skewed = a.call("GET", "");
        CHECK(skewed.problem() == "clock-skew");
        a.created = skewed.number("server_time");  // what a device does
        CHECK(a.call("GET", "").status == 200);
        CHECK(a.push({a.envelope(1)}).status == 200);
        CHECK(a.attach({}).status == 200);
        f.tidy();
        CHECK(a.pull(0, "").status == 200);
    }
}

TEST_CASE("a device whose clock is off hears by how much", "[conformance][clock]") {
    const relay_under_test f;
    auto a = f.vault();
    constexpr std::int64_t hour_s = 3600;
    for (const std::int64_t off : {2 * hour_s, -2 * hour_s, 87'600 * hour_s, -87'600 * hour_s}) {
        a.created = static_cast<std::uint64_t>(static_cast<std::int64_t>(f.now_s()) + off);
        const reply r = a.call("GET", "");
        CHECK(r.status == 401);
        CHECK(r.problem() == "clock-skew");
        CHECK(r.number("server_time") + 60 > f.now_s());
        CHECK(r.number("server_time") < f.now_s() + 60);
        CHECK(a.attach({}).problem() == "clock-skew");
        a.created = r.number("server_time");
        CHECK(a.call("GET", "").status == 200);
        CHECK(a.attach({}).status == 200);
    }
}
