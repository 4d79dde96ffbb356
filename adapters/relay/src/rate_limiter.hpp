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

    /// Takes a token. \return 0, or in how many seconds there will be one. Any thread.
    [[nodiscard]] unsigned take(const key& whose, const rate& r, unix_ms now);
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
