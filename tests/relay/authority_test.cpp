// SPDX-License-Identifier: MIT
#include "authority.hpp"
#include "conditional.hpp"
#include "http_text.hpp"

#include <casasync_test/catch.hpp>

using namespace casasync;
using namespace casasync::relay;

TEST_CASE("hosts and ports", "[relay][authority]") {
    const auto plain = parse_host_port("Relay.Example:8440");
    REQUIRE(plain);
    CHECK(plain->host == "relay.example");
    CHECK(plain->port == 8440);
    const auto v6 = parse_host_port("[::1]:80");
    REQUIRE(v6);
    CHECK(v6->host == "::1");
    CHECK(v6->port == 80);
    CHECK_FALSE(parse_host_port("[fe80::1]")->port.has_value());
    for (const char* text : {"", ":80", "a:", "a:x", "a:65536", "a:-1", "a b", "a/b", "user@a", "::1", "[::1",
                             "[]", "[::1]x", "[::1]:", "a:1:2"}) {
        INFO(text);
        CHECK_FALSE(parse_host_port(text).ok());
    }
}

TEST_CASE("the default ports are not written", "[relay][authority]") {
    CHECK(authority_text({"a", 80}) == "a");
    CHECK(authority_text({"a", 443}) == "a");
    CHECK(authority_text({"a", 8440}) == "a:8440");
    CHECK(authority_text({"::1", {}}) == "[::1]");
    CHECK(authority_text({"::1", 8440}) == "[::1]:8440");
    CHECK(is_loopback_host("::1"));
}

TEST_CASE("which names a relay answers to", "[relay][authority]") {
    const auto loopback = authorities::make({"127.0.0.1", 8440}, {});
    REQUIRE(loopback);
    CHECK(loopback->accept("127.0.0.1:8440") == "127.0.0.1:8440");
    CHECK(loopback->accept("LOCALHOST:99") == "localhost:99");
    CHECK_FALSE(loopback->accept("relay.example"));
    CHECK_FALSE(loopback->accept("127.evil.example"));

    const auto lan = authorities::make({"192.168.1.2", 8440}, {"relay.example"});
    REQUIRE(lan);
    CHECK(lan->accept("192.168.1.2:8440"));
    CHECK(lan->accept("Relay.Example:443") == "relay.example");
    CHECK_FALSE(lan->accept("localhost:8440"));
    CHECK_FALSE(lan->accept("192.168.1.2"));

    CHECK(authorities::make({"0.0.0.0", 8440}, {}).code() == errc::invalid_argument);
    CHECK(authorities::make({"::", 8440}, {"relay.example"}).ok());
    CHECK(authorities::make({"127.0.0.1", 8440}, {"https://relay.example"}).code() == errc::invalid_argument);
}

TEST_CASE("entries of a list in a field are told apart from the blanks around them", "[relay]") {
    CHECK(lists("keep-alive ,\t Upgrade\t, x", "upgrade"));
    CHECK_FALSE(lists("keep-alive, up grade", "upgrade"));
    CHECK(names_tag("\"a\" , \"b\" ", "\"b\""));
    CHECK_FALSE(names_tag("\"a\" , \"b\" ", "\"c\""));
}
