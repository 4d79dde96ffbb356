// SPDX-License-Identifier: MIT
// What the network does: connections that break, stall, lie about sizes, and are waited for in vain.
#include "fixtures.hpp"

#include <sys/resource.h>
#include <future>

using namespace fixtures;

namespace {
const std::string ok = http_reply(204, relay_fields, "");
using after = exchange::after;
}  // namespace

TEST_CASE("one connection serves call after call", "[beast][connection]") {
    scripted_server server({{{ok}, {ok}, {ok}}});
    auto c = client_at(server.url());
    for (std::uint64_t i = 1; i <= 3; ++i) CHECK(code(c.acknowledge(i)) == errc{});
}

TEST_CASE("an answer in chunks, or up to the end of the connection, is an answer", "[beast][connection]") {
    const std::string head = "HTTP/1.1 200 OK\r\n" + relay_fields + "Content-Type: application/json\r\n";
    scripted_server server(
        {{{head +
           "Transfer-Encoding: chunked\r\n\r\n9\r\n{\"bytes\":\r\n10\r\n5, \"devices\":[]}\r\n0\r\n\r\n"},
          {ok}},
         {{head + "Connection: close\r\n\r\n{\"bytes\":6,\"devices\":[]}", after::close}},
         {{head + "Connection: close\r\nContent-Length: 24\r\n\r\n{\"bytes\":7,\"devices\":[]}"}},
         {{ok}}});
    auto c = client_at(server.url());
    CHECK(c.info().value().bytes == 5);
    CHECK(code(c.acknowledge(1)) == errc{});  // on the same connection
    server.wait_for_requests(2);
    auto d = client_at(server.url());
    c = std::move(d);  // closes the first connection, so that the server goes on to the second
    CHECK(c.info().value().bytes == 6);
    CHECK(c.info().value().bytes == 7);
    CHECK(code(c.acknowledge(1)) == errc{});
}

TEST_CASE("a kept connection that the relay closed is made anew", "[beast][connection]") {
    // Closed while idle; closed at the moment it is used again; reset at that moment.
    scripted_server server(
        {{{ok, after::close}}, {{ok}, {"", after::close}}, {{ok}, {"", after::reset}}, {{ok}}});
    auto c = client_at(server.url());
    CHECK(code(c.acknowledge(1)) == errc{});
    CHECK(code(c.acknowledge(2)) == errc{});
    CHECK(code(c.acknowledge(3)) == errc{});
    CHECK(code(c.acknowledge(4)) == errc{});
    std::vector<std::string> bodies;
    for (const std::string& request : server.requests()) bodies.push_back(body_of(request));
    CHECK(bodies == std::vector<std::string>{R"({"pos":1})", R"({"pos":2})", R"({"pos":3})", R"({"pos":3})",
                                             R"({"pos":4})", R"({"pos":4})"});
}

TEST_CASE("what cannot be asked twice gets a connection of its own", "[beast][connection]") {
    const std::string opened =
        http_reply(201, "Content-Type: application/json\r\n", R"({"side_token":"t","expires_at":5})");
    scripted_server server({{{ok}}, {{"", after::close}}, {{opened}}});
    auto c = client_at(server.url());
    CHECK(code(c.acknowledge(1)) == errc{});
    CHECK(code(c.open_mailbox()) == errc::offline);
    CHECK(server.requests().size() == 2);
}

TEST_CASE("bytes that nobody asked for are not taken for the next answer", "[beast][connection]") {
    scripted_server server({{{ok + problem_reply(403, "device-revoked")}}, {{ok}}});
    auto c = client_at(server.url());
    CHECK(code(c.acknowledge(1)) == errc{});
    CHECK(code(c.acknowledge(2)) == errc{});
}

TEST_CASE("what a server says when it gives up a kept connection is no answer to the next call",
          "[beast][connection]") {
    const std::string idle = http_reply(408, "Connection: close\r\n", "");
    scripted_server server({{{ok}, {idle, after::close, false}}, {{ok}}});
    auto c = client_at(server.url());
    CHECK(code(c.acknowledge(1)) == errc{});
    server.wait_for_closed(1);
    CHECK(code(c.acknowledge(2)) == errc{});
}

TEST_CASE("a relay that cannot be reached is offline, and named", "[beast][connection]") {
    std::string url;
    { url = scripted_server({}).url(); }
    const auto refused = client_at(url).acknowledge(1);
    CHECK(code(refused) == errc::offline);
    CHECK(refused.failure().detail.find(url) != std::string::npos);
    CHECK(refused.failure().what() == condition::retryable);

    beast::endpoint nowhere = at("http://nowhere.localhost.invalid");
    nowhere.allow_plain_http = true;
    CHECK(code(beast::probe(nowhere)) == errc::offline);
}

TEST_CASE("a program that may open nothing more has no connection, and is told why", "[beast][connection]") {
    ::rlimit usual{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &usual) == 0);
    const ::rlimit none{0, usual.rlim_max};
    beast::client_options options;
    options.relay = at("http://127.0.0.1:1");
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    const auto made = beast::client::make(options);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &usual) == 0);
    REQUIRE_FALSE(made);
    CHECK(made.code() == errc::offline);
    CHECK(made.failure().detail.find("Nothing is lost") != std::string::npos);
}

