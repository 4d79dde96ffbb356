// SPDX-License-Identifier: MIT
#pragma once

/// What a random run does, as data: a list of steps that can be drawn from a seed, shortened, and printed as
/// a test.
#include "reference.hpp"

#include <casasync/digest.hpp>
#include <casasync/table.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace property {

enum class does : std::uint8_t {
    write,     ///< insert, or update of the columns in the mask `a`, with values from the pool at `b`
    erase,     ///< delete the row
    restore,   ///< take the `a`-th open conflict back
    keep,      ///< confirm against the `a`-th open conflict
    seal,      ///< make changesets of what was written
    send,      ///< changesets `device` has, its own or others', arrive at `other` as delivery(a) says, and
               ///< are merged if `b` is odd
    snapshot,  ///< `other` merges a snapshot of `device`
    merge,     ///< merge what has arrived
    set_clock  ///< to one of few instants, forward or back
};
inline constexpr std::size_t kinds_of_steps = 9;

enum class delivery : std::uint8_t { in_order, backwards, every_other, one };
inline constexpr std::size_t deliveries = 4;

/// Every number is taken modulo what there is, so that any list of steps can be run.
struct step {
    does what = does::write;
    std::uint8_t device = 0, other = 0, key = 0, a = 0, b = 0;

    friend bool operator==(const step&, const step&) = default;
};

struct setup {
    std::size_t devices = 2;  ///< at most 5
    casasync::delete_policy policy = casasync::delete_policy::later_wins;
    bool grouped = false;   ///< the columns a and b are always stamped together
    bool older = false;     ///< the last device begins without the columns b and low
    std::uint8_t pool = 0;  ///< where in the list of values this run's few ones begin
};

struct script {
    setup begin{};
    std::vector<step> steps{};
};

/// Returns the script of a seed: few keys, fields, values and instants, so that writes meet.
[[nodiscard]] script draw(std::uint64_t seed);

/// Returns a test of that script, to be pasted into regression_test.cpp.
[[nodiscard]] std::string as_test(const script& s, const std::string& name);

/// What runs have met, so that one can see they are no idle talk.
struct tally {
    std::size_t runs = 0, steps = 0, operations = 0, changesets = 0;
    std::size_t held = 0, waiting = 0;  ///< changesets that could not be merged when they might have been
    reference::accounts writes{};       ///< what became of each in the end
    casasync::digest128 fingerprint{};  ///< of the bytes of every changeset and snapshot, and of every digest
};

/// Plays a script on devices in memory, each of which is held against the reference model after every step;
/// then lets them meet. Returns what went wrong, or nothing, and adds to `sums`.
[[nodiscard]] std::string play(const script& s, tally& sums);
[[nodiscard]] std::string play(const script& s);

}  // namespace property
