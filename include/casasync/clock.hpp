// SPDX-License-Identifier: MIT
#pragma once

/// Which time a device stamps with. A local write never fails because of clocks, and a lying relay cannot
/// steer stamps far.
#include <casasync/environment.hpp>
#include <casasync/hlc.hpp>
#include <casasync/limits.hpp>

#include <optional>

namespace casasync {

/// What is known of clocks when a write is stamped.
struct clock_reading {
    unix_ms own = 0;                       ///< this device's wall clock
    std::optional<std::int64_t> offset{};  ///< relay time minus own time, when last heard
    hlc merged{};                          ///< the persisted clock: not less than any merged stamp
    unix_ms built_at = 0;                  ///< a wall clock that says earlier than this is wrong
};

/// True when own and relay's clock differ by more than a correction may be: the person should look at the
/// clock.
[[nodiscard]] constexpr bool clock_disagrees(const clock_reading& c) noexcept {
    return c.offset && (*c.offset > limits::correction_ms_max || *c.offset < -limits::correction_ms_max);
}

/// Returns the time to stamp with: the own clock, at most a minute ahead of relay time; relay time where the
/// own clock is more than a minute behind it. A difference above 24 h is not obeyed, unless the own clock is
/// older than this program, or than what was merged, by more than that. \cost O(1). Thread-safe: pure.
[[nodiscard]] constexpr unix_ms stamping_time(const clock_reading& c) noexcept {
    if (!c.offset) return c.own;
    const unix_ms relay = c.own + *c.offset;
    const bool stale = c.own < c.built_at || c.own < c.merged.ms() - limits::correction_ms_max;
    if (clock_disagrees(c) && !stale) return c.own;
    if (c.own > relay + limits::ahead_of_relay_ms_max) return relay + limits::ahead_of_relay_ms_max;
    return c.own < relay - limits::ahead_of_relay_ms_max ? relay : c.own;
}

}  // namespace casasync
