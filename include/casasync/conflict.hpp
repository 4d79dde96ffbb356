// SPDX-License-Identifier: MIT
#pragma once

/// Open conflicts: writes that lost without their winner's author having seen them. A function of the
/// registers and the live writes, hence equal on all converged replicas.
#include <casasync/row.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace casasync {

enum class conflict_reason : std::uint8_t {
    older_stamp = 1,       ///< a later write is shown
    tie_replica = 2,       ///< both at the same instant; the greater replica id is shown
    hidden_by_delete = 3,  ///< the row was deleted by somebody who had not seen this write
    delete_undone = 4,     ///< the row is back, or stayed, by somebody who had not seen the delete
    duplicate_stamp = 5,   ///< two values under one stamp: a copied device; the greater value is shown
};

[[nodiscard]] constexpr std::string_view name_of(conflict_reason why) noexcept {
    switch (why) {
        case conflict_reason::older_stamp:
            return "older_stamp";
        case conflict_reason::tie_replica:
            return "tie_replica";
        case conflict_reason::hidden_by_delete:
            return "hidden_by_delete";
        case conflict_reason::delete_undone:
            return "delete_undone";
        case conflict_reason::duplicate_stamp:
            return "duplicate_stamp";
    }
    return "unknown";
}

/// A write that lost, and what is shown instead.
struct conflict {
    std::optional<column_no> column{};  ///< none: the lost write is a DELETE of the row
    stamp loser{};
    value what{};    ///< the loser's value; NULL for a DELETE
    stamp winner{};  ///< who wrote what is shown: a cell's stamp, the DELETE's, or the row's last touch
    conflict_reason why = conflict_reason::older_stamp;

    friend bool operator==(const conflict&, const conflict&) = default;
};

namespace detail {

inline conflict make_conflict(const row_state& row, const live_write& w, const cell* shown, bool visible) {
    conflict c{w.column, w.when, w.what, {}, conflict_reason::older_stamp};
    if (!visible) {
        c.winner = row.dead;
        c.why = conflict_reason::hidden_by_delete;
    } else if (shown == nullptr) {
        c.winner = row.born;
    } else {
        c.winner = shown->when;
        if (shown->when == w.when)
            c.why = conflict_reason::duplicate_stamp;
        else if (shown->when.when == w.when.when)
            c.why = conflict_reason::tie_replica;
    }
    return c;
}

}  // namespace detail

/// Returns the row's open conflicts, sorted by column and stamp, a lost DELETE last.
/// A live write is open when it is not what is shown, its value differs from what is shown, and no greater
/// live write has the same value. \cost O(1) when nothing is live and no delete is open.
[[nodiscard]] inline std::vector<conflict> open_conflicts(const row_state& row, const table_traits& table) {
    std::vector<conflict> out;
    const bool visible = is_visible(row, table.policy);
    std::vector<live_write> hidden;  // without a visible row even an implied winner is not shown
    if (!visible && row.touched > row.dead) {
        hidden = detail::all_live(row, table);
        std::sort(hidden.begin(), hidden.end());
    }
    const std::vector<live_write>& live = hidden.empty() ? row.live : hidden;
    for (auto w = live.begin(); w != live.end(); ++w) {
        const cell* c = visible ? row.find(w->column) : nullptr;
        const cell* shown = c != nullptr && is_shown(row, *c, merge_rule::lww) ? c : nullptr;
        if (shown != nullptr && shown->what == w->what) continue;
        const bool repeated = std::any_of(w + 1, live.end(), [&](const live_write& later) {
            return later.column == w->column && later.what == w->what;
        });
        if (!repeated) out.push_back(detail::make_conflict(row, *w, shown, visible));
    }
    if (visible && row.dead.exists() && !row.dead_seen)
        out.push_back({std::nullopt, row.dead, {}, row.touched, conflict_reason::delete_undone});
    return out;
}

/// Returns the first column of a visible row that can be written once more without deciding anything: it is
/// shown, under lww, and no conflict is open in it, nor in one that is stamped together with it. None if
/// there is none. `groups` list columns that are always stamped together; `writable(column)` tells what can
/// be written here. \cost O(columns x conflicts)
template <class Writable>
[[nodiscard]] std::optional<column_no> uncontested_column(const row_state& row, const table_traits& table,
                                                          const std::vector<std::vector<column_no>>& groups,
                                                          Writable&& writable) {
    std::vector<column_no> contested;
    for (const conflict& c : open_conflicts(row, table))
        if (c.column) contested.push_back(*c.column);
    const auto any_contested = [&contested](const std::vector<column_no>& columns) {
        return std::find_first_of(columns.begin(), columns.end(), contested.begin(), contested.end()) !=
               columns.end();
    };
    for (const auto& group : groups)
        if (any_contested(group)) contested.insert(contested.end(), group.begin(), group.end());
    for (const cell& c : row.cells)
        if (table.columns[c.column].rule == merge_rule::lww && is_shown(row, c, merge_rule::lww) &&
            writable(c.column) && !any_contested({c.column}))
            return c.column;
    return std::nullopt;
}

}  // namespace casasync
