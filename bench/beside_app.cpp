// SPDX-License-Identifier: MIT
// How long an app's commits take on a connection of its own, alone and while changes of another device are
// merged beside it, and what merging loses by making way for the app. Times are of the wall: what both wait
// for is the lock. A changeset is merged whole, in one transaction: no commit of the app gets in before it
// is.
#include "programs.hpp"
#include "vaults.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <thread>

namespace casasync::bench::beside_app_program {
namespace {

using steady = std::chrono::steady_clock;

struct givens {
    std::string folder{};
    made_workload made;
    std::uint64_t sealed_at_once = 0;
    waits alone{"the app's commits, alone", {}},
        plain{"as many UPDATEs of a plain file in one transaction", {}},
        beside{"the app's commits, beside the merge", {}};
    std::optional<sqlite::vault> vault{};
    std::unique_ptr<app> writer{};
    std::uint64_t merged = 0;
};

/// Updates a field, in a transaction, every two milliseconds until `over(commits so far)`.
template <class Over>
void write_until(givens& g, waits& out, Over&& over) {
    for (std::size_t i = 0; !over(i); ++i) {
        const auto begin = steady::now();
        write_all(*g.writer, std::span<const field_update>(g.made.b).subspan(i % g.made.b.size(), 1));
        out.us.push_back(std::chrono::duration<double, std::micro>(steady::now() - begin).count());
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
}

/// Times transactions of as many changes as a changeset has, without casasync.
void write_plainly(givens& g) {
    remove_database(g.folder + "/plain.db");
    app writer(g.folder + "/plain.db");
    writer.run(create_txn);
    write_all(writer, g.made.rows);
    const std::size_t at_once = std::min<std::size_t>(g.sealed_at_once, g.made.a.size());
    const std::size_t times = std::min<std::size_t>(50, g.made.a.size() / at_once);
    for (std::size_t i = 0; i < times; ++i) {
        const auto begin = steady::now();
        write_all(writer, std::span<const field_update>(g.made.a).subspan(i * at_once, at_once));
        g.plain.us.push_back(std::chrono::duration<double, std::micro>(steady::now() - begin).count());
    }
}

/// Makes what device A sends wait at device B: all rows are there, then changes, sealed some at a time.
void make_backlog(const givens& g) {
    remove_database(g.folder + "/a.db");
    remove_database(g.folder + "/b.db");
    sqlite::vault to = make_vault(g.folder + "/b.db", 3), from = make_vault(g.folder + "/a.db", 2);
    app writer(g.folder + "/a.db");
    write_all(writer, g.made.rows);
    need(from.seal());
    need(to.accept(take_outbox(from), {}));
    (void)need(to.merge_inbox(some_day));
    for (std::span<const field_update> rest(g.made.a); !rest.empty();) {
        const auto now = rest.first(std::min<std::size_t>(rest.size(), g.sealed_at_once));
        write_all(writer, now);
        need(from.seal());
        rest = rest.subspan(now.size());
    }
    need(to.accept(take_outbox(from), {}));
    app(g.folder + "/b.db").run("PRAGMA wal_checkpoint(TRUNCATE)");
}

/// A copy of device B with its backlog.
void begin(givens& g) {
    g.writer.reset();
    g.vault.reset();
    copy_database(g.folder + "/b.db", g.folder + "/c.db");
    g.vault.emplace(need(sqlite::vault::open(g.folder + "/c.db", still_clock(true, some_day + 3))));
    g.writer = std::make_unique<app>(g.folder + "/c.db");
    g.merged = 0;
}

void merge_all(givens& g) {
    for (bool more = true; more;) {
        const auto done = need(g.vault->merge_inbox(some_day));
        g.merged += done.changesets;
        more = done.more;
    }
}

void merge_beside_app(givens& g) {
    std::atomic<bool> over{false};
    std::string failure;
    std::thread merging([&] {
        try {
            merge_all(g);
        } catch (const std::exception& e) {
            failure = e.what();
        }
        over = true;
    });
    try {
        write_until(g, g.beside, [&over](std::size_t) { return over.load(); });
    } catch (const std::exception& e) {
        failure = std::string("a commit of the app failed: ") + e.what();
    }
    merging.join();
    if (!failure.empty()) throw std::runtime_error(failure);
}

question beside(const run_options& o, std::uint64_t sealed_at_once) {
    const auto g = std::make_shared<givens>(givens{o.folder, made_workload(o.rows), sealed_at_once});
    question q;
    q.name = "merge a backlog beside an app that commits, " + std::to_string(sealed_at_once) +
             " changes a changeset";
    q.count = o.rows;
    q.rounds_max = 1;  // the app's waits are many enough
    q.wall = true;
    q.reference = {"merged alone",
                   [=] {
                       make_backlog(*g);
                       begin(*g);
                   },
                   [=](std::size_t) { merge_all(*g); }, [=] { return g->merged; }};
    q.ours = {"beside the app",
              {},
              [=](std::size_t) {
                  begin(*g);
                  merge_beside_app(*g);
              },
              [=] { return g->merged; }};
    q.latencies = [=] {
        write_plainly(*g);
        write_until(*g, g->alone, [](std::size_t n) { return n == 500; });
        g->writer.reset();
        g->vault.reset();
        return std::vector<waits>{g->alone, g->plain, g->beside};
    };
    return q;
}

}  // namespace

std::vector<question> questions(const run_options& o) {
    question small = beside(o, 100);
    small.p99_ms_max = 10;
    return {small, beside(o, 1000)};
}

}  // namespace casasync::bench::beside_app_program
