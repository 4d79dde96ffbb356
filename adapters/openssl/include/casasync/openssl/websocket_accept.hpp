// SPDX-License-Identifier: MIT
#pragma once

/// How a WebSocket is answered. Source: RFC 6455, section 4.2.2.
#include <string>
#include <string_view>

namespace casasync::openssl {

/// Returns the Sec-WebSocket-Accept that answers a Sec-WebSocket-Key: it shows that a WebSocket was asked for
/// and understood, and protects nothing. Thread-safe: pure.
[[nodiscard]] std::string websocket_accept(std::string_view key);

}  // namespace casasync::openssl
