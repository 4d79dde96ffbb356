// SPDX-License-Identifier: MIT
#pragma once

/// How long to wait before a failed call is tried again, so that many devices do not come back at once.
/// Source: Brooker, "Exponential Backoff And Jitter", 2015, "full jitter".
#include <casasync/environment.hpp>

#include <algorithm>
#include <array>
#include <cstdint>

namespace casasync {

/// Counts failures in a row. A value; one thread at a time.
class backoff {
 public:
    static constexpr std::int64_t first_ms = 500;
    static constexpr std::int64_t most_ms = 60'000;

    /// Returns the milliseconds to wait after one more failure: evenly spread over 0 .. min(60 s, 0.5 s *
    /// 2^n) for n failures before this one, on top of what the other side asked for as a minimum.
    template <random_source Random>
    [[nodiscard]] std::int64_t next(Random& random, std::int64_t at_least_ms = 0) {
        const std::int64_t bound = std::min(most_ms, first_ms << std::min(failures_, 10));
        failures_ = std::min(failures_ + 1, 10);
        std::array<std::uint8_t, 8> octets{};
        random.fill(octets);
        std::uint64_t drawn = 0;
        for (const std::uint8_t octet : octets) drawn = (drawn << 8) | octet;
        return std::max<std::int64_t>(0, at_least_ms) +
               static_cast<std::int64_t>(drawn % static_cast<std::uint64_t>(bound + 1));
    }

    /// Forgets the failures: after a success, or when the network came back.
    void reset() noexcept { failures_ = 0; }

 private:
    int failures_ = 0;
};

}  // namespace casasync
