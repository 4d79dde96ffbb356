// SPDX-License-Identifier: MIT
#include "live.hpp"

#include "answer.hpp"
#include "json.hpp"

#include <casasync/openssl/hash.hpp>
#include <casasync/openssl/websocket_accept.hpp>

#include <algorithm>
#include <array>

namespace casasync::beast {
namespace {

constexpr std::string_view subprotocol = "casasync.v1";
constexpr std::uint64_t retry_s_max = 3600;
constexpr int unanswered_max = 2;

enum close_code : std::uint16_t { normal = 1000, revoked = 4401, superseded = 4409 };

error ended(const relay_origin& origin, std::uint16_t code) {
    const std::string relay = "The relay " + origin.text + " ";
    switch (code) {
        case revoked:
            return {errc::device_revoked, relay + "says that this device was removed from the vault."};
        case superseded:
            return {errc::already_exists, relay + "has another live channel of this device."};
        default:
            return {errc::relay_unavailable,
                    relay + "ended the live channel (" + std::to_string(code) + ")."};
    }
}

std::optional<live_hint> hint_in(const boost::json::object& said) {
    const auto head = number_in(said, "head");
    const auto generation = id_in<generation_id>(said, "gen");
    return head && generation ? std::optional(live_hint{*head, *generation}) : std::nullopt;
}

}  // namespace

live_handshake::live_handshake() {
    std::array<std::uint8_t, 16> nonce{};
    openssl::random{}.fill(nonce);
    key_ = openssl::to_base64(nonce);
}

void live_handshake::add_to(header_fields& fields) const {
    fields.insert(fields.end(), {{"Connection", "Upgrade"},
                                 {"Upgrade", "websocket"},
                                 {"Sec-WebSocket-Version", "13"},
                                 {"Sec-WebSocket-Key", key_},
                                 {"Sec-WebSocket-Protocol", std::string(subprotocol)}});
}

bool live_handshake::is_answer(const http_answer& answer) const {
    return answer.field("sec-websocket-accept") == openssl::websocket_accept(key_) &&
           answer.field("sec-websocket-protocol") == subprotocol;
}

result<live_hint> live_reader::next(http_connection& http, std::uint32_t& retry_after_s) {
    for (;;) {
        const auto step = frames_.next();
        if (step.message) {
            unanswered_ = 0;
            const auto hint = take(http, *step.message, retry_after_s);
            if (!hint) return http.close(), hint.failure();
            if (*hint) return **hint;
            continue;
        }
        if (step.fault != websocket_fault::none) {
            const auto said =
                send(http, websocket_kind::close, websocket_close(static_cast<std::uint16_t>(step.fault)));
            static_cast<void>(said);  // out of politeness
            return http.close(), malformed(http.origin());
        }
        if (const auto more = read(http); !more) return http.close(), more.failure();
    }
}

result<void> live_reader::read(http_connection& http) {
    const auto now = clock::now();
    if (now >= next_ping_) {
        if (unanswered_ == unanswered_max)
            return error{errc::offline,
                         "The live channel to the relay " + http.origin().text + " is silent."};
        ++unanswered_;
        next_ping_ = now + ping_;
        if (const auto sent = send(http, websocket_kind::text, as_bytes("ping")); !sent) return sent;
    }
    const auto more = http.read(std::chrono::ceil<std::chrono::milliseconds>(next_ping_ - now));
    if (!more) return more.failure();
    frames_.add(*more);
    return {};
}

result<std::optional<live_hint>> live_reader::take(http_connection& http, const websocket_message& m,
                                                   std::uint32_t& retry_after_s) {
    const std::optional<live_hint> none;
    if (m.kind == websocket_kind::ping) {
        const auto sent = send(http, websocket_kind::pong, m.payload);
        return sent ? result<std::optional<live_hint>>(none) : sent.failure();
    }
    if (m.kind == websocket_kind::close) {
        const auto said = send(http, websocket_kind::close, m.payload);
        static_cast<void>(said);
        return ended(http.origin(), websocket_close_code(m.payload));
    }
    if (m.kind == websocket_kind::pong) return none;
    if (m.kind == websocket_kind::binary) return malformed(http.origin());
    if (m.payload == bytes{'p', 'o', 'n', 'g'}) return none;
    const auto said = parse_object(m.payload);
    const auto what = said ? text_in(*said, "t") : std::nullopt;
    if (!what) return malformed(http.origin());
    if (*what == "bye")
        retry_after_s =
            static_cast<std::uint32_t>(std::min(number_in(*said, "retry").value_or(0), retry_s_max));
    if (*what != "head") return none;  // what a newer relay says besides
    const auto hint = hint_in(*said);
    return hint ? result<std::optional<live_hint>>(hint) : malformed(http.origin());
}

result<void> live_reader::send(http_connection& http, websocket_kind kind, bytes_view payload) {
    websocket_mask mask{};
    random_.fill(mask);
    return http.write(encode_websocket(kind, payload, mask));
}

}  // namespace casasync::beast
