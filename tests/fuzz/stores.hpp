// SPDX-License-Identifier: MIT
#pragma once

/// Stores in memory, and what has to be true of them after anything whatever came in.
#include "harness.hpp"

#include <casasync/memory_store.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace casasync_fuzz {

/// So late that nothing is held for being ahead of its time.
struct late_clock {
    [[nodiscard]] static casasync::unix_ms now() noexcept { return casasync::unix_ms{1} << 48; }
};
using store = casasync::memory_store<late_clock>;

[[nodiscard]] store make_store(std::uint8_t device);

/// Throws a finding unless sums, shown rows and registers of `s` fit together.
void must_be_consistent(const store& s);

/// What a person and the digests see, with names instead of numbers: equal on devices that agree.
struct view {
    casasync::vault_digest digest{};
    std::map<std::string, std::map<casasync::bytes, std::map<std::string, casasync::value>>> rows{};
    std::multiset<std::string> conflicts{};

    friend bool operator==(const view&, const view&) = default;
};
[[nodiscard]] view view_of(const store& s);
/// Throws a finding that names a difference.
void must_agree(const view& a, const view& b, const char* what);

/// Returns the snapshot of `s`, or throws a finding.
[[nodiscard]] casasync::bytes snapshot_of(store& s);
[[nodiscard]] casasync::result<void> merge_snapshot(store& s, const casasync::bytes& snapshot);

/// Hands a changeset to `s` and merges what can be. Returns how many were.
std::size_t deliver(store& s, const casasync::changeset& c);

}  // namespace casasync_fuzz
