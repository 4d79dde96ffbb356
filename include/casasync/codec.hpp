// SPDX-License-Identifier: MIT
#pragma once

/// Changeset <-> bytes: versioned, columnar, canonical (equal changesets, equal bytes; what decodes encodes
/// to the same bytes). Names of tables and columns stand once a changeset; each table is then a set of
/// columns: keys (without what they share with the one before), kinds, authors, stamps (steps in their order,
/// and each one's place in it), column masks (a dictionary), and values, column by column, with a dictionary
/// of short texts. detail/number_column.hpp and detail/text_column.hpp say how numbers and texts are written.
/// A decoder checks every length, count and name against a named limit before it allocates.
#include <casasync/changeset.hpp>
#include <casasync/detail/value_columns.hpp>
#include <casasync/detail/wire.hpp>
#include <casasync/limits.hpp>
#include <casasync/result.hpp>
#include <casasync/row_codec.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <numeric>
#include <span>
#include <tuple>
#include <vector>

namespace casasync {

inline constexpr std::uint8_t changeset_format = 2;

namespace detail {

inline void put_context(writer& w, const causal_context& context) {
    w.varint(context.vector.entries().size());
    for (const auto& [replica, when] : context.vector.entries()) {
        w.raw(replica.octets);
        w.u64(when.packed);
    }
    w.varint(context.seen.entries().size());
    for (const auto& [device, seq] : context.seen.entries()) {
        w.raw(device.octets);
        w.varint(seq);
    }
}

template <class Map, class Id, class Read>
void get_map(reader& r, Map& map, Read&& read) {
    Id last{};
    const std::size_t n = r.count(limits::context_entries_max, 17);
    for (std::size_t i = 0; i < n && r.ok(); ++i) {
        const Id id = r.id<Id>();
        if (i > 0 && !(last < id)) return r.fail();
        last = id;
        map.raise(id, read());
    }
}

inline causal_context get_context(reader& r) {
    causal_context context;
    get_map<version_vector, replica_id>(r, context.vector, [&r] { return hlc{r.u64()}; });
    get_map<frontier, device_id>(r, context.seen, [&r] { return r.varint(); });
    return context;
}

inline void put_traits(writer& w, const table_traits& table) {
    w.counted(table.name);
    const bool numbered = !table.number.empty(), key_refers = !table.key_refers.empty();
    w.u8(static_cast<std::uint8_t>(static_cast<unsigned>(table.policy) | (numbered ? 2U : 0U) |
                                   (key_refers ? 4U : 0U)));
    if (numbered) w.counted(table.number);
    if (key_refers) {
        w.varint(table.key_refers.size());
        for (const std::string& parent : table.key_refers) w.counted(parent);
    }
    w.varint(table.columns.size());
    for (const column_traits& c : table.columns) {
        w.counted(c.name);
        w.u8(static_cast<std::uint8_t>(static_cast<unsigned>(c.rule) | (c.refers.empty() ? 0U : 4U)));
        if (!c.refers.empty()) w.counted(c.refers);
    }
}

/// A name is 1 to limits::name_bytes_max bytes without NUL, and not one of SQLite's or our own tables.
inline bool good_name(std::string_view name) noexcept {
    return !name.empty() && name.size() <= limits::name_bytes_max &&
           name.find('\0') == std::string_view::npos;
}
inline bool good_table_name(std::string_view name) noexcept {
    const auto starts = [name](std::string_view prefix) {  // SQLite's names do not tell case
        if (name.size() < prefix.size()) return false;
        for (std::size_t i = 0; i < prefix.size(); ++i) {
            const char c = name[i];
            if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != prefix[i]) return false;
        }
        return true;
    };
    return good_name(name) && !starts("sqlite_") && !starts("casasync_");
}

/// Reads which tables the key columns refer to: at least one of them does, the last one included.
inline bool get_key_refers(reader& r, std::vector<std::string>& out) {
    const std::size_t n = r.count(limits::row_columns_max, 1);
    for (std::size_t i = 0; i < n && r.ok(); ++i) {
        out.push_back(r.counted_text(limits::name_bytes_max));
        if (!out.back().empty() && !good_table_name(out.back())) return false;
    }
    return r.ok() && !out.empty() && !out.back().empty();
}

inline table_traits get_traits(reader& r) {
    table_traits table;
    table.name = r.counted_text(limits::name_bytes_max);
    const std::uint8_t flags = r.u8();
    if (!good_table_name(table.name) || flags > 7) return r.fail(), table;
    table.policy = static_cast<delete_policy>(flags & 1);
    if ((flags & 2) != 0) {
        table.number = r.counted_text(limits::name_bytes_max);
        if (!good_name(table.number)) return r.fail(), table;
    }
    if ((flags & 4) != 0 && !get_key_refers(r, table.key_refers)) return r.fail(), table;
    const std::size_t n = r.count(limits::row_columns_max, 3);
    std::vector<std::string_view> names;
    for (std::size_t i = 0; i < n && r.ok(); ++i) {
        std::string name = r.counted_text(limits::name_bytes_max);
        const std::uint8_t rule = r.u8();
        if (!good_name(name) || (rule & 3) > 2 || rule > 6) return r.fail(), table;
        column_traits& c =
            table.columns.emplace_back(column_traits{std::move(name), static_cast<merge_rule>(rule & 3), {}});
        if ((rule & 4) == 0) continue;
        c.refers = r.counted_text(limits::name_bytes_max);
        if (!good_table_name(c.refers)) return r.fail(), table;
    }
    for (const column_traits& c : table.columns) names.push_back(c.name);
    std::sort(names.begin(), names.end());
    if (std::adjacent_find(names.begin(), names.end()) != names.end()) r.fail();
    return table;
}

/// Writes nothing for none: they are the last thing in what has them.
inline void put_defaults(writer& w, const std::vector<column_default>& all) {
    if (all.empty()) return;
    w.varint(all.size());
    for (const column_default& d : all) {
        w.counted(d.table);
        w.counted(d.column);
        put_value(w, d.what);
    }
}

inline std::vector<column_default> get_listed_defaults(reader& r) {
    std::vector<column_default> out(r.count(limits::defaults_max, 5));
    for (std::size_t i = 0; i < out.size() && r.ok(); ++i) {
        column_default& d = out[i];
        d.table = r.counted_text(limits::name_bytes_max);
        d.column = r.counted_text(limits::name_bytes_max);
        d.what = get_value(r, limits::default_bytes_max);
        const auto follows = [](const column_default& a, const column_default& b) {
            return std::tie(a.table, a.column) < std::tie(b.table, b.column);
        };
        if (!good_table_name(d.table) || !good_name(d.column) || (i > 0 && !follows(out[i - 1], d))) r.fail();
    }
    return out;
}

inline std::vector<column_default> get_defaults(reader& r) {
    if (!r.ok() || r.done()) return {};
    auto out = get_listed_defaults(r);
    if (out.empty()) r.fail();
    return out;
}

/// What a changeset may end with: defaults, then what its author says of its state. Nothing for neither.
inline void put_rest(writer& w, const changeset& c) {
    put_defaults(w, c.defaults);
    if (!c.state && !c.asks_snapshot) return;
    if (c.defaults.empty()) w.varint(0);
    w.u8(static_cast<std::uint8_t>((c.state ? 1U : 0U) | (c.asks_snapshot ? 2U : 0U)));
    if (!c.state) return;
    w.u64(c.state->high);
    w.u64(c.state->low);
}

inline void get_rest(reader& r, changeset& c) {
    if (!r.ok() || r.done()) return;
    c.defaults = get_listed_defaults(r);
    if (!r.ok() || (!c.defaults.empty() && r.done())) return;
    const std::uint8_t flags = r.u8();
    if (flags < 1 || flags > 3) return r.fail();
    c.asks_snapshot = (flags & 2) != 0;
    if ((flags & 1) == 0) return;
    detail::u128& sum = c.state.emplace();
    sum.high = r.u64();
    sum.low = r.u64();
}

using replica_index = std::map<replica_id, std::uint64_t>;

/// An operation's clock, and its place among the operations.
struct clock_place {
    std::uint64_t clock = 0;
    std::size_t row = 0;
};

/// Sorts by clock, equal ones as they were. \cost O(n) a digit of eleven bits in which the clocks differ.
inline void sort_by_clock(std::vector<clock_place>& all) {
    constexpr unsigned digit_bits = 11;
    const auto [least, greatest] =
        std::minmax_element(all.begin(), all.end(), [](auto& a, auto& b) { return a.clock < b.clock; });
    const std::uint64_t from = least->clock, span = greatest->clock - from;
    std::vector<clock_place> sorted(all.size());
    for (unsigned shift = 0; shift < 64 && span >> shift != 0; shift += digit_bits) {
        const auto digit = [=](const clock_place& p) {
            return static_cast<std::size_t>((p.clock - from) >> shift & ((1U << digit_bits) - 1));
        };
        std::array<std::size_t, std::size_t{1} << digit_bits> next{};
        for (const clock_place& p : all) ++next[digit(p)];
        std::exclusive_scan(next.begin(), next.end(), next.begin(), std::size_t{0});
        for (const clock_place& p : all) sorted[next[digit(p)]++] = p;
        all.swap(sorted);
    }
}

/// Returns the operations in the order of their stamps, equal ones in their order in `rows`.
/// \param out  their clocks, in the order of the rows
inline std::vector<clock_place> by_stamp(const std::vector<row_change>& rows, std::vector<clock_place> out) {
    constexpr std::size_t many = 500;  // fewer are sorted sooner by comparing
    const auto order = [&rows](const clock_place& a, const clock_place& b) {
        if (a.clock != b.clock) return a.clock < b.clock;
        const replica_id &x = rows[a.row].op.when.replica, &y = rows[b.row].op.when.replica;
        return x != y ? x < y : a.row < b.row;
    };
    if (out.size() >= many && !std::is_sorted(out.begin(), out.end(), order)) sort_by_clock(out);
    if (!std::is_sorted(out.begin(), out.end(), order)) std::sort(out.begin(), out.end(), order);
    return out;
}

/// Writes keys: their sizes, how much of the one before each repeats (never all of it), and the rests.
inline void put_keys(writer& w, const std::vector<row_change>& rows) {
    numbers sizes(rows.size()), shared(rows.size());
    bytes_view last;
    bytes rests;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const bytes_view key = rows[i].key;
        std::size_t n = 0;
        while (n < last.size() && n + 1 < key.size() && last[n] == key[n]) ++n;
        sizes[i] = key.size();
        shared[i] = n;
        rests.insert(rests.end(), key.begin() + static_cast<std::ptrdiff_t>(n), key.end());
        last = key;
    }
    put_numbers(w, sizes);
    put_numbers(w, shared);
    w.raw(rests);
}

