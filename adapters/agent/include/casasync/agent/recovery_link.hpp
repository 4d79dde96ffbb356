// SPDX-License-Identifier: MIT
#pragma once

/// A whole recovery kit as one text, for a QR code on paper: what its twelve words are, and where its vault
/// is.
///
///     casasync://recover/1#r=https://relay.example&v=<vault, 22 characters>&k=<secret, 22 characters>
///
/// Whoever has it has the vault, as with the words. Opening it must never recover by itself: it fills in what
/// a person would have typed.
#include <casasync/ids.hpp>
#include <casasync/openssl/recovery_words.hpp>
#include <casasync/result.hpp>

#include <string>
#include <string_view>

namespace casasync::agent {

struct recovery_link {
    std::string relay{};  ///< URL, normalised
    vault_id vault{};
    openssl::recovery_secret secret{};

    [[nodiscard]] std::string text() const;
    /// Returns what text() wrote, and nothing that it would not write. \errors malformed_text, with a
    /// sentence. Thread-safe: pure.
    [[nodiscard]] static result<recovery_link> parse(std::string_view text);

    friend bool operator==(const recovery_link&, const recovery_link&) = default;
};

}  // namespace casasync::agent
