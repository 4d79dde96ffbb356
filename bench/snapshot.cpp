// SPDX-License-Identifier: MIT
// What a snapshot costs: writing it, against reading all rows, and joining from it, against INSERTs of the
// same rows.
#include "filled_files.hpp"
#include "programs.hpp"

#include <memory>
#include <optional>

namespace casasync::bench::snapshot_program {
namespace {

struct givens {
    filled_files files{};
    made_workload made;
    bytes snapshot{};
    std::optional<sqlite::vault> vault{}, joined{};
    std::unique_ptr<app> inserted{};
    std::uint64_t read = 0;
};

void write(givens& g) {
    g.snapshot.clear();
    (void)need(g.vault->write_snapshot([&g](bytes_view part) -> result<void> {
        g.snapshot.insert(g.snapshot.end(), part.begin(), part.end());
        return {};
    }));
}

question writing(const std::shared_ptr<givens>& g) {
    question q;
    q.name = "write a snapshot";
    q.unit = "row";
    q.count = g->made.rows.size();
    q.same_work = false;
    q.reference = {
        "reading all rows", {}, [=](std::size_t) { g->read = app(g->files.vault).checksum(); }, {}};
    q.ours = {"write_snapshot()", {}, [=](std::size_t) { write(*g); }, [=] { return g->read; }};
    q.bytes = [=] {
        return static_cast<double>(g->snapshot.size()) / static_cast<double>(g->made.rows.size());
    };
    return q;
}

/// Gives the snapshot in parts of 64 KiB.
snapshot_source parts_of(const std::shared_ptr<givens>& g) {
    return [g, at = std::size_t{0}]() mutable -> result<bytes> {
        const std::size_t n = std::min(std::size_t{65'536}, g->snapshot.size() - at);
        const auto first = g->snapshot.begin() + static_cast<std::ptrdiff_t>(at);
        at += n;
        return bytes(first, first + static_cast<std::ptrdiff_t>(n));
    };
}

question joining(const std::string& folder, const std::shared_ptr<givens>& g) {
    const sqlite::identity who{id_of<vault_id>(1), id_of<device_id>(4), "device 4", "http://127.0.0.1:1"};
    const std::string joined = folder + "/joined.db", inserted = folder + "/inserted.db";
    question q;
    q.name = "join from a snapshot";
    q.unit = "row";
    q.count = g->made.rows.size();
    q.same_work = false;  // the vault's rows have been updated since
    q.reference = {"INSERT, one transaction",
                   [=] {
                       g->inserted.reset();
                       remove_database(inserted);
                       g->inserted = std::make_unique<app>(inserted);
                       g->inserted->run(create_txn);
                   },
                   [=](std::size_t) { write_all(*g->inserted, g->made.rows); },
                   {}};
    q.ours = {
        "vault::join()",
        [=] {
            g->joined.reset();
            remove_database(joined);
        },
        [=](std::size_t) {
            g->joined.emplace(need(sqlite::vault::join(joined, who, parts_of(g), {}, still_clock(true))));
        },
        [=] {
            g->joined.reset();
            const std::uint64_t sum = app(joined).checksum();
            if (sum != app(g->files.vault).checksum())
                throw std::runtime_error("the joined vault has other rows");
            return sum;
        }};
    return q;
}

}  // namespace

std::vector<question> questions(const run_options& o) {
    const auto g = std::make_shared<givens>(givens{{}, made_workload(o.rows), {}, {}, {}, {}, 0});
    g->files = fill_files(o, g->made);
    g->vault.emplace(need(sqlite::vault::open(g->files.vault, still_clock(true))));
    write(*g);
    return {writing(g), joining(o.folder, g)};
}

}  // namespace casasync::bench::snapshot_program
