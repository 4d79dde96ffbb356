// SPDX-License-Identifier: MIT
#include "client_address.hpp"

#include <casasync_test/catch.hpp>

#include <string>
#include <vector>

namespace relay = casasync::relay;

namespace {

relay::ip_address at(const std::string& text) {
    const auto parsed = relay::parse_address(text);
    REQUIRE(parsed);
    return *parsed;
}

relay::trusted_proxies trusting(const std::vector<std::string>& listed) {
    auto made = relay::trusted_proxies::make(listed);
    REQUIRE(made);
    return *made;
}

}  // namespace

TEST_CASE("addresses are read as they are written, and as nothing else", "[relay][address]") {
    CHECK(at("192.0.2.7") == at("::ffff:192.0.2.7"));
    CHECK(at("2001:db8::1") == at("2001:0DB8:0::0001"));
    for (const char* const text : {"", "1.2.3", "192.0.2.7:80", "[::1]", "unknown", "192.0.2.256", " ::1"})
        CHECK_FALSE(relay::parse_address(text));
}

TEST_CASE("an IPv4 address counts whole, an IPv6 one by its network", "[relay][address]") {
    CHECK(relay::peer_of(at("192.0.2.7")).block != relay::peer_of(at("192.0.2.8")).block);
    CHECK(relay::peer_of(at("2001:db8::1")).block == relay::peer_of(at("2001:db8::2")).block);
    CHECK(relay::peer_of(at("2001:db8::1")).block != relay::peer_of(at("2001:db8:0:1::1")).block);
    CHECK(relay::peer_of(at("127.0.0.9")).loopback);
    CHECK(relay::peer_of(at("::1")).loopback);
    CHECK_FALSE(relay::peer_of(at("192.0.2.127")).loopback);
    CHECK_FALSE(relay::peer_of(at("::2")).loopback);
}

TEST_CASE("a network is as wide as it says", "[relay][address]") {
    const auto trusted = trusting({"10.0.0.0/12", "192.0.2.7", "2001:db8:8000::/33", "::1"});
    for (const char* const inside : {"10.0.0.0", "10.15.255.255", "192.0.2.7", "2001:db8:ffff::1", "::1"})
        CHECK(trusted.trusts(at(inside)));
    for (const char* const outside : {"10.16.0.0", "11.0.0.0", "192.0.2.6", "2001:db8:7fff::1", "::2"})
        CHECK_FALSE(trusted.trusts(at(outside)));
    CHECK(trusting({"0.0.0.0/0"}).trusts(at("203.0.113.1")));
    CHECK_FALSE(trusting({"0.0.0.0/0"}).trusts(at("2001:db8::1")));
    for (const char* const text : {"", "proxy", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "/8"})
        CHECK_FALSE(relay::trusted_proxies::make({text}));
}

TEST_CASE("only what a trusted proxy adds tells whose request it is", "[relay][address]") {
    const auto trusted = trusting({"127.0.0.1", "10.0.0.0/8"});
    const auto client = [&](const char* from, const char* list) { return trusted.client_of(at(from), list); };
    CHECK(client("198.51.100.1", "203.0.113.9") == at("198.51.100.1"));
    CHECK(client("127.0.0.1", "203.0.113.9") == at("203.0.113.9"));
    CHECK(client("127.0.0.1", "1.1.1.1, 203.0.113.9 ,10.1.1.1") == at("203.0.113.9"));
    CHECK(client("127.0.0.1", "2001:db8::5") == at("2001:db8::5"));
    CHECK(client("127.0.0.1", "") == at("127.0.0.1"));
    CHECK(client("127.0.0.1", "1.1.1.1,nobody") == at("127.0.0.1"));
    CHECK(client("127.0.0.1", "1.1.1.1,nobody,10.2.2.2") == at("10.2.2.2"));
    CHECK(client("127.0.0.1", "10.1.1.1") == at("10.1.1.1"));
    CHECK(client("127.0.0.1", "203.0.113.8,\t203.0.113.9\t") == at("203.0.113.9"));
    CHECK(trusting({}).client_of(at("127.0.0.1"), "203.0.113.9") == at("127.0.0.1"));
}
