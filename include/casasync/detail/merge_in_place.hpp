// SPDX-License-Identifier: MIT
#pragma once

/// Merging a changeset's operations on one table into packed registers, without a plan. The two cases that
/// nearly all operations are, need no more than a few reads of memory: the first INSERT of a row, and an
/// UPDATE, of a row that was never deleted and has no live writes, over writes that its author had seen. All
/// others take the way that merge() takes.
#include <casasync/detail/packed_rows.hpp>
#include <casasync/merge.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace casasync::detail {

class in_place_merge {
 public:
    /// \param vector  what the author had merged \param merged  is raised to what is merged
    /// \param sums  gets what the rows' sums and clock change by
    in_place_merge(packed_rows& rows, const resolved_table& table, const version_vector& vector,
                   version_vector& merged, merge_plan& sums)
        : rows_(&rows), table_(&table), vector_(&vector), merged_(&merged), sums_(&sums) {
        columns_.reserve(table.columns.size());
        for (const column_no c : table.columns) {
            const column_traits& traits = table.traits->columns[c];
            columns_.push_back(
                {term_seed(digest_term::cell, traits.name), c, traits.rule == merge_rule::lww});
        }
    }

    /// Merges operations sorted by key, then by stamp.
    void merge(std::span<const row_change> all) {
        constexpr std::size_t block = 32;  // their rows come into the cache together
        std::array<u128, block> seeds{};
        while (!all.empty()) {
            const auto now = all.first(std::min(block, all.size()));
            all = all.subspan(now.size());
            for (std::size_t i = 0; i < now.size(); ++i) {
                prefetch(now[i].op.cells.data());
                seeds[i] = rows_->seed(now[i].key);
                rows_->prefetch_index(seeds[i]);
            }
            for (const row_change& later : all.first(std::min(block, all.size()))) prefetch(later.key.data());
            for (std::size_t i = 0; i < now.size(); ++i)
                rows_->prefetch_row(seeds[i], first_column(now[i].op));
            for (std::size_t i = 0; i < now.size(); ++i) merge(seeds[i], now[i]);
        }
        if (author_) merged_->raise(author_->id, author_->latest);
        author_.reset();
    }

 private:
    /// A column of the author's.
    struct column {
        u128 term{};         ///< what its terms of the digest begin with
        column_no here = 0;  ///< its number in `rows_`
        bool by_stamp = true;
    };
    /// The replica of the last operation.
    struct author {
        replica_id id{};
        std::uint32_t number = 0;
        hlc latest{};
    };

    [[nodiscard]] column_no first_column(const row_operation& op) const noexcept {
        return op.cells.empty() ? 0 : columns_[op.cells.front().column].here;
    }

    void merge(const u128& seed, const row_change& change) {
        take_author(change.op.when);
        const packed_stamp when{change.op.when.when.packed, author_->number};
        const auto row = rows_->find(seed, change.key);
        if (row ? overwrite(*row, seed, change.op, when) : insert(seed, change, when)) return;
        merge_any(change);
    }
    void take_author(const stamp& s) {
        sums_->greatest = observe(sums_->greatest, s.when);
        if (!author_ || author_->id != s.replica) {
            if (author_) merged_->raise(author_->id, author_->latest);
            author_ = author{s.replica, rows_->number_of(s.replica), {}};
        }
        author_->latest = std::max(author_->latest, s.when);
    }

    /// The first INSERT of a row: every cell is written and shown.
    [[nodiscard]] bool insert(const u128& seed, const row_change& change, const packed_stamp& when) {
        if (change.op.kind != op_kind::insert || !counts(change.op.when)) return false;
        const row_no r = rows_->add(seed, change.key);
        packed_row& p = rows_->row(r);
        p.born = p.touched = when.when;
        p.born_by = p.touched_by = when.replica;
        sums_->digest += term(seed, term_seed(digest_term::born), change.op.when);
        sums_->counts.applied += count_writes(change.op);
        for (const cell_write& w : change.op.cells) {
            const column& to = columns_[w.column];
            sums_->digest += term(seed, to.term, change.op.when);
            rows_->put(rows_->cell(r, to.here), when, w.what);
        }
        return true;
    }

    /// An UPDATE that only replaces registers; of anything else it changes nothing and returns false.
    [[nodiscard]] bool overwrite(row_no r, const u128& seed, const row_operation& op,
                                 const packed_stamp& when) {
        packed_row& p = rows_->row(r);
        const bool plain = op.kind == op_kind::update && p.born != 0 && p.dead == 0 && p.has_live == 0;
        if (!plain || !counts(op.when) || rows_->less(when, {p.born, p.born_by})) return false;
        const std::span<const cell_write> cells(op.cells);
        for (const cell_write& w : cells) {
            const column& c = columns_[w.column];
            if (!c.by_stamp || !is_older(rows_->cell(r, c.here), op, when)) return false;
        }
        for (const cell_write& w : cells) {
            const column& to = columns_[w.column];
            packed_cell& c = rows_->cell(r, to.here);
            const bool counted = is_counted(p, c);
            if (counted) sums_->digest -= term(seed, to.term, rows_->unpack({c.when, c.replica}));
            ++(counted ? sums_->counts.superseded : sums_->counts.applied);
            sums_->digest += term(seed, to.term, op.when);
            rows_->put(c, when, w.what);
        }
        if (rows_->less({p.touched, p.touched_by}, when)) p.touched = when.when, p.touched_by = when.replica;
        return true;
    }
    /// True when `op` writes over `c`, and its author had seen what is there.
    [[nodiscard]] bool is_older(const packed_cell& c, const row_operation& op, const packed_stamp& when) {
        if (c.when == 0) return true;
        if (c.replica == when.replica) return c.when < when.when;
        return !op.blind && c.when <= seen(c.replica) && rows_->less({c.when, c.replica}, when);
    }
    /// Up to where the author had merged a replica's writes.
    [[nodiscard]] std::uint64_t seen(std::uint32_t replica) {
        while (seen_.size() < rows_->replicas().size())
            seen_.push_back(vector_->of(rows_->replicas()[seen_.size()]).packed);
        return seen_[replica];
    }
    /// What was there when the vault began is nobody's write.
    [[nodiscard]] static bool counts(const stamp& s) noexcept { return s != band::adopted; }
    /// True when a cell of a row without DELETE and live writes is in the sums: shown, and somebody's.
    [[nodiscard]] bool is_counted(const packed_row& p, const packed_cell& c) const noexcept {
        if (c.when == 0 || rows_->less({c.when, c.replica}, {p.born, p.born_by})) return false;
        return c.when != band::adopt.packed || counts(rows_->unpack({c.when, c.replica}));
    }

    /// Any operation, by the registers' definition.
    void merge_any(const row_change& change) {
        const auto row = rows_->find(change.key);
        const row_state before = row ? rows_->load(*row, true) : row_state{};
        row_state after = before;
        row_operation op = change.op;
        translate(op, table_->columns);
        merge_operation(after, std::move(op), *vector_, *table_->traits);
        const merged_row merged =
            compare_states(*sums_, *table_, change.key, before, std::move(after), {&op, 1});
        rows_->store(merged.key, merged.after);
    }

    packed_rows* rows_;
    const resolved_table* table_;
    const version_vector* vector_;
    version_vector* merged_;
    merge_plan* sums_;
    small_vector<column, 4> columns_{};      ///< by the author's number
    small_vector<std::uint64_t, 4> seen_{};  ///< seen(), by a replica's number
    std::optional<author> author_{};
};

}  // namespace casasync::detail
