// SPDX-License-Identifier: MIT
// What it costs to merge single-field operations in memory: whole changesets of them into rows that are
// there, against a hand-made table of 64-byte cells that keeps the greater stamp and nothing else.
#include "changesets.hpp"
#include "harness.hpp"

#include <casasync/memory_rows.hpp>

#include <memory>
#include <stdexcept>

namespace casasync::bench {
namespace {

/// The floor: open addressing, one cache line a cell, no conflicts, no rows, no deletes.
class floor_table {
 public:
    explicit floor_table(std::size_t cells) : cells_(std::bit_ceil(cells * 2)) {}

    void write(std::uint64_t row_low, std::uint64_t row_high, std::uint32_t column, std::uint64_t when,
               std::uint64_t what) {
        const std::size_t mask = cells_.size() - 1;
        for (std::size_t at = mix64(row_low ^ column) & mask;; at = (at + 1) & mask) {
            cell& c = cells_[at];
            if (c.when == 0) c.low = row_low, c.high = row_high, c.column = column;
            if (c.low != row_low || c.high != row_high || c.column != column) continue;
            if (when > c.when) c.when = when, c.what = what;
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

struct op {
    std::uint64_t low = 0, high = 0, when = 0, what = 0;
    std::uint32_t column = 0;
};

struct givens {
    changeset full{}, changes{};
    std::vector<op> flat{};
    std::unique_ptr<floor_table> table{};
    std::optional<memory_rows> before{}, rows{};
};

std::vector<question> questions(const run_options& o) {
    const auto g = std::make_shared<givens>();
    g->full = full_set(o.rows);
    g->changes = delta(o.rows);
    for (const row_change& r : g->changes.tables[0].rows) {
        const cell_write& c = r.op.cells[0];
        g->flat.push_back({detail::load_le64(&r.key[1]), detail::load_le64(&r.key[9]), r.op.when.when.packed,
                           c.what.size(), c.column});
    }
    g->before.emplace();
    if (auto merged = g->before->merge(g->full); !merged) throw std::runtime_error(merged.failure().text());

    question q;
    q.name = "merge in memory, single fields by changeset";
    q.count = o.rows;
    q.reference = {"64-byte cells, greater stamp wins",
                   [=] { g->table = std::make_unique<floor_table>(o.rows * field_names.size()); },
                   [=](std::size_t) {
                       for (const op& x : g->flat) g->table->write(x.low, x.high, x.column, x.when, x.what);
                   },
                   [=] { return g->table->checksum(); }};
    q.ours = {"in place", [=] { g->rows = g->before; },
              [=](std::size_t) {
                  if (auto merged = g->rows->merge(g->changes); !merged)
                      throw std::runtime_error(merged.failure().text());
              },
              [=] { return g->rows->digest().low; }};
    q.same_work = false;
    q.ratio_max = 2;

    question by_plan = q;
    by_plan.name = "merge in memory, with a plan";
    by_plan.ours.name = "merge() and apply()";
    by_plan.ours.work = [=](std::size_t) {
        auto plan = merge(g->changes, *g->rows);
        if (!plan) throw std::runtime_error(plan.failure().text());
        g->rows->apply(*plan);
    };
    by_plan.ratio_max = 4;
    return {q, by_plan};
}

}  // namespace
}  // namespace casasync::bench

int main(int argc, char** argv) {
    return casasync::bench::answer_all(argc, argv, "merge", casasync::bench::questions);
}
