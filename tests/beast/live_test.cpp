// SPDX-License-Identifier: MIT
// What a relay, or something that is none, may say on a live channel.
#include "fixtures.hpp"

#include <casasync/websocket.hpp>

#include <chrono>
#include <future>
#include <thread>

using namespace fixtures;
using std::chrono::milliseconds;

namespace {

using kind = websocket_kind;

std::string switched() {
    return "HTTP/1.1 101 Switching Protocols\r\n" + relay_fields +
           "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n"
           "Sec-WebSocket-Protocol: casasync.v1\r\n\r\n";
}

std::string text_of_frame(const bytes& frame) {
    return {frame.begin(), frame.end()};
}
std::string frame(std::string_view payload, kind what = kind::text) {
    return text_of_frame(encode_websocket(what, as_bytes(payload)));
}
std::string frame_of_close(std::uint16_t code) {
    return text_of_frame(encode_websocket(kind::close, websocket_close(code)));
}
std::string hint(std::uint64_t head) {
    return frame(R"({"t":"head","head":)" + std::to_string(head) +
                 R"(,"gen":"AQEBAQEBAQEBAQEBAQEBAQ","x":1})");
}

beast::client live_client(const std::string& url, milliseconds ping = std::chrono::hours(1)) {
    beast::client_options options;
    options.relay = at(url);
    options.relay.ping = ping;
    options.vault = vault;
    options.device = device;
    options.device_key = device_key();
    return beast::client::make(options).value();
}

/// Returns how a channel ends that says this after its first hint.
errc end_of(const std::string& said) {
    scripted_server server(
        {{{switched() + hint(1), exchange::after::keep}, {said, exchange::after::hold, false}}});
    auto c = live_client(server.url());
    REQUIRE(code(c.open_live()) == errc{});
    REQUIRE(c.next_hint());
    const auto ended = c.next_hint();
    CHECK(c.next_hint().code() == errc::invalid_argument);
    return code(ended);
}

/// Returns why a channel is not opened that is answered so.
errc refused(const std::string& answer) {
    scripted_server server({{{answer, exchange::after::close}}});
    auto c = live_client(server.url());
    return code(c.open_live());
}

}  // namespace

TEST_CASE("a live channel is asked for by a signed request, and tells hints", "[beast][live]") {
    scripted_server server({{{switched() + hint(9), exchange::after::keep},
                             {hint(10) + hint(12), exchange::after::close, false}}});
    auto c = live_client(server.url());
    REQUIRE(code(c.open_live()) == errc{});
    for (const std::uint64_t head : {9U, 10U, 12U}) {
        const auto heard = c.next_hint();
        REQUIRE(heard);
        CHECK(heard->head == head);
        CHECK(heard->generation == id_of<generation_id>(1));
    }
    CHECK(code(c.next_hint()) == errc::offline);
    const std::string request = server.requests().at(0);
    CHECK(line_of(request) == "GET /v1/vaults/" + vault.text() + "/live");
    CHECK(is_signed(request));
    CHECK(field_of(request, "Upgrade") == "websocket");
    CHECK(field_of(request, "Connection") == "Upgrade");
    CHECK(field_of(request, "Sec-WebSocket-Version") == "13");
    CHECK(field_of(request, "Sec-WebSocket-Protocol") == "casasync.v1");
    CHECK(openssl::from_base64(field_of(request, "Sec-WebSocket-Key")).value().size() == 16);
}

TEST_CASE("a hint is read however it is cut, and what is new to this client passed over", "[beast][live]") {
    const std::string whole = hint(7);
    bytes begun = encode_websocket(kind::text, as_bytes(whole).subspan(2, 10));
    bytes rest = encode_websocket(kind::text, as_bytes(whole).subspan(12));
    begun[0] = 0x01;
    rest[0] = 0x80;
    const std::string said = frame("hello", kind::ping) + frame("pong") + frame(R"({"t":"news"})") +
                             text_of_frame(begun) + frame("", kind::pong) + text_of_frame(rest);
    scripted_server server({{{switched() + said, exchange::after::hold}}});
    auto c = live_client(server.url());
    REQUIRE(code(c.open_live()) == errc{});
    CHECK(c.next_hint().value().head == 7);
}

