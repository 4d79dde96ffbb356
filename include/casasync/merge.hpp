// SPDX-License-Identifier: MIT
#pragma once

/// Merge decides, apply obeys: a changeset and the rows it touches become a plan, and nothing else. A store
/// loads the rows and writes the plan with cursor, clock and audit in one transaction.
#include <casasync/accounts.hpp>
#include <casasync/changeset.hpp>
#include <casasync/conflict.hpp>
#include <casasync/digest.hpp>
#include <casasync/result.hpp>
#include <casasync/row.hpp>

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace casasync {

using table_no = std::uint32_t;

/// A table as this store knows it, and where an author's columns are in it.
struct resolved_table {
    table_no table = 0;
    const table_traits* traits = nullptr;  ///< every column this store knows, unknown ones of others included
    column_list columns{};                 ///< the author's column number -> this store's
};

/// Loads what a merge needs. The compiler checks the names; a model also promises:
///  - resolve() takes in tables and columns it has never heard of (they are kept as registers), and fails
///  with
///    schema_mismatch when a column has another merge rule here; but what was written under lww has a place
///    in a max or min column;
///  - load() returns the registers of a row, an empty row_state if it has none; every value when `values` is
///  set, and always
///    those of live writes.
template <class R>
concept row_source = requires(R& rows, const table_traits& theirs, table_no table, bytes_view key,
                              bool values) {
    { rows.resolve(theirs) } -> std::same_as<result<resolved_table>>;
    { rows.load(table, key, values) } -> std::same_as<result<row_state>>;
};

/// What becomes of one row.
struct merged_row {
    table_no table = 0;
    row_key key{};
    row_state after{};  ///< values of unchanged cells may be missing when the row stays visible
    bool was_visible = false;
    bool is_visible = false;
    column_list written{};           ///< columns whose register changed, sorted
    std::vector<conflict> opened{};  ///< open now, and not before
    std::vector<conflict> closed{};  ///< open before, and not now
};

/// What applying a changeset changes. `digest`, `open_digest` and `counts` are differences, to be added to
/// the store's sums.
struct merge_plan {
    std::vector<merged_row> rows{};  ///< by table as in the changeset, then by key
    causal_context merged{};         ///< to be merged into the store's context by maxima
    hlc greatest{};                  ///< to be observed by the clock
    digest128 digest{}, open_digest{};
    accounts counts{};
    std::size_t duplicates = 0;  ///< writes that lost to another one under their own stamp
};

namespace detail {

/// Gives an operation this store's column numbers. \param columns  the author's column number -> this store's
inline void translate(row_operation& op, const column_list& columns) {
    for (cell_write& c : op.cells) c.column = columns[c.column];
    const auto order = [](const cell_write& a, const cell_write& b) { return a.column < b.column; };
    if (!std::is_sorted(op.cells.begin(), op.cells.end(), order))
        std::sort(op.cells.begin(), op.cells.end(), order);
}

inline std::vector<conflict> without(const std::vector<conflict>& all, const std::vector<conflict>& taken) {
    std::vector<conflict> out;
    for (const conflict& c : all) {
        const bool there = std::any_of(taken.begin(), taken.end(), [&c](const conflict& t) {
            return t.column == c.column && t.loser == c.loser && t.what == c.what;
        });
        if (!there) out.push_back(c);
    }
    return out;
}

/// Fills in the plan for one row from its state before and after.
/// \param operations  what was merged, whose values may be gone; none: another replica's state of the row
inline merged_row compare_states(merge_plan& plan, const resolved_table& table, row_key key,
                                 const row_state& before, row_state after,
                                 std::span<const row_operation> operations) {
    merged_row row{table.table,
                   std::move(key),
                   {},
                   is_visible(before, table.traits->policy),
                   is_visible(after, table.traits->policy),
                   {},
                   {},
                   {}};
    if (before.cells.empty()) row.written.reserve(after.cells.size());
    auto old = before.cells.begin();  // each of its columns is in `after`, too
    for (const cell& c : after.cells) {
        const bool known = old != before.cells.end() && old->column == c.column;
        if (!known || *old != c) row.written.push_back(c.column);
        old += known ? 1 : 0;
    }
    const auto open_before = open_conflicts(before, *table.traits),
               open_after = open_conflicts(after, *table.traits);
    row.opened = without(open_after, open_before);
    row.closed = without(open_before, open_after);
    for (const conflict& c : row.opened) plan.duplicates += c.why == conflict_reason::duplicate_stamp ? 1 : 0;
    plan.digest += digest_change(*table.traits, row.key, before, after);
    plan.open_digest += conflict_digest(*table.traits, row.key, open_after);
    plan.open_digest -= conflict_digest(*table.traits, row.key, open_before);
    plan.counts +=
        account_merge(before, standing_writes(before, *table.traits, open_before), after,
                      standing_writes(after, *table.traits, open_after), *table.traits, operations);
    row.after = std::move(after);
    return row;
}

/// Merges the only operation on a row that nothing is known of, an INSERT: all of it is shown.
inline merged_row begin(merge_plan& plan, const resolved_table& table, row_key key, row_operation&& y) {
    const digest128 seed = row_seed(*table.traits, key);
    merged_row row{table.table, std::move(key), {}, false, true, {}, {}, {}};
    begin_row(row.after, std::move(y));
    row.written.reserve(row.after.cells.size());
    plan.digest += term(seed, term_seed(digest_term::born), row.after.born);
    for (const cell& c : row.after.cells) {
        plan.digest += term(seed, term_seed(digest_term::cell, table.traits->columns[c.column].name), c.when);
        row.written.push_back(c.column);
    }
    plan.counts.applied += static_cast<std::int64_t>(row.after.cells.size());
    return row;
}

/// True when `y` only replaces registers: an UPDATE of the life that is shown, over writes that its author
/// had seen, of a row without DELETE and live writes. \param y  one for which needs_values() is false
inline bool only_replaces(const row_state& row, const row_operation& y) noexcept {
    return y.kind == op_kind::update && row.born.exists() && y.when >= row.born && y.when != band::adopted;
}

/// Merges the only operation on a row, one that only_replaces() registers.
inline merged_row replace(merge_plan& plan, const resolved_table& table, row_key key, row_state before,
                          row_operation&& y) {
    const digest128 seed = row_seed(*table.traits, key);
    merged_row row{table.table, std::move(key), std::move(before), true, true, {}, {}, {}};
    row.after.touched = std::max(row.after.touched, y.when);
    row.written.reserve(y.cells.size());
    for (cell_write& w : y.cells) {
        cell& c = cell_of(row.after, w.column);
        const u128 column = term_seed(digest_term::cell, table.traits->columns[w.column].name);
        const bool stood = is_implied(row.after, c.when) && c.when != band::adopted;
        if (stood) plan.digest -= term(seed, column, c.when);
        plan.digest += term(seed, column, y.when);
        ++(stood ? plan.counts.superseded : plan.counts.applied);
        c.when = y.when;
        c.what = std::move(w.what);
        row.written.push_back(w.column);
    }
    return row;
}

/// Merges operations on one row by the registers' definition.
inline merged_row merge_all(merge_plan& plan, const resolved_table& table, row_key key,
                            const row_state& before, std::span<row_change> changes,
                            const version_vector& vector) {
    std::vector<row_operation> operations;
    operations.reserve(changes.size());
    for (row_change& c : changes) operations.push_back(std::move(c.op));
    row_state after = before;
    for (row_operation& y : operations) merge_operation(after, std::move(y), vector, *table.traits);
    return compare_states(plan, table, std::move(key), before, std::move(after), operations);
}

}  // namespace detail

/// Returns what merging `incoming` changes in `rows`. The changeset must be admitted (inbox.hpp); this
/// device's own ones take the same way when they are sealed. Whoever does not need it any more moves it in:
/// its values become those of the plan.
///
/// \errors those of `rows`; nothing was changed then.
/// \cost   one load a row, a second one with values only where a write was unseen, a row is deleted or comes
/// back
template <row_source Rows>
[[nodiscard]] result<merge_plan> merge(changeset incoming, Rows& rows) {
    merge_plan plan;
    const version_vector& vector = incoming.context.vector;
    for (table_changes& changes : incoming.tables) {
        auto table = rows.resolve(changes.table);
        if (!table) return table.failure();
        for (auto first = changes.rows.begin(); first != changes.rows.end();) {
            const auto last = std::find_if(first, changes.rows.end(),
                                           [&](const row_change& r) { return r.key != first->key; });
            const std::span<row_change> group(first, last);
            auto before = rows.load(table->table, first->key, false);
            if (!before) return before.failure();
            bool values = false;
            for (row_change& change : group) {
                row_operation& y = change.op;
                detail::translate(y, table->columns);
                plan.merged.vector.raise(y.when.replica, y.when.when);
                plan.greatest = observe(plan.greatest, y.when.when);
                values = values || needs_values(*before, y, vector, *table->traits);
            }
            if (values) before = rows.load(table->table, first->key, true);
            if (!before) return before.failure();
            const bool lone = group.size() == 1 && !values;
            row_operation& y = first->op;
            if (lone && y.kind == op_kind::insert && before->empty() && y.when != band::adopted)
                plan.rows.push_back(detail::begin(plan, *table, std::move(first->key), std::move(y)));
            else if (lone && detail::only_replaces(*before, y))
                plan.rows.push_back(
                    detail::replace(plan, *table, std::move(first->key), std::move(*before), std::move(y)));
            else
                plan.rows.push_back(
                    detail::merge_all(plan, *table, std::move(first->key), *before, group, vector));
            first = last;
        }
    }
    plan.merged.seen.raise(incoming.device, std::max(incoming.seq, incoming.last_seq));
    return plan;
}

}  // namespace casasync
