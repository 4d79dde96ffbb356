// SPDX-License-Identifier: MIT
// What it costs until a change is durable and in the outbox: the app's writes with capture, and one seal when
// the burst is over, against the same writes on a plain file. And a lone commit that is sealed at once.
#include "programs.hpp"
#include "vaults.hpp"

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
question ask_about(const run_options& o, const std::shared_ptr<made_workload>& w, const std::string& name,
                   bool rows_first, std::uint64_t count, std::size_t steps, bool seal_each,
                   const step_work& work, double ratio_max) {
    const std::string plain_file = o.folder + "/plain.db", vault_file = o.folder + "/vault.db";
    auto plain = std::make_shared<sealed_file>(), ours = std::make_shared<sealed_file>();
    question q;
    q.name = "capture and seal, " + name;
    q.count = count;
    q.steps = steps + (seal_each ? 0 : 1);
    q.reference = {"plain SQLite",
                   [=] {
                       plain->writer.reset();
                       remove_database(plain_file);
                       plain->writer = std::make_unique<app>(plain_file);
                       plain->writer->run(create_txn);
                       if (rows_first) write_all(*plain->writer, w->rows);
                   },
                   [=](std::size_t step) {
                       if (step < steps) work(*plain->writer, step);
                   },
                   [=] { return plain->writer->checksum(); }};
    q.ours = {"with capture and seal",
              [=] {
                  ours->writer.reset();
                  ours->vault.reset();
                  remove_database(vault_file);
                  ours->vault.emplace(make_vault(vault_file, 2));
                  ours->writer = std::make_unique<app>(vault_file);
                  if (!rows_first) return;
                  write_all(*ours->writer, w->rows);
                  need(ours->vault->seal());
                  (void)take_outbox(*ours->vault);
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
    return {ask_about(o, w, "insert", false, transactions * in_one, transactions, false, inserts, 2.5),
            ask_about(o, w, "update of one field", true, transactions * in_one, transactions, false, updates,
                      1.9),
            ask_about(o, w, "single commits", true, singles, singles, false, single, 2.2),
            ask_about(o, w, "each commit sealed at once", true, lone, lone, true, single, 4.0)};
}

}  // namespace casasync::bench::seal_program
