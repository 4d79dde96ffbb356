// SPDX-License-Identifier: MIT
#pragma once

/// The vault's digest: a sum over cells of hash(table, key, column, stamp), so that it is kept incrementally
/// from the registers in hand and nothing is stored a row. Values are implied by their stamps. It compares
/// honest replicas; it is no proof against a forger.
#include <casasync/bytes.hpp>
#include <casasync/conflict.hpp>
#include <casasync/detail/hash.hpp>
#include <casasync/row.hpp>

#include <algorithm>
#include <string_view>

namespace casasync {

/// A sum of 128-bit hashes, modulo 2^128.
using digest128 = detail::u128;

namespace detail {

enum class digest_term : std::uint8_t { born = 1, dead = 2, cell = 3, conflict = 4 };

/// What of a term hangs neither on the row nor on the stamp: its kind, and a column's name.
inline u128 term_seed(digest_term kind, std::string_view column = {}) noexcept {
    return hash128(as_bytes(column), {0, static_cast<std::uint64_t>(kind)});
}

/// The hash of a stamp, its replica and its clock (least significant byte first), under the row's xor `what`.
inline digest128 term(const digest128& row, const u128& what, const stamp& when) noexcept {
    const std::uint8_t* const replica = when.replica.octets.data();
    hash_state hash({row.high ^ what.high, row.low ^ what.low});
    hash.block(load_le64(replica), load_le64(replica + 8));
    return hash.end(when.when.packed, 0, 24);
}

inline digest128 row_seed(const table_traits& table, bytes_view key) {
    return hash128(key, hash128(as_bytes(table.name)));
}

}  // namespace detail

/// Returns what a row adds to the digest: born, dead and each shown cell of a visible row, only `dead` of an
/// invisible one. Cells at the adoption stamp add nothing. \cost O(cells). Thread-safe: pure.
[[nodiscard]] inline digest128 row_digest(const table_traits& table, bytes_view key, const row_state& row) {
    const digest128 seed = detail::row_seed(table, key);
    digest128 sum;
    const auto add = [&](detail::digest_term kind, std::string_view column, const stamp& when) {
        if (when.exists() && when != band::adopted)
            sum += detail::term(seed, detail::term_seed(kind, column), when);
    };
    add(detail::digest_term::dead, {}, row.dead);
    if (!is_visible(row, table.policy)) return sum;
    add(detail::digest_term::born, {}, row.born);
    for (const cell& c : row.cells) {
        const column_traits& column = table.columns[c.column];
        if (is_shown(row, c, column.rule)) add(detail::digest_term::cell, column.name, c.when);
    }
    return sum;
}

/// Returns row_digest(after) - row_digest(before); only what differs is hashed. \cost O(cells), a hash for
/// each one that differs. Thread-safe: pure.
[[nodiscard]] inline digest128 digest_change(const table_traits& table, bytes_view key,
                                             const row_state& before, const row_state& after) {
    const bool was = is_visible(before, table.policy), is = is_visible(after, table.policy);
    const digest128 seed = detail::row_seed(table, key);
    digest128 sum;
    const auto differ = [&](detail::digest_term kind, std::string_view column, const stamp& old,
                            const stamp& now) {
        if (old == now) return;
        const auto counts = [](const stamp& s) { return s.exists() && s != band::adopted; };
        const detail::u128 what = detail::term_seed(kind, column);
        if (counts(now)) sum += detail::term(seed, what, now);
        if (counts(old)) sum -= detail::term(seed, what, old);
    };
    differ(detail::digest_term::dead, {}, before.dead, after.dead);
    differ(detail::digest_term::born, {}, was ? before.born : stamp{}, is ? after.born : stamp{});
    const auto shown = [&table](const row_state& row, bool visible, const cell* c) {
        return c != nullptr && visible && is_shown(row, *c, table.columns[c->column].rule) ? c->when
                                                                                           : stamp{};
    };
    for (auto old = before.cells.begin(), now = after.cells.begin();
         old != before.cells.end() || now != after.cells.end();) {
        const bool first =
            now == after.cells.end() || (old != before.cells.end() && old->column <= now->column);
        const bool second =
            old == before.cells.end() || (now != after.cells.end() && now->column <= old->column);
        const column_no column = first ? old->column : now->column;
        differ(detail::digest_term::cell, table.columns[column].name,
               shown(before, was, first ? &*old : nullptr), shown(after, is, second ? &*now : nullptr));
        old += first ? 1 : 0;
        now += second ? 1 : 0;
    }
    return sum;
}

/// Returns what a row adds to the digest of the open conflicts: table, key, column and stamp of each lost
/// write. \cost O(conflicts). Thread-safe: pure.
[[nodiscard]] inline digest128 conflict_digest(const table_traits& table, bytes_view key,
                                               const std::vector<conflict>& open) {
    if (open.empty()) return {};
    const digest128 seed = detail::row_seed(table, key);
    digest128 sum;
    for (const conflict& c : open) {
        const std::string_view column =
            c.column ? std::string_view(table.columns[*c.column].name) : std::string_view{};
        sum += detail::term(seed, detail::term_seed(detail::digest_term::conflict, column), c.loser);
    }
    return sum;
}

}  // namespace casasync
