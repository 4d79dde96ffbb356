// SPDX-License-Identifier: MIT
#pragma once

/// A row's registers. All of them are maxima, so merging is commutative, associative and idempotent by
/// construction; what a person sees is a pure function of them.
///
///     born: greatest INSERT stamp | dead: greatest DELETE stamp | touched: greatest INSERT or UPDATE stamp
///     cells: column -> (stamp, value) | live: writes that nobody has seen and overwritten | dead_seen: one
///     bit
#include <casasync/causality.hpp>
#include <casasync/detail/small_vector.hpp>
#include <casasync/stamp.hpp>
#include <casasync/table.hpp>
#include <casasync/value.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace casasync {

/// A register: the stamp that wrote it, and the value where it is loaded. A store may leave out values that
/// needs_values() does not ask for: they are in the table, and the registers decide without them.
struct cell {
    column_no column = 0;
    stamp when{};
    std::optional<value> what{};

    friend bool operator==(const cell&, const cell&) = default;
};

/// A write that no operation covers and that its cell's stamp does not imply (see is_implied).
struct live_write {
    column_no column = 0;
    stamp when{};
    value what{};

    friend auto operator<=>(const live_write&, const live_write&) = default;
    friend bool operator==(const live_write&, const live_write&) = default;
};

struct row_state {
    stamp born{}, dead{}, touched{};
    bool dead_seen = false;     ///< an operation of the row has seen its greatest DELETE
    std::vector<cell> cells{};  ///< sorted by column, no duplicates
    std::vector<live_write>
        live{};  ///< sorted, no duplicates; winners that is_implied() covers are not listed

    friend bool operator==(const row_state&, const row_state&) = default;

    [[nodiscard]] const cell* find(column_no column) const noexcept {
        const auto it = std::lower_bound(cells.begin(), cells.end(), column,
                                         [](const cell& c, column_no n) { return c.column < n; });
        return it != cells.end() && it->column == column ? &*it : nullptr;
    }
    [[nodiscard]] cell* find(column_no column) noexcept {
        return const_cast<cell*>(std::as_const(*this).find(column));
    }
    /// True when nothing was ever merged into this row.
    [[nodiscard]] bool empty() const noexcept { return !touched.exists() && !dead.exists() && cells.empty(); }
};

/// Returns the registers of a row that was there when the vault began: every cell at the adoption stamp.
[[nodiscard]] inline row_state adopted_row(column_no columns) {
    row_state row;
    row.born = row.touched = band::adopted;
    row.cells.reserve(columns);
    for (column_no i = 0; i < columns; ++i) row.cells.push_back({i, band::adopted, std::nullopt});
    return row;
}

/// True when the row is shown to people.
[[nodiscard]] constexpr bool is_visible(const row_state& row, delete_policy policy) noexcept {
    if (!row.born.exists()) return false;
    return (policy == delete_policy::later_wins ? row.touched : row.born) > row.dead;
}

/// True when a visible row shows this cell; otherwise it is of an earlier life and the column's default is
/// shown. Under max and min the value belongs to the key for good.
[[nodiscard]] constexpr bool is_shown(const row_state& row, const cell& c, merge_rule rule) noexcept {
    return rule != merge_rule::lww || c.when >= row.born;
}

/// True when a winner is live without being listed: nothing can have covered it.
[[nodiscard]] constexpr bool is_implied(const row_state& row, const stamp& winner) noexcept {
    return row.born.exists() && winner >= row.born && winner > row.dead;
}

enum class op_kind : std::uint8_t { insert = 1, update = 2, erase = 3 };

using column_list = detail::small_vector<column_no, 8>;  ///< of a row

struct cell_write {
    column_no column = 0;
    value what{};

    friend bool operator==(const cell_write&, const cell_write&) = default;
};

using cell_writes = detail::small_vector<cell_write, 1>;  // most operations are UPDATEs of one field

/// One write of one row. INSERT writes every column its author knew, UPDATE those that changed, DELETE none.
struct row_operation {
    op_kind kind = op_kind::update;
    bool blind = false;  ///< made over a row its author could not see: it covers nothing of other replicas
    stamp when{};
    cell_writes cells{};  ///< sorted by column, no duplicates

