// SPDX-License-Identifier: MIT
// How many requests the relay takes, and from whom.
#include "fixtures.hpp"

#include <casasync_test/catch.hpp>

using namespace casasync;
using namespace casasync_test;

namespace {

reply open_code(const device_client& d) {
    return d.send(d.make("POST", "/v1/pairings"));
}

reply claim_code(std::uint16_t port, const std::string& slot) {
    return http_client(port).call("POST", "/v1/pairings/" + slot + "/claim", {{"Host", "127.0.0.1"}});
}

/// Returns another slot than these.
std::string other_slot(const std::string& a, const std::string& b = {}) {
    for (const char* slot : {"0000", "0001", "0002"})
        if (a != slot && b != slot) return slot;
    return {};
}

}  // namespace

TEST_CASE("pushes and pulls are limited for each device", "[relay][push]") {
    relay_fixture f;
    f.options.rates.pushes_per_minute = 1;
    f.options.rates.pulls_per_minute = 1;
    f.options.rates.loopback_factor = 1;
    f.start();
    const auto a = make_vault(f.port(), f.now_s());
    const auto b = enrol(a, 2);
    CHECK(a.push({a.envelope(1)}).status == 201);
    const reply r = a.push({a.envelope(2)});
    CHECK(r.status == 429);
    CHECK(r.field("retry-after") == "60");
    CHECK(r.field("casasync-head") == "1");
    CHECK(a.pull(0, "").status == 200);
    CHECK(a.pull(0, "").status == 429);
    CHECK(b.push({b.envelope(1)}).status == 201);
}

TEST_CASE("this machine's own clients are counted ten times slower", "[relay][push]") {
    relay_fixture f;
    f.options.rates.pushes_per_minute = 1;
    f.start();
    const auto a = make_vault(f.port(), f.now_s());
    for (std::uint64_t seq = 1; seq <= 10; ++seq) CHECK(a.push({a.envelope(seq)}).status == 201);
    CHECK(a.push({a.envelope(11)}).status == 429);
}

TEST_CASE("attaching is limited for each address", "[relay][members]") {
    relay_fixture f;
    f.options.rates.attaches_per_minute = 2;
    f.options.rates.loopback_factor = 1;
    f.start();
    const auto a = nobody(f.port(), f.now_s(), 1, 1);
    CHECK(a.attach({first_entry(a.self)}).status == 201);
    CHECK(a.attach({}).status == 200);
    const reply r = a.attach({});
    CHECK(r.status == 429);
    CHECK(r.field("retry-after") == "30");
    f.now_ms += 30'000;
    CHECK(a.attach({}).status == 200);
}

TEST_CASE("when many try codes, those who failed have to wait, and others do not", "[relay][pairing]") {
    relay_fixture f;
    f.options.rates.claims_per_minute_in_all = 2;
    f.start();
    const auto device = make_vault(f.port(), f.now_s());
    std::string slots[4];
    for (std::string& slot : slots) slot = open_code(device).string("slot");
    for (int i = 0; i < 3; ++i)
        CHECK(claim_code(f.port(), slots[i]).status == 200);  // over the limit, without a failure
    CHECK(claim_code(f.port(), slots[0]).status == 409);
    const reply late = claim_code(f.port(), slots[3]);
    CHECK(late.status == 429);
    CHECK(late.field("retry-after") == "30");
    f.now_ms += 30'000;
    CHECK(claim_code(f.port(), slots[3]).status == 200);
    CHECK(claim_code(f.port(), slots[3]).status == 429);
    f.now_ms += 3'600'000;  // the failure is forgotten
    CHECK(claim_code(f.port(), "0000").status == 404);
    f.now_ms += 3'600'000;
    auto later = device;
    later.created = f.now_s();
    std::string fresh[3];
    for (std::string& slot : fresh) slot = open_code(later).string("slot");
    for (const std::string& slot : fresh) CHECK(claim_code(f.port(), slot).status == 200);
}

TEST_CASE("tries and new codes are limited", "[relay][pairing]") {
    relay_fixture f;
    f.options.rates.claims_per_minute = 2;
    f.options.rates.new_pairings_per_hour = 2;
    f.options.rates.loopback_factor = 1;
    f.start();
    const auto device = make_vault(f.port(), f.now_s());
    const auto other = enrol(device, 2);
    const reply one = open_code(device), two = open_code(other);
    CHECK(one.status == 201);
    CHECK(two.status == 201);
    const reply third = open_code(device);  // counted for the vault
    CHECK(third.status == 429);
    CHECK(third.field("retry-after") == "1800");
    const std::string nobody = other_slot(one.string("slot"), two.string("slot"));
    CHECK(claim_code(f.port(), nobody).status == 404);
    CHECK(claim_code(f.port(), nobody).status == 404);
    CHECK(claim_code(f.port(), one.string("slot")).status == 429);
    f.now_ms += 30'000;
    CHECK(claim_code(f.port(), one.string("slot")).status == 200);
}

TEST_CASE("a trusted proxy says whose limit counts, and nobody else does", "[relay][members]") {
    relay_fixture f;
    f.options.rates.attaches_per_minute = 1;
    f.options.rates.loopback_factor = 1;
    const auto attach_as = [&](const std::string& forwarded) {
        const auto a = nobody(f.port(), f.now_s(), 1, 1);
        auto r = a.attaching({});
        r.set("X-Forwarded-For", forwarded);
        return a.send(r).status;
    };
    f.start();
    CHECK(attach_as("203.0.113.1") == 401);
    CHECK(attach_as("203.0.113.2") == 429);
    f.options.trusted_proxies = {"127.0.0.0/8"};
    f.restart();
    CHECK(attach_as("203.0.113.1") == 401);
    CHECK(attach_as("203.0.113.2") == 401);
    CHECK(attach_as("203.0.113.3, 203.0.113.2") == 429);
    CHECK(attach_as("203.0.113.1") == 429);
}
