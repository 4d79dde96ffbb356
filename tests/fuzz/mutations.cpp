// SPDX-License-Identifier: MIT
#include "mutations.hpp"

#include "samples.hpp"

#include <casasync/key.hpp>
#include <casasync/limits.hpp>

#include <algorithm>
#include <bit>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace casasync_fuzz {

using namespace casasync;

namespace {

value some_value(source& in) {
    switch (in.below(10)) {
        case 0:
            return {};
        case 1:
            return value(std::int64_t{in.u8()} - 128);
        case 2:
            return value(in.flip() ? std::numeric_limits<std::int64_t>::max()
                                   : std::numeric_limits<std::int64_t>::min());
        case 3:
            return value(static_cast<double>(in.u8()) - 128);
        case 4:
            return value(std::bit_cast<double>(in.u64()));
        case 5:
            return value(in.flip() ? 0.0 : -0.0);
        case 6:
            return value(static_cast<std::int64_t>(in.u64()));
        case 7: {
            const bytes_view b = in.take(in.below(8));
            return value(bytes(b.begin(), b.end()));
        }
        default: {
            const bytes_view b = in.take(in.below(8));
            return value(std::string(b.begin(), b.end()));
        }
    }
}

bytes some_key(source& in) {
    if (in.flip()) {  // not one that encode_key() writes: it is opaque to a merge
        const bytes_view b = in.take(1 + in.below(6));
        return b.empty() ? bytes{1} : bytes(b.begin(), b.end());
    }
    const value columns[] = {value(std::string(1, static_cast<char>('a' + in.below(4))))};
    return encode_key(columns).value();
}

/// One of the changes. `t` and `r` are where; all leave it to tidy() to restore the form.
void change(source& in, changeset& c, table_changes& t, row_change& r) {
    const auto other = [&]() -> row_change& { return t.rows[in.below(t.rows.size())]; };
    const auto column = [&] { return static_cast<column_no>(in.below(t.table.columns.size())); };
    switch (in.below(16)) {
        case 0:
            t.rows.erase(t.rows.begin() + (&r - t.rows.data()));
            break;
        case 1:  // the same operation on another row
            t.rows.push_back({other().key, r.op});
            break;
        case 2:  // again, later
            t.rows.push_back(r);
            t.rows.back().op.when.when.packed += 1 + in.below(3);
            break;
        case 3:
            r.op.kind = static_cast<op_kind>(1 + in.below(3));
            break;
        case 4:
            r.op.blind = !r.op.blind;
            break;
        case 5:
            std::swap(r.key, other().key);
            break;
        case 6:
            r.key = some_key(in);
            break;
        case 7:
            std::swap(r.op.when, other().op.when);
            break;
        case 8:  // another time, of any band, not at the end of time
            r.op.when.when.packed =
                in.flip() ? in.u64() >> (3 + in.below(61)) : r.op.when.when.packed + in.below(256) - 128;
            break;
        case 9:
            r.op.when.replica.octets[15] = static_cast<std::uint8_t>(in.below(4));
            break;
        case 10:
            if (!r.op.cells.empty()) r.op.cells[in.below(r.op.cells.size())].what = some_value(in);
            break;
        case 11:
            if (!r.op.cells.empty()) {
                const auto at = r.op.cells.begin() + in.below(r.op.cells.size());
                r.op.cells.erase(at, at + 1);
            }
            break;
        case 12:
            if (!t.table.columns.empty()) r.op.cells.push_back({column(), some_value(in)});
            break;
        case 13:  // a column of another name and rule
            r.op.cells.push_back({static_cast<column_no>(t.table.columns.size()), some_value(in)});
            t.table.columns.push_back(
                {std::string(1, static_cast<char>('A' + in.below(3))), static_cast<merge_rule>(in.below(3))});
            break;
        case 14:
            if (!t.table.columns.empty())
                t.table.columns[column()].rule = static_cast<merge_rule>(in.below(3));
            break;
        default:
            c.tables.erase(c.tables.begin() + (&t - c.tables.data()));
    }
}

void tidy_cells(row_operation& op) {
    if (op.kind == op_kind::erase) op.cells.clear();
    std::stable_sort(op.cells.begin(), op.cells.end(),
                     [](const cell_write& a, const cell_write& b) { return a.column < b.column; });
    const auto same = [](const cell_write& a, const cell_write& b) { return a.column == b.column; };
    op.cells.erase(std::unique(op.cells.begin(), op.cells.end(), same), op.cells.end());
}

/// Lists just the columns that are written, none twice.
void tidy_columns(table_changes& t) {
    std::vector<column_no> places(t.table.columns.size(), 0);
    for (row_change& r : t.rows)
        for (cell_write& c : r.op.cells) places[c.column] = 1;
    std::vector<column_traits> kept;
    for (std::size_t i = 0; i < places.size(); ++i) {
        column_traits& c = t.table.columns[i];
        for (const column_traits& k : kept)
            if (k.name == c.name) c.name += std::to_string(i);
        if (places[i] == 0) continue;
        places[i] = static_cast<column_no>(kept.size());
        kept.push_back(c);
    }
    for (row_change& r : t.rows)
        for (cell_write& c : r.op.cells) c.column = places[c.column];
    t.table.columns = std::move(kept);
}

/// A dozen rows say all that more would, and merge quicker.
void shorten(changeset& c) {
    for (table_changes& t : c.tables) t.rows.resize(std::min<std::size_t>(t.rows.size(), 12));
}

/// Restores what encode() asks for.
void tidy(changeset& c) {
    for (table_changes& t : c.tables) {
        for (row_change& r : t.rows) {
            tidy_cells(r.op);
            if (!r.op.when.exists()) r.op.when.when = band::adopt;
        }
        std::erase_if(t.rows,
                      [](const row_change& r) { return r.op.kind == op_kind::update && r.op.cells.empty(); });
        std::stable_sort(t.rows.begin(), t.rows.end(), [](const row_change& a, const row_change& b) {
            return a.key != b.key ? a.key < b.key : a.op.when < b.op.when;
        });
        const auto same = [](const row_change& a, const row_change& b) {
            return a.key == b.key && a.op.when == b.op.when;
        };
        t.rows.erase(std::unique(t.rows.begin(), t.rows.end(), same), t.rows.end());
        tidy_columns(t);
    }
    std::erase_if(c.tables, [](const table_changes& t) { return t.rows.empty(); });
}

}  // namespace

changeset mutated(source& in, std::uint8_t device) {
    changeset c = sample_changesets()[in.below(sample_changesets().size())];
    shorten(c);
    for (std::size_t left = in.below(16); left > 0 && !c.tables.empty(); --left) {
        table_changes& t = c.tables[in.below(c.tables.size())];
        if (!t.rows.empty()) change(in, c, t, t.rows[in.below(t.rows.size())]);
    }
    c.device.octets[0] = device;
    c.context = {};
    for (table_changes& t : c.tables)
        for (row_change& r : t.rows) r.op.when.replica.octets[0] = device;
    tidy(c);
    return c;
}

}  // namespace casasync_fuzz
