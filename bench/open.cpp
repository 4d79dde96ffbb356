// SPDX-License-Identifier: MIT
// How long it takes to open a vault, against a plain file.
#include "filled_files.hpp"
#include "programs.hpp"

#include <memory>
#include <optional>

namespace casasync::bench::open_program {

std::vector<question> questions(const run_options& o) {
    constexpr std::size_t times = 20;
    const filled_files f = fill_files(o, made_workload(o.rows));
    const auto opened = std::make_shared<std::optional<sqlite::vault>>();
    question q;
    q.name = "open an existing vault";
    q.unit = "open";
    q.count = q.steps = times;
    q.same_work = false;
    q.reference = {"plain file: open, read the schema",
                   {},
                   [=](std::size_t) {
                       app plain(f.plain);
                       keep(static_cast<std::uint64_t>(plain.number("SELECT count(*) FROM sqlite_schema")));
                   },
                   {}};
    q.ours = {"vault::open()",
              {},
              [=](std::size_t) { opened->emplace(need(sqlite::vault::open(f.vault, still_clock(true)))); },
              [=] {
                  opened->reset();
                  return std::uint64_t{0};
              }};
    q.rate_min = 500;
    return {q};
}

}  // namespace casasync::bench::open_program
