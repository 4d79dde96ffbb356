// SPDX-License-Identifier: MIT
#pragma once

/// A row's registers as bytes, the way stores and snapshots keep them. A row written in one go takes about 12
/// bytes beside its values. Replicas are small numbers; whoever keeps the bytes keeps the list of replicas
/// too, zero being the zero replica.
///
///     flags: 1 dead, 2 dead_seen, 4 touched differs from born, 8 cells are not columns 0 .. n-1, 16 some
///     cell differs from born,
///            32 born is the adoption stamp, 64 never born
#include <casasync/detail/wire.hpp>
#include <casasync/limits.hpp>
#include <casasync/row.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>

namespace casasync {

namespace detail {

enum row_flag : std::uint8_t {
    row_dead = 1,
    row_dead_seen = 2,
    row_touched = 4,
    row_sparse = 8,
    row_mixed = 16,
    row_adopted = 32,
    row_unborn = 64
};

/// A stamp, as the distance to `base`.
template <class Number>
void put_stamp(writer& w, const stamp& s, hlc base, Number&& number_of) {
    w.signed_varint(static_cast<std::int64_t>(s.when.packed - base.packed));
    w.varint(number_of(s.replica));
}
template <class Replica>
stamp get_stamp(reader& r, hlc base, Replica&& replica_of) {
    const std::uint64_t distance = static_cast<std::uint64_t>(r.signed_varint());
    const std::optional<replica_id> replica = replica_of(r.varint());
    const hlc when{base.packed + distance};
    if (!replica || when == hlc{}) return r.fail(), stamp{};  // what never was is not written
    return {when, *replica};
}

inline void put_value(writer& w, const value& v) {
    w.u8(static_cast<std::uint8_t>(v.kind()));
    switch (v.kind()) {
        case value_kind::null:
            break;
        case value_kind::integer:
            w.signed_varint(v.integer());
            break;
        case value_kind::real:
            w.real(v.real());
            break;
        case value_kind::text:
            w.counted(v.text());
            break;
        case value_kind::blob:
            w.counted(v.blob());
            break;
    }
}
/// \param bytes_max  the longest text or blob that is taken
inline value get_value(reader& r, std::size_t bytes_max) {
    switch (r.u8()) {
        case 0:
            return {};
        case 1:
            return value(r.signed_varint());
        case 2: {
            const double d = r.real();
            if (d != d) r.fail();
            return value(d);
        }
        case 3:
            return value(r.counted_text(bytes_max));
        case 4: {
            const bytes_view v = r.counted(bytes_max);
            return value(bytes(v.begin(), v.end()));
        }
        default:
            return r.fail(), value{};
    }
}

/// Reads the stamps of the cells that differ from born.
template <class Replica>
void get_mixed(reader& r, row_state& row, hlc base, Replica&& replica_of) {
    for (std::size_t i = 0; i < row.cells.size() && r.ok(); ++i) {
        const std::uint64_t skip = r.varint();
        if (skip >= row.cells.size() - i) {
            if (skip != row.cells.size()) r.fail();  // else no more
            return;
        }
        i += static_cast<std::size_t>(skip);
        row.cells[i].when = get_stamp(r, base, replica_of);
    }
}

}  // namespace detail

/// Appends the stamps of `row`, without values and live writes.
/// `number_of(replica_id) -> std::uint64_t` interns a replica. \cost O(cells).
template <class Number>
void put_registers(detail::writer& w, const row_state& row, Number&& number_of) {
    using namespace detail;
    bool dense = true, uniform = true;
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
        dense = dense && row.cells[i].column == i;
        uniform = uniform && row.cells[i].when == row.born;
    }
    std::uint8_t flags = 0;
    if (row.dead.exists()) flags |= row_dead;
    if (row.dead_seen) flags |= row_dead_seen;
    if (row.touched != row.born) flags |= row_touched;
    if (!dense) flags |= row_sparse;
    if (!uniform) flags |= row_mixed;
    if (row.born == band::adopted) flags |= row_adopted;
    if (!row.born.exists()) flags |= row_unborn;
    w.u8(flags);
    if ((flags & (row_adopted | row_unborn)) == 0) put_stamp(w, row.born, band::adopt, number_of);
    const hlc base = row.born.exists() ? row.born.when : band::adopt;
    if ((flags & row_touched) != 0) put_stamp(w, row.touched, base, number_of);
    if ((flags & row_dead) != 0) put_stamp(w, row.dead, base, number_of);
    w.varint(row.cells.size());
    column_no next = 0;
    for (const cell& c : row.cells) {
        if (!dense) w.varint(c.column - next);
        next = c.column + 1;
    }
    if (uniform) return;
    for (std::size_t i = 0, run = 0; i < row.cells.size();
         ++i, ++run) {  // cells at born are skipped, by their number
        if (row.cells[i].when == row.born) continue;
        w.varint(run);
        put_stamp(w, row.cells[i].when, base, number_of);
        run = static_cast<std::size_t>(-1);
    }
    std::size_t tail = 0;
    while (row.cells[row.cells.size() - 1 - tail].when == row.born) ++tail;  // some cell is not
    if (tail > 0) w.varint(row.cells.size());                                // no more: a skip that cannot be
}

