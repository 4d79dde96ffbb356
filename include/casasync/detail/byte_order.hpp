// SPDX-License-Identifier: MIT
#pragma once

/// Numbers out of bytes, the same on every platform.
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace casasync::detail {

/// The first `n` bytes at `at` as a number, the first one lowest; N at most 8.
template <std::size_t N>
[[nodiscard]] inline std::uint64_t load_le(const std::uint8_t* at) noexcept {
    std::uint64_t v = 0;
    if constexpr (std::endian::native == std::endian::little)
        std::memcpy(&v, at, N);
    else
        for (std::size_t i = 0; i < N; ++i) v |= std::uint64_t{at[i]} << (8 * i);
    return v;
}
[[nodiscard]] inline std::uint64_t load_le64(const std::uint8_t* at) noexcept {
    return load_le<8>(at);
}
[[nodiscard]] inline std::uint64_t load_le64(const std::uint8_t* at, std::size_t n) noexcept {
    if (n >= 8) return load_le<8>(at);
    if (n >= 4)
        return load_le<4>(at) | load_le<4>(at + n - 4) << (8 * (n - 4));  // bytes in both are the same
    if (n == 0) return 0;
    return at[0] | std::uint64_t{at[n / 2]} << (8 * (n / 2)) | std::uint64_t{at[n - 1]} << (8 * (n - 1));
}

/// `v` with its bytes in the other order.
constexpr std::uint64_t swap_bytes(std::uint64_t v) noexcept {
#if defined(__GNUC__)  // one instruction, which g++ 12 does not always find in what follows
    return __builtin_bswap64(v);
#else
    v = (v >> 8 & 0x00ff00ff00ff00ffULL) | (v & 0x00ff00ff00ff00ffULL) << 8;
    v = (v >> 16 & 0x0000ffff0000ffffULL) | (v & 0x0000ffff0000ffffULL) << 16;
    return v >> 32 | v << 32;
#endif
}

}  // namespace casasync::detail
