// SPDX-License-Identifier: MIT
// What an operator decides: names, deadlines, connections.
#include "fixtures.hpp"

#include <casasync_test/catch.hpp>

using namespace casasync;
using namespace casasync_test;

namespace {

const std::string host_field = "Host: localhost\r\n";
/// A route that takes JSON and needs no signature in the head.
const std::string attach_target = "/v1/vaults/AAAAAAAAAAAAAAAAAAAAAA/attach";

reply say(std::uint16_t port, const std::string& text) {
    http_client client(port);
    client.send(text);
    return client.receive();
}

}  // namespace

TEST_CASE("a request for another host_field is refused", "[relay][http]") {
    relay_fixture f;
    f.options.origins = {"relay.example", "other.example:8443"};
    f.start();
    const auto answer_to = [&](const std::string& name) {
        return say(f.port(), "GET /v1/info HTTP/1.1\r\nHost: " + name + "\r\n\r\n");
    };
    for (const std::string name :
         {"relay.example", "Relay.Example:443", "other.example:8443", "localhost:1", "127.0.0.2", "[::1]:99"})
        CHECK(answer_to(name).status == 200);
    for (const std::string name : {"other.example", "relay.example:8443", "evil.example",
                                   "127.0.0.1.evil.example", "relay.example@evil", ""}) {
        INFO(name);
        CHECK(answer_to(name).status == 421);
        CHECK(answer_to(name).problem() == "wrong-authority");
    }
}

TEST_CASE("a client that is too slow is sent away", "[relay][http]") {
    relay_fixture f;
    f.options.patience = {std::chrono::milliseconds(200), std::chrono::milliseconds(200),
                          std::chrono::milliseconds(200)};
    f.start();
    SECTION("in the head") {
        http_client client(f.port());
        client.send("GET /v1/info HTTP/1.1\r\n");
        CHECK(client.receive().status == 408);
        CHECK(client.is_closed());
    }
    SECTION("in the body") {
        http_client client(f.port());
        client.send("POST " + attach_target + " HTTP/1.1\r\n" + host_field +
                    "Content-Type: application/json\r\nContent-Length: 10\r\n\r\n{");
        CHECK(client.receive().status == 408);
        CHECK(client.is_closed());
    }
    SECTION("before the first request") {
        CHECK(http_client(f.port()).is_closed());
    }
    SECTION("between two requests") {
        http_client client(f.port());
        client.send("GET /v1/info HTTP/1.1\r\n" + host_field + "\r\n");
        CHECK(client.receive().status == 200);
        CHECK(client.is_closed());
    }
}

TEST_CASE("a connection too many gets 503", "[relay][http]") {
    relay_fixture f;
    f.options.connections_max = 2;
    f.start();
    http_client first(f.port());
    http_client second(f.port());
    REQUIRE(first.call("GET", "/healthz", {{"Host", "localhost"}}).status == 200);
    REQUIRE(second.call("GET", "/healthz", {{"Host", "localhost"}}).status == 200);
    http_client third(f.port());
    const reply r = third.receive();
    CHECK(r.status == 503);
    CHECK(r.problem() == "unavailable");
    CHECK_FALSE(r.field("retry-after").empty());
    CHECK(first.call("GET", "/healthz", {{"Host", "localhost"}}).status == 200);
}

TEST_CASE("a stopping relay answers those who wait", "[relay][wait]") {
    relay_fixture f;
    f.start();
    const auto a = make_vault(f.port(), f.now_s());
    const auto request = a.make("GET", a.base() + "/changesets?after=0&wait=25");
    std::string text = request.method + " " + request.target + " HTTP/1.1\r\n";
    for (const auto& [name, value] : request.fields) text += name + ": " + value + "\r\n";
    http_client waiting(f.port());
    waiting.send(text + "\r\n");
    // The one connection thread goes through what is ready in turns: after two requests it has read the
    // first.
    for (int i = 0; i < 2; ++i) REQUIRE(a.call("GET", "").status == 200);
    f.server->stop();
    const reply r = waiting.receive();
    CHECK(r.status == 204);
    CHECK(r.field("connection") == "close");
    CHECK(waiting.is_closed());
}
