// SPDX-License-Identifier: MIT
#pragma once

/// What the answers of a relay mean: expected ones pass, all others become errors with a sentence.
#include "http.hpp"

#include <casasync/openssl/vault_deletion.hpp>
#include <casasync/transport.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace casasync::beast {

inline constexpr std::string_view json_type = "application/json";
inline constexpr std::string_view octets_type = "application/octet-stream";

/// What a refusal says besides its code.
struct refusal_hints {
    std::uint32_t retry_after_s = 0;                    ///< 0: nothing said
    std::int64_t server_time = 0;                       ///< unix seconds; 0: nothing said
    std::optional<openssl::vault_deletion> deletion{};  ///< who deleted the vault, as the relay has it
};

/// Returns a connection to `at`, not yet made. \errors malformed_text, invalid_argument.
[[nodiscard]] result<http_connection> connection_to(const endpoint& at);

/// Returns the answer to `request` if its status is one of `expected`.
/// \errors those of http_connection::exchange, and what the relay's refusal stands for: docs/WIRE.md,
/// "Errors".
[[nodiscard]] result<http_answer> ask(http_connection& http, const http_request& request,
                                      const std::vector<unsigned>& expected, refusal_hints* hints = nullptr);

/// Returns what the header fields of an authenticated answer say of the log.
/// \errors wrong_relay without them, malformed_answer.
[[nodiscard]] result<relay_state> state_in(const http_answer& answer, const relay_origin& origin);

/// The error for an answer that is a relay's, but not as docs/WIRE.md has it.
[[nodiscard]] error malformed(const relay_origin& origin);
/// The error for an answer that is no relay's; `what` completes "At <url> ...".
[[nodiscard]] error not_a_relay(const relay_origin& origin, const std::string& what);

/// Returns a whole number from 0 to 2^53 - 1 in decimal digits without leading zeros.
[[nodiscard]] std::optional<std::uint64_t> parse_decimal(std::string_view text);

/// Returns what of `text` may be shown on a terminal, at most 200 characters.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace casasync::beast
