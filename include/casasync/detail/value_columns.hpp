// SPDX-License-Identifier: MIT
#pragma once

/// The columns of a table in the changeset codec: which columns operations write, and the values.
#include <casasync/changeset.hpp>
#include <casasync/detail/number_column.hpp>
#include <casasync/detail/text_column.hpp>
#include <casasync/detail/wire.hpp>
#include <casasync/limits.hpp>
#include <casasync/result.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace casasync::detail {

using column_mask = std::vector<column_no>;

/// Orders operations by the columns they write.
struct by_columns {
    bool operator()(const row_operation& a, const row_operation& b) const noexcept {
        return std::lexicographical_compare(
            a.cells.begin(), a.cells.end(), b.cells.begin(), b.cells.end(),
            [](const cell_write& x, const cell_write& y) { return x.column < y.column; });
    }
};

inline bool same_columns(const row_operation& a, const row_operation& b) noexcept {
    return std::equal(a.cells.begin(), a.cells.end(), b.cells.begin(), b.cells.end(),
                      [](const cell_write& x, const cell_write& y) { return x.column == y.column; });
}

/// Writes which columns each operation writes: the distinct masks in order of first use, then their numbers.
inline void put_masks(writer& w, const std::vector<row_change>& rows) {
    std::map<std::reference_wrapper<const row_operation>, std::uint64_t, by_columns> index;
    std::vector<const row_operation*> order;
    numbers masks(rows.size()), of_column;  // of_column: 1 + the mask of just this column
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const row_operation& op = rows[i].op;
        const bool single = op.cells.size() == 1;
        const std::size_t column = single ? op.cells[0].column : 0;
        if (single && column < of_column.size() && of_column[column] != 0) {
            masks[i] = of_column[column] - 1;
            continue;
        }
        if (i > 0 && !single && same_columns(op, rows[i - 1].op)) {
            masks[i] = masks[i - 1];
            continue;
        }
        const auto [it, added] = index.emplace(std::cref(op), order.size());
        if (added) order.push_back(&op);
        masks[i] = it->second;
        if (!single) continue;
        of_column.resize(std::max(of_column.size(), column + 1));
        of_column[column] = it->second + 1;
    }
    w.varint(order.size());
    for (const row_operation* op : order) {
        w.varint(op->cells.size());
        column_no next = 0;
        for (const cell_write& c : op->cells) {
            w.varint(c.column - next);
            next = c.column + 1;
        }
    }
    put_numbers(w, masks);
}

/// A DELETE writes no cells, an UPDATE some; an INSERT may have none, in a table that is all key.
[[nodiscard]] inline bool bad_mask(op_kind kind, const column_mask& mask) noexcept {
    return (kind == op_kind::erase && !mask.empty()) || (kind == op_kind::update && mask.empty());
}

/// Reads the distinct masks: every column of the table is in one.
inline bool get_distinct_masks(reader& r, const table_changes& t, std::vector<column_mask>& masks) {
    masks.resize(r.count(t.rows.size()));
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
    return r.ok();
}

/// Gives every operation its cells, with NULL values. Checks that DELETE has none and that columns exist.
inline bool get_masks(reader& r, table_changes& t, std::size_t& cells_left) {
    std::vector<column_mask> masks;
    numbers all;
    if (!get_distinct_masks(r, t, masks) || !get_numbers(r, t.rows.size(), all)) return false;
    std::size_t fresh = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (all[i] > fresh || all[i] >= masks.size()) return false;  // numbered in order of first use
        if (all[i] == fresh) ++fresh;
        const column_mask& mask = masks[static_cast<std::size_t>(all[i])];
        row_operation& op = t.rows[i].op;
        if (mask.size() > cells_left || bad_mask(op.kind, mask)) return false;
        cells_left -= mask.size();
        op.cells.resize(mask.size());
        for (std::size_t n = 0; n < mask.size(); ++n) op.cells[n].column = mask[n];
    }
    return fresh == masks.size();
}

/// The values of one column, by their kinds, in the order of the operations.
struct column_values {
    numbers kinds{}, integers{}, blob_sizes{};
    std::vector<double> reals{};
    std::vector<std::string_view> texts{};
    std::vector<bytes_view> blobs{};

