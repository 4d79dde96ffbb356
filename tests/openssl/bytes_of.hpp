// SPDX-License-Identifier: MIT
#pragma once

#include <casasync/bytes.hpp>

#include <cstddef>
#include <string_view>

/// Returns the bytes written as hexadecimal digits in a test vector.
inline casasync::bytes from_hex(std::string_view text) {
    casasync::bytes out;
    const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    for (std::size_t i = 0; i + 1 < text.size(); i += 2)
        out.push_back(static_cast<std::uint8_t>(digit(text[i]) * 16 + digit(text[i + 1])));
    return out;
}

/// Returns `size` bytes of the same value.
inline casasync::bytes filled(std::size_t size, std::uint8_t value) {
    return casasync::bytes(size, value);
}

/// Returns `data` with one bit turned.
inline casasync::bytes with_bit_flipped(casasync::bytes data, std::size_t bit) {
    data[bit / 8] = static_cast<std::uint8_t>(data[bit / 8] ^ (1U << (bit % 8)));
    return data;
}
