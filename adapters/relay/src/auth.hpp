// SPDX-License-Identifier: MIT
#pragma once

/// Who makes a request. docs/WIRE.md, "Signatures".
#include "core.hpp"
#include "exchange.hpp"

#include <optional>
#include <string_view>

namespace casasync::relay {

/// Checks the signature of a request on the vault that its path names, or on any vault where the path names
/// none, and sets x.who. \param authority what the Host header stands for
/// \return the answer that refuses it: 401, 403 for a revoked device, 410 for a deleted vault, or 409 for an
/// ack above the log's head
[[nodiscard]] std::optional<answer> authenticate(context& c, exchange& x, std::string_view authority);

/// The one text of everything that is wrong with a signature or a token.
[[nodiscard]] answer unauthenticated();
/// 403; the caller was authenticated.
[[nodiscard]] answer device_revoked();
/// 410, with who deleted the vault; the caller was authenticated. In deletion_routes.cpp.
[[nodiscard]] answer vault_deleted(const stored_deletion& d);
/// 401, with the relay's time.
[[nodiscard]] answer clock_skew(std::uint64_t now_s);
[[nodiscard]] answer cursor_mismatch(std::uint64_t head);

/// Adds what every authenticated answer says of the log.
void add_log_state(answer& out, const member& who, const core& shared);

/// Compares tokens in constant time.
[[nodiscard]] bool same_token(std::string_view a, std::string_view b);
/// Returns the token of "Authorization: Bearer ..."; empty if there is none.
[[nodiscard]] std::string_view bearer_token(std::string_view authorization) noexcept;

}  // namespace casasync::relay
