// SPDX-License-Identifier: MIT
// What it costs to merge single-field operations in memory: whole changesets of them into rows that are
// there, against a hand-made table of 64-byte cells that keeps the greater stamp and nothing else.
#include "changesets.hpp"
#include "floor_table.hpp"
#include "programs.hpp"

#include <casasync/codec.hpp>
#include <casasync/memory_rows.hpp>

#include <memory>
#include <stdexcept>

namespace casasync::bench::merge_program {
namespace {

struct givens {
    changeset full{}, changes{}, moved{};  ///< moved: a copy of `changes` that a plan takes over
    std::vector<changeset> singly{};
    std::vector<floor_write> flat{};
    std::unique_ptr<floor_table> table{};
    std::optional<memory_rows> before{}, rows{};
};

/// Each change of `all` as a changeset.
std::vector<changeset> one_by_one(const changeset& all) {
    std::vector<changeset> out;
    for (const row_change& r : all.tables[0].rows) {
        changeset& c = out.emplace_back(empty_changeset(all.seq + out.size()));
        table_changes& t = c.tables[0];
        t.table.columns = {all.tables[0].table.columns[r.op.cells[0].column]};
        t.rows = {r};
        t.rows[0].op.cells[0].column = 0;
    }
    return out;
}

}  // namespace

std::vector<question> questions(const run_options& o) {
    const auto g = std::make_shared<givens>();
    g->full = full_set(o.rows);
    g->changes = *decode(encode(delta(o.rows)));  // where a changeset lies in memory after it has come
    g->singly = one_by_one(g->changes);
    g->flat = flat_writes(g->changes);
    g->before.emplace();
    if (auto merged = g->before->merge(g->full); !merged) throw std::runtime_error(merged.failure().text());

    question q;
    q.name = "merge in memory, single fields by changeset";
    q.count = o.rows;
    q.reference = {"64-byte cells, greater stamp wins",
                   [=] { g->table = std::make_unique<floor_table>(2 * o.rows * field_names.size()); },
                   [=](std::size_t) {
                       for (const floor_write& w : g->flat) g->table->write(w);
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
    by_plan.ours.prepare = [=] {
        g->rows = g->before;
        g->moved = g->changes;
    };
    by_plan.ours.work = [=](std::size_t) {
        auto plan = merge(std::move(g->moved), *g->rows);
        if (!plan) throw std::runtime_error(plan.failure().text());
        g->rows->apply(*plan);
    };
    by_plan.ratio_max = 4;

    question singly = q;
    singly.name = "merge in memory, a changeset of each change";
    singly.ours.name = "in place";
    singly.ours.work = [=](std::size_t) {
        for (const changeset& c : g->singly)
            if (auto merged = g->rows->merge(c); !merged) throw std::runtime_error(merged.failure().text());
    };
    singly.ratio_max = 4;
    return {q, singly, by_plan};
}

}  // namespace casasync::bench::merge_program
