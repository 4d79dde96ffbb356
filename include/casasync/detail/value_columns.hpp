// SPDX-License-Identifier: MIT
#pragma once

/// The columnar parts of the changeset codec: runs of equal numbers, column masks, typed values with a string
/// dictionary.
#include <casasync/changeset.hpp>
#include <casasync/detail/wire.hpp>
#include <casasync/limits.hpp>
#include <casasync/result.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace casasync::detail {

/// Writes one number an item as runs: length, number.
template <class Items, class Number>
void put_runs(writer& w, const Items& items, Number&& number) {
    for (std::size_t i = 0; i < items.size();) {
        const std::uint64_t v = number(items[i]);
        std::size_t end = i + 1;
        while (end < items.size() && number(items[end]) == v) ++end;
        w.varint(end - i);
        w.varint(v);
        i = end;
    }
}

/// Reads what put_runs wrote; `take(item, number)` returns false for a number that cannot be.
template <class Items, class Take>
bool get_runs(reader& r, Items& items, Take&& take) {
    std::uint64_t last = 0;
    for (std::size_t i = 0; i < items.size();) {
        const std::uint64_t n = r.varint(), v = r.varint();
        if (!r.ok() || n == 0 || n > items.size() - i || (i > 0 && v == last)) return r.fail(), false;
        for (const std::size_t end = i + static_cast<std::size_t>(n); i < end; ++i)
            if (!take(items[i], v)) return r.fail(), false;
        last = v;
    }
    return true;
}

using column_mask = std::vector<column_no>;

[[nodiscard]] inline column_mask mask_of(const row_operation& op) {
    column_mask mask;
    mask.reserve(op.cells.size());
    for (const cell_write& c : op.cells) mask.push_back(c.column);
    return mask;
}

/// Writes which columns each operation writes: the distinct masks in order of first use, then runs of their
/// numbers.
inline void put_masks(writer& w, const std::vector<row_change>& rows) {
    std::map<column_mask, std::uint64_t> index;
    std::vector<const column_mask*> order;
    std::vector<std::uint64_t> numbers;
    numbers.reserve(rows.size());
    for (const row_change& r : rows) {
        const auto [it, added] = index.emplace(mask_of(r.op), order.size());
        if (added) order.push_back(&it->first);
        numbers.push_back(it->second);
    }
    w.varint(order.size());
    for (const column_mask* mask : order) {
        w.varint(mask->size());
        column_no next = 0;
        for (const column_no c : *mask) {
            w.varint(c - next);
            next = c + 1;
        }
    }
    put_runs(w, numbers, [](std::uint64_t n) { return n; });
}

/// A DELETE writes no cells, an UPDATE some; an INSERT may have none, in a table that is all key.
[[nodiscard]] inline bool bad_mask(op_kind kind, const column_mask& mask) noexcept {
    return (kind == op_kind::erase && !mask.empty()) || (kind == op_kind::update && mask.empty());
}

/// Gives every operation its cells, with NULL values. Checks that DELETE has none and that columns exist.
inline bool get_masks(reader& r, table_changes& t, std::size_t& cells_left) {
    std::vector<column_mask> masks(r.count(t.rows.size()));
    std::vector<bool> used(t.table.columns.size());
    for (column_mask& mask : masks) {
        mask.resize(r.count(t.table.columns.size()));
        std::uint64_t next = 0;
        for (column_no& c : mask) {
            const std::uint64_t skip = r.varint();
            if (!r.ok() || skip >= t.table.columns.size() || next + skip >= t.table.columns.size())
                return r.fail(), false;
            c = static_cast<column_no>(next + skip);
            used[c] = true;
            next = c + std::uint64_t{1};
        }
    }
    auto sorted = masks;
    std::sort(sorted.begin(), sorted.end());
    if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) return r.fail(), false;
    if (std::find(used.begin(), used.end(), false) != used.end()) return r.fail(), false;
    std::size_t fresh = 0;
    return r.ok() &&
           get_runs(r, t.rows,
                    [&](row_change& row, std::uint64_t v) {
                        if (v > fresh || v >= masks.size())
                            return false;  // masks are numbered in order of first use
                        if (v == fresh) ++fresh;
                        const column_mask& mask = masks[static_cast<std::size_t>(v)];
                        if (mask.size() > cells_left || bad_mask(row.op.kind, mask)) return false;
                        cells_left -= mask.size();
                        row.op.cells.reserve(mask.size());
                        for (const column_no c : mask) row.op.cells.push_back({c, {}});
                        return true;
                    }) &&
           fresh == masks.size();
}

