// SPDX-License-Identifier: MIT
#include "fixtures.hpp"

#include <casasync/limits.hpp>

#include <casasync_test/catch.hpp>

using namespace casasync;
using namespace casasync_test;

namespace {

reply open(const device_client& d, std::uint8_t n) {
    const std::string body = R"({"mailbox_id":")" + id<mailbox_id>(n).text() + R"("})";
    return d.send(d.make("POST", "/v1/pairings", as_bytes(body)));
}

reply claim(std::uint16_t port, const std::string& mailbox) {
    return http_client(port).call("POST", "/v1/pairings/" + mailbox + "/claim", {{"Host", "127.0.0.1"}});
}

/// One side of a mailbox.
struct side {
    std::uint16_t port = 0;
    std::string mailbox{};
    std::string token{};

    [[nodiscard]] reply call(const std::string& method, const std::string& path, bytes_view body = {}) const {
        return http_client(port).call(method, "/v1/mailboxes/" + mailbox + path,
                                      {{"Host", "127.0.0.1"}, {"Authorization", "Bearer " + token}}, body);
    }
    [[nodiscard]] reply put(const std::string& place, const std::string& text) const {
        return call("PUT", "/" + place, as_bytes(text));
    }
    [[nodiscard]] reply get(const std::string& place, const std::string& query = {}) const {
        return call("GET", "/" + place + query);
    }
};

struct pairing_fixture : relay_fixture {
    device_client device{};
    std::string mailbox = id<mailbox_id>(7).text();
    side a{};
    side b{};

    pairing_fixture() {
        start();
        device = make_vault(port(), now_s());
        a = {port(), mailbox, open(device, 7).string("side_token")};
        b = {port(), mailbox, claim(port(), mailbox).string("side_token")};
    }
};

}  // namespace

TEST_CASE("two devices meet in a mailbox", "[relay][pairing]") {
    relay_fixture f;
    f.start();
    const auto device = make_vault(f.port(), f.now_s());
    const reply opened = open(device, 7);
    CHECK(opened.status == 201);
    CHECK(opened.string("mailbox_id") == id<mailbox_id>(7).text());
    CHECK(opened.number("expires_at") == f.now_s() + 600);
    CHECK(opened.field("casasync-generation").size() == 22);
    CHECK(open(device, 7).problem() == "already-exists");

    const reply claimed = claim(f.port(), id<mailbox_id>(7).text());
    CHECK(claimed.status == 200);
    CHECK(claimed.number("expires_at") == f.now_s() + 600);
    const side a{f.port(), id<mailbox_id>(7).text(), opened.string("side_token")};
    const side b{f.port(), id<mailbox_id>(7).text(), claimed.string("side_token")};
    CHECK(a.token != b.token);

    CHECK(a.put("a/0", "from the old one").status == 204);
    CHECK(b.get("a/0").text() == "from the old one");
    CHECK(b.get("a/0").field("content-type") == octets_type);
    CHECK(b.put("b/7", "from the new one").status == 204);
    CHECK(a.get("b/7").text() == "from the new one");
    CHECK(a.get("a/0").text() == "from the old one");
    CHECK(a.get("b/1").status == 204);
    CHECK(a.get("b/1", "?wait=1").status == 204);
    CHECK(b.call("DELETE", "").status == 204);
    CHECK(a.get("a/0").status == 401);
    CHECK(claim(f.port(), id<mailbox_id>(7).text()).status == 404);
}

TEST_CASE("a message is written once, by its own side", "[relay][pairing]") {
    pairing_fixture f;
    REQUIRE(f.a.put("a/0", "one").status == 204);
    CHECK(f.a.put("a/0", "one").status == 204);
    const reply other = f.a.put("a/0", "two");
    CHECK(other.status == 412);
    CHECK(other.problem() == "precondition-failed");
    CHECK(f.a.put("b/0", "x").status == 401);
    CHECK(f.b.put("a/1", "x").status == 401);
    CHECK(f.a.put("a/8", "x").status == 404);
    CHECK(f.a.put("c/0", "x").status == 404);
    CHECK(f.a.put("a/1", "").status == 400);
    CHECK(f.a.put("a/1", std::string(limits::mailbox_message_bytes_max + 1, 'x')).status == 413);
    CHECK(f.a.put("a/1", std::string(limits::mailbox_message_bytes_max, 'x')).status == 204);
    CHECK(f.b.get("a/0").text() == "one");
    CHECK(f.b.get("a/0", "?wait=26").status == 400);
}

TEST_CASE("a mailbox opens to its two tokens alone", "[relay][pairing]") {
    pairing_fixture f;
    side stranger = f.a;
    stranger.token[0] = stranger.token[0] == 'A' ? 'B' : 'A';
    CHECK(stranger.get("a/0").problem() == "unauthenticated");
    CHECK(stranger.call("DELETE", "").status == 401);
    side elsewhere = f.a;
    elsewhere.mailbox = id<mailbox_id>(8).text();
    CHECK(elsewhere.get("a/0").problem() == "unauthenticated");
    elsewhere.mailbox = "short";
    CHECK(elsewhere.get("a/0").status == 401);
    side nobody = f.a;
    nobody.token.clear();
    CHECK(nobody.get("a/0").status == 401);
}

