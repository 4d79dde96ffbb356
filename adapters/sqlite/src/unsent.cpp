// SPDX-License-Identifier: MIT
#include "unsent.hpp"

#include <casasync/detail/wire.hpp>
#include <casasync/envelope.hpp>

#include <sqlite3.h>

#include <iterator>
#include <map>

namespace casasync::sqlite {

namespace {

/// Leaves a table only the columns that are written.
void drop_unused_columns(table_changes& changes) {
    std::map<column_no, column_no> places;
    for (const row_change& r : changes.rows)
        for (const cell_write& w : r.op.cells) places.emplace(w.column, column_no{});
    std::vector<column_traits> used;
    for (auto& [column, place] : places) {
        place = static_cast<column_no>(used.size());
        used.push_back(changes.table.columns[column]);
    }
    changes.table.columns = std::move(used);
    for (row_change& r : changes.rows)
        for (cell_write& w : r.op.cells) w.column = places[w.column];
}

}  // namespace

replica_id id_after(const replica_id& old) {
    replica_id out;
    sqlite3_randomness(16, out.octets.data());
    detail::put_be(out.octets.data(), detail::get_be<std::uint64_t>(old.octets.data()) + 1);
    return out;
}

result<std::vector<unsent>> read_unsent(connection& db) {
    auto s = db.prepare(
        "SELECT part, parts, was, payload, seq FROM casasync_outbox WHERE seq >= (SELECT min(seq - part) "
        "FROM "
        "casasync_outbox WHERE sent = 0) ORDER BY seq");
    if (!s) return s.failure();
    std::vector<unsent> out;
    for (std::int64_t next = 0;;) {
        const auto row = s->step();
        if (!row) return row.failure();
        if (!*row) return out;
        if (s->integer(0) != next)
            return error{errc::store_failed,
                         "a changeset that was not sent is damaged in this file; the rows are not touched. "
                         "Restore the file from a backup, or join it anew"};
        if (next == 0)
            out.push_back({static_cast<std::uint64_t>(s->integer(4)),
                           {},
                           hlc{static_cast<std::uint64_t>(s->integer(2))}});
        const bytes_view slice = s->blob(3);
        out.back().payload.insert(out.back().payload.end(), slice.begin(), slice.end());
        next = next + 1 == s->integer(1) ? 0 : next + 1;
    }
}

std::vector<changeset> cut_where_blind(const changeset& c) {
    std::map<stamp, bool> blind;
    for (const table_changes& t : c.tables)
        for (const row_change& r : t.rows) blind.emplace(r.op.when, r.op.blind);
    std::map<stamp, std::size_t> piece;
    std::size_t pieces = 0;
    for (auto at = blind.begin(); at != blind.end(); ++at) {
        if (at == blind.begin() || std::prev(at)->second != at->second) ++pieces;
        piece.emplace(at->first, pieces - 1);
    }
    if (pieces < 2) return {c};
    std::vector<changeset> out(pieces);
    for (std::size_t i = 0; i < pieces; ++i) {
        out[i].context = c.context;
        if (i == 0) out[i].defaults = c.defaults;
        for (const table_changes& t : c.tables) {
            table_changes some{t.table, {}};
            for (const row_change& r : t.rows)
                if (piece.at(r.op.when) == i) some.rows.push_back(r);
            drop_unused_columns(some);
            if (!some.rows.empty()) out[i].tables.push_back(std::move(some));
        }
    }
    return out;
}

bool is_blind(const changeset& c) {
    return !c.tables.empty() && c.tables.front().rows.front().op.blind;
}

}  // namespace casasync::sqlite
