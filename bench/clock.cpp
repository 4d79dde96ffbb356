// SPDX-License-Identifier: MIT
// What the hybrid logical clock costs: a tick for a local event and an observation of a remote one.
#include "programs.hpp"

#include <casasync/hlc.hpp>

#include <memory>

namespace casasync::bench::clock_program {

std::vector<question> questions(const run_options& o) {
    const std::uint64_t count = o.rows;
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
    return {q};
}

}  // namespace casasync::bench::clock_program
