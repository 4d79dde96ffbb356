// SPDX-License-Identifier: MIT
#pragma once

/// Byte strings, and the base64url text (no padding) in which ids are written down.
/// Source: RFC 4648, section 5.
#include <casasync/result.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace casasync {

using bytes = std::vector<std::uint8_t>;
using bytes_view = std::span<const std::uint8_t>;

/// The bytes of `text`; a view, valid as long as the text.
[[nodiscard]] inline bytes_view as_bytes(std::string_view text) noexcept {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// Returns `data` as text of lower-case hexadecimal digits.
[[nodiscard]] inline std::string to_hex(bytes_view data) {
    static constexpr char digit[] = "0123456789abcdef";
    std::string out;
    out.reserve(data.size() * 2);
    for (const std::uint8_t b : data) {
        out.push_back(digit[b >> 4]);
        out.push_back(digit[b & 15]);
    }
    return out;
}

/// Returns `data` in base64url without padding: 22 characters for 16 bytes.
[[nodiscard]] inline std::string to_base64url(bytes_view data) {
    static constexpr char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string out;
    out.reserve((data.size() * 4 + 2) / 3);
    std::uint32_t acc = 0;
    int bits = 0;
    for (const std::uint8_t b : data) {
        acc = (acc << 8) | b;
        bits += 8;
        while (bits >= 6) {
            bits -= 6;
            out.push_back(digit[(acc >> bits) & 63]);
        }
    }
    if (bits > 0) out.push_back(digit[(acc << (6 - bits)) & 63]);
    return out;
}

/// Returns the bytes that `to_base64url` wrote as `text`.
/// \errors malformed_text for another alphabet, padding, or non-canonical last bits.
[[nodiscard]] inline result<bytes> from_base64url(std::string_view text) {
    bytes out;
    out.reserve(text.size() * 3 / 4);
    std::uint32_t acc = 0;
    int bits = 0;
    for (const char c : text) {
        std::uint32_t v = 0;
        if (c >= 'A' && c <= 'Z')
            v = static_cast<std::uint32_t>(c - 'A');
        else if (c >= 'a' && c <= 'z')
            v = static_cast<std::uint32_t>(c - 'a') + 26;
        else if (c >= '0' && c <= '9')
            v = static_cast<std::uint32_t>(c - '0') + 52;
        else if (c == '-')
            v = 62;
        else if (c == '_')
            v = 63;
        else
            return errc::malformed_text;
        acc = (acc << 6) | v;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out.push_back(static_cast<std::uint8_t>(acc >> bits));
        }
    }
    if (bits >= 6 || (acc & ((1U << bits) - 1)) != 0) return errc::malformed_text;
    return out;
}

}  // namespace casasync
