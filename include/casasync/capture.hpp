// SPDX-License-Identifier: MIT
#pragma once

/// From captured writes to operations: what a seal says about one row. Decided by existence before and now
/// and by the set of log entries, so that the outcome does not depend on when a seal falls, nor on the order
/// in which nested triggers log.
#include <casasync/environment.hpp>
#include <casasync/limits.hpp>
#include <casasync/row.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace casasync {

enum class captured_kind : std::uint8_t {
    insert,
    update,
    erase,
    displaced,  ///< maybe deleted by a REPLACE of another row; only existence tells
};

/// One entry of the capture log.
struct captured_write {
    captured_kind kind = captured_kind::update;
    column_list columns{};  ///< those an update changed
};

/// Everything captured of one row since the last seal.
struct captured_row {
    bool existed = false;                  ///< the row was in the table when it was last sealed
    bool known = false;                    ///< the row has registers
    std::vector<captured_write> writes{};  ///< in log order
    std::optional<std::vector<value>>
        now{};  ///< the row's values, one a column; none: it is not in the table
    std::optional<std::vector<value>>
        buried{};  ///< its values when it was last deleted, where a copy was kept
};

/// An operation to be stamped: its stamp is the clock's tick for log entry `write`. In the order of their
/// ticks.
struct captured_operation {
    std::size_t write = 0;
    row_operation op{};
};
using captured_operations = detail::small_vector<captured_operation, 2>;

namespace detail {

inline cell_writes all_cells(std::vector<value>&& values) {
    cell_writes cells;
    cells.reserve(values.size());
    for (column_no c = 0; c < values.size(); ++c) cells.push_back({c, std::move(values[c])});
    return cells;
}

inline bool is_removal(const captured_write& w) noexcept {
    return w.kind == captured_kind::erase || w.kind == captured_kind::displaced;
}

/// The UPDATEs of entries [from, end): a column's value travels with the last entry that wrote it.
inline void add_updates(const captured_row& row, const std::vector<value>& values, std::size_t from,
                        std::size_t end, captured_operations& out) {
    const auto add = [&](std::size_t write, auto&& columns) {
        out.push_back({write, {op_kind::update, false, {}, {}}});
        row_operation& op = out.back().op;
        op.cells.reserve(columns.size());
        for (const column_no c : columns) op.cells.push_back({c, values[c]});
    };
    const auto plain = [&](const column_list& columns) {  // sorted, without duplicates, and known
        return std::adjacent_find(columns.begin(), columns.end(), std::greater_equal<>()) == columns.end() &&
               (columns.empty() || columns.back() < values.size());
    };
    if (from + 1 == end && plain(row.writes[from].columns)) {
        if (!row.writes[from].columns.empty()) add(from, row.writes[from].columns);
        return;
    }
    std::map<column_no, std::size_t> last;
    for (std::size_t i = from; i < end; ++i)
        for (const column_no c : row.writes[i].columns)
            if (c < values.size()) last[c] = i;
    std::map<std::size_t, column_list> updates;
    for (const auto& [column, write] : last) updates[write].push_back(column);
    for (const auto& [write, columns] : updates) add(write, columns);
}

/// The operations that lead to a row with `values`, from the entries before `end`.
inline captured_operations lead_to(const captured_row& row, std::vector<value> values, std::size_t end) {
    captured_operations out;
    std::optional<std::size_t> inserted, removed;
    for (std::size_t i = 0; i < end; ++i)
        if (row.writes[i].kind == captured_kind::insert) inserted = i;
    if (!inserted && !row.existed && end > 0) inserted = end - 1;  // it is there, whatever the log missed
    if (!inserted) {
        add_updates(row, values, 0, end, out);
        return out;
    }
    for (std::size_t i = 0; i < end; ++i)
        if (is_removal(row.writes[i]) && (i < *inserted || !removed)) removed = std::min(i, *inserted);
    captured_operations updates;
    if (*inserted + 1 < end) add_updates(row, values, *inserted + 1, end, updates);
    if (row.existed && removed) out.push_back({*removed, {op_kind::erase, false, {}, {}}});
    out.push_back({*inserted, {op_kind::insert, false, {}, all_cells(std::move(values))}});
    for (captured_operation& update : updates) out.push_back(std::move(update));
    return out;
}

}  // namespace detail

/// Returns what a seal emits for `row`: nothing for a row that was never known and is not there.
/// Present to absent: earlier updates with the buried values, then the DELETE. Present, deleted, inserted:
/// DELETE and INSERT, two ticks. \cost O(entries x columns). Thread-safe: pure.
[[nodiscard]] inline captured_operations operations_of(const captured_row& row) {
    if (row.writes.empty()) return {};
    if (row.now) return detail::lead_to(row, *row.now, row.writes.size());
    if (!row.existed && !row.known) return {};
    std::size_t removed = row.writes.size() - 1;
    while (removed > 0 && !detail::is_removal(row.writes[removed])) --removed;
    if (!detail::is_removal(row.writes[removed])) removed = row.writes.size() - 1;
    captured_operations out;
    if (row.buried) out = detail::lead_to(row, *row.buried, removed);
    out.push_back({removed, {op_kind::erase, false, {}, {}}});
    return out;
}

/// The same, and takes the values out of `row`.
[[nodiscard]] inline captured_operations operations_of(captured_row&& row) {
    if (row.writes.empty() || !row.now) return operations_of(std::as_const(row));
    return detail::lead_to(row, std::move(*row.now), row.writes.size());
}

using row_operations = detail::small_vector<row_operation, 1>;

/// Returns `op` with as many of its cells as one operation may have, and UPDATEs with the rest.
[[nodiscard]] inline row_operations in_pieces(row_operation op) {
    std::size_t whole = 0;
    for (const cell_write& c : op.cells) whole += c.what.size();
    if (whole <= limits::operation_bytes_max) {
        row_operations out;
        out.push_back(std::move(op));
        return out;
    }
    cell_writes cells = std::exchange(op.cells, {});
    row_operations out;
    out.push_back(std::move(op));
    std::size_t size = 0;
    for (cell_write& c : cells) {
        size += c.what.size();
        if (size > limits::operation_bytes_max && !out.back().cells.empty()) {
            out.push_back({op_kind::update, out.back().blind, {}, {}});
            size = c.what.size();
        }
        out.back().cells.push_back(std::move(c));
    }
    return out;
}

}  // namespace casasync