/// Writes clocks in their order, as steps, then each operation's place in it, as the distance to the one
/// behind that of the operation before.
/// \param order  the operations in the order of their stamps
inline void put_stamps(writer& w, std::span<const clock_place> order, hlc greatest) {
    w.varint(greatest.packed - order[0].clock);
    numbers steps(order.size() - 1), places(order.size());
    for (std::size_t i = 1; i < order.size(); ++i) steps[i - 1] = order[i].clock - order[i - 1].clock;
    put_numbers(w, steps);
    for (std::size_t i = 0; i < order.size(); ++i) places[order[i].row] = i;
    std::uint64_t next = 0;
    for (std::uint64_t& place : places) {
        const std::uint64_t distance = zigzag(static_cast<std::int64_t>(place - next));
        next = place + 1;
        place = distance;
    }
    put_numbers(w, places);
}

inline void put_operations(writer& w, const table_changes& t, const replica_index& replicas, hlc greatest) {
    w.varint(t.rows.size());
    put_keys(w, t.rows);
    numbers kinds(t.rows.size()), authors(t.rows.size());
    std::vector<clock_place> clocks(t.rows.size());
    auto author = replicas.begin();
    for (std::size_t i = 0; i < t.rows.size(); ++i) {
        const row_operation& op = t.rows[i].op;
        if (author->first != op.when.replica) author = replicas.find(op.when.replica);
        kinds[i] = static_cast<std::uint64_t>(op.kind) | (op.blind ? 8U : 0U);
        authors[i] = author->second;
        clocks[i] = {op.when.when.packed, i};
    }
    put_numbers(w, kinds);
    put_numbers(w, authors);
    put_stamps(w, by_stamp(t.rows, std::move(clocks)), greatest);
    put_masks(w, t.rows);
    put_values(w, t);
}

