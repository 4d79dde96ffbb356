// SPDX-License-Identifier: MIT
// What the core's smallest parts cost: a tick of the clock, and what a row adds to the digest when one field
// changes.
#include "changesets.hpp"
#include "harness.hpp"

#include <casasync/digest.hpp>

#include <memory>

namespace casasync::bench {
namespace {

question ticks(const run_options& o) {
    const std::uint64_t count = o.rows * 1000;
    const auto clock = std::make_shared<hlc>();
    const auto plain = std::make_shared<std::uint64_t>();
    question q;
    q.name = "tick and observe";
    q.unit = "pair";
    q.count = count;
    q.reference = {"one comparison and one addition", [=] { *plain = 0; },
                   [=](std::size_t) {
                       std::uint64_t at = 0;
                       for (std::uint64_t i = 0; i < count; ++i) {
                           at = std::max(at + 1, i << 3);
                           keep(at);
                       }
                       *plain = at;
                   },
                   [=] { return *plain; }};
    q.ours = {"tick() and observe()", [=] { *clock = {}; },
              [=](std::size_t) {
                  hlc at;
                  for (std::uint64_t i = 0; i < count; ++i) {
                      at = observe(tick(at, static_cast<unix_ms>(i >> 10)), hlc{i << 3});
                      keep(at.packed);
                  }
                  *clock = at;
              },
              [=] { return clock->packed; }};
    q.same_work = false;
    q.rate_min = 100e6;
    return q;
}

question digests(const run_options& o) {
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
    return q;
}

std::vector<question> questions(const run_options& o) {
    return {ticks(o), digests(o)};
}

}  // namespace
}  // namespace casasync::bench

int main(int argc, char** argv) {
    return casasync::bench::answer_all(argc, argv, "clock", casasync::bench::questions);
}
