// SPDX-License-Identifier: MIT
#pragma once

/// Random damage to bytes, the same for the same seed: for builds without libFuzzer.
#include <casasync/bytes.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <utility>

namespace casasync_fuzz {

class mutator {
 public:
    explicit mutator(std::uint64_t seed) : rng_(seed) {}

    [[nodiscard]] std::size_t below(std::size_t n) { return static_cast<std::size_t>(rng_() % n); }

    /// Returns `data` after 1 to 8 small changes; `other` is where pieces may come from.
    [[nodiscard]] casasync::bytes damaged(casasync::bytes data, casasync::bytes_view other) {
        for (std::size_t left = 1 + below(8); left > 0; --left) change(data, other);
        return data;
    }

 private:
    static constexpr std::size_t most_bytes = 4096;

    void change(casasync::bytes& data, casasync::bytes_view other) {
        static constexpr std::array<std::uint8_t, 8> edges{0, 1, 0x7F, 0x80, 0x81, 0xFE, 0xFF, 0x40};
        if (data.empty()) return data.push_back(static_cast<std::uint8_t>(rng_()));
        std::uint8_t& some = data[below(data.size())];
        switch (below(7)) {
            case 0:
                some ^= static_cast<std::uint8_t>(1U << below(8));
                break;
            case 1:
                some = static_cast<std::uint8_t>(rng_());
                break;
            case 2:
                some = edges[below(edges.size())];
                break;
            case 3:
                some = static_cast<std::uint8_t>(some + (below(2) == 0 ? 1 : 255));
                break;
            case 4:
                cut(data);
                break;
            case 5:
                insert(data, data);
                break;
            default:
                insert(data, other);
        }
    }
    void cut(casasync::bytes& data) {
        const std::size_t n = 1 + below(std::min<std::size_t>(data.size(), 16));
        const auto at = data.begin() + static_cast<std::ptrdiff_t>(below(data.size() - n + 1));
        data.erase(at, at + static_cast<std::ptrdiff_t>(n));
    }
    /// Inserts a piece of `from`.
    void insert(casasync::bytes& data, casasync::bytes_view from) {
        if (from.empty() || data.size() > most_bytes) return;
        const std::size_t n = 1 + below(std::min<std::size_t>(from.size(), 32));
        const casasync::bytes_view view = from.subspan(below(from.size() - n + 1), n);
        const casasync::bytes piece(view.begin(), view.end());
        data.insert(data.begin() + static_cast<std::ptrdiff_t>(below(data.size() + 1)), piece.begin(),
                    piece.end());
    }

    std::mt19937_64 rng_;
};

}  // namespace casasync_fuzz
