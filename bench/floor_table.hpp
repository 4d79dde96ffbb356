// SPDX-License-Identifier: MIT
#pragma once

/// The floor of merging in memory, made by hand: a table of 64-byte cells that keeps the greater stamp and
/// nothing else. No rows, no deletes, no conflicts, no digest.
#include "workload.hpp"

#include <casasync/changeset.hpp>
#include <casasync/detail/hash.hpp>

#include <bit>
#include <cstdint>
#include <vector>

namespace casasync::bench {

/// A write of one field of a row whose key is a UUID.
struct floor_write {
    std::uint64_t low = 0, high = 0, when = 0, what = 0;
    std::uint32_t column = 0;
};

/// Open addressing, one cache line a cell.
class floor_table {
 public:
    /// \param cells  that there is room for; more than will be used
    explicit floor_table(std::size_t cells) : cells_(std::bit_ceil(cells)) {}

    void write(const floor_write& w) {
        const std::size_t mask = cells_.size() - 1;
        for (std::size_t at = mix64(w.low ^ w.column) & mask;; at = (at + 1) & mask) {
            cell& c = cells_[at];
            if (c.when == 0) c.low = w.low, c.high = w.high, c.column = w.column;
            if (c.low != w.low || c.high != w.high || c.column != w.column) continue;
            if (w.when > c.when) c.when = w.when, c.what = w.what;
            return;
        }
    }
    [[nodiscard]] std::uint64_t checksum() const {
        std::uint64_t sum = 0;
        for (const cell& c : cells_) sum += c.when * 31 + c.what;
        return sum;
    }

 private:
    struct alignas(64) cell {
        std::uint64_t low = 0, high = 0, when = 0, what = 0;
        std::uint32_t column = 0;
    };
    std::vector<cell> cells_;
};

/// A write of a changeset of workload W.
[[nodiscard]] inline floor_write flat(const row_change& r, const cell_write& w) {
    return {detail::load_le64(&r.key[1]), detail::load_le64(&r.key[9]), r.op.when.when.packed, w.what.size(),
            w.column};
}
/// The writes of a changeset of workload W.
[[nodiscard]] inline std::vector<floor_write> flat_writes(const changeset& c) {
    std::vector<floor_write> out;
    for (const row_change& r : c.tables[0].rows)
        for (const cell_write& w : r.op.cells) out.push_back(flat(r, w));
    return out;
}

}  // namespace casasync::bench
