// SPDX-License-Identifier: MIT
// What a vault's file costs beside a plain one: its size after step 1 of W, opening it, tracking a table that
// is there, and joining from a snapshot.
#include "harness.hpp"
#include "vaults.hpp"

#include <memory>
#include <optional>

namespace casasync::bench {
namespace {

struct files {
    std::string plain{}, vault{}, joined{};
    std::unique_ptr<app> writer{};
    std::optional<sqlite::vault> opened{};
    bytes snapshot{};
    std::shared_ptr<made_workload> made{};
};

/// Bytes of the pages in use.
double used_bytes(app& a) {
    const auto pages = a.number("PRAGMA page_count") - a.number("PRAGMA freelist_count");
    return static_cast<double>(pages * a.number("PRAGMA page_size"));
}

/// Makes both files, the vault sealed and acknowledged, and a snapshot of it.
std::shared_ptr<files> make_files(const run_options& o) {
    auto f = std::make_shared<files>();
    f->made = std::make_shared<made_workload>(o.rows);
    const made_workload& w = *f->made;
    const std::span<const field_update> changes(w.first.data(), w.rows.size());
    f->plain = o.folder + "/plain.db", f->vault = o.folder + "/vault.db", f->joined = o.folder + "/joined.db";
    {
        app a(f->plain);
        a.run(create_txn);
        write_all(a, w.rows);
        write_all(a, changes);
    }
    sqlite::vault v = make_vault(f->vault, 2);
    app a(f->vault);
    write_all(a, w.rows);
    need(v.seal());
    (void)take_outbox(v);
    write_all(a, changes);
    need(v.seal());
    (void)take_outbox(v);
    (void)need(v.write_snapshot([&f](bytes_view part) -> result<void> {
        f->snapshot.insert(f->snapshot.end(), part.begin(), part.end());
        return {};
    }));
    return f;
}

question opening(const std::shared_ptr<files>& f) {
    constexpr std::size_t times = 20;
    question q;
    q.name = "open an existing vault";
    q.unit = "open";
    q.count = q.steps = times;
    q.reference = {
        "plain file: open, read the schema",
        {},
        [=](std::size_t) {
            f->writer = std::make_unique<app>(f->plain);
            keep(static_cast<std::uint64_t>(f->writer->number("SELECT count(*) FROM sqlite_schema")));
            f->writer.reset();
        },
        [] { return std::uint64_t{0}; }};
    q.ours = {"vault::open()",
              {},
              [=](std::size_t) { f->opened.emplace(need(sqlite::vault::open(f->vault, still_clock(true)))); },
              [=] {
                  f->opened.reset();
                  return std::uint64_t{0};
              }};
    q.rate_min = 500;
    app plain(f->plain), vault(f->vault);
    const double a = used_bytes(plain), b = used_bytes(vault);
    const auto rows = static_cast<double>(plain.number("SELECT count(*) FROM txn"));
    q.bytes = [=] { return b / rows; };
    q.reference_bytes = [=] { return a / rows; };
    q.bytes_ratio_max = 1.35;
    return q;
}

question tracking(const run_options& o, const std::shared_ptr<files>& f) {
    const sqlite::identity who{id_of<vault_id>(1), id_of<device_id>(2), "device 2", "http://127.0.0.1:1"};
    const auto make = [=](const std::string& file, std::uint64_t rows) {
        f->opened.reset();
        remove_database(file);
        app a(file);
        a.run(create_txn);
        write_all(a, std::span<const transaction_row>(f->made->rows).first(rows));
        return need(sqlite::vault::create(file, who, still_clock(true)));
    };
    const auto few = std::make_shared<std::optional<sqlite::vault>>();
    question q;
    q.name = "track a table, " + std::to_string(o.rows) + " rows against " + std::to_string(o.rows / 100);
    q.unit = "table";
    q.count = 1;
    q.reference = {"the small table",
                   [=] {
                       few->reset();
                       few->emplace(make(o.folder + "/few.db", o.rows / 100));
                   },
                   [=](std::size_t) { need((*few)->track("txn")); }, [] { return std::uint64_t{0}; }};
    q.ours = {"the large one", [=] { f->opened.emplace(make(f->joined, o.rows)); },
              [=](std::size_t) { need(f->opened->track("txn")); }, [] { return std::uint64_t{0}; }};
    return q;
}

question joining(const run_options& o, const std::shared_ptr<files>& f) {
    const sqlite::identity who{id_of<vault_id>(1), id_of<device_id>(4), "device 4", "http://127.0.0.1:1"};
    question q;
    q.name = "join from a snapshot";
    q.unit = "row";
    q.count = o.rows;
    q.reference = {"INSERT, one transaction",
                   [=] {
                       f->writer.reset();
                       remove_database(o.folder + "/insert.db");
                       f->writer = std::make_unique<app>(o.folder + "/insert.db");
                       f->writer->run(create_txn);
                   },
                   [=](std::size_t) { write_all(*f->writer, f->made->rows); },
                   [] { return std::uint64_t{0}; }};
    q.ours = {"vault::join()",
              [=] {
                  f->opened.reset();
                  remove_database(f->joined);
              },
              [=](std::size_t) {
                  const snapshot_source source = [f, at = std::size_t{0}]() mutable -> result<bytes> {
                      const std::size_t n = std::min(std::size_t{65'536}, f->snapshot.size() - at);
                      const auto first = f->snapshot.begin() + static_cast<std::ptrdiff_t>(at);
                      at += n;
                      return bytes(first, first + static_cast<std::ptrdiff_t>(n));
                  };
                  f->opened.emplace(need(sqlite::vault::join(f->joined, who, source, {}, still_clock(true))));
              },
              [=] {
                  f->opened.reset();
                  if (app(f->joined).checksum() != app(f->vault).checksum())
                      throw std::runtime_error("the joined vault has other rows");
                  return std::uint64_t{0};
              }};
    q.bytes = [=] { return static_cast<double>(f->snapshot.size()) / static_cast<double>(o.rows); };
    return q;
}

std::vector<question> questions(const run_options& o) {
    const auto f = make_files(o);
    return {opening(f), tracking(o, f), joining(o, f)};
}

}  // namespace
}  // namespace casasync::bench

int main(int argc, char** argv) {
    return casasync::bench::answer_all(argc, argv, "file", casasync::bench::questions);
}
