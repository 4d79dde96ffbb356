// SPDX-License-Identifier: MIT
#pragma once

/// Time and randomness as parameters: one seed replays a whole run.
#include <concepts>
#include <cstdint>
#include <span>

namespace casasync {

/// Milliseconds since the Unix epoch, UTC. Negative values are times before 1970 and are treated as 0 by the
/// clock.
using unix_ms = std::int64_t;

/// Tells the wall time. It may step in either direction; nothing here relies on it being monotone.
template <class C>
concept wall_clock = requires(C& clock) {
    { clock.now() } -> std::same_as<unix_ms>;
};

/// Fills a buffer with unpredictable bytes (in production) or with bytes from a seed (in tests).
template <class R>
concept random_source = requires(R& random, std::span<std::uint8_t> out) {
    { random.fill(out) } -> std::same_as<void>;
};

}  // namespace casasync
