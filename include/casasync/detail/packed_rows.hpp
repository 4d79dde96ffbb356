// SPDX-License-Identifier: MIT
#pragma once

/// The registers of a table's rows where a merge of many finds them with few reads of memory: an index over
/// keys, a cache line a row, half a line a cell. Live writes, which few rows have, lie apart.
#include <casasync/bytes.hpp>
#include <casasync/detail/byte_arena.hpp>
#include <casasync/detail/hash.hpp>
#include <casasync/detail/packed_cell.hpp>
#include <casasync/detail/row_index.hpp>
#include <casasync/row.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <numeric>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace casasync::detail {

/// A stamp with its replica as a number.
struct packed_stamp {
    std::uint64_t when = 0;
    std::uint32_t replica = 0;
};

/// What of a row is not in its cells.
struct alignas(64) packed_row {
    std::uint64_t born = 0, dead = 0, touched = 0;  ///< clocks of stamps; 0: there is none
    std::uint32_t born_by = 0, dead_by = 0, touched_by = 0;
    std::uint32_t dead_seen : 1 = 0;
    std::uint32_t has_live : 1 = 0;
    std::uint32_t key_size : 30 = 0;
    packed_bytes<24> key{};
};
static_assert(sizeof(packed_row) == 64);

class packed_rows {
 public:
    explicit packed_rows(std::string_view table) : table_seed_(hash128(as_bytes(table))) {}

    /// The hash of a row: where the index has it, and what its terms of the digest begin with.
    [[nodiscard]] u128 seed(bytes_view key) const noexcept { return hash128(key, table_seed_); }
    [[nodiscard]] std::size_t size() const noexcept { return rows_.size(); }
    [[nodiscard]] std::optional<row_no> find(bytes_view key) const { return find(seed(key), key); }
    [[nodiscard]] std::optional<row_no> find(const u128& seed, bytes_view key) const {
        return index_.find(static_cast<std::uint32_t>(seed.low), [&](row_no r) {
            const bytes_view there = this->key(r);
            return std::equal(there.begin(), there.end(), key.begin(), key.end());
        });
    }
    [[nodiscard]] bytes_view key(row_no r) const noexcept {
        return rows_[r].key.view(rows_[r].key_size, arena_);
    }
    /// Returns all rows in the order of their keys. \cost O(rows log rows)
    [[nodiscard]] std::vector<row_no> by_key() const {
        std::vector<row_no> out(rows_.size());
        std::iota(out.begin(), out.end(), row_no{0});
        std::sort(out.begin(), out.end(), [this](row_no a, row_no b) {
            const bytes_view x = key(a), y = key(b);
            return std::lexicographical_compare(x.begin(), x.end(), y.begin(), y.end());
        });
        return out;
    }

    /// Makes room for columns up to `count`. \cost O(rows) when there are more than before
    void widen(std::size_t count) {
        if (count <= columns_) return;
        std::vector<packed_cell> wider(rows_.size() * count);
        for (std::size_t r = 0; r < rows_.size(); ++r)
            std::copy_n(cells_.begin() + static_cast<std::ptrdiff_t>(r * columns_), columns_,
                        wider.begin() + static_cast<std::ptrdiff_t>(r * count));
        cells_ = std::move(wider);
        columns_ = count;
    }

