// SPDX-License-Identifier: MIT
#pragma once

/// A device's end of a live channel, without its socket: docs/WIRE.md, "Live".
#include "http.hpp"

#include <casasync/beast/client.hpp>
#include <casasync/openssl/random.hpp>
#include <casasync/websocket.hpp>

#include <chrono>
#include <cstdint>
#include <string>

namespace casasync::beast {

/// Asks for the channel.
class live_handshake {
 public:
    live_handshake();
    /// Adds the fields that ask for a WebSocket.
    void add_to(header_fields& fields) const;
    /// Tells whether the answer to a request with them, a 101, is one to it.
    [[nodiscard]] bool is_answer(const http_answer& answer) const;

 private:
    std::string key_{};
};

/// Reads a channel that was opened, and pings. One thread at a time.
class live_reader {
 public:
    explicit live_reader(std::chrono::milliseconds ping) : ping_(ping) {}

    /// Blocks until there is a hint. The connection is closed after an error.
    /// \param retry_after_s  set when the relay says goodbye
    /// \errors those of client::next_hint
    [[nodiscard]] result<live_hint> next(http_connection& http, std::uint32_t& retry_after_s);

 private:
    using clock = std::chrono::steady_clock;

    [[nodiscard]] result<void> read(http_connection& http);
    [[nodiscard]] result<std::optional<live_hint>> take(http_connection& http, const websocket_message& m,
                                                        std::uint32_t& retry_after_s);
    [[nodiscard]] result<void> send(http_connection& http, websocket_kind kind, bytes_view payload);

    std::chrono::milliseconds ping_;
    websocket_reader frames_{false, 1000};
    openssl::random random_{};
    clock::time_point next_ping_ = clock::now() + ping_;
    int unanswered_ = 0;
};

}  // namespace casasync::beast
