// SPDX-License-Identifier: MIT
#pragma once

/// A recovery kit: 128 random bits that a person writes down as twelve words, and the keys that come of them.
/// It is a member of the vault that exists on paper alone, for the day when no device is left.
#include <casasync/openssl/identity.hpp>
#include <casasync/result.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace casasync::openssl {

using recovery_secret = std::array<std::uint8_t, 16>;

/// Returns twelve words with spaces between, the last of which holds four bits of check. Source: BIP 39.
[[nodiscard]] std::string to_words(const recovery_secret& secret);

/// Returns the secret in twelve words as somebody types them: case and spaces do not matter, and four letters
/// of each are enough. \errors malformed_text, with a sentence that names what is wrong. Thread-safe: pure.
[[nodiscard]] result<recovery_secret> parse_words(std::string_view text);

/// Returns the kit's keys.
[[nodiscard]] device_identity recovery_identity(const recovery_secret& secret);

}  // namespace casasync::openssl
