// SPDX-License-Identifier: MIT
// What no engine of this design can be faster than: the statements of a seal and of applying, run by hand
// without anything being decided or encoded; triggers that do nothing; and a floor in memory that keeps a
// digest.
#include "changesets.hpp"
#include "filled_files.hpp"
#include "floor_table.hpp"
#include "programs.hpp"

#include <casasync/codec.hpp>
#include <casasync/digest.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string_view>

namespace casasync::bench::bounds_program {
namespace {

constexpr std::size_t record_bytes = 24;  ///< of a row's registers where all have one stamp

/// A connection, and statements on it.
class hand {
 public:
    explicit hand(const std::string& file) {
        if (sqlite3_open_v2(file.c_str(), &db_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr) !=
            SQLITE_OK)
            throw std::runtime_error("cannot open " + file);
        run("PRAGMA cache_size = -65536");
    }
    hand(const hand&) = delete;
    ~hand() {
        for (sqlite3_stmt* s : made_) sqlite3_finalize(s);
        sqlite3_close_v2(db_);
    }
    void run(const std::string& sql) {
        if (sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
            throw std::runtime_error(sqlite3_errmsg(db_));
    }
    sqlite3_stmt* prepare(const std::string& sql) {
        sqlite3_stmt* s = nullptr;
        if (sqlite3_prepare_v2(db_, sql.c_str(), -1, &s, nullptr) != SQLITE_OK)
            throw std::runtime_error(sqlite3_errmsg(db_));
        made_.push_back(s);
        return s;
    }
    static void bind(sqlite3_stmt* s, int at, const std::string& text) {
        sqlite3_bind_text(s, at, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
    }
    static void bind(sqlite3_stmt* s, int at, const bytes& blob) {
        sqlite3_bind_blob(s, at, blob.data(), static_cast<int>(blob.size()), SQLITE_STATIC);
    }
    /// Runs to the end and looks at each column. Returns how many bytes there were.
    std::uint64_t step(sqlite3_stmt* s) {
        std::uint64_t sum = 0;
        int code = SQLITE_OK;
        while ((code = sqlite3_step(s)) == SQLITE_ROW)
            for (int i = 0; i < sqlite3_column_count(s); ++i)
                sum += static_cast<std::uint64_t>(sqlite3_column_bytes(s, i));
        if (code != SQLITE_DONE) throw std::runtime_error(sqlite3_errmsg(db_));
        sqlite3_reset(s);
        return sum;
    }
    [[nodiscard]] std::vector<std::string> texts(const std::string& sql) {
        std::vector<std::string> out;
        sqlite3_stmt* s = prepare(sql);
        while (sqlite3_step(s) == SQLITE_ROW)
            out.emplace_back(reinterpret_cast<const char*>(sqlite3_column_text(s, 0)));
        sqlite3_reset(s);
        return out;
    }

 private:
    sqlite3* db_ = nullptr;
    std::vector<sqlite3_stmt*> made_{};
};

/// The one table of records of a vault of W.
std::string records_of(hand& h) {
    return h
        .texts(
            "SELECT name FROM sqlite_schema WHERE name LIKE 'casasync\\_m\\_%' ESCAPE '\\' AND type = "
            "'table'")
        .at(0);
}

/// The same parameters for many rows: "(?, ?), (?, ?)".
std::string times(std::size_t n, const std::string& row) {
    std::string out = row;
    while (n-- > 1) out += ", " + row;
    return out;
}

/// Reads all records, and writes those of `keys`, which are sorted, as many by one statement as casasync
/// does.
std::uint64_t records_by_hand(hand& h, const std::vector<bytes>& keys) {
    constexpr std::size_t at_once = 50;
    const std::string records = records_of(h), write = "REPLACE INTO " + records + "(k, r) VALUES";
    const std::uint64_t sum = h.step(h.prepare("SELECT k, r FROM " + records + " ORDER BY k"));
    sqlite3_stmt* const many = h.prepare(write + times(at_once, "(?, ?)"));
    sqlite3_stmt* const one = h.prepare(write + "(?, ?)");
    const bytes registers(record_bytes, 1);
    for (std::size_t i = 0; i < keys.size();) {
        const std::size_t n = keys.size() - i < at_once ? 1 : at_once;
        sqlite3_stmt* const s = n == 1 ? one : many;
        for (int at = 0; at < static_cast<int>(2 * n); ++i)
            hand::bind(s, ++at, keys[i]), hand::bind(s, ++at, registers);
        h.step(s);
    }
    return sum;
}

bytes key_of(const std::string& id) {
    const value v(id);
    return *encode_key({&v, 1});
}

/// Reads rows of W, as many by one statement as casasync does. Returns how many bytes there were.
std::uint64_t rows_by_hand(hand& h, const std::vector<std::string>& ids) {
    constexpr std::size_t at_once = 25;
    sqlite3_stmt* const rows = h.prepare("SELECT t.* FROM (VALUES" + times(at_once, "(?)") +
                                         ") AS v CROSS JOIN txn AS t WHERE t.id = v.column1");
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < ids.size(); i += at_once) {
        sqlite3_clear_bindings(rows);
        for (std::size_t n = 0; n < at_once && i + n < ids.size(); ++n)
            hand::bind(rows, static_cast<int>(n) + 1, ids[i + n]);
        sum += h.step(rows);
    }
    return sum;
}

/// What a seal asks of SQLite: the log, each row and its record are read, records, outbox and log written.
void seal_by_hand(const std::string& file, std::size_t bytes_of_a_change) {
    hand h(file);
    h.run("BEGIN IMMEDIATE");
    std::vector<std::string> ids = h.texts("SELECT k0 FROM casasync_log ORDER BY rowid");
    const std::size_t changes = ids.size();
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    std::vector<bytes> keys;
    keys.reserve(ids.size());
    for (const std::string& id : ids) keys.push_back(key_of(id));
    keep(rows_by_hand(h, ids) + records_by_hand(h, keys));
    const bytes payload(changes * bytes_of_a_change, 2);
    sqlite3_stmt* const out = h.prepare(
        "INSERT INTO casasync_outbox(seq, part, parts, hour, was, payload) VALUES(1000000, 0, 1, 0, 0, ?1)");
    hand::bind(out, 1, payload);
    h.step(out);
    h.run("DELETE FROM casasync_log; COMMIT");
}

question sealing(const std::string& folder, const filled_files& begin, const std::string& name,
                 std::uint64_t count, std::size_t bytes_of_a_change, const std::function<void(app&)>& work,
                 double ratio_max) {
    const std::string plain = folder + "/plain.db", vault = folder + "/vault.db";
    question q;
    q.name = "bound of capture and seal, " + name;
    q.count = count;
    q.reference = {"plain SQLite", [=] { copy_database(begin.plain, plain); },
                   [=](std::size_t) {
                       app a(plain);
                       work(a);
                   },
                   [=] { return app(plain).checksum(); }};
    q.ours = {"captured, and the statements of a seal by hand", [=] { copy_database(begin.vault, vault); },
              [=](std::size_t) {
                  app a(vault);
                  work(a);
                  seal_by_hand(vault, bytes_of_a_change);
              },
              [=] { return app(vault).checksum(); }};
    q.ratio_max = ratio_max;
    return q;
}

/// What sealing a lone commit asks of SQLite, on a connection of its own: casasync's record is read, for
/// somebody else may have changed it; then the log, the row and its record; written are record, outbox,
/// casasync's record and who has merged what, the log is emptied, and all of it synced.
class lone_seal {
 public:
    explicit lone_seal(const std::string& file) : h_(file) {
        h_.run("PRAGMA synchronous = EXTRA");
        const std::string records = records_of(h_);
        for (const std::string& sql :
             {std::string("BEGIN IMMEDIATE"), std::string("SELECT s FROM casasync_meta"),
              std::string("SELECT rowid, * FROM casasync_log"), "SELECT r FROM " + records + " WHERE k = ?1",
              std::string("SELECT * FROM txn WHERE id = ?1"),
              "REPLACE INTO " + records + "(k, r) VALUES(?1, ?2)",
              std::string("INSERT INTO casasync_outbox(seq, part, parts, hour, was, payload) VALUES(?1, 0, "
                          "1, 0, 0, ?2)"),
              std::string("UPDATE casasync_meta SET s = s"),
              std::string("UPDATE casasync_device SET seq = ?1"),
              std::string("UPDATE casasync_replica SET hlc = ?1 WHERE n = 1"),
              std::string("DELETE FROM casasync_log"), std::string("COMMIT")})
            all_.push_back(h_.prepare(sql));
    }
    void seal(const std::string& row) {
        const value id(row);
        const bytes key = *encode_key({&id, 1}), registers(record_bytes, 1), payload(170, 2);
        const auto now = static_cast<sqlite3_int64>(++sealed_);
        hand::bind(all_[3], 1, key), hand::bind(all_[4], 1, row);
        hand::bind(all_[5], 1, key), hand::bind(all_[5], 2, registers);
        sqlite3_bind_int64(all_[6], 1, 1'000'000 + now), hand::bind(all_[6], 2, payload);
        sqlite3_bind_int64(all_[8], 1, now), sqlite3_bind_int64(all_[9], 1, now);
        std::uint64_t sum = 0;
        for (sqlite3_stmt* s : all_) sum += h_.step(s);
        keep(sum);
    }

