// SPDX-License-Identifier: MIT
// Bytes that claim to be a changeset: refused with a named error, or what they decode to encodes to the same
// bytes and keeps every promise that merging relies on.
#include "harness.hpp"

#include <casasync/codec.hpp>
#include <casasync/inbox.hpp>
#include <casasync/key.hpp>

namespace casasync_fuzz {

using namespace casasync;

const harness this_harness{"changeset", 400'000};

namespace {

void check_cells(const table_traits& table, const row_operation& op) {
    for (std::size_t i = 0; i < op.cells.size(); ++i) {
        must(op.cells[i].column < table.columns.size(), "a cell of a column that is not there");
        must(i == 0 || op.cells[i - 1].column < op.cells[i].column, "cells are not sorted by column");
    }
    must(op.kind != op_kind::erase || op.cells.empty(), "a DELETE with cells");
    must(op.kind != op_kind::update || !op.cells.empty(), "an UPDATE without cells");
}

void check_rows(const table_changes& t) {
    must(!t.rows.empty(), "a table without operations");
    for (std::size_t i = 0; i < t.rows.size(); ++i) {
        const row_change& r = t.rows[i];
        must(!r.key.empty() && r.key.size() <= limits::key_bytes_max, "a key that is empty or too long");
        must(r.op.when.exists(), "an operation without a time");
        check_cells(t.table, r.op);
        if (i == 0) continue;
        const row_change& before = t.rows[i - 1];
        must(before.key < r.key || (before.key == r.key && before.op.when < r.op.when),
             "rows are not sorted by key and stamp");
    }
}

}  // namespace

int one(bytes_view data) {
    const auto c = decode(data);
    const auto head = decode_head(data);
    if (!c) {
        must_be_typed(c, {errc::malformed_changeset, errc::unknown_format_version, errc::limit_exceeded});
        return 0;
    }
    must(encode(*c) == bytes(data.begin(), data.end()), "what decodes does not encode to the same bytes");
    must(head.ok() && head->device == c->device && head->seq == c->seq && head->context == c->context &&
             head->greatest == greatest_stamp(*c).when,
         "the front tells otherwise than the whole");
    must(c->seq > 0, "a changeset without a number");
    for (const table_changes& t : c->tables) check_rows(t);
    static_cast<void>(admit(*head, c->context, 0));
    return 0;
}

}  // namespace casasync_fuzz
