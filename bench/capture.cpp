// SPDX-License-Identifier: MIT
// What capture costs an app in its own transactions: the same writes on a plain file and on a vault,
// transaction by transaction. Nothing is sealed meanwhile.
#include "programs.hpp"
#include "vaults.hpp"

#include <memory>
#include <optional>

namespace casasync::bench::capture_program {
namespace {

/// An app on a file, which may be a vault.
struct written_file {
    std::unique_ptr<app> writer{};
    std::optional<sqlite::vault> vault{};
};

/// What the app does in one transaction.
using transaction_work = std::function<void(app&, std::size_t step)>;

question ask_about(const run_options& o, const std::shared_ptr<made_workload>& w, const std::string& name,
                   bool write_time, bool rows_first, std::uint64_t count, std::size_t steps,
                   const transaction_work& work, double ratio_max) {
    const std::string plain_file = o.folder + "/plain.db", vault_file = o.folder + "/vault.db";
    auto plain = std::make_shared<written_file>(), ours = std::make_shared<written_file>();
    question q;
    q.name = "capture, " + name + (write_time ? ", with write time" : ", without write time");
    q.count = count;
    q.steps = steps;
    q.reference = {"plain SQLite",
                   [=] {
                       plain->writer.reset();
                       remove_database(plain_file);
                       plain->writer = std::make_unique<app>(plain_file);
                       plain->writer->run(create_txn);
                       if (rows_first) write_all(*plain->writer, w->rows);
                   },
                   [=](std::size_t step) { work(*plain->writer, step); },
                   [=] { return plain->writer->checksum(); }};
    q.ours = {"with capture",
              [=] {
                  ours->writer.reset();
                  ours->vault.reset();
                  remove_database(vault_file);
                  ours->vault.emplace(make_vault(vault_file, 2, write_time));
                  ours->writer = std::make_unique<app>(vault_file);
                  if (rows_first) write_all(*ours->writer, w->rows);
                  if (rows_first) need(ours->vault->seal());
              },
              [=](std::size_t step) { work(*ours->writer, step); }, [=] { return ours->writer->checksum(); }};
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
    const std::size_t transactions = o.rows / in_one, singles = o.rows / 50;
    std::vector<question> out;
    for (const bool time : {true, false}) {
        out.push_back(ask_about(o, w, "insert", time, false, transactions * in_one, transactions, inserts,
                                time ? 1.50 : 1.40));
        out.push_back(ask_about(o, w, "update of one field", time, true, transactions * in_one, transactions,
                                updates, time ? 1.35 : 1.25));
        out.push_back(
            ask_about(o, w, "single commits", time, true, singles, singles, single, time ? 1.45 : 1.35));
    }
    return out;
}

}  // namespace casasync::bench::capture_program
