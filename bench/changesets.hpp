// SPDX-License-Identifier: MIT
#pragma once

/// Workload W as changesets, made without a database: stamps as sealing makes them, 100 writes a millisecond.
#include "workload.hpp"

#include <casasync/changeset.hpp>
#include <casasync/key.hpp>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace casasync::bench {

[[nodiscard]] inline bytes key_of(std::uint64_t row) {
    const value id(row_id(row));
    return *encode_key({&id, 1});
}

[[nodiscard]] inline changeset empty_changeset(std::uint64_t seq) {
    changeset c;
    c.device.octets.fill(2);
    c.seq = c.last_seq = seq;
    table_changes& t = c.tables.emplace_back();
    t.table.name = "txn";
    for (const char* name : field_names) t.table.columns.push_back({name, merge_rule::lww, {}});
    return c;
}

inline void sort_rows(changeset& c) {
    std::sort(c.tables[0].rows.begin(), c.tables[0].rows.end(), [](const row_change& a, const row_change& b) {
        return a.key != b.key ? a.key < b.key : a.op.when < b.op.when;
    });
}

[[nodiscard]] inline stamp stamp_of(hlc& clock, std::uint64_t k) {
    clock = tick_user(clock, 1'800'000'000'000 + static_cast<unix_ms>(k / 100));
    stamp s{clock, {}};
    s.replica.octets.fill(9);
    return s;
}

/// The INSERTs of so many rows from `first` on.
[[nodiscard]] inline changeset full_set(std::uint64_t rows, std::uint64_t first = 0) {
    changeset c = empty_changeset(1 + first);
    hlc clock{};
    for (std::uint64_t i = first; i < first + rows; ++i) {
        const transaction_row r = make_row(i);
        row_change& change = c.tables[0].rows.emplace_back();
        change.key = key_of(i);
        change.op = {op_kind::insert, false, stamp_of(clock, i), {}};
        const std::array<value, 7> values{r.account, r.payee,    r.amount, r.date,
                                          r.notes,   r.category, r.cleared};
        for (column_no n = 0; n < values.size(); ++n) change.op.cells.push_back({n, values[n]});
    }
    sort_rows(c);
    return c;
}

/// The UPDATEs of step 1, one field each, after those INSERTs; `later`: the same ones, made again.
[[nodiscard]] inline changeset delta(std::uint64_t rows, std::uint64_t changes, std::uint64_t later = 0) {
    changeset c = empty_changeset(2 + later);
    hlc clock{};
    for (std::uint64_t k = 0; k < changes; ++k) {
        const field_update u = update_1(k, rows);
        row_change& change = c.tables[0].rows.emplace_back();
        change.key = key_of(u.row);
        change.op = {op_kind::update, false, stamp_of(clock, rows + later * changes + k), {}};
        change.op.cells.push_back(
            {static_cast<column_no>(u.field), u.is_integer ? value(u.number) : value(u.text)});
    }
    sort_rows(c);
    return c;
}
[[nodiscard]] inline changeset delta(std::uint64_t rows) {
    return delta(rows, rows);
}

}  // namespace casasync::bench
