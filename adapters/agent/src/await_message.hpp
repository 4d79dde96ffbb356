// SPDX-License-Identifier: MIT
#pragma once

/// Waiting for what the other side of a pairing says.
#include <casasync/beast/mailbox.hpp>
#include <casasync/result.hpp>

#include <cstdint>

namespace casasync::agent {

/// Returns message `n` of `from`, once it is there. Blocks. \errors those of mailbox::get; pairing_expired
/// also after a quarter of an hour, when the relay should have said that long ago
[[nodiscard]] result<bytes> await_message(beast::mailbox& box, beast::mailbox::side from, std::uint8_t n);

}  // namespace casasync::agent
