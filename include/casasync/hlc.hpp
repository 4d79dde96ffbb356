// SPDX-License-Identifier: MIT
#pragma once

/// Hybrid logical clock: timestamps that follow causality and stay close to wall time.
/// It gives a total order that respects causality; it does not detect concurrency (causality.hpp does).
/// Source: Kulkarni et al., "Logical Physical Clocks", 2014, figure 5.
#include <casasync/environment.hpp>

#include <algorithm>
#include <compare>
#include <cstdint>

namespace casasync {

/// 48 bits of milliseconds since the Unix epoch (UTC) over 16 bits of counter, in one number that compares as
/// time.
struct hlc {
    std::uint64_t packed = 0;

    friend constexpr auto operator<=>(const hlc&, const hlc&) = default;

    [[nodiscard]] constexpr unix_ms ms() const noexcept { return static_cast<unix_ms>(packed >> 16); }
    [[nodiscard]] constexpr std::uint16_t counter() const noexcept {
        return static_cast<std::uint16_t>(packed);
    }

    /// Returns the least hlc of wall time `now`; times before 1970 or past the year 10889 are clamped.
    [[nodiscard]] static constexpr hlc at(unix_ms now) noexcept {
        const auto ms = std::clamp<unix_ms>(now, 0, (unix_ms{1} << 48) - 1);
        return {static_cast<std::uint64_t>(ms) << 16};
    }
};

/// Returns the stamp for the next local event: greater than `local`, and not behind `now`.
///
/// \param  local  the last value this replica issued or observed; the caller keeps the returned one, in the
/// transaction
///                that used it
/// \errors none: a full counter carries into the milliseconds.
/// \cost   O(1), no allocation. Thread-safe: pure.
[[nodiscard]] constexpr hlc tick(hlc local, unix_ms now) noexcept {
    return std::max(hlc{local.packed + 1}, hlc::at(now));
}

/// Returns the clock after merging writes up to `remote`: not less than either.
/// A remote value too far ahead is held by the inbox before it comes here.
/// \cost O(1), no allocation. Thread-safe: pure.
[[nodiscard]] constexpr hlc observe(hlc local, hlc remote) noexcept {
    return std::max(local, remote);
}

}  // namespace casasync
