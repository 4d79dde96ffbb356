// SPDX-License-Identifier: MIT
#pragma once

/// Random choices that are the same on every platform: splitmix64 (Steele, Lea, Flood, 2014), and no
/// distribution of <random>, whose results differ between standard libraries.
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

namespace casasync::examples {

class dice {
 public:
    explicit constexpr dice(std::uint64_t seed) noexcept : state_(seed) {}

    constexpr std::uint64_t next() noexcept {
        std::uint64_t x = (state_ += 0x9E3779B97F4A7C15u);
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
        return x ^ (x >> 31);
    }

    /// Returns a number of [0, n); 0 when n <= 0.
    constexpr std::int64_t below(std::int64_t n) noexcept {
        if (n <= 0) return 0;
        return static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(n));
    }
    /// Returns a number of [0, n), the small ones more often.
    constexpr std::int64_t skewed_below(std::int64_t n) noexcept { return below(below(n) + 1); }
    constexpr std::int64_t between(std::int64_t least, std::int64_t most) noexcept {
        return least + below(most - least + 1);
    }
    constexpr bool percent(std::int64_t chance) noexcept { return below(100) < chance; }

    /// An element of any non-empty container with size() and operator[].
    template <class Container>
    constexpr const auto& pick(const Container& from) noexcept {
        return from[static_cast<std::size_t>(below(std::ssize(from)))];
    }

    /// Returns a UUID of version 4, in lower case.
    std::string uuid() {
        const std::uint64_t high = (next() & ~std::uint64_t{0xF000}) | 0x4000u;
        const std::uint64_t low = (next() >> 2) | (std::uint64_t{2} << 62);
        constexpr std::string_view digits = "0123456789abcdef";
        std::string out;
        out.reserve(36);
        for (unsigned i = 0; i < 32; ++i) {
            if (i == 8 || i == 12 || i == 16 || i == 20) out += '-';
            const std::uint64_t half = i < 16 ? high : low;
            out += digits[(half >> (60 - 4 * (i % 16))) & 0xFu];
        }
        return out;
    }

 private:
    std::uint64_t state_;
};

}  // namespace casasync::examples
