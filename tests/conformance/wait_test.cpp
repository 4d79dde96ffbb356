// SPDX-License-Identifier: MIT
#include "relay_under_test.hpp"

#include <casasync/page.hpp>

#include <casasync_test/catch.hpp>

#include <thread>

using namespace casasync;
using namespace casasync_test;

namespace {

/// Returns once the relay's one connection thread has seen all that was sent before: it goes through what is
/// ready in turns, so after two whole requests of another connection the first turn is over.
void let_the_relay_read(const endpoint& at) {
    http_client other(at);
    for (int i = 0; i < 2; ++i)
        REQUIRE(other.call("GET", "/healthz", {{"Host", at.authority()}}).status == 200);
}

/// Sends a signed request and does not wait for the answer.
http_client begin(const signed_request& r, const endpoint& at) {
    http_client client(at);
    std::string text = r.method + " " + r.target + " HTTP/1.1\r\n";
    for (const auto& [name, value] : r.fields) text += name + ": " + value + "\r\n";
    client.send(text + "\r\n");
    let_the_relay_read(at);
    return client;
}

}  // namespace

TEST_CASE("a pull that waits gets what comes", "[conformance][wait]") {
    const relay_under_test f;
    const auto a = f.vault();
    const auto b = f.enrol(a, 2);
    auto waiting = begin(b.make("GET", b.base() + "/changesets?after=0&wait=25"), f.at());
    const auto envelope = a.envelope(1);
    REQUIRE(a.push({envelope}).status == 201);
    const reply r = waiting.receive();
    CHECK(r.status == 200);
    CHECK(r.field("casasync-head") == "1");
    const auto page = decode_page(r.body, 0);
    REQUIRE(page);
    CHECK(page->records.at(0).envelope == envelope);
}

TEST_CASE("many may wait at once, and each only for its own vault", "[conformance][wait]") {
    const relay_under_test f;
    const auto a = f.vault(1);
    const auto other = f.vault(2);
    std::vector<http_client> waiting;
    for (int i = 0; i < 50; ++i)
        waiting.push_back(begin(a.make("GET", a.base() + "/changesets?after=0&wait=25"), f.at()));
    auto elsewhere = begin(other.make("GET", other.base() + "/changesets?after=0&wait=25"), f.at());
    REQUIRE(a.push({a.envelope(1)}).status == 201);
    for (auto& client : waiting) CHECK(client.receive().status == 200);
    REQUIRE(other.push({other.envelope(1)}).status == 201);
    const reply r = elsewhere.receive();
    CHECK(r.status == 200);
    CHECK(r.field("casasync-head") == "1");
}

TEST_CASE("a wait that brings nothing ends with 204", "[conformance][wait]") {
    const relay_under_test f;
    const auto a = f.vault();
    const reply r = a.pull(0, "", "&wait=1");
    CHECK(r.status == 204);
    CHECK(r.field("casasync-head") == "0");
    CHECK(r.body.empty());
}

TEST_CASE("removing a device ends its wait", "[conformance][wait]") {
    const relay_under_test f;
    const auto a = f.vault();
    const auto b = f.enrol(a, 2);
    auto waiting = begin(b.make("GET", b.base() + "/changesets?after=0&wait=25"), f.at());
    remove(a, b);
    CHECK(waiting.receive().problem() == "device-revoked");
}

TEST_CASE("a client that goes away while it waits does no harm", "[conformance][wait]") {
    const relay_under_test f;
    const auto a = f.vault();
    { const auto gone = begin(a.make("GET", a.base() + "/changesets?after=0&wait=25"), f.at()); }
    CHECK(a.push({a.envelope(1)}).status == 201);
    CHECK(a.pull(0, "").status == 200);
}

TEST_CASE("a connection that has waited goes on with the next request", "[conformance][wait]") {
    const relay_under_test f;
    const auto a = f.vault();
    auto client = begin(a.make("GET", a.base() + "/changesets?after=0&wait=25"), f.at());
    REQUIRE(a.push({a.envelope(1)}).status == 201);
    REQUIRE(client.receive().status == 200);
    const auto next = a.make("GET", a.base());
    CHECK(client.call(next.method, next.target, next.fields).status == 200);
}