inline bool get_keys(reader& r, std::vector<row_change>& rows, std::size_t& bytes_left) {
    numbers sizes, shared;
    if (!get_numbers(r, rows.size(), sizes) || !get_numbers(r, rows.size(), shared)) return false;
    bytes_view last;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (sizes[i] == 0 || sizes[i] > limits::key_bytes_max || sizes[i] > bytes_left) return false;
        if (shared[i] >= sizes[i] || shared[i] > last.size()) return false;
        const auto size = static_cast<std::size_t>(sizes[i]), n = static_cast<std::size_t>(shared[i]);
        const bytes_view rest = r.raw(size - n);
        if (!r.ok()) return false;
        if (n < last.size()) {  // canonical: shared is as long as it can be, keys do not go back
            const bool same = rest[0] == last[n];
            if (same ? n + 1 < size || size != last.size() : rest[0] < last[n]) return false;
        }
        bytes_left -= size;
        row_key& key = rows[i].key;
        key.reserve(size);
        key.append(last.begin(), last.begin() + static_cast<std::ptrdiff_t>(n));
        key.append(rest.begin(), rest.end());
        last = key;
    }
    return true;
}

/// Reads the clocks of operations whose replicas are known.
inline bool get_stamps(reader& r, std::vector<row_change>& rows, hlc greatest) {
    const std::uint64_t before = r.varint();
    numbers clocks, distances;
    if (before > greatest.packed || !get_numbers(r, rows.size() - 1, clocks)) return false;
    clocks.insert(clocks.begin(), greatest.packed - before);
    for (std::size_t i = 1; i < clocks.size(); ++i) {
        if (clocks[i] > greatest.packed - clocks[i - 1]) return false;
        clocks[i] += clocks[i - 1];
    }
    if (clocks[0] == 0 || !get_numbers(r, rows.size(), distances))
        return false;  // a write without a time is none
    std::vector<std::size_t> order(rows.size(), rows.size());
    std::uint64_t next = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const std::uint64_t place = next + static_cast<std::uint64_t>(unzigzag(distances[i]));
        if (place >= rows.size() || order[static_cast<std::size_t>(place)] != rows.size()) return false;
        order[static_cast<std::size_t>(place)] = i;
        rows[i].op.when.when = hlc{clocks[static_cast<std::size_t>(place)]};
        next = place + 1;
        if (i > 0 && rows[i].key == rows[i - 1].key && !(rows[i - 1].op.when < rows[i].op.when)) return false;
    }
    for (std::size_t i = 1; i < order.size(); ++i) {  // clocks do not go back
        if (clocks[i - 1] != clocks[i]) continue;
        const replica_id &a = rows[order[i - 1]].op.when.replica, &b = rows[order[i]].op.when.replica;
        if (b < a || (a == b && order[i] < order[i - 1])) return false;
    }
    return r.ok();
}