 private:
    hand h_;
    std::vector<sqlite3_stmt*> all_{};
    std::uint64_t sealed_ = 0;
};

question lone_sealing(const std::string& folder, const filled_files& begin, std::uint64_t count,
                      const std::shared_ptr<made_workload>& w) {
    struct given {
        std::optional<app> plain{}, writer{};
        std::optional<lone_seal> seal{};
    };
    const auto g = std::make_shared<given>();
    const std::string plain = folder + "/plain.db", vault = folder + "/vault.db";
    question q;
    q.name = "bound of capture and seal, each commit sealed at once";
    q.count = q.steps = count;
    q.reference = {"plain SQLite",
                   [=] {
                       g->plain.reset();
                       copy_database(begin.plain, plain);
                       g->plain.emplace(plain);
                   },
                   [=](std::size_t step) { g->plain->update(w->a[step]); },
                   [=] { return g->plain->checksum(); }};
    q.ours = {"captured, and the statements of a seal by hand",
              [=] {
                  g->seal.reset(), g->writer.reset();
                  copy_database(begin.vault, vault);
                  g->writer.emplace(vault), g->seal.emplace(vault);
              },
              [=](std::size_t step) {
                  g->writer->update(w->a[step]);
                  g->seal->seal(w->a[step].id);
              },
              [=] { return g->writer->checksum(); }};
    q.ratio_max = 4.0;
    return q;
}

/// Triggers like those of capture, which do nothing.
question idle_triggers(const std::string& folder, const filled_files& begin, const std::string& name,
                       std::uint64_t count, const std::function<void(app&)>& work) {
    const std::string plain = folder + "/plain.db", idle = folder + "/idle.db";
    question q;
    q.name = "bound of capture, " + name;
    q.count = count;
    q.reference = {"plain SQLite", [=] { copy_database(begin.plain, plain); },
                   [=](std::size_t) {
                       app a(plain);
                       work(a);
                   },
                   [=] { return app(plain).checksum(); }};
    q.ours = {"triggers that do nothing",
              [=] {
                  copy_database(begin.plain, idle);
                  app(idle).run(
                      "CREATE TRIGGER a AFTER INSERT ON txn BEGIN SELECT 1; END;"
                      "CREATE TRIGGER b AFTER UPDATE ON txn BEGIN SELECT 1; END");
              },
              [=](std::size_t) {
                  app a(idle);
                  work(a);
              },
              [=] { return app(idle).checksum(); }};
    return q;
}

/// What conflicts ask of SQLite: what lost is read from its row, kept beside the registers, and listed;
/// twenty by one statement.
std::uint64_t conflicts_by_hand(hand& h, const std::vector<std::string>& ids) {
    constexpr std::size_t at_once = 20;
    sqlite3_stmt* const beside =
        h.prepare("INSERT INTO casasync_side(t, k, b) VALUES" + times(at_once, "(1, ?, ?)"));
    sqlite3_stmt* const list = h.prepare(
        "INSERT INTO casasync_conflict(id, t, k, c, value, hlc, replica, opened, won, won_hlc, won_replica, "
        "why, open, closed) VALUES" +
        times(at_once, "(?, 1, ?, 1, ?, 1, ?, 1, ?, 1, ?, 0, 1, 0)"));
    const bytes contents(record_bytes, 1), lost(8, 2), replica(16, 3);
    std::vector<bytes> keys;
    std::vector<std::string> names;
    for (const std::string& id : ids) {
        keys.push_back(key_of(id));
        bytes hash(6);
        const std::uint64_t low = detail::hash128(keys.back()).low;
        for (std::size_t i = 0; i < hash.size(); ++i) hash[i] = static_cast<std::uint8_t>(low >> (8 * i));
        names.push_back(to_hex(hash));
    }
    for (std::size_t i = 0; i + at_once <= ids.size(); i += at_once) {
        int b = 0, l = 0;
        for (std::size_t n = i; n < i + at_once; ++n) {
            hand::bind(beside, ++b, keys[n]), hand::bind(beside, ++b, contents);
            hand::bind(list, ++l, names[n]), hand::bind(list, ++l, keys[n]);
            for (const bytes* all : {&lost, &replica, &lost, &replica}) hand::bind(list, ++l, *all);
        }
        h.step(beside), h.step(list);
    }
    return rows_by_hand(h, ids);
}

/// What applying asks of SQLite: each record is read and written, rows are written in the order of their
/// keys. \param conflict_each  one in so many changes is a conflict; 0: none
template <class Change>
void apply_by_hand(const std::string& file, const std::vector<Change>& sorted, std::size_t conflict_each,
                   app& rows) {
    hand h(file);
    std::vector<bytes> keys;
    std::vector<std::string> contested;
    keys.reserve(sorted.size());
    for (const Change& c : sorted) keys.push_back(key_of(c.id));
    for (std::size_t i = 0; conflict_each != 0 && i < sorted.size(); i += conflict_each)
        if (contested.empty() || contested.back() != sorted[i].id) contested.push_back(sorted[i].id);
    write_all(rows, std::span<const Change>(sorted));
    h.run("BEGIN IMMEDIATE");
    keep(records_by_hand(h, keys) + conflicts_by_hand(h, contested));
    h.run("COMMIT");
}

template <class Change>
question applying(const std::string& folder, const filled_files& begin, const std::string& name,
                  std::vector<Change> changes, std::size_t conflict_each, double ratio_max) {
    const std::string plain = folder + "/plain.db", vault = folder + "/vault.db";
    const auto given = std::make_shared<std::vector<Change>>(changes);
    std::stable_sort(changes.begin(), changes.end(),
                     [](const Change& a, const Change& b) { return a.id < b.id; });
    const auto sorted = std::make_shared<std::vector<Change>>(std::move(changes));
    question q;
    q.name = "bound of apply, " + name;
    q.count = given->size();
    q.reference = {"as they come, one transaction", [=] { copy_database(begin.plain, plain); },
                   [=](std::size_t) {
                       app a(plain);
                       write_all(a, std::span<const Change>(*given));
                   },
                   [=] { return app(plain).checksum(); }};
    q.ours = {
        "in the order of keys, and their records",
        [=] {
            copy_database(begin.vault, vault);
            hand h(vault);
            for (const std::string& t : h.texts("SELECT name FROM sqlite_schema WHERE type = 'trigger'"))
                h.run("DROP TRIGGER " + t);
        },
        [=](std::size_t) {
            app a(vault);
            apply_by_hand(vault, *sorted, conflict_each, a);
        },
        [=] { return app(vault).checksum(); }};
    q.ratio_max = ratio_max;
    return q;
}

/// The floor of merging over the operations of a changeset, and beside it what the digest is made of: the
/// hash of the row, and the two terms that change when a cell is replaced.
question merging(const run_options& o) {
    struct givens {
        changeset changes{};
        std::vector<floor_write> flat{};
        std::unique_ptr<floor_table> reference{}, ours{};
        digest128 sum{};
    };
    const auto g = std::make_shared<givens>();
    g->changes = *decode(encode(delta(o.rows)));
    g->flat = flat_writes(g->changes);
    const auto fresh = [rows = o.rows] {
        return std::make_unique<floor_table>(2 * rows * field_names.size());
    };
    const auto write_with_digest = [=] {
        std::array<detail::u128, field_names.size()> columns{};
        for (std::size_t i = 0; i < columns.size(); ++i)
            columns[i] = detail::term_seed(detail::digest_term::cell, field_names[i]);
        const detail::u128 table = detail::hash128(as_bytes("txn"));
        for (const row_change& r : g->changes.tables[0].rows) {
            const detail::u128 row = detail::hash128(r.key, table);
            for (const cell_write& w : r.op.cells) {
                g->ours->write(flat(r, w));
                g->sum -=
                    detail::term(row, columns[w.column], {hlc{r.op.when.when.packed - 1}, r.op.when.replica});
                g->sum += detail::term(row, columns[w.column], r.op.when);
            }
        }
        keep(g->sum.low);
    };
    question q;
    q.name = "bound of merge in memory";
    q.count = o.rows;
    q.reference = {"64-byte cells, greater stamp wins", [=] { g->reference = fresh(); },
                   [=](std::size_t) {
                       for (const floor_write& w : g->flat) g->reference->write(w);
                   },
                   [=] { return g->reference->checksum(); }};
    q.ours = {"a changeset's operations, with a digest", [=] { g->ours = fresh(), g->sum = {}; },
              [=](std::size_t) { write_with_digest(); }, [=] { return g->ours->checksum(); }};
    return q;
}

}  // namespace

std::vector<question> questions(const run_options& o) {
    const made_workload w(o.rows);
    const filled_files empty = begin_files(o.folder, {}, true), full = begin_files(o.folder, w.rows, true);
    const auto made = std::make_shared<made_workload>(w);
    const auto in_transactions = [](app& a, const auto& all) {
        using change = typename std::remove_cvref_t<decltype(all)>::value_type;
        for (std::span<const change> rest(all); !rest.empty();) {
            const std::size_t n = std::min<std::size_t>(rest.size(), 1000);
            write_all(a, rest.first(n));
            rest = rest.subspan(n);
        }
    };
    const auto inserts = [=](app& a) { in_transactions(a, made->rows); };
    const auto updates = [=](app& a) { in_transactions(a, made->a); };
    std::vector<question> out{
        sealing(o.folder, empty, "insert", o.rows, 33, inserts, 2.5),
        sealing(o.folder, full, "update of one field", o.rows, 22, updates, 1.9),
        lone_sealing(o.folder, full, o.rows / 200, made),
        idle_triggers(o.folder, empty, "insert", o.rows, inserts),
        idle_triggers(o.folder, full, "update of one field", o.rows, updates),
        applying(o.folder, empty, "full set", w.rows, 0, 2.0),
        applying(o.folder, full, "delta of single fields, a fifth in conflict", w.a, 5, 1.25),
        merging(o)};
    for (question& q : out) q.rounds_max = 3;
    return out;
}

}  // namespace casasync::bench::bounds_program
