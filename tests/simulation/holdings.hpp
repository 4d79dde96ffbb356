// SPDX-License-Identifier: MIT
#pragma once

/// Which changesets a file or a relay has. Who knows that of all of them can tell which file or relay must
/// not be put back: the last one that has something.
#include <casasync/causality.hpp>
#include <casasync/loopback/relay.hpp>

#include <casasync_test/plain_cipher.hpp>

#include <cstdint>
#include <map>
#include <set>
#include <utility>

namespace simulation {

/// Changesets by author and sequence number.
using holdings = std::set<std::pair<casasync::device_id, std::uint64_t>>;

/// Of each author the greatest number.
using last_seqs = std::map<casasync::device_id, std::uint64_t>;

/// All that one with this frontier has merged.
[[nodiscard]] holdings below(const casasync::frontier& seen);
/// What whoever reads the log and the newest snapshot gets.
[[nodiscard]] holdings at_relay(casasync::loopback::relay& relay, const casasync_test::plain_cipher& keys);

}  // namespace simulation