/// What may still come of a changeset.
struct content_left {
    std::size_t cells = limits::changeset_cells_max, bytes = limits::changeset_content_bytes_max;
};

/// Reads one table's operations; returns unknown_format_version for a kind or value tag of a newer casasync.
inline result<void> get_operations(reader& r, table_changes& t, std::span<const replica_id> replicas,
                                   hlc greatest, content_left& left) {
    t.rows.resize(r.count(limits::changeset_ops_max));
    if (t.rows.empty() || !get_keys(r, t.rows, left.bytes)) return errc::malformed_changeset;
    numbers kinds, authors;
    if (!get_numbers(r, t.rows.size(), kinds)) return errc::malformed_changeset;
    for (const std::uint64_t v : kinds)
        if ((v & 7) < 1 || (v & 7) > 3 || v > 15) return errc::unknown_format_version;
    if (!get_numbers(r, t.rows.size(), authors)) return errc::malformed_changeset;
    for (std::size_t i = 0; i < t.rows.size(); ++i) {
        if (authors[i] >= replicas.size()) return errc::malformed_changeset;
        row_operation& op = t.rows[i].op;
        op.kind = static_cast<op_kind>(kinds[i] & 3);
        op.blind = (kinds[i] & 8) != 0;
        op.when.replica = replicas[static_cast<std::size_t>(authors[i])];
    }
    if (!get_stamps(r, t.rows, greatest) || !get_masks(r, t, left.cells)) return errc::malformed_changeset;
    return get_values(r, t, left.bytes);
}

}  // namespace detail

