// SPDX-License-Identifier: MIT
// What it costs to take in what another device wrote: the full set on a fresh replica against INSERTs of the
// same rows, and a delta of single fields, a fifth of them in conflict, against UPDATEs in the same order.
#include "programs.hpp"
#include "vaults.hpp"

#include <memory>
#include <optional>

namespace casasync::bench::apply_program {
namespace {

struct replica {
    std::string file{};
    std::optional<sqlite::vault> vault{};
    std::unique_ptr<app> plain{};
};

/// What is made once: what A sends, and the files the rounds begin with.
struct givens {
    std::vector<inbound_part> full{}, delta{};
    std::string plain{}, vault{};
};

givens make_givens(const run_options& o, const made_workload& w) {
    givens g;
    const std::string a = o.folder + "/a.db";
    g.vault = o.folder + "/b.db", g.plain = o.folder + "/plain-begin.db";
    sqlite::vault first = make_vault(a, 2);
    app writer(a);
    write_all(writer, w.rows);
    need(first.seal());
    g.full = take_outbox(first);
    write_all(writer, w.a);
    need(first.seal());
    g.delta = take_outbox(first);
    {
        app plain(g.plain);
        plain.run(create_txn);
        write_all(plain, w.rows);
        plain.run("PRAGMA wal_checkpoint(TRUNCATE)");
    }
    sqlite::vault second = make_vault(g.vault, 3);
    need(second.accept(g.full, {}));
    (void)need(second.merge_inbox(some_day));
    app other(g.vault);
    write_all(other, w.b);
    need(second.seal());
    (void)take_outbox(second);
    other.run("PRAGMA wal_checkpoint(TRUNCATE)");
    return g;
}

}  // namespace

std::vector<question> questions(const run_options& o) {
    const auto w = std::make_shared<made_workload>(o.rows);
    const auto g = std::make_shared<givens>(make_givens(o, *w));
    const auto plain = std::make_shared<replica>(), ours = std::make_shared<replica>();
    plain->file = o.folder + "/plain.db", ours->file = o.folder + "/vault.db";
    const auto take_in = [=](std::size_t) { (void)need(ours->vault->merge_inbox(some_day)); };

    question full;
    full.name = "apply, full set on a fresh replica";
    full.unit = "field";
    full.count = o.rows * field_names.size();
    full.reference = {"INSERT, one transaction",
                      [=] {
                          plain->plain.reset();
                          remove_database(plain->file);
                          plain->plain = std::make_unique<app>(plain->file);
                          plain->plain->run(create_txn);
                      },
                      [=](std::size_t) { write_all(*plain->plain, w->rows); },
                      [=] { return plain->plain->checksum(); }};
    full.ours = {"merge_inbox()",
                 [=] {
                     ours->vault.reset();
                     remove_database(ours->file);
                     ours->vault.emplace(make_vault(ours->file, 3));
                     need(ours->vault->accept(g->full, {}));
                 },
                 take_in, [=] { return app(ours->file).checksum(); }};
    full.ratio_max = 2.0, full.rate_min = 500'000;

    question delta;
    delta.name = "apply, delta of single fields";
    delta.count = o.rows;
    delta.reference = {"UPDATE .. WHERE id = ?, random order, one transaction",
                       [=] {
                           plain->plain.reset();
                           copy_database(g->plain, plain->file);
                           plain->plain = std::make_unique<app>(plain->file);
                       },
                       [=](std::size_t) { write_all(*plain->plain, w->a); },
                       [=] { return plain->plain->checksum(); }};
    delta.ours = {
        "merge_inbox()",
        [=] {
            ours->vault.reset();
            copy_database(g->vault, ours->file);
            ours->vault.emplace(need(sqlite::vault::open(ours->file, still_clock(true, some_day + 3))));
            need(ours->vault->accept(g->delta, {}));
        },
        take_in,
        [=] {
            const auto status = need(ours->vault->status());
            return app(ours->file).checksum() + status.open_conflicts;
        }};
    delta.same_work = false;  // B has its own changes as well
    delta.ratio_max = 1.25, delta.rate_min = 100'000;
    return {full, delta};
}

}  // namespace casasync::bench::apply_program