    /// Returns a row's registers. \param values  false: without the values of its cells
    [[nodiscard]] row_state load(row_no r, bool values) const {
        const packed_row& p = rows_[r];
        row_state out;
        out.born = unpack({p.born, p.born_by});
        out.dead = unpack({p.dead, p.dead_by});
        out.touched = unpack({p.touched, p.touched_by});
        out.dead_seen = p.dead_seen != 0;
        out.cells.reserve(columns_);
        for (column_no c = 0; c < columns_; ++c) {
            const packed_cell& x = cell(r, c);
            if (x.when == 0) continue;
            casasync::cell& to = out.cells.emplace_back(casasync::cell{c, unpack({x.when, x.replica}), {}});
            if (values) to.what = x.get(arena_);
        }
        if (p.has_live != 0) out.live = live_.at(r);
        return out;
    }
    /// Writes a row's registers, of a new row too; a value that is missing stays what it is.
    void store(bytes_view key, const row_state& row) {
        const u128 seed = this->seed(key);
        const auto known = find(seed, key);
        const row_no r = known ? *known : add(seed, key);
        packed_row& p = rows_[r];
        const packed_stamp born = pack(row.born), dead = pack(row.dead), touched = pack(row.touched);
        p.born = born.when, p.born_by = born.replica;
        p.dead = dead.when, p.dead_by = dead.replica;
        p.touched = touched.when, p.touched_by = touched.replica;
        p.dead_seen = row.dead_seen ? 1 : 0;
        for (const casasync::cell& c : row.cells) {
            packed_cell& to = cell(r, c.column);
            const packed_stamp when = pack(c.when);
            to.when = when.when, to.replica = when.replica;
            if (c.what) to.put(*c.what, arena_);
        }
        if (p.has_live != 0 && row.live.empty()) live_.erase(r);
        p.has_live = row.live.empty() ? 0 : 1;
        if (!row.live.empty()) live_[r] = row.live;
    }
    /// Returns the room that long keys and values take, replaced ones included.
    [[nodiscard]] std::size_t long_bytes() const noexcept { return arena_.size(); }
    /// Moves long values together when most of their room is lost to values that were replaced.
    void tidy() {
        if (!arena_.is_sparse()) return;
        byte_arena fresh;
        for (packed_row& p : rows_) p.key.move(p.key_size, arena_, fresh);
        for (packed_cell& c : cells_) c.content.move(c.size, arena_, fresh);
        arena_ = std::move(fresh);
    }

    // What merges in place need

    [[nodiscard]] row_no add(const u128& seed, bytes_view key) {
        const auto r = static_cast<row_no>(rows_.size());
        packed_row& p = rows_.emplace_back();
        p.key_size = static_cast<std::uint32_t>(key.size()) & ((1U << 30) - 1);
        p.key.put(key, arena_);
        cells_.resize(cells_.size() + columns_);
        index_.add(static_cast<std::uint32_t>(seed.low), r);
        return r;
    }
    [[nodiscard]] packed_row& row(row_no r) noexcept { return rows_[r]; }
    [[nodiscard]] packed_cell& cell(row_no r, column_no c) noexcept { return cells_[r * columns_ + c]; }
    [[nodiscard]] const packed_cell& cell(row_no r, column_no c) const noexcept {
        return cells_[r * columns_ + c];
    }
    void put(packed_cell& c, const packed_stamp& when, const value& what) {
        c.when = when.when, c.replica = when.replica;
        c.put(what, arena_);
    }
    void prefetch_index(const u128& seed) const noexcept {
        index_.prefetch(static_cast<std::uint32_t>(seed.low));
    }
    /// Prefetches the row that this is likely the hash of, and one of its cells.
    void prefetch_row(const u128& seed, column_no c) const noexcept {
        const auto r = index_.find(static_cast<std::uint32_t>(seed.low), [](row_no) { return true; });
        if (!r) return;
        prefetch(&rows_[*r]);
        if (c < columns_) prefetch(&cell(*r, c));
    }
    [[nodiscard]] packed_stamp pack(const stamp& s) {
        return s.exists() ? packed_stamp{s.when.packed, number_of(s.replica)} : packed_stamp{};
    }
    [[nodiscard]] stamp unpack(const packed_stamp& s) const noexcept {
        return s.when == 0 ? stamp{} : stamp{hlc{s.when}, replicas_[s.replica]};
    }
    /// True when `a` is less than `b` in the order of stamps.
    [[nodiscard]] bool less(const packed_stamp& a, const packed_stamp& b) const noexcept {
        if (a.when != b.when || a.replica == b.replica) return a.when < b.when;
        return replicas_[a.replica] < replicas_[b.replica];
    }
    [[nodiscard]] std::uint32_t number_of(const replica_id& id) {
        if (last_ < replicas_.size() && replicas_[last_] == id) return last_;
        const auto [it, added] = numbers_.try_emplace(id, static_cast<std::uint32_t>(replicas_.size()));
        if (added) replicas_.push_back(id);
        return last_ = it->second;
    }
    [[nodiscard]] const std::vector<replica_id>& replicas() const noexcept { return replicas_; }

 private:
    u128 table_seed_;
    std::size_t columns_ = 0;
    row_index index_;
    std::vector<packed_row> rows_;
    std::vector<packed_cell> cells_;  ///< of `columns_` columns for each row, row by row
    byte_arena arena_;
    std::map<row_no, std::vector<live_write>> live_;
    std::map<replica_id, std::uint32_t> numbers_;
    std::vector<replica_id> replicas_;
    std::uint32_t last_ =
        0;  ///< what number_of() returned last: most stamps are of one replica after another
};

}  // namespace casasync::detail