/// Returns the bytes of `c`. It must be well formed: tables and columns named once, rows sorted, columns
/// sorted. \cost O(cells), one pass a column. Thread-safe: pure.
[[nodiscard]] inline bytes encode(const changeset& c) {
    bytes out;
    detail::writer w(out);
    w.raw(as_bytes("CSC"));
    w.u8(changeset_format);
    w.raw(c.device.octets);
    w.varint(c.seq);
    w.counted(c.device_name);
    detail::put_context(w, c.context);
    detail::replica_index replicas;
    const replica_id* last = nullptr;
    hlc greatest{};
    for (const table_changes& t : c.tables)
        for (const row_change& r : t.rows) {
            if (last == nullptr || *last != r.op.when.replica) replicas.emplace(r.op.when.replica, 0);
            last = &r.op.when.replica;
            greatest = std::max(greatest, r.op.when.when);
        }
    w.varint(replicas.size());
    std::uint64_t n = 0;
    for (auto& [replica, index] : replicas) {
        index = n++;
        w.raw(replica.octets);
    }
    w.u64(greatest.packed);
    w.varint(c.tables.size());
    for (const table_changes& t : c.tables) {
        detail::put_traits(w, t.table);
        detail::put_operations(w, t, replicas, greatest);
    }
    detail::put_rest(w, c);
    return out;
}

/// What the front of a changeset tells: enough to decide whether it can be merged yet.
struct changeset_head {
    device_id device{};
    std::uint64_t seq = 0;
    std::string device_name{};
    causal_context context{};
    std::vector<replica_id> replicas{};  ///< sorted; those its stamps carry
    hlc greatest{};                      ///< greatest stamp inside; zero for a heartbeat
};

namespace detail {

inline result<changeset_head> get_head(reader& r) {
    const bytes_view magic = r.raw(3);
    if (!r.ok() || magic[0] != 'C' || magic[1] != 'S' || magic[2] != 'C') return errc::malformed_changeset;
    if (r.u8() != changeset_format) return r.ok() ? errc::unknown_format_version : errc::malformed_changeset;
    changeset_head head;
    head.device = r.id<device_id>();
    head.seq = r.varint();
    head.device_name = r.counted_text(limits::name_bytes_max);
    head.context = get_context(r);
    const std::size_t n = r.count(limits::context_entries_max, 16);
    for (std::size_t i = 0; i < n && r.ok(); ++i) {
        head.replicas.push_back(r.id<replica_id>());
        if (i > 0 && !(head.replicas[i - 1] < head.replicas[i])) r.fail();
    }
    head.greatest = hlc{r.u64()};
    if (!r.ok() || head.seq == 0) return errc::malformed_changeset;
    return head;
}

}  // namespace detail

/// Returns the front of a changeset. \errors malformed_changeset, unknown_format_version. \cost O(context).
[[nodiscard]] inline result<changeset_head> decode_head(bytes_view data) {
    detail::reader r(data);
    return detail::get_head(r);
}

/// Returns the changeset in `data`.
/// \errors malformed_changeset for bytes that encode() does not write; unknown_format_version for what a
/// newer one wrote. \cost O(cells). Thread-safe: pure. Memory is bounded by limits, whatever the bytes claim.
[[nodiscard]] inline result<changeset> decode(bytes_view data) {
    if (data.size() > limits::changeset_bytes_max) return errc::limit_exceeded;
    detail::reader r(data);
    auto head = detail::get_head(r);
    if (!head) return head.failure();
    changeset c;
    c.device = head->device;
    c.seq = head->seq;
    c.device_name = std::move(head->device_name);
    c.context = std::move(head->context);
    detail::content_left left;
    const std::size_t tables = r.count(limits::tables_max, 4);
    for (std::size_t i = 0; i < tables; ++i) {
        table_changes& t = c.tables.emplace_back();
        t.table = detail::get_traits(r);
        if (!r.ok()) return errc::malformed_changeset;
        for (std::size_t j = 0; j < i; ++j)
            if (c.tables[j].table.name == t.table.name) return errc::malformed_changeset;
        if (auto ok = detail::get_operations(r, t, head->replicas, head->greatest, left); !ok)
            return ok.failure();
    }
    detail::get_rest(r, c);
    if (!r.done()) return errc::malformed_changeset;
    hlc greatest{};
    std::vector<bool> used(head->replicas.size());
    auto author = head->replicas.begin();
    for (const table_changes& t : c.tables)
        for (const row_change& row : t.rows) {
            if (*author != row.op.when.replica)
                author = std::lower_bound(head->replicas.begin(), head->replicas.end(), row.op.when.replica);
            used[static_cast<std::size_t>(author - head->replicas.begin())] = true;
            greatest = std::max(greatest, row.op.when.when);
        }
    if (greatest != head->greatest || std::find(used.begin(), used.end(), false) != used.end())
        return errc::malformed_changeset;
    return c;
}

}  // namespace casasync
