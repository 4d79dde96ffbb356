// SPDX-License-Identifier: MIT
// What it costs until a change is durable and in the outbox: the app's writes with capture, and one seal when
// the burst is over, against the same writes on a plain file. And a lone commit that is sealed at once.
#include "filled_files.hpp"
#include "programs.hpp"

#include <memory>
#include <optional>

namespace casasync::bench::seal_program {
namespace {

struct sealed_file {
    std::unique_ptr<app> writer{};
    std::optional<sqlite::vault> vault{};
    std::size_t bytes = 0;
};
using step_work = std::function<void(app&, std::size_t step)>;

/// \param steps  transactions of a burst; \param seal_each  seals after every one instead of after the last
question ask_about(const std::string& folder, const filled_files& begin, const std::string& name,
                   std::uint64_t count, std::size_t steps, bool seal_each, const step_work& work,
                   double ratio_max) {
    const std::string plain_file = folder + "/plain.db", vault_file = folder + "/vault.db";
    auto plain = std::make_shared<sealed_file>(), ours = std::make_shared<sealed_file>();
    question q;
    q.name = "capture and seal, " + name;
    q.count = count;
    q.steps = steps + (seal_each ? 0 : 1);
    q.reference = {"plain SQLite",
                   [=] {
                       plain->writer.reset();
                       copy_database(begin.plain, plain_file);
                       plain->writer = std::make_unique<app>(plain_file);
                   },
                   [=](std::size_t step) {
                       if (step < steps) work(*plain->writer, step);
                   },
                   [=] { return plain->writer->checksum(); }};
    q.ours = {"with capture and seal",
              [=] {
                  ours->writer.reset();
                  ours->vault.reset();
                  copy_database(begin.vault, vault_file);
                  ours->vault.emplace(need(sqlite::vault::open(vault_file, still_clock(true, some_day + 2))));
                  ours->writer = std::make_unique<app>(vault_file);
              },
              [=](std::size_t step) {
                  if (step < steps) work(*ours->writer, step);
                  if (seal_each || step == steps) need(ours->vault->seal());
              },
              [=] {
                  ours->bytes = bytes_of(take_outbox(*ours->vault));
                  return ours->writer->checksum();
              }};
    q.bytes = [=] { return static_cast<double>(ours->bytes) / static_cast<double>(count); };
    q.ratio_max = ratio_max;
    return q;
}

}  // namespace

std::vector<question> questions(const run_options& o) {
    constexpr std::size_t in_one = 1000;
    const auto w = std::make_shared<made_workload>(o.rows);
    const auto inserts = [w](app& a, std::size_t step) {
        write_all(a, std::span<const transaction_row>(w->rows).subspan(step * in_one, in_one));
    };
    const auto updates = [w](app& a, std::size_t step) {
        write_all(a, std::span<const field_update>(w->first).subspan(step * in_one, in_one));
    };
    const auto single = [w](app& a, std::size_t step) { a.update(w->first[w->rows.size() + step]); };
    const std::size_t transactions = o.rows / in_one, singles = o.rows / 50, lone = singles / 4;
    const filled_files empty = begin_files(o.folder, {}, true), full = begin_files(o.folder, w->rows, true);
    return {ask_about(o.folder, empty, "insert", transactions * in_one, transactions, false, inserts, 2.5),
            ask_about(o.folder, full, "update of one field", transactions * in_one, transactions, false,
                      updates, 1.9),
            ask_about(o.folder, full, "single commits", singles, singles, false, single, 2.2),
            ask_about(o.folder, full, "each commit sealed at once", lone, lone, true, single, 4.0)};
}

}  // namespace casasync::bench::seal_program
