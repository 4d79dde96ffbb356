// SPDX-License-Identifier: MIT
#include <casasync/beast/origin.hpp>

#include <casasync_test/catch.hpp>

using namespace casasync;
using namespace casasync::beast;

TEST_CASE("a relay's URL is taken apart", "[beast][origin]") {
    const auto check = [](const char* url, bool tls, const char* host, const char* port,
                          const char* authority) {
        CAPTURE(url);
        const auto origin = parse_origin(url);
        REQUIRE(origin.ok());
        CHECK(origin->tls == tls);
        CHECK(origin->host == host);
        CHECK(origin->port == port);
        CHECK(origin->authority == authority);
        CHECK(origin->text == (tls ? "https://" : "http://") + std::string(authority));
        CHECK(parse_origin(origin->text).value() == *origin);
    };
    check("https://relay.example", true, "relay.example", "443", "relay.example");
    check("https://relay.example/", true, "relay.example", "443", "relay.example");
    check("HTTPS://Relay.Example:443", true, "relay.example", "443", "relay.example");
    check("https://relay.example:8443", true, "relay.example", "8443", "relay.example:8443");
    check("https://192.0.2.7", true, "192.0.2.7", "443", "192.0.2.7");
    check("https://[2001:DB8::7]:8443/", true, "2001:db8::7", "8443", "[2001:db8::7]:8443");
    check("http://localhost:8080", false, "localhost", "8080", "localhost:8080");
    check("http://relay.localhost:8080", false, "relay.localhost", "8080", "relay.localhost:8080");
    check("http://127.0.0.1:80", false, "127.0.0.1", "80", "127.0.0.1");
    check("http://[::1]:8080", false, "::1", "8080", "[::1]:8080");
}

TEST_CASE("what is no URL of a relay is refused with a reason", "[beast][origin]") {
    for (const char* url : {"",
                            "relay.example",
                            "relay.example:8080",
                            "ftp://relay.example",
                            "https:/relay.example",
                            "https://",
                            "https:///",
                            "https://:443",
                            "https://relay.example:",
                            "https://relay.example:0",
                            "https://relay.example:65536",
                            "https://relay.example:8a",
                            "https://relay.example:-1",
                            "https://relay.example:+1",
                            "https://relay.example:443:443",
                            "https://relay.example/v1",
                            "https://relay.example//",
                            "https://relay.example?x",
                            "https://relay.example#x",
                            "https://me@relay.example",
                            "https://me:pw@relay.example",
                            "https://relay..example",
                            "https://.example",
                            "https://relay.example.",
                            "https://relay_1.example",
                            "https://relay example",
                            "https://relay.example\r\nX: y",
                            "https://rel\xc3\xa4y.example",
                            "https://1.2.3",
                            "https://256.1.1.1",
                            "https://0x7f.1",
                            "https://[::1",
                            "https://[::g]",
                            "https://[127.0.0.1]",
                            "https://[::1]8080",
                            "https://[]"}) {
        CAPTURE(url);
        const auto origin = parse_origin(url);
        REQUIRE_FALSE(origin.ok());
        CHECK(origin.code() == errc::malformed_text);
        CHECK(origin.failure().detail.ends_with('.'));
        CHECK(origin.failure().detail.find('\n') == std::string::npos);
    }
    CHECK_FALSE(parse_origin("https://" + std::string(300, 'a')).ok());
    CHECK_FALSE(parse_origin("https://" + std::string(64, 'a') + ".example").ok());
    CHECK_FALSE(parse_origin(std::string("https://a\0b", 11)).ok());
}

TEST_CASE("plain http to another machine has to be allowed", "[beast][origin]") {
    for (const char* url : {"http://relay.example", "http://192.168.1.5:8080", "http://[fe80::1]",
                            "http://1270.example", "http://localhost.example", "http://128.0.0.1"}) {
        CAPTURE(url);
        REQUIRE_FALSE(parse_origin(url).ok());
        CHECK(parse_origin(url).failure().detail.find("plain http") != std::string::npos);
        CHECK(parse_origin(url, true).ok());
    }
}