inline constexpr std::size_t dictionary_text_max = 64;  ///< longer strings are written out each time

/// The cells of one column, in the order of the operations.
template <class Rows, class Cell>
std::vector<std::vector<Cell*>> cells_by_column(Rows& rows, std::size_t columns) {
    std::vector<std::vector<Cell*>> out(columns);
    for (auto& row : rows)
        for (auto& c : row.op.cells) out[c.column].push_back(&c);
    return out;
}

/// Writes the values, column by column: runs of kinds, then the contents. A text is 0 and its bytes the first
/// time, and afterwards, when short, one more than its place in the dictionary.
inline void put_values(writer& w, const table_changes& t) {
    std::unordered_map<std::string_view, std::uint64_t> dictionary;  // looked up, never iterated
    for (const auto& cells :
         cells_by_column<const std::vector<row_change>, const cell_write>(t.rows, t.table.columns.size())) {
        put_runs(w, cells, [](const cell_write* c) { return static_cast<std::uint64_t>(c->what.kind()); });
        for (const cell_write* c : cells) {
            switch (c->what.kind()) {
                case value_kind::null:
                    break;
                case value_kind::integer:
                    w.signed_varint(c->what.integer());
                    break;
                case value_kind::real:
                    w.real(c->what.real());
                    break;
                case value_kind::blob:
                    w.counted(c->what.blob());
                    break;
                case value_kind::text: {
                    const std::string& text = c->what.text();
                    const auto known = text.size() <= dictionary_text_max
                                           ? dictionary.emplace(text, dictionary.size() + 1)
                                           : std::pair{dictionary.end(), true};
                    if (!known.second) {
                        w.varint(known.first->second);
                    } else {
                        w.varint(0);
                        w.counted(text);
                    }
                    break;
                }
            }
        }
    }
}

/// Reads one text; `dictionary` holds the short ones seen so far, `known` the same for looking up.
inline bool get_text(reader& r, value& out, std::vector<std::string_view>& dictionary,
                     std::unordered_map<std::string_view, std::uint64_t>& known) {
    const std::uint64_t place = r.varint();
    if (place > dictionary.size()) return false;
    if (place > 0) {
        out = value(dictionary[static_cast<std::size_t>(place - 1)]);
        return true;
    }
    const bytes_view raw = r.counted(limits::value_bytes_max);
    const std::string_view text(reinterpret_cast<const char*>(raw.data()), raw.size());
    if (!r.ok()) return false;
    if (text.size() <= dictionary_text_max) {
        if (!known.emplace(text, dictionary.size()).second)
            return false;  // canonical: it has a place already
        dictionary.push_back(text);
    }
    out = value(text);
    return true;
}

inline bool get_value(reader& r, std::uint64_t kind, value& out, std::vector<std::string_view>& dictionary,
                      std::unordered_map<std::string_view, std::uint64_t>& known) {
    switch (static_cast<value_kind>(kind)) {
        case value_kind::null:
            return true;
        case value_kind::integer:
            out = value(r.signed_varint());
            return r.ok();
        case value_kind::real: {
            const double d = r.real();
            out = value(d);
            return r.ok() && d == d;
        }
        case value_kind::text:
            return get_text(r, out, dictionary, known);
        case value_kind::blob: {
            const bytes_view raw = r.counted(limits::value_bytes_max);
            out = value(bytes(raw.begin(), raw.end()));
            return r.ok();
        }
    }
    return false;
}

inline result<void> get_values(reader& r, table_changes& t) {
    std::vector<std::string_view> dictionary;
    std::unordered_map<std::string_view, std::uint64_t> known;
    for (auto& cells : cells_by_column<std::vector<row_change>, cell_write>(t.rows, t.table.columns.size())) {
        std::vector<std::pair<cell_write*, std::uint64_t>> kinds;
        kinds.reserve(cells.size());
        bool newer = false;
        const bool ok = get_runs(r, cells, [&](cell_write* c, std::uint64_t kind) {
            newer = newer || kind > static_cast<std::uint64_t>(value_kind::blob);
            kinds.emplace_back(c, kind);
            return true;
        });
        if (!ok) return errc::malformed_changeset;
        if (newer) return errc::unknown_format_version;
        for (auto& [c, kind] : kinds)
            if (!get_value(r, kind, c->what, dictionary, known)) return errc::malformed_changeset;
    }
    return r.ok() ? result<void>{} : result<void>{errc::malformed_changeset};
}

}  // namespace casasync::detail