    void add(const value& v) {
        kinds.push_back(static_cast<std::uint64_t>(v.kind()));
        switch (v.kind()) {
            case value_kind::null:
                break;
            case value_kind::integer:
                push(integers, zigzag(v.integer()));
                break;
            case value_kind::real:
                push(reals, v.real());
                break;
            case value_kind::text:
                push(texts, std::string_view(v.text()));
                break;
            case value_kind::blob:
                blobs.emplace_back(v.blob());
                blob_sizes.push_back(v.blob().size());
                break;
        }
    }

 private:
    /// Most columns have values of one kind.
    template <class T>
    void push(std::vector<T>& list, T v) {
        if (list.empty()) list.reserve(kinds.capacity() - kinds.size() + 1);
        list.push_back(v);
    }
};

/// Writes the values, column by column: kinds, then integers, reals, texts and blobs, each kind together.
inline void put_values(writer& w, const table_changes& t) {
    std::vector<column_values> all(t.table.columns.size());
    for (column_values& column : all) column.kinds.reserve(t.rows.size());
    for (const row_change& r : t.rows)
        for (const cell_write& c : r.op.cells) all[c.column].add(c.what);
    for (const column_values& column : all) {
        put_numbers(w, column.kinds);
        put_numbers(w, column.integers);
        for (const double d : column.reals) w.real(d);
        put_texts(w, column.texts);
        put_numbers(w, column.blob_sizes);
        for (const bytes_view b : column.blobs) w.raw(b);
    }
}

inline bool get_integers(reader& r, std::span<value* const> out) {
    numbers all;
    if (!get_numbers(r, out.size(), all)) return false;
    for (std::size_t i = 0; i < out.size(); ++i) out[i]->make_integer(unzigzag(all[i]));
    return true;
}

inline bool get_reals(reader& r, std::span<value* const> out) {
    for (value* v : out) {
        const double d = r.real();
        if (!r.ok() || d != d) return false;
        *v = value(d);
    }
    return true;
}

inline bool get_text_values(reader& r, std::span<value* const> out, std::size_t& bytes_left) {
    std::vector<std::string*> texts;
    texts.reserve(out.size());
    for (value* v : out) texts.push_back(&v->make_text());
    return get_texts(r, texts, bytes_left);
}

inline bool get_blobs(reader& r, std::span<value* const> out) {
    numbers sizes;
    if (!get_numbers(r, out.size(), sizes)) return false;
    for (std::size_t i = 0; i < out.size(); ++i) {
        if (sizes[i] > limits::value_bytes_max) return false;
        const bytes_view raw = r.raw(static_cast<std::size_t>(sizes[i]));
        if (!r.ok()) return false;
        *out[i] = value(bytes(raw.begin(), raw.end()));
    }
    return true;
}

/// Reads the values of one column into its cells, at least one. \errors unknown_format_version for a kind of
/// a newer casasync
inline result<void> get_column(reader& r, std::span<value* const> cells, std::size_t& bytes_left) {
    numbers kinds;
    if (!get_numbers(r, cells.size(), kinds)) return errc::malformed_changeset;
    std::array<std::vector<value*>, 5> of_kind;
    const bool mixed = std::adjacent_find(kinds.begin(), kinds.end(), std::not_equal_to<>()) != kinds.end();
    for (std::size_t i = 0; i < kinds.size(); ++i) {
        if (kinds[i] >= of_kind.size()) return errc::unknown_format_version;
        if (mixed) of_kind[static_cast<std::size_t>(kinds[i])].push_back(cells[i]);
    }
    const auto of = [&](value_kind k) {
        const bool all = !mixed && kinds[0] == static_cast<std::uint64_t>(k);
        return all ? cells : std::span<value* const>(of_kind[static_cast<std::size_t>(k)]);
    };
    const bool whole = get_integers(r, of(value_kind::integer)) && get_reals(r, of(value_kind::real)) &&
                       get_text_values(r, of(value_kind::text), bytes_left) &&
                       get_blobs(r, of(value_kind::blob));
    return whole ? result<void>{} : result<void>{errc::malformed_changeset};
}

inline result<void> get_values(reader& r, table_changes& t, std::size_t& bytes_left) {
    std::vector<std::vector<value*>> columns(t.table.columns.size());
    for (std::vector<value*>& cells : columns) cells.reserve(t.rows.size());
    for (row_change& row : t.rows)
        for (cell_write& c : row.op.cells) columns[c.column].push_back(&c.what);
    for (const std::vector<value*>& cells : columns)
        if (auto ok = get_column(r, cells, bytes_left); !ok) return ok;
    return {};
}

}  // namespace casasync::detail
