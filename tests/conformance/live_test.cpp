// SPDX-License-Identifier: MIT
#include "relay_under_test.hpp"

#include "live_client.hpp"

#include <casasync_test/catch.hpp>

#include <algorithm>

using namespace casasync;
using namespace casasync_test;

TEST_CASE("a live channel tells the head of the log, and each one that follows", "[conformance][live]") {
    const relay_under_test f;
    const auto a = f.vault();
    const auto b = f.enrol(a, 2);
    live_client live(b);
    CHECK(live.answer.status == 101);
    CHECK(live.answer.field("sec-websocket-accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    CHECK(live.answer.field("sec-websocket-protocol") == "casasync.v1");
    CHECK(live.answer.field("content-length").empty());
    CHECK(live.text() == head_hint(0, live.answer));
    REQUIRE(a.push({a.envelope(1)}).status == 201);
    CHECK(live.text() == head_hint(1, live.answer));
    REQUIRE(b.push({b.envelope(1)}).status == 201);  // the device's own, too: it may be a copy's
    CHECK(live.text() == head_hint(2, live.answer));
}

TEST_CASE("hints tell of what is new, and the last one of everything", "[conformance][live]") {
    const relay_under_test f;
    const auto a = f.vault();
    live_client live(a);
    CHECK(live.text() == head_hint(0, live.answer));
    constexpr std::uint64_t pushes = 40;
    std::uint64_t heard = 0;
    for (std::uint64_t seq = 1; seq <= pushes; ++seq) REQUIRE(a.push({a.envelope(seq)}).status == 201);
    while (heard < pushes) {
        const std::string hint = live.text();
        const std::uint64_t head = std::stoull("0" + hint.substr(std::min<std::size_t>(hint.size(), 19)));
        REQUIRE(head > heard);
        CHECK(hint == head_hint(head, live.answer));
        heard = head;
    }
}

TEST_CASE("a vault's channels hear of no other vault", "[conformance][live]") {
    const relay_under_test f;
    const auto a = f.vault(1);
    const auto other = f.vault(2);
    live_client live(a);
    CHECK(live.text() == head_hint(0, live.answer));
    REQUIRE(other.push({other.envelope(1)}).status == 201);
    live.send(websocket_kind::text, "ping");
    CHECK(live.text() == "pong");
}

TEST_CASE("a ping is answered, as text and as a frame, and a pong ignored", "[conformance][live]") {
    const relay_under_test f;
    live_client live(f.vault());
    CHECK(live.text() == head_hint(0, live.answer));
    live.send(websocket_kind::pong, "unasked");
    live.send(websocket_kind::text, "ping");
    live.send(websocket_kind::ping, "now?");
    CHECK(live.text() == "pong");
    CHECK(live.next() == websocket_message{websocket_kind::pong, {'n', 'o', 'w', '?'}});
    live.send(websocket_kind::close, std::string_view("\x03\xE8", 2));
    CHECK(live.text() == "close 1000");
    CHECK(live.text() == "end");
}

TEST_CASE("what is not asked for as a WebSocket is told how", "[conformance][live]") {
    const relay_under_test f;
    const auto a = f.vault();
    for (const char* const field :
         {"Upgrade", "Connection", "Sec-WebSocket-Version", "Sec-WebSocket-Key", "Sec-WebSocket-Protocol"}) {
        INFO(field);
        auto without = live_request(a), wrong = without;
        without.remove(field);
        wrong.set(field, "8");
        for (const auto& r : {without, wrong}) {
            const reply refused = a.send(r);
            CHECK(refused.status == 426);
            CHECK(refused.problem() == "upgrade-required");
            CHECK(refused.field("upgrade") == "websocket");
        }
    }
    auto twice = live_request(a);
    twice.fields.emplace_back("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
    CHECK(a.send(twice).status == 400);
    auto stranger = a;
    stranger.key[0] ^= 1;
    CHECK(stranger.send(live_request(stranger)).status == 401);
}

TEST_CASE("a channel ends when its device is removed", "[conformance][live]") {
    const relay_under_test f;
    const auto a = f.vault();
    const auto b = f.enrol(a, 2);
    live_client removed(b), stays(a);
    CHECK(removed.text() == head_hint(0, removed.answer));
    CHECK(stays.text() == head_hint(0, stays.answer));
    remove(a, b);
    CHECK(removed.text() == "close 4401");
    removed.send(websocket_kind::close, "");
    CHECK(removed.text() == "end");
    CHECK(b.send(live_request(b)).problem() == "device-revoked");
    REQUIRE(a.push({a.envelope(1, 256, 1, 0, 2)}).status == 201);
    CHECK(stays.text() == head_hint(1, stays.answer));
}

TEST_CASE("a device has one channel, the newest", "[conformance][live]") {
    const relay_under_test f;
    const auto a = f.vault();
    const auto b = f.enrol(a, 2);
    live_client first(a), other(b);
    CHECK(first.text() == head_hint(0, first.answer));
    CHECK(other.text() == head_hint(0, other.answer));
    live_client second(a);
    CHECK(first.text() == "close 4409");
    CHECK(second.text() == head_hint(0, second.answer));
    REQUIRE(a.push({a.envelope(1)}).status == 201);
    CHECK(second.text() == head_hint(1, second.answer));
    CHECK(other.text() == head_hint(1, other.answer));
}

TEST_CASE("frames that make no sense end a channel, and nothing else", "[conformance][live]") {
    const relay_under_test f;
    const auto a = f.vault();
    const auto ended = [&](const bytes& data) {
        live_client live(a);
        CHECK(live.text() == head_hint(0, live.answer));
        live.send(data);
        const std::string how = live.text();
        live.send(websocket_kind::close, "");
        CHECK(live.text() == "end");
        return how;
    };
    CHECK(ended(encode_websocket(websocket_kind::text, as_bytes("ping"))) == "close 1002");  // not masked
    CHECK(ended({0x83, 0x80, 1, 2, 3, 4}) == "close 1002");
    CHECK(ended({0x80, 0x80, 1, 2, 3, 4}) == "close 1002");
    CHECK(ended({0xC1, 0x80, 1, 2, 3, 4}) == "close 1002");
    CHECK(ended(masked(websocket_kind::text, "\xFF")) == "close 1007");
    CHECK(ended(masked(websocket_kind::text, std::string(126, 'p'))) == "close 1009");
    CHECK(ended(masked(websocket_kind::binary, "ping")) == "close 1003");
    CHECK(ended(masked(websocket_kind::text, "pull")) == "close 1008");
    bytes pieces = masked(websocket_kind::text, "pi");
    pieces[0] = 0x01;
    live_client live(a);
    CHECK(live.text() == head_hint(0, live.answer));
    live.send(pieces);
    bytes rest = masked(websocket_kind::text, "ng");
    rest[0] = 0x80;
    live.send(rest);
    CHECK(live.text() == "pong");
}

TEST_CASE("a channel ends with its relay, and is opened again at the next", "[conformance][live][program]") {
    own_relay f;
    auto a = f.vault();
    live_client before(a);
    CHECK(before.text() == head_hint(0, before.answer));
    f.kill();
    CHECK(before.text() == "end");
    f.start();
    a.at = f.at();
    REQUIRE(a.push({a.envelope(1)}).status == 201);
    live_client after(a);
    CHECK(after.text() == head_hint(1, after.answer));
}
