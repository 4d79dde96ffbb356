// SPDX-License-Identifier: MIT
// What a row adds to the digest when one field changes: only what differs is hashed.
#include "changesets.hpp"
#include "programs.hpp"

#include <casasync/digest.hpp>

#include <memory>

namespace casasync::bench::digest_program {

std::vector<question> questions(const run_options& o) {
    struct rows {
        std::vector<bytes> keys{};
        std::vector<row_state> before{}, after{};
        table_traits table{};
        digest128 sum{}, whole{};
    };
    const auto g = std::make_shared<rows>();
    hlc clock{};
    g->table = full_set(1).tables[0].table;
    for (std::uint64_t i = 0; i < o.rows; ++i) {
        g->keys.push_back(key_of(i));
        row_state row;
        row.born = row.touched = stamp_of(clock, i);
        for (column_no c = 0; c < field_names.size(); ++c) row.cells.push_back({c, row.born, std::nullopt});
        g->before.push_back(row);
        row.touched = row.cells[i % field_names.size()].when = stamp_of(clock, i);
        g->after.push_back(row);
    }
    question q;
    q.name = "digest, one field of a row changes";
    q.count = o.rows;
    q.reference = {"the sums of both rows, anew", [=] { g->whole = {}; },
                   [=](std::size_t) {
                       for (std::size_t i = 0; i < g->keys.size(); ++i) {
                           g->whole += row_digest(g->table, g->keys[i], g->after[i]);
                           g->whole -= row_digest(g->table, g->keys[i], g->before[i]);
                       }
                   },
                   [=] { return g->whole.low; }};
    q.ours = {"digest_change()", [=] { g->sum = {}; },
              [=](std::size_t) {
                  for (std::size_t i = 0; i < g->keys.size(); ++i)
                      g->sum += digest_change(g->table, g->keys[i], g->before[i], g->after[i]);
              },
              [=] { return g->sum.low; }};
    return {q};
}

}  // namespace casasync::bench::digest_program