TEST_CASE("an answer that breaks off is no answer", "[beast][connection]") {
    const std::string whole = json_reply(200, R"({"bytes":5,"devices":[]})");
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{1}, std::size_t{20}, whole.size() / 2, whole.size() - 1}) {
        CAPTURE(size);
        scripted_server server({{{whole.substr(0, size), after::close}}});
        CHECK(code(client_at(server.url()).info()) == errc::offline);
    }
    scripted_server server(
        {{{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"byt", after::close}}});
    CHECK(code(client_at(server.url()).info()) == errc::offline);
    scripted_server rude({{{whole.substr(0, 30), after::reset}}});
    CHECK(code(client_at(rude.url()).info()) == errc::offline);
}

TEST_CASE("an answer larger than allowed is refused by its length alone", "[beast][connection]") {
    const std::string head = "HTTP/1.1 200 OK\r\n" + relay_fields + "Content-Type: application/json\r\n";
    for (const char* length :
         {"Content-Length: 262145\r\n\r\n", "Content-Length: 9000000000000000000\r\n\r\n"}) {
        scripted_server server({{{head + length, after::hold}}});
        CHECK(code(client_at(server.url()).info()) == errc::malformed_answer);
    }
    scripted_server chunked(
        {{{head + "Transfer-Encoding: chunked\r\n\r\n50000\r\n" + std::string(0x50000, ' '), after::hold}}});
    CHECK(code(client_at(chunked.url()).info()) == errc::malformed_answer);
    scripted_server endless(
        {{{head + "Transfer-Encoding: chunked\r\n\r\n5;" + std::string(300000, 'a'), after::hold}}});
    CHECK(code(client_at(endless.url()).info()) == errc::wrong_relay);
    scripted_server impossible({{{head + "Content-Length: 99999999999999999999\r\n\r\n", after::hold}}});
    CHECK(code(client_at(impossible.url()).info()) == errc::wrong_relay);
}

TEST_CASE("a relay that falls silent is not waited for without end", "[beast][connection]") {
    const std::string whole = json_reply(200, R"({"bytes":5,"devices":[]})");
    for (const std::size_t size : {std::size_t{0}, std::size_t{20}, whole.size() - 1}) {
        CAPTURE(size);
        scripted_server server({{{whole.substr(0, size), after::hold}}});
        CHECK(code(client_at(server.url(), std::chrono::milliseconds(50)).info()) == errc::offline);
    }
    // A kept connection that falls silent is not asked a second time.
    scripted_server server({{{ok}, {"", after::hold}}, {{ok}}});
    auto c = client_at(server.url(), std::chrono::milliseconds(2000));
    CHECK(code(c.acknowledge(1)) == errc{});
    CHECK(code(c.acknowledge(2)) == errc::offline);
    server.wait_for_requests(2);
    CHECK(server.requests().size() == 2);
}

TEST_CASE("a relay that sends a byte now and then does not hold a device up", "[beast][connection]") {
    const std::string whole = http_reply(200, relay_fields, std::string(12'000, 'x'));  // takes it a minute
    const std::size_t field = whole.find("Generation: ") + 12, body = whole.find("\r\n\r\n") + 4;
    for (const std::size_t at_once : {field, body}) {
        CAPTURE(at_once);
        scripted_server server({{{whole.substr(0, at_once), after::drip}}});
        CHECK(code(client_at(server.url(), std::chrono::milliseconds(500)).info()) == errc::offline);
    }
}

TEST_CASE("a relay may refuse before it has read the whole request", "[beast][connection]") {
    // The part is larger than what socket buffers hold, and the server reads none of it before it answers.
    // Then it reads the rest, or closes, so that the client can no longer write.
    for (const after then : {after::hold, after::close}) {
        scripted_server server({{{problem_reply(413, "too-large"), then, false}}});
        auto c = client_at(server.url());
        const snapshot_info info{id_of<snapshot_id>(4), 7, limits::snapshot_part_bytes, {}};
        CHECK(code(c.write_snapshot(info, 0, bytes(limits::snapshot_part_bytes, 1))) == errc::limit_exceeded);
    }
}

TEST_CASE("a waiting call ends when it is canceled from another thread", "[beast][connection]") {
    scripted_server server({{{"", after::hold}}, {{ok}}});
    auto c = client_at(server.url());
    pull_request request;
    request.wait_s = 25;
    auto waiting = std::async(std::launch::async, [&] { return code(c.pull(request)); });
    server.wait_for_requests(1);
    c.cancel();
    CHECK(waiting.get() == errc::canceled);
    CHECK(code(c.pull({})) == errc::canceled);  // later ones as well, so that no cancel comes too early
    c.resume();
    CHECK(code(c.acknowledge(1)) == errc{});
}

TEST_CASE("options that would break a request are refused", "[beast][connection]") {
    beast::client_options options;
    options.relay.url = "http://127.0.0.1:1";
    CHECK(beast::client::make(options).ok());
    for (const char* agent : {"", "a\r\nX: y", "caf\xc3\xa9"}) {
        options.relay.user_agent = agent;
        CHECK(code(beast::client::make(options)) == errc::invalid_argument);
    }
    options.relay = at("relay.example");
    CHECK(code(beast::client::make(options)) == errc::malformed_text);
}