    friend bool operator==(const row_operation&, const row_operation&) = default;
};

/// True when the author of `y`, whose changeset carries `vector`, had seen the write stamped `w`.
[[nodiscard]] inline bool saw(const row_operation& y, const version_vector& vector, const stamp& w) noexcept {
    if (w.replica == y.when.replica) return w.when < y.when.when;
    return !y.blind && knows(vector, w);
}

/// True when merging `y` needs the values of the row's cells, not only their stamps.
[[nodiscard]] inline bool needs_values(const row_state& row, const row_operation& y,
                                       const version_vector& vector, const table_traits& table) noexcept {
    if (!row.live.empty() || row.dead.exists() || y.kind == op_kind::erase) return true;
    const auto unseen = [&](const cell& c) {
        return table.columns[c.column].rule != merge_rule::lww || c.when >= y.when || !saw(y, vector, c.when);
    };
    if (y.kind != op_kind::update) return std::any_of(row.cells.begin(), row.cells.end(), unseen);
    return std::any_of(y.cells.begin(), y.cells.end(), [&](const cell_write& w) {
        const cell* c = row.find(w.column);
        return c != nullptr && unseen(*c);
    });
}

namespace detail {

/// The register of `column`, made if it is not there.
inline cell& cell_of(row_state& row, column_no column) {
    const auto it = std::lower_bound(row.cells.begin(), row.cells.end(), column,
                                     [](const cell& c, column_no n) { return c.column < n; });
    if (it != row.cells.end() && it->column == column) return *it;
    return *row.cells.insert(it, cell{column, {}, std::nullopt});
}

inline void add_live(row_state& row, live_write w) {
    const auto it = std::lower_bound(row.live.begin(), row.live.end(), w);
    if (it == row.live.end() || *it != w) row.live.insert(it, std::move(w));
}

/// Takes the maximum of a register and a write; under max and min, of stamps and of amounts on their own.
/// The register's value must be loaded unless it is an lww register and `when` is later.
/// \param what  moved from when it is the greater. Returns whether it is.
inline bool raise_cell(cell& c, merge_rule rule, const stamp& when, value& what) {
    const bool taken = rule != merge_rule::lww ? !c.what || wins_by_amount(rule, what, *c.what)
                                               : when > c.when || (when == c.when && what > c.what);
    c.when = std::max(c.when, when);
    if (taken) c.what = std::move(what);
    return taken;
}

/// Lists every live write of `row`, implied winners included; max and min columns have none.
inline std::vector<live_write> all_live(const row_state& row, const table_traits& table) {
    std::vector<live_write> out = row.live;
    for (const cell& c : row.cells)
        if (table.columns[c.column].rule == merge_rule::lww && is_implied(row, c.when))
            out.push_back({c.column, c.when, c.what.value_or(value{})});
    return out;
}

/// Sets row.live to `all` but for implied winners.
inline void set_live(row_state& row, std::vector<live_write> all) {
    std::erase_if(all, [&row](const live_write& w) {
        const cell* c = row.find(w.column);  // what was written has a register
        return c->when == w.when && c->what == w.what && is_implied(row, c->when);
    });
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    row.live = std::move(all);
}

/// The first operation of a row that nothing is known of, an INSERT: it wins everywhere, and all of it is
/// shown.
inline void begin_row(row_state& row, row_operation&& y) {
    row.born = row.touched = y.when;
    row.cells.reserve(y.cells.size());
    for (cell_write& w : y.cells) row.cells.push_back({w.column, y.when, std::move(w.what)});
}

}  // namespace detail

