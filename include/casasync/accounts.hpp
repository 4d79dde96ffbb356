// SPDX-License-Identifier: MIT
#pragma once

/// What became of every write, counted. A write is one cell of an INSERT or UPDATE, or a DELETE. Each is in
/// one class, so that the classes add up; counts are kept by adding what each merge changes.
///
///     applied      nobody has overwritten it, and it is shown, or is the DELETE that hides its row
///     conflicts    an open conflict
///     absorbed     nobody has overwritten it, but a later write says the same; or it went into a max or min
///                  column, where one write for each cell counts as applied and all others as absorbed
///     superseded   overwritten by somebody who had merged it, or a DELETE that a later one repeats
///
/// What was there when the vault began is nobody's write. A snapshot brings the writes that still stand;
/// those that were overwritten before are not in it, and not counted.
#include <casasync/changeset.hpp>
#include <casasync/conflict.hpp>
#include <casasync/row.hpp>

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace casasync {

struct accounts {
    std::int64_t applied = 0, conflicts = 0, absorbed = 0, superseded = 0;

    friend bool operator==(const accounts&, const accounts&) = default;

    [[nodiscard]] constexpr std::int64_t total() const noexcept {
        return applied + conflicts + absorbed + superseded;
    }
    constexpr accounts& operator+=(const accounts& other) noexcept {
        applied += other.applied;
        conflicts += other.conflicts;
        absorbed += other.absorbed;
        superseded += other.superseded;
        return *this;
    }
    constexpr accounts& operator-=(const accounts& other) noexcept {
        applied -= other.applied;
        conflicts -= other.conflicts;
        absorbed -= other.absorbed;
        superseded -= other.superseded;
        return *this;
    }
};

/// Returns the classes of the writes of a row that are not superseded; for each cell of a max or min column
/// one write. \param open  the row's open conflicts \cost O(columns). Thread-safe: pure.
[[nodiscard]] inline accounts standing_writes(const row_state& row, const table_traits& table,
                                              const std::vector<conflict>& open) {
    accounts out;
    const bool visible = is_visible(row, table.policy);
    std::int64_t live = 0;  // neither overwritten nor shown
    for (const cell& c : row.cells) {
        if (c.when == band::adopted) continue;
        if (table.columns[c.column].rule != merge_rule::lww)
            ++(visible ? out.applied : out.absorbed);
        else if (is_implied(row, c.when))
            ++(visible ? out.applied : live);
    }
    for (const live_write& w : row.live) {
        if (w.when == band::adopted) continue;
        const cell* c = visible ? row.find(w.column) : nullptr;
        const bool shown =
            c != nullptr && c->when == w.when && is_shown(row, *c, merge_rule::lww) && c->what == w.what;
        ++(shown ? out.applied : live);
    }
    for (const conflict& c : open) {
        if (c.loser == band::adopted) continue;
        ++out.conflicts;
        live -= c.column ? 1 : 0;
    }
    out.absorbed += live;
    if (row.dead.exists() && !row.dead_seen && !visible) ++out.applied;
    return out;
}

/// Returns how many writes an operation is.
[[nodiscard]] inline std::int64_t count_writes(const row_operation& y) noexcept {
    return y.kind == op_kind::erase ? 1 : static_cast<std::int64_t>(y.cells.size());
}

/// Returns how many writes are in `c`. \cost O(operations).
[[nodiscard]] inline std::int64_t count_writes(const changeset& c) noexcept {
    std::int64_t n = 0;
    for (const table_changes& t : c.tables)
        for (const row_change& r : t.rows) n += count_writes(r.op);
    return n;
}

namespace detail {

/// The cells of `row` in columns under max or min that somebody wrote.
inline std::int64_t count_amounts(const row_state& row, const table_traits& table) {
    return std::count_if(row.cells.begin(), row.cells.end(), [&table](const cell& c) {
        return table.columns[c.column].rule != merge_rule::lww && c.when != band::adopted;
    });
}

/// The writes that stood in `before` and do not in `after`.
inline std::int64_t count_superseded(const row_state& before, const row_state& after,
                                     const table_traits& table) {
    if (before.empty()) return 0;
    auto now = all_live(after, table);
    std::sort(now.begin(), now.end());
    std::int64_t out = 0;
    for (const live_write& w : all_live(before, table))
        if (w.when != band::adopted && !std::binary_search(now.begin(), now.end(), w)) ++out;
    const bool stood = before.dead.exists() && !before.dead_seen;
    const bool stands = after.dead == before.dead && !after.dead_seen;
    return out + (stood && !stands ? 1 : 0);
}

}  // namespace detail

/// What merging has changed in a row's counts, from the classes of its standing writes before and after.
/// \param operations  what was merged; none: another replica's state of the row
/// \cost O(columns); of a state, O(columns log columns). Thread-safe: pure.
[[nodiscard]] inline accounts account_merge(const row_state& before, const accounts& stood,
                                            const row_state& after, const accounts& stands,
                                            const table_traits& table,
                                            std::span<const row_operation> operations) {
    accounts out = stands;
    out -= stood;
    if (operations.empty()) {
        out.superseded = detail::count_superseded(before, after, table);
        return out;
    }
    std::int64_t writes = 0, amounts = 0;
    for (const row_operation& y : operations) {
        writes += count_writes(y);
        for (const cell_write& w : y.cells)
            amounts += table.columns[w.column].rule != merge_rule::lww ? 1 : 0;
    }
    out.absorbed += amounts - (detail::count_amounts(after, table) - detail::count_amounts(before, table));
    out.superseded = writes - out.total();
    return out;
}

}  // namespace casasync
