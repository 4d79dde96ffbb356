// SPDX-License-Identifier: MIT
// What a change costs as a vault grows, in memory up to 100 times the cells of W and in a file up to ten
// times its rows, and as the backlog grows: it should cost the same.
#include "changesets.hpp"
#include "floor_table.hpp"
#include "programs.hpp"
#include "vaults.hpp"

#include <casasync/memory_rows.hpp>

#include <memory>
#include <optional>
#include <stdexcept>

namespace casasync::bench::growth_program {
namespace {

struct rows_in_memory {
    memory_rows rows{};
    std::optional<floor_table> floor{};
    std::vector<changeset> changes{};
    std::vector<std::vector<floor_write>> flat{};
    std::uint64_t touched = 0, made = 0;
};

void merge_into(memory_rows& rows, const changeset& c, std::uint64_t& touched) {
    const auto merged = rows.merge(c);
    if (!merged) throw std::runtime_error(merged.failure().text());
    touched += merged->rows;
}

void fill(rows_in_memory& m, std::uint64_t rows) {
    constexpr std::uint64_t at_once = 10'000;
    m.floor.emplace(rows * field_names.size() * 5 / 4);
    for (std::uint64_t first = 0; first < rows; first += at_once) {
        const changeset c = full_set(std::min(at_once, rows - first), first);
        merge_into(m.rows, c, m.touched);
        for (const floor_write& w : flat_writes(c)) m.floor->write(w);
    }
}

/// The same fields again, later each time.
void make_changes(rows_in_memory& m, std::uint64_t rows, std::uint64_t changes, std::size_t times) {
    m.changes.clear();
    m.flat.clear();
    for (std::size_t i = 0; i < times; ++i) {
        m.changes.push_back(delta(rows, changes, ++m.made));
        m.flat.push_back(flat_writes(m.changes.back()));
    }
    m.touched = 0;
}

question in_memory(std::uint64_t cells, std::uint64_t changes) {
    constexpr std::size_t times = 10;
    const std::uint64_t rows = cells / field_names.size();
    const auto m = std::make_shared<std::optional<rows_in_memory>>();
    question q;
    q.name = "a change in memory, " + std::to_string(cells) + " cells";
    q.count = changes * times;
    q.steps = times;
    q.rounds_max = 3;
    q.same_work = false;
    q.reference = {"64-byte cells, greater stamp wins",
                   [=] {
                       if (!*m) fill(m->emplace(), rows);
                       make_changes(**m, rows, changes, times);
                   },
                   [=](std::size_t step) {
                       for (const floor_write& w : (*m)->flat[step]) (*m)->floor->write(w);
                   },
                   {}};
    q.ours = {"memory_rows::merge()",
              {},
              [=](std::size_t step) { merge_into((*m)->rows, (*m)->changes[step], (*m)->touched); },
              [=] { return (*m)->touched; }};
    q.latencies = [=] {
        m->reset();  // room for the next
        return std::vector<waits>{};
    };
    q.shown = {"growth",        "Time of a change against the size of a vault in memory",
               "cells",         "casasync, in memory",
               "64-byte cells", static_cast<double>(cells)};
    return q;
}

struct files {
    std::string plain{}, a{}, b{};  ///< templates; copies of them are changed
    std::unique_ptr<app> plain_writer{}, writer{};
    std::optional<sqlite::vault> from{}, to{};
    std::vector<inbound_part> sent{};
};

/// Makes three files with the same rows, two of them vaults that track them.
void make_files(files& f, const std::string& folder, std::uint64_t rows) {
    f.plain = folder + "/plain.db", f.a = folder + "/a.db", f.b = folder + "/b.db";
    {
        remove_database(f.plain);
        app a(f.plain);
        a.run(create_txn);
        a.run("BEGIN IMMEDIATE");
        for (std::uint64_t i = 0; i < rows; ++i) a.insert(make_row(i));
        a.run("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
    }
    for (const std::string& file : {f.a, f.b}) {
        copy_database(f.plain, file);
        const std::size_t n = file == f.a ? 2 : 3;
        const sqlite::identity who{id_of<vault_id>(1), id_of<device_id>(n), "device", "http://127.0.0.1:1"};
        auto v =
            need(sqlite::vault::create(file, who, still_clock(true, some_day + static_cast<unix_ms>(n))));
        need(v.track("txn"));
    }
}

void close(files& f) {
    f.plain_writer.reset(), f.writer.reset();
    f.from.reset(), f.to.reset();
}

/// The same updates of a table of `rows`, on the plain file and on vault A, sealed; then taken in by B.
std::vector<question> in_files(const std::string& name, const std::string& folder, std::uint64_t rows,
                               std::uint64_t changes, const place& sealing, const place& applying,
                               std::size_t rounds) {
    const auto f = std::make_shared<files>();
    const auto updates = std::make_shared<std::vector<field_update>>();
    question seal;
    seal.name = "capture and seal " + name;
    seal.count = changes;
    seal.rounds_max = rounds;
    seal.reference = {"UPDATE, one transaction",
                      [=] {
                          if (f->plain.empty()) make_files(*f, folder, rows);
                          if (updates->empty())
                              for (std::uint64_t k = 0; k < changes; ++k)
                                  updates->push_back(update_1(k, rows));
                          close(*f);
                          copy_database(f->plain, folder + "/plain-now.db");
                          f->plain_writer = std::make_unique<app>(folder + "/plain-now.db");
                      },
                      [=](std::size_t) { write_all(*f->plain_writer, *updates); },
                      [=] { return f->plain_writer->checksum(); }};
    seal.ours = {
        "with capture, then seal()",
        [=] {
            copy_database(f->a, folder + "/a-now.db");
            f->from.emplace(need(sqlite::vault::open(folder + "/a-now.db", still_clock(true, some_day + 2))));
            f->writer = std::make_unique<app>(folder + "/a-now.db");
        },
        [=](std::size_t) {
            write_all(*f->writer, *updates);
            need(f->from->seal());
        },
        [=] {
            f->sent = take_outbox(*f->from);
            return f->writer->checksum();
        }};
    seal.shown = sealing;

    question apply = seal;
    apply.name = "apply " + name;
    apply.ours = {
        "merge_inbox()",
        [=] {
            copy_database(f->b, folder + "/b-now.db");
            f->to.emplace(need(sqlite::vault::open(folder + "/b-now.db", still_clock(true, some_day + 3))));
            need(f->to->accept(f->sent, {}));
        },
        [=](std::size_t) {
            while (need(f->to->merge_inbox(some_day)).more) {
            }
        },
        [=] { return app(folder + "/b-now.db").checksum(); }};
    apply.latencies = [=] {
        close(*f);
        for (const char* name : {"/plain", "/a", "/b", "/plain-now", "/a-now", "/b-now"})
            remove_database(folder + name + std::string(".db"));
        return std::vector<waits>{};
    };
    apply.shown = applying;
    return {seal, apply};
}

}  // namespace

std::vector<question> questions(const run_options& o) {
    std::vector<question> out;
    for (const std::uint64_t cells : {o.rows / 10, o.rows, 10 * o.rows, 100 * o.rows})
        out.push_back(in_memory(cells, o.rows / 10));
    const auto add = [&](std::vector<question> some) { out.insert(out.end(), some.begin(), some.end()); };
    for (const std::uint64_t rows : {o.rows / 100, o.rows / 10, o.rows, 10 * o.rows}) {
        const std::string title = "Time of a change against rows of the table", x = "rows";
        const std::string name =
            std::to_string(o.rows / 100) + " changes in " + std::to_string(rows) + " rows";
        const auto at = static_cast<double>(rows);
        add(in_files(name, o.folder, rows, o.rows / 100, {"rows", title, x, "capture and seal", "UPDATE", at},
                     {"rows", title, x, "apply", "UPDATE", at}, 3));
    }
    for (const std::uint64_t backlog : {o.rows / 100, o.rows / 10, o.rows, 10 * o.rows}) {
        const std::string title = "Time of a change against the size of the backlog", x = "changes that wait";
        const std::string name = "a backlog of " + std::to_string(backlog) + " changes";
        const auto at = static_cast<double>(backlog);
        add(in_files(name, o.folder, o.rows, backlog, {"backlog", title, x, "capture and seal", "UPDATE", at},
                     {"backlog", title, x, "apply", "UPDATE", at}, backlog > o.rows ? 1 : 3));
    }
    return out;
}

}  // namespace casasync::bench::growth_program
