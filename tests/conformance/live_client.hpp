// SPDX-License-Identifier: MIT
#pragma once

/// A device's end of its live channel, frame by frame.
#include "device_client.hpp"

#include <casasync/websocket.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace casasync_test {

/// Returns a client's frame.
[[nodiscard]] inline casasync::bytes masked(casasync::websocket_kind kind, std::string_view payload) {
    return casasync::encode_websocket(kind, casasync::as_bytes(payload),
                                      casasync::websocket_mask{1, 2, 3, 4});
}

inline signed_request live_request(const device_client& d) {
    auto r = d.make("GET", d.base() + "/live");
    r.set("Connection", "keep-alive, Upgrade");
    r.set("Upgrade", "WebSocket");
    r.set("Sec-WebSocket-Version", "13");
    r.set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
    r.set("Sec-WebSocket-Protocol", "other, casasync.v1");
    return r;
}

class live_client {
 public:
    explicit live_client(const device_client& d) : wire_(d.at) {
        const auto r = live_request(d);
        answer = wire_.call(r.method, r.target, r.fields);
    }

    reply answer{};  ///< to the request

    /// Returns the next message; nothing once the relay has closed, or sends what makes no sense.
    std::optional<casasync::websocket_message> next() {
        for (;;) {
            auto step = reader_.next();
            if (step.message || step.fault != casasync::websocket_fault::none) return std::move(step.message);
            const std::string more = wire_.receive_some();
            if (more.empty()) return std::nullopt;
            reader_.add(casasync::as_bytes(more));
        }
    }
    /// The same, as text; a close as "close 4401", the end as "end".
    std::string text() {
        const auto m = next();
        if (!m) return "end";
        if (m->kind == casasync::websocket_kind::close)
            return "close " + std::to_string(casasync::websocket_close_code(m->payload));
        return {m->payload.begin(), m->payload.end()};
    }
    bool send(casasync::bytes_view frame) {
        return wire_.send({reinterpret_cast<const char*>(frame.data()), frame.size()});
    }
    void send(casasync::websocket_kind kind, std::string_view payload) { send(masked(kind, payload)); }

 private:
    http_client wire_;
    casasync::websocket_reader reader_{false, 1000};
};

inline std::string head_hint(std::uint64_t head, const reply& answer) {
    return R"({"t":"head","head":)" + std::to_string(head) + R"(,"gen":")" +
           answer.field("casasync-generation") + R"("})";
}

inline constexpr const char* goodbye = R"({"t":"bye","retry":1})";

}  // namespace casasync_test
