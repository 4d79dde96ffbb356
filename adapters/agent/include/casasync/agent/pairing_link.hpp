// SPDX-License-Identifier: MIT
#pragma once

/// What a QR code holds, or a message to oneself: a pairing with its relay and 128 random bits.
///
///     casasync://pair/1#r=https://relay.example&s=7KQ2&m=<mailbox, 22 characters>&k=<key, 22 characters>
///
/// Opening a link must never pair by itself: it fills in what a person would have typed.
#include <casasync/ids.hpp>
#include <casasync/openssl/pairing_code.hpp>
#include <casasync/result.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace casasync::agent {

struct pairing_link {
    std::string relay{};  ///< URL, normalised
    openssl::pairing_slot slot;
    mailbox_id mailbox{};  ///< that the slot must lead to
    std::array<std::uint8_t, 16> key{};

    [[nodiscard]] std::string text() const;
    [[nodiscard]] openssl::pairing_secret secret() const;
    /// Returns what text() wrote, and nothing that it would not write. \errors malformed_text, with a
    /// sentence. Thread-safe: pure.
    [[nodiscard]] static result<pairing_link> parse(std::string_view text);

    friend bool operator==(const pairing_link&, const pairing_link&) = default;
};

/// Tells whether `text` is meant to be a link rather than a code.
[[nodiscard]] bool looks_like_link(std::string_view text) noexcept;

}  // namespace casasync::agent