/// Returns the registers that put_registers() wrote; the reader fails on anything else.
/// `replica_of(number) -> std::optional<replica_id>`.
template <class Replica>
row_state get_registers(detail::reader& r, Replica&& replica_of) {
    using namespace detail;
    row_state row;
    const std::uint8_t flags = r.u8();
    if (flags > 127) return r.fail(), row;
    if ((flags & row_adopted) != 0)
        row.born = band::adopted;
    else if ((flags & row_unborn) == 0)
        row.born = get_stamp(r, band::adopt, replica_of);
    const hlc base = row.born.exists() ? row.born.when : band::adopt;
    row.touched = (flags & row_touched) != 0 ? get_stamp(r, base, replica_of) : row.born;
    if ((flags & row_dead) != 0) row.dead = get_stamp(r, base, replica_of);
    row.dead_seen = (flags & row_dead_seen) != 0;
    row.cells.resize(r.count(limits::row_columns_max, 0));
    std::uint64_t next = 0;
    for (cell& c : row.cells) {
        const std::uint64_t skipped = (flags & row_sparse) != 0 ? r.varint() : 0;
        if (!r.ok() || skipped >= limits::row_columns_max - next) return r.fail(), row;
        next += skipped;
        c.column = static_cast<column_no>(next++);
        c.when = row.born;
    }
    if ((flags & row_mixed) != 0) detail::get_mixed(r, row, base, replica_of);
    const auto written = [](const cell& c) { return c.when.exists(); };
    if (!std::all_of(row.cells.begin(), row.cells.end(), written)) r.fail();
    return row;
}

/// Appends the values of the cells for which `wanted(cell)` is true, and the live writes: what a table does
/// not hold.
template <class Number, class Wanted>
void put_contents(detail::writer& w, const row_state& row, Number&& number_of, Wanted&& wanted) {
    std::size_t n = 0;
    for (const cell& c : row.cells) n += c.what && wanted(c) ? 1 : 0;
    w.varint(n);
    for (const cell& c : row.cells) {
        if (!c.what || !wanted(c)) continue;
        w.varint(c.column);
        detail::put_value(w, *c.what);
    }
    w.varint(row.live.size());
    for (const live_write& l : row.live) {
        w.varint(l.column);
        detail::put_stamp(w, l.when, band::adopt, number_of);
        detail::put_value(w, l.what);
    }
}

/// Reads what put_contents() wrote into `row`, whose registers are there already. \param value_bytes_max  a
/// record of this device takes any, because a value that is too large to travel is kept where it was written
template <class Replica>
void get_contents(detail::reader& r, row_state& row, Replica&& replica_of,
                  std::size_t value_bytes_max = limits::value_bytes_max) {
    for (std::size_t n = r.count(limits::row_columns_max, 2); n > 0 && r.ok(); --n) {
        const std::uint64_t column = r.varint();
        cell* c = column < limits::row_columns_max ? row.find(static_cast<column_no>(column)) : nullptr;
        if (c == nullptr) return r.fail();
        c->what = detail::get_value(r, value_bytes_max);
    }
    for (std::size_t n = r.count(limits::changeset_cells_max, 4); n > 0; --n) {
        live_write l;
        const std::uint64_t column = r.varint();
        l.when = detail::get_stamp(r, band::adopt, replica_of);
        l.what = detail::get_value(r, value_bytes_max);
        if (!r.ok() || column >= limits::row_columns_max) return r.fail();
        l.column = static_cast<column_no>(column);
        if (row.find(l.column) == nullptr || (!row.live.empty() && !(row.live.back() < l))) return r.fail();
        row.live.push_back(std::move(l));
    }
}

}  // namespace casasync
