// SPDX-License-Identifier: MIT
#pragma once

/// Who has seen what. An HLC alone cannot tell a conflict from a normal overwrite; a causal context can,
/// exactly, and it costs bytes a changeset, not bytes a field.
#include <casasync/ids.hpp>
#include <casasync/stamp.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace casasync {

/// A map from ids to maxima, sorted by id, no duplicates: version vectors and frontiers. Missing ids count as
/// zero.
template <class Id, class Max>
class max_map {
 public:
    using entry = std::pair<Id, Max>;

    /// Returns the maximum of `id`, or a default one. \cost O(log n), no allocation.
    [[nodiscard]] Max of(const Id& id) const noexcept {
        const auto it = find(id);
        return it != entries_.end() && it->first == id ? it->second : Max{};
    }
    /// Raises the maximum of `id` to at least `to`. \cost O(n) for a new id, O(log n) otherwise.
    void raise(const Id& id, Max to) {
        const auto it = find(id);
        const auto at = entries_.begin() + (it - entries_.cbegin());
        if (it == entries_.cend() || it->first != id)
            entries_.insert(at, {id, to});
        else
            at->second = std::max(at->second, to);
    }
    /// Raises every maximum to at least the other's.
    void raise(const max_map& other) {
        for (const entry& e : other.entries_) raise(e.first, e.second);
    }
    /// True when every maximum of `other` is reached here.
    [[nodiscard]] bool covers(const max_map& other) const noexcept {
        return std::all_of(other.entries_.begin(), other.entries_.end(),
                           [this](const entry& e) { return of(e.first) >= e.second; });
    }
    [[nodiscard]] const std::vector<entry>& entries() const noexcept { return entries_; }

    friend bool operator==(const max_map&, const max_map&) = default;

 private:
    [[nodiscard]] auto find(const Id& id) const noexcept {
        return std::lower_bound(entries_.cbegin(), entries_.cend(), id,
                                [](const entry& e, const Id& i) { return e.first < i; });
    }
    std::vector<entry> entries_;
};

using version_vector = max_map<replica_id, hlc>;     ///< replica -> greatest hlc merged
using frontier = max_map<device_id, std::uint64_t>;  ///< device -> last sequence number merged, without holes

/// What the author of a changeset had merged when it sealed it. Rows a device brought along carry an empty
/// one.
struct causal_context {
    version_vector vector{};
    frontier seen{};

    friend bool operator==(const causal_context&, const causal_context&) = default;
};

/// True when `w` was merged by whoever holds `vector`.
[[nodiscard]] inline bool knows(const version_vector& vector, const stamp& w) noexcept {
    return w.when <= vector.of(w.replica);
}

}  // namespace casasync
