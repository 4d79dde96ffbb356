// SPDX-License-Identifier: MIT
#pragma once

/// A tracked database whose registers are fed by changesets made by hand.
#include <casasync_test/catch.hpp>

#include "catalog.hpp"
#include "display.hpp"
#include "file.hpp"
#include "row_store.hpp"
#include "suppress.hpp"

#include <casasync/key.hpp>
#include <casasync/merge.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace sqlite_test {

using namespace casasync;
using namespace casasync::sqlite;

using strings = std::vector<std::string>;
using columns = std::vector<std::pair<std::string, value>>;

/// One operation as a test writes it.
struct edit {
    std::string table{};
    std::vector<value> key{};
    op_kind kind = op_kind::update;
    columns cells{};
    std::uint64_t at = 0;  ///< which comes later; 0: after all before
    std::uint8_t replica = 1;
};

inline edit add(std::string table, std::vector<value> key, columns cells, std::uint64_t at = 0) {
    return {std::move(table), std::move(key), op_kind::insert, std::move(cells), at};
}
inline edit set(std::string table, std::vector<value> key, columns cells, std::uint64_t at = 0) {
    return {std::move(table), std::move(key), op_kind::update, std::move(cells), at};
}
inline edit cut(std::string table, std::vector<value> key, std::uint64_t at = 0) {
    return {std::move(table), std::move(key), op_kind::erase, {}, at};
}

inline replica_id replica(std::uint8_t n) {
    replica_id id;
    id.octets[0] = n;
    return id;
}

/// Turns edits into a changeset whose author has seen everything before it, or nothing.
class changeset_maker {
 public:
    changeset make(const catalog& tables, std::vector<edit> edits, bool seen_all = true) {
        changeset out;
        out.device.octets[0] = 9;
        out.seq = out.last_seq = ++seq_;
        if (seen_all)
            for (std::uint8_t r = 1; r < 4; ++r) out.context.vector.raise(replica(r), at(clock_));
        for (const edit& e : edits) {
            const vault_table* table = tables.find(e.table);
            REQUIRE(table != nullptr);
            row_operation op{.kind = e.kind, .when = {}, .cells = {}};
            if (e.at > clock_) clock_ = e.at;
            op.when = {at(e.at != 0 ? e.at : ++clock_), replica(e.replica)};
            for (const auto& [name, what] : e.cells) {
                const auto c = table->traits.column(name);
                REQUIRE(c);
                op.cells.push_back({*c, what});
            }
            std::sort(op.cells.begin(), op.cells.end(),
                      [](const cell_write& a, const cell_write& b) { return a.column < b.column; });
            auto key = encode_key(e.key);
            REQUIRE(key);
            changes_of(out, table->traits).rows.push_back({std::move(*key), std::move(op)});
        }
        for (table_changes& t : out.tables)
            std::sort(t.rows.begin(), t.rows.end(), [](const row_change& a, const row_change& b) {
                return std::tie(a.key, a.op.when) < std::tie(b.key, b.op.when);
            });
        return out;
    }

 private:
    static hlc at(std::uint64_t n) { return {band::adopt.packed + (n << 16)}; }
    static table_changes& changes_of(changeset& c, const table_traits& traits) {
        for (table_changes& t : c.tables)
            if (t.table.name == traits.name) return t;
        return c.tables.emplace_back(table_changes{traits, {}});
    }

    std::uint64_t clock_ = 1000, seq_ = 0;
};

inline connection prepare_database(const std::string& sql) {
    connection db = memory();
    REQUIRE(db.execute(sql));
    return db;
}

class world {
 public:
    connection db;
    catalog tables{};
    row_store rows{db, tables};
    display shown{db, tables, rows};
    changeset_maker maker{};

    explicit world(const std::string& sql, bool enforced = false) : db(prepare_database(sql)) {
        REQUIRE(db.execute(enforced ? "PRAGMA foreign_keys = ON" : "PRAGMA foreign_keys = OFF"));
        REQUIRE(catalog::create(db));
        REQUIRE(row_store::create(db));
        REQUIRE(display::create(db));
        REQUIRE(create_log(db));
        const auto names = application_tables(db);
        REQUIRE(names);
        for (const std::string& name : *names) track(name);
        REQUIRE(rows.read());
    }
    world(const world&) = delete;
    world& operator=(const world&) = delete;

    void track(const std::string& name, const tracking& how = {.natural_integer_key = true}) {
        const auto tracked = tables.track(db, name, how, {});
        INFO((tracked ? "" : tracked.failure().text()));
        REQUIRE(tracked);
    }
    void check(const result<void>& done) {
        INFO((done ? "" : done.failure().text()));
        REQUIRE(done);
    }
    /// Merges and shows in one transaction, as applying does.
    void receive(const changeset& c) {
        const suppress_capture quiet(db, tables);
        auto t = transaction::begin(db);
        REQUIRE(t);
        auto plan = merge(c, rows);
        REQUIRE(plan);
        check(shown.show(plan->rows, ++now));
        check(t->commit());
    }
    void receive(std::vector<edit> edits, bool seen_all = true) {
        receive(maker.make(tables, std::move(edits), seen_all));
    }
    /// Writes with SQL, and seals as if `edits` had been captured.
    void write(const std::string& sql, std::vector<edit> edits) {
        const suppress_capture quiet(db, tables);
        auto t = transaction::begin(db);
        REQUIRE(t);
        check(db.execute(sql));
        auto plan = merge(maker.make(tables, std::move(edits)), rows);
        REQUIRE(plan);
        check(shown.keep(plan->rows, ++now));
        check(t->commit());
    }
    /// The rows of a query, columns joined by '|', NULL as "-".
    strings query(const std::string& sql) {
        auto s = db.prepare(sql);
        REQUIRE(s);
        strings out;
        while (*s->step()) {
            std::string line;
            for (int i = 0; i < s->columns(); ++i)
                line += (i > 0 ? "|" : "") + (s->is_null(i) ? "-" : std::string(s->text(i)));
            out.push_back(line);
        }
        return out;
    }
    /// "table key: reason", in order.
    strings parked() {
        const auto list = shown.parked();
        REQUIRE(list);
        strings out;
        for (const parked_row& p : *list) {
            CHECK_FALSE(p.detail.empty());
            const auto key = decode_key(p.key);
            REQUIRE(key);
            std::string line = tables.find(p.table)->traits.name;
            for (const value& v : *key)
                line += " " + (v.kind() == value_kind::integer ? std::to_string(v.integer()) : v.text());
            out.push_back(line + ": " + p.reason);
        }
        return out;
    }
    /// The registers of a row, values too.
    row_state registers(const std::string& table, const std::vector<value>& key) {
        auto row = rows.load(tables.find(table)->number, *encode_key(key), true);
        REQUIRE(row);
        return std::move(*row);
    }
    std::optional<value> held(const std::string& table, const std::vector<value>& key,
                              const std::string& column) {
        const row_state row = registers(table, key);
        const cell* c = row.find(*tables.find(table)->traits.column(column));
        REQUIRE(c != nullptr);
        return c->what;
    }

    unix_ms now = 0;
};

}  // namespace sqlite_test