TEST_CASE("a second claim burns the mailbox for both", "[relay][pairing]") {
    pairing_fixture f;
    REQUIRE(f.a.put("a/0", "secret").status == 204);
    const reply second = claim(f.port(), f.mailbox);
    CHECK(second.status == 409);
    CHECK(second.problem() == "crowded");
    CHECK(second.string("side_token").empty());
    CHECK(f.a.get("b/0").problem() == "crowded");
    CHECK(f.b.get("a/0").problem() == "crowded");
    CHECK(f.b.put("b/0", "x").problem() == "crowded");
    CHECK(claim(f.port(), f.mailbox).problem() == "crowded");
}

TEST_CASE("a second claim wakes whoever waits", "[relay][pairing]") {
    pairing_fixture f;
    http_client waiting(f.port());
    waiting.send("GET /v1/mailboxes/" + f.mailbox +
                 "/b/0?wait=25 HTTP/1.1\r\nHost: localhost\r\nAuthorization: "
                 "Bearer " +
                 f.a.token + "\r\n\r\n");
    REQUIRE(claim(f.port(), f.mailbox).status == 409);
    CHECK(waiting.receive().problem() == "crowded");
}

TEST_CASE("a message wakes whoever waits for it", "[relay][pairing]") {
    pairing_fixture f;
    http_client waiting(f.port());
    waiting.send("GET /v1/mailboxes/" + f.mailbox +
                 "/a/0?wait=25 HTTP/1.1\r\nHost: localhost\r\nAuthorization: "
                 "Bearer " +
                 f.b.token + "\r\n\r\n");
    REQUIRE(f.a.put("a/1", "not this one").status == 204);
    REQUIRE(f.a.put("a/0", "hello").status == 204);
    CHECK(waiting.receive().text() == "hello");
}

TEST_CASE("a pairing code lives ten minutes", "[relay][pairing]") {
    pairing_fixture f;
    REQUIRE(f.a.put("a/0", "x").status == 204);
    REQUIRE(open(f.device, 9).status == 201);
    const std::string unclaimed = id<mailbox_id>(9).text();
    f.now_ms += 599'000;
    CHECK(f.b.get("a/0").status == 200);
    f.now_ms += 1'000;
    CHECK(f.b.get("a/0").problem() == "pairing-expired");
    CHECK(f.b.get("a/0").status == 410);
    CHECK(f.a.put("a/1", "x").status == 410);
    CHECK(claim(f.port(), f.mailbox).status == 410);
    CHECK(claim(f.port(), unclaimed).problem() == "pairing-expired");

    f.now_ms += 3'601'000;  // and is forgotten in time
    f.device.created = f.now_s();
    REQUIRE(open(f.device, 10).status == 201);
    CHECK(claim(f.port(), unclaimed).status == 404);
    CHECK(open(f.device, 7).status == 201);
    CHECK(f.a.get("a/0").status == 401);
}

TEST_CASE("a code that was never made is unknown", "[relay][pairing]") {
    relay_fixture f;
    f.start();
    CHECK(claim(f.port(), id<mailbox_id>(1).text()).problem() == "not-found");
    CHECK(claim(f.port(), "short").problem() == "not-found");
}

TEST_CASE("only a member opens a mailbox", "[relay][pairing]") {
    relay_fixture f;
    f.start();
    auto device = make_vault(f.port(), f.now_s());
    CHECK(device.send(device.make("POST", "/v1/pairings", as_bytes("{}"))).problem() == "malformed");
    device.key[0] ^= 1;
    CHECK(open(device, 1).status == 401);
}

TEST_CASE("tries and new codes are limited", "[relay][pairing]") {
    relay_fixture f;
    f.options.rates.claims_per_minute = 2;
    f.options.rates.new_pairings_per_hour = 2;
    f.options.rates.loopback_factor = 1;
    f.start();
    const auto device = make_vault(f.port(), f.now_s());
    const auto other = enrol(device, 2);
    CHECK(open(device, 1).status == 201);
    CHECK(open(other, 2).status == 201);
    const reply third = open(device, 3);  // counted for the vault
    CHECK(third.status == 429);
    CHECK(third.field("retry-after") == "1800");
    CHECK(claim(f.port(), id<mailbox_id>(8).text()).status == 404);
    CHECK(claim(f.port(), id<mailbox_id>(8).text()).status == 404);
    CHECK(claim(f.port(), id<mailbox_id>(1).text()).status == 429);
    f.now_ms += 30'000;
    CHECK(claim(f.port(), id<mailbox_id>(1).text()).status == 200);
}
