// SPDX-License-Identifier: MIT
// What it costs to track a table that has rows: nothing is written for a row; the base digest reads each
// once.
#include "programs.hpp"
#include "vaults.hpp"

#include <memory>
#include <optional>

namespace casasync::bench::track_program {
namespace {

/// Makes a file with rows, a vault that tracks nothing yet.
sqlite::vault make_untracked(const std::string& file, std::span<const transaction_row> rows) {
    remove_database(file);
    {
        app a(file);
        a.run(create_txn);
        write_all(a, rows);
    }
    const sqlite::identity who{id_of<vault_id>(1), id_of<device_id>(2), "device 2", "http://127.0.0.1:1"};
    return need(sqlite::vault::create(file, who, still_clock(true)));
}

/// Tracking so many rows, against one read of each.
question tracking(const std::shared_ptr<made_workload>& w, const std::string& folder, std::uint64_t rows) {
    const std::string file = folder + "/vault.db";
    const auto vault = std::make_shared<std::optional<sqlite::vault>>();
    const auto sum = std::make_shared<std::uint64_t>();
    question q;
    q.name = "track a table of " + std::to_string(rows) + " rows";
    q.unit = "row";
    q.count = rows;
    q.same_work = false;
    q.reference = {"reading all rows",
                   [=] {
                       vault->reset();
                       vault->emplace(make_untracked(file, std::span(w->rows).first(rows)));
                   },
                   [=](std::size_t) { *sum = app(file).checksum(); },
                   {}};
    q.ours = {"vault::track()",
              {},
              [=](std::size_t) { need((*vault)->track("txn")); },
              [=] {
                  const auto written = app(file).number("SELECT count(*) FROM casasync_log");
                  if (written != 0) throw std::runtime_error("tracking wrote for each row");
                  return *sum;
              }};
    q.shown = {"track", "Time to track a row against rows of the table",
               "rows",  "track",
               "read",  static_cast<double>(rows)};
    return q;
}

}  // namespace

std::vector<question> questions(const run_options& o) {
    const auto w = std::make_shared<made_workload>(o.rows);
    return {tracking(w, o.folder, o.rows / 100), tracking(w, o.folder, o.rows / 10),
            tracking(w, o.folder, o.rows)};
}

}  // namespace casasync::bench::track_program
