// SPDX-License-Identifier: MIT
#pragma once

/// What happens in a simulation, as a list that a seed draws and a file can hold: a scene. Playing the same
/// scene twice gives the same run, to the byte.
#include "app_writes.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace simulation {

enum class act : std::uint8_t {
    write,       ///< the app of a device writes what `app` says
    sync,        ///< a device and the relay talk
    seal,        ///< what the app wrote becomes a changeset
    resolve,     ///< the person restores (`a` even) or keeps (odd) an open conflict, drawn from `a`
    offer,       ///< a device offers a snapshot to the relay
    compact,     ///< the relay forgets what its newest snapshot holds
    join,        ///< a device becomes one of the vault, from the newest snapshot
    upgrade,     ///< a device's app gets a version with more columns, and a table
    pass_time,   ///< `a` milliseconds, for everybody
    move_clock,  ///< a device's clock jumps to `a` - 2^31 milliseconds after the true time
    weather,     ///< the network of a device loses, doubles and delays; `a` draws how much
    cut,         ///< a device loses its network: both ways (`a` = 0), its answers (1) or its requests (2)
    calm,        ///< a device's network works, and what was delayed arrives
    alter,       ///< the next bytes a device is sent are cut off or have a bit turned; `a` draws where
    trip,     ///< at the device's `a`-th call of the disk the power goes (`b` = 0, 1, 2: how) or it is killed
              ///< (3)
    fail,     ///< from the device's `a`-th call of the disk on, one call fails (`b` = 0), all do (1), or the
              ///< disk is full (2)
    repair,   ///< the device's disk works
    restart,  ///< the device's programs end and begin
    starve,   ///< in what a device does next with its vault, SQLite's `a`-th allocation fails (`b` = 0), or
              ///< that and all after it (1); or those of `new` (2, 3)
    back_up,  ///< somebody copies all files of a device
    restore,  ///< that copy takes their place: the vault alone (`a` even), or all that is beside it, too
    clone,    ///< the files of a device are copied to one that is none yet, and both go on
    revoke,   ///< another device removes this one
    save_relay,     ///< the operator makes a backup of the relay
    restore_relay,  ///< which takes the relay's place; `a` odd: as the same life of the log
    wipe_relay,     ///< the relay forgets everything
    undelete,       ///< the person brings back a deleted row, drawn from `a`
};
inline constexpr std::size_t acts = static_cast<std::size_t>(act::undelete) + 1;

[[nodiscard]] std::string_view name_of(act what) noexcept;

struct event {
    act what = act::sync;
    std::uint8_t device = 0;
    std::uint32_t a = 0, b = 0;
    app_write app{};

    friend bool operator==(const event&, const event&) = default;
};

inline constexpr std::size_t devices_max = 4;

struct scene {
    std::uint64_t seed = 0;    ///< of the dice the run itself needs: ids, what survives a power loss
    std::uint8_t devices = 2;  ///< those that are there from the beginning, 2 .. devices_max
    bool wal = true;           ///< the files' journal: a write-ahead log, or a rollback journal
    bool anew = false;         ///< the household is made for this scene, and no copy of one of its kind
    /// Nobody puts back, empties or removes a file or a relay that is the last to have a change.
    bool careful = false;
    std::vector<event> events{};

    friend bool operator==(const scene&, const scene&) = default;
};

/// Draws a scene.
[[nodiscard]] scene draw(std::uint64_t seed);

/// One line for the options, one an event; parse() reads what text_of() writes.
[[nodiscard]] std::string text_of(const scene& s);
[[nodiscard]] std::string text_of(const event& e);
[[nodiscard]] std::optional<scene> parse(std::string_view text);

}  // namespace simulation
