// SPDX-License-Identifier: MIT
#include "unsent.hpp"

#include <casasync/codec.hpp>
#include <casasync/detail/wire.hpp>
#include <casasync/envelope.hpp>

#include <sqlite3.h>

#include <algorithm>
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

/// Where an operation is in a changeset.
struct written {
    const table_changes* in = nullptr;
    const row_change* what = nullptr;
};

/// Returns what each replica wrote, by stamp.
std::map<replica_id, std::map<hlc, written>> by_replica(std::span<const changeset> changesets) {
    std::map<replica_id, std::map<hlc, written>> out;
    for (const changeset& c : changesets)
        for (const table_changes& t : c.tables)
            for (const row_change& r : t.rows)
                out[r.op.when.replica].emplace(r.op.when.when, written{&t, &r});
    return out;
}

/// True for one operation in two changesets, which may number their columns differently.
bool is_same(const written& a, const written& b) {
    const auto same_cell = [&](const cell_write& x, const cell_write& y) {
        return a.in->table.columns[x.column].name == b.in->table.columns[y.column].name && x.what == y.what;
    };
    const row_operation &x = a.what->op, &y = b.what->op;
    return a.in->table.name == b.in->table.name && a.what->key == b.what->key && x.kind == y.kind &&
           x.blind == y.blind && x.when == y.when &&
           std::equal(x.cells.begin(), x.cells.end(), y.cells.begin(), y.cells.end(), same_cell);
}

}  // namespace

std::vector<changeset> put_together(const std::map<std::uint64_t, inbound_part>& parts) {
    std::vector<changeset> out;
    bytes whole;
    std::uint16_t have = 0;
    for (const auto& [seq, p] : parts) {
        if (p.part != have || (have > 0 && !parts.contains(seq - 1))) return out;
        whole.insert(whole.end(), p.payload.begin(), p.payload.end());
        if (++have < p.parts) continue;
        auto c = decode(whole);
        if (!c) return out;
        out.push_back(std::move(*c));
        whole.clear();
        have = 0;
    }
    return out;
}

version_vector common_writes(std::span<const changeset> mine, std::span<const changeset> theirs) {
    const auto here = by_replica(mine), there = by_replica(theirs);
    version_vector out;
    for (const auto& [replica, writes] : here) {
        const auto others = there.find(replica);
        if (others == there.end()) continue;
        auto y = others->second.begin();
        for (auto x = writes.begin();
             x != writes.end() && y != others->second.end() && is_same(x->second, y->second); ++x, ++y)
            out.raise(replica, x->first);
    }
    return out;
}

changeset without(const changeset& c, const version_vector& known) {
    changeset out = c;
    for (table_changes& t : out.tables) {
        const auto before = t.rows.size();
        std::erase_if(t.rows, [&](const row_change& r) { return knows(known, r.op.when); });
        if (t.rows.size() != before) drop_unused_columns(t);
    }
    std::erase_if(out.tables, [](const table_changes& t) { return t.rows.empty(); });
    return out;
}

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
