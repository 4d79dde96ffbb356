// SPDX-License-Identifier: MIT
#include "rate_limiter.hpp"

#include <algorithm>
#include <cmath>

namespace casasync::relay {

double rate_limiter::bucket::tokens_at(unix_ms now) const {
    const double passed = static_cast<double>(std::max<unix_ms>(0, now - at));  // the clock may step back
    const double more = passed * limit.tokens / static_cast<double>(limit.period_ms);
    return std::min<double>(limit.tokens, tokens + more);
}

unsigned rate_limiter::bucket::wait_s() const {
    if (tokens >= 1) return 0;
    const double wait_ms = (1 - tokens) * static_cast<double>(limit.period_ms) / limit.tokens;
    return static_cast<unsigned>(std::ceil(wait_ms / 1000));
}

rate_limiter::count rate_limiter::take(const key& whose, const rate& r, unix_ms now) {
    if (r.tokens == 0) return {};
    const std::lock_guard lock(mutex_);
    if (buckets_.size() >= prune_at_) drop_full_ones(now);
    bucket& b = buckets_.try_emplace(whose, bucket{static_cast<double>(r.tokens), now, r}).first->second;
    b.tokens = b.tokens_at(now);
    b.at = now;
    count out{b.wait_s(), 0, 0};
    if (out.wait_s == 0) b.tokens -= 1;
    out.left = static_cast<unsigned>(b.tokens);
    const double missing = (r.tokens - b.tokens) / r.tokens;
    out.reset_s = static_cast<unsigned>(std::ceil(missing * static_cast<double>(r.period_ms) / 1000));
    return out;
}

unsigned rate_limiter::wait_s(const key& whose, const rate& r, unix_ms now) {
    const std::lock_guard lock(mutex_);
    const auto found = buckets_.find(whose);
    if (r.tokens == 0 || found == buckets_.end()) return 0;
    return bucket{found->second.tokens_at(now), now, r}.wait_s();
}

void rate_limiter::drop_full_ones(unix_ms now) {
    std::erase_if(buckets_, [&](const auto& entry) {
        return entry.second.tokens_at(now) >= entry.second.limit.tokens;
    });
    prune_at_ = std::max<std::size_t>(4096, buckets_.size() * 2);
}

}  // namespace casasync::relay
