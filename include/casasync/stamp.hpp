// SPDX-License-Identifier: MIT
#pragma once

/// Stamps: the total order in which writes win, the same on every device.
#include <casasync/hlc.hpp>
#include <casasync/ids.hpp>

#include <compare>

namespace casasync {

/// A point in the total order of changes: hlc first, then replica as unsigned bytes. The default is before
/// every write.
struct stamp {
    hlc when{};
    replica_id replica{};  ///< breaks ties; one incarnation of one install

    friend constexpr auto operator<=>(const stamp&, const stamp&) = default;

    [[nodiscard]] constexpr bool exists() const noexcept { return when.packed != 0; }
};

/// Stamps come in bands: seed < joined < adopt < user. What a device brought along never wins over what a
/// person wrote.
namespace band {
inline constexpr hlc joined_first{std::uint64_t{1}
                                  << (39 + 16)};            ///< rows a device brought along when it joined
inline constexpr hlc adopt{std::uint64_t{1} << (40 + 16)};  ///< rows that were there when the vault began
inline constexpr stamp adopted{adopt, {}};                  ///< the one stamp of every adopted cell
}  // namespace band

/// Returns the clock value for a user's write: tick(), kept above the other bands even if the clock says
/// 1970.
[[nodiscard]] constexpr hlc tick_user(hlc local, unix_ms now) noexcept {
    return tick(std::max(local, band::adopt), now);
}

}  // namespace casasync