TEST_CASE("a channel that ends says why, and how long to wait", "[beast][live]") {
    CHECK(end_of(frame_of_close(4401)) == errc::device_revoked);
    CHECK(end_of(frame_of_close(4409)) == errc::already_exists);
    CHECK(end_of(frame_of_close(1012)) == errc::relay_unavailable);
    CHECK(end_of(text_of_frame(encode_websocket(kind::close, {}))) == errc::relay_unavailable);
    for (const auto& [retry, expected] :
         {std::pair("7", 7U), {"0", 0U}, {"99999999", 3600U}, {"-1", 0U}, {"\"7\"", 0U}}) {
        const std::string bye = frame(std::string(R"({"t":"bye","retry":)") + retry + "}");
        scripted_server server({{{switched() + bye + frame_of_close(1012), exchange::after::hold}}});
        auto c = live_client(server.url());
        REQUIRE(code(c.open_live()) == errc{});
        CHECK(code(c.next_hint()) == errc::relay_unavailable);
        CHECK(c.retry_after_s() == expected);
    }
}

TEST_CASE("frames that make no sense are an error and nothing else", "[beast][live]") {
    const bytes masked = encode_websocket(kind::text, as_bytes("pong"), websocket_mask{1, 2, 3, 4});
    for (const std::string& said :
         {std::string("\x83\0", 2), std::string("\x80\0", 2), std::string("\xC1\0", 2),
          std::string("\x09\0", 2), std::string("\x81\x7F\xFF\0\0\0\0\0\0\0", 10),
          std::string("\x81\x7E\x03\xE9", 4), text_of_frame(masked), frame("\xFF"),
          frame("pong", kind::binary), frame("hm"), frame("[1]"), frame(R"({"head":1})"),
          frame(R"({"t":"head","head":-1,"gen":"AQEBAQEBAQEBAQEBAQEBAQ"})"),
          frame(R"({"t":"head","head":1})"), frame(R"({"t":"head","head":1,"gen":"AQ"})"),
          frame_of_close(1005), frame(std::string(60, '[') + std::string(60, ']')),
          std::string("HTTP/1.1 200 OK\r\n\r\n")})
        CHECK(end_of(said) == errc::malformed_answer);
}

TEST_CASE("what does not speak the channel is told from a relay that refuses", "[beast][live]") {
    CHECK(refused(problem_reply(401, "unauthenticated")) == errc::unauthenticated);
    CHECK(refused(problem_reply(403, "device-revoked")) == errc::device_revoked);
    CHECK(refused(problem_reply(503, "unavailable", {}, "Retry-After: 5\r\n")) == errc::relay_unavailable);
    CHECK(refused(problem_reply(404, "not-found")) == errc::not_found);
    CHECK(refused(problem_reply(426, "upgrade-required")) == errc::relay_refused);
    CHECK(refused(json_reply(200, "{}")) == errc::wrong_relay);
    CHECK(refused(http_reply(204, relay_fields, "")) == errc::wrong_relay);
    CHECK(refused("HTTP/1.1 101 Switching Protocols\r\n" + relay_fields + "\r\n") == errc::wrong_relay);
    std::string other = switched(), anonymous = switched();
    other.replace(other.find("{accept}"), 8, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    CHECK(refused(other) == errc::wrong_relay);
    anonymous.erase(anonymous.find("Casasync-Generation"), 44);
    CHECK(refused(anonymous) == errc::wrong_relay);
    CHECK(refused("") == errc::offline);
    // Where nobody asked for it, another protocol is no answer.
    scripted_server server({{{switched(), exchange::after::close}}});
    CHECK(code(client_at(server.url()).acknowledge(1)) == errc::wrong_relay);
}

TEST_CASE("a silent channel is pinged twice, and given up", "[beast][live]") {
    scripted_server server({{{switched() + hint(1), exchange::after::hold}}});
    auto c = live_client(server.url(), milliseconds(20));
    REQUIRE(code(c.open_live()) == errc{});
    CHECK(c.next_hint());
    CHECK(code(c.next_hint()) == errc::offline);
}

TEST_CASE("a call of another kind ends the channel, and stopping ends its wait", "[beast][live]") {
    scripted_server server({{{switched() + hint(1), exchange::after::hold}},
                            {{http_reply(204, relay_fields, ""), exchange::after::keep},
                             {switched() + hint(2), exchange::after::hold}}});
    auto c = live_client(server.url());
    REQUIRE(code(c.open_live()) == errc{});
    CHECK(c.next_hint());
    CHECK(code(c.acknowledge(1)) == errc{});
    CHECK(c.next_hint().code() == errc::invalid_argument);
    REQUIRE(code(c.open_live()) == errc{});
    CHECK(c.next_hint().value().head == 2);
    auto waiting = std::async(std::launch::async, [&] { return code(c.next_hint()); });
    c.cancel();
    CHECK(waiting.get() == errc::canceled);
}
