// SPDX-License-Identifier: MIT
#pragma once

/// Token buckets in memory; a restart fills them all.
#include <casasync/environment.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <utility>

namespace casasync::relay {

/// `tokens` at once, and as many again in every `period_ms`. No tokens: no limit.
struct rate {
    unsigned tokens = 0;
    unix_ms period_ms = 60'000;
};

class rate_limiter {
 public:
    /// What is counted, and whose: a device, a vault or an address.
    using key = std::pair<std::uint8_t, std::array<std::uint8_t, 16>>;

    /// What became of a request that was counted.
    struct count {
        unsigned wait_s = 0;   ///< 0: a token was taken; else in how many seconds there will be one
        unsigned left = 0;     ///< tokens that are left
        unsigned reset_s = 0;  ///< until all are there again
    };
    /// Takes a token. Without a limit all of it is 0. Any thread.
    [[nodiscard]] count take(const key& whose, const rate& r, unix_ms now);
    /// Returns what take() would, and takes nothing. Any thread.
    [[nodiscard]] unsigned wait_s(const key& whose, const rate& r, unix_ms now);

 private:
    struct bucket {
        double tokens = 0;
        unix_ms at = 0;
        rate limit{};

        [[nodiscard]] double tokens_at(unix_ms now) const;
        [[nodiscard]] unsigned wait_s() const;  ///< counted from `at`
    };
    void drop_full_ones(unix_ms now);

    std::mutex mutex_{};
    std::map<key, bucket> buckets_{};
    std::size_t prune_at_ = 4096;
};

}  // namespace casasync::relay