/// Merges one operation into a row; the values it shows now are moved out of the operation.
///
/// \param  vector  the context of the operation's changeset
/// \cost   O(columns written) for an update over seen writes, else O(columns of the row). Thread-safe: pure.
inline void merge_operation(row_state& row, row_operation&& y, const version_vector& vector,
                            const table_traits& table) {
    if (y.kind == op_kind::insert && row.empty()) return detail::begin_row(row, std::move(y));
    const bool whole = y.kind != op_kind::update;  // INSERT and DELETE cover every column of the row
    const auto covered = [&](const live_write& w) {
        const bool same_column =
            whole || std::any_of(y.cells.begin(), y.cells.end(),
                                 [&](const cell_write& c) { return c.column == w.column; });
        return same_column && saw(y, vector, w.when);
    };
    std::erase_if(row.live, covered);

    // Winners that are live by their stamp alone, and may not be once the maxima have moved.
    std::vector<live_write> displaced;
    const auto keep = [&](const cell& c) {
        if (table.columns[c.column].rule == merge_rule::lww && is_implied(row, c.when) &&
            !saw(y, vector, c.when))
            displaced.push_back({c.column, c.when, c.what.value_or(value{})});
    };
    if (whole)
        std::for_each(row.cells.begin(), row.cells.end(), keep);
    else
        for (const cell_write& w : y.cells)
            if (const cell* c = row.find(w.column)) keep(*c);

    if (row.dead.exists() && y.when != row.dead && saw(y, vector, row.dead)) row.dead_seen = true;
    if (y.kind == op_kind::erase && y.when > row.dead) {
        row.dead = y.when;
        row.dead_seen = false;
    }
    const bool first_insert = y.kind == op_kind::insert && !row.born.exists();
    if (y.kind == op_kind::insert) row.born = std::max(row.born, y.when);
    if (y.kind != op_kind::erase) row.touched = std::max(row.touched, y.when);
    if (row.cells.empty()) row.cells.reserve(y.cells.size());
    for (cell_write& w : y.cells) {
        cell& c = detail::cell_of(row, w.column);
        const merge_rule rule = table.columns[w.column].rule;
        const bool taken = detail::raise_cell(c, rule, y.when, w.what);
        if (rule != merge_rule::lww) continue;
        const bool shown = taken || (c.when == y.when && c.what == w.what);
        if (!shown || !is_implied(row, c.when))
            detail::add_live(row, {w.column, y.when, taken ? *c.what : std::move(w.what)});
    }
    for (live_write& w : displaced) {
        const cell* c = row.find(w.column);
        const bool shown = c->when == w.when && c->what == w.what;
        if (!shown || !is_implied(row, c->when)) detail::add_live(row, std::move(w));
    }
    // Only a row's first INSERT makes winners implied that were not: those of UPDATEs that came before it.
    if (first_insert) detail::set_live(row, std::exchange(row.live, {}));
}

inline void merge_operation(row_state& row, const row_operation& y, const version_vector& vector,
                            const table_traits& table) {
    merge_operation(row, row_operation(y), vector, table);
}

/// Merges another replica's state of the same row (from a snapshot) into `mine`. Absence deletes nothing.
///
/// \param  mine_vector, their_vector  what either side had merged; values of all cells must be loaded on both
/// sides \cost   O(columns + live writes). Thread-safe: pure.
inline void merge_state(row_state& mine, const version_vector& mine_vector, const row_state& theirs,
                        const version_vector& their_vector, const table_traits& table) {
    const auto ours = detail::all_live(mine, table), others = detail::all_live(theirs, table);
    std::vector<live_write> all;
    const auto has = [](const std::vector<live_write>& set, const live_write& w) {
        return std::find(set.begin(), set.end(), w) != set.end();
    };
    // Whoever has nothing of a row has covered nothing of it: something was left out there.
    const bool none_here = mine == row_state{}, none_there = theirs == row_state{};
    for (const live_write& w : ours)
        if (has(others, w) || none_there || !knows(their_vector, w.when)) all.push_back(w);
    for (const live_write& w : others)
        if (!has(ours, w) && (none_here || !knows(mine_vector, w.when))) all.push_back(w);

    if (theirs.dead > mine.dead) {
        mine.dead = theirs.dead;
        mine.dead_seen = theirs.dead_seen;
    } else if (theirs.dead == mine.dead) {
        mine.dead_seen = mine.dead_seen || theirs.dead_seen;
    }
    mine.born = std::max(mine.born, theirs.born);
    mine.touched = std::max(mine.touched, theirs.touched);
    for (const cell& c : theirs.cells) {
        value what = *c.what;
        detail::raise_cell(detail::cell_of(mine, c.column), table.columns[c.column].rule, c.when, what);
    }
    detail::set_live(mine, std::move(all));
}

}  // namespace casasync
