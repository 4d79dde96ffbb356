// SPDX-License-Identifier: MIT
// What capture costs an app in its own transactions: the same writes on a plain file and on a vault,
// transaction by transaction. Nothing is sealed meanwhile.
#include "filled_files.hpp"
#include "programs.hpp"

#include <memory>

namespace casasync::bench::capture_program {
namespace {

/// An app on a file, which may be a vault.
struct written_file {
    std::unique_ptr<app> writer{};
};

/// What the app does in one transaction.
using transaction_work = std::function<void(app&, std::size_t step)>;

question ask_about(const std::string& folder, const filled_files& begin, const std::string& name,
                   std::uint64_t count, std::size_t steps, const transaction_work& work, double ratio_max) {
    const std::string plain_file = folder + "/plain.db", vault_file = folder + "/vault.db";
    auto plain = std::make_shared<written_file>(), ours = std::make_shared<written_file>();
    question q;
    q.name = "capture, " + name;
    q.count = count;
    q.steps = steps;
    q.reference = {"plain SQLite",
                   [=] {
                       plain->writer.reset();
                       copy_database(begin.plain, plain_file);
                       plain->writer = std::make_unique<app>(plain_file);
                   },
                   [=](std::size_t step) { work(*plain->writer, step); },
                   [=] { return plain->writer->checksum(); }};
    q.ours = {"with capture",
              [=] {
                  ours->writer.reset();
                  copy_database(begin.vault, vault_file);
                  ours->writer = std::make_unique<app>(vault_file);
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
        const std::string how = time ? ", with write time" : ", without write time";
        const filled_files empty = begin_files(o.folder, {}, time),
                           full = begin_files(o.folder, w->rows, time);
        out.push_back(ask_about(o.folder, empty, "insert" + how, transactions * in_one, transactions, inserts,
                                time ? 1.50 : 1.40));
        out.push_back(ask_about(o.folder, full, "update of one field" + how, transactions * in_one,
                                transactions, updates, time ? 1.35 : 1.25));
        out.push_back(
            ask_about(o.folder, full, "single commits" + how, singles, singles, single, time ? 1.45 : 1.35));
    }
    return out;
}

}  // namespace casasync::bench::capture_program
