// SPDX-License-Identifier: MIT
#include <casasync_test/catch.hpp>

/// Random histories against capture: whatever SQL did to the tables, the log must tell it.
#include "file.hpp"
#include "shadow.hpp"

#include <array>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <string_view>

namespace {

using namespace sqlite_test;

/// splitmix64 (Steele, Lea, Flood, 2014): small, and the same everywhere.
class dice {
 public:
    explicit dice(std::uint64_t seed) : state_(seed) {}

    std::size_t below(std::size_t n) {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return static_cast<std::size_t>((z ^ (z >> 31)) % n);
    }
    bool one_in(std::size_t n) { return below(n) == 0; }
    template <class List>
    const auto& pick(const List& list) {
        return list[below(list.size())];
    }

 private:
    std::uint64_t state_;
};

struct schema {
    std::string_view name;
    std::string_view tables;    ///< created before capture is installed
    std::string_view triggers;  ///< of the application
};

constexpr std::string_view app_trigger_tables = R"(
    CREATE TABLE parent(id TEXT NOT NULL PRIMARY KEY, code INTEGER UNIQUE, name TEXT COLLATE NOCASE UNIQUE, n INTEGER);
    CREATE TABLE child(id TEXT NOT NULL PRIMARY KEY, p TEXT REFERENCES parent(id) ON DELETE CASCADE ON UPDATE CASCADE,
        q TEXT REFERENCES parent(id) ON DELETE SET NULL, slot INTEGER, a, UNIQUE(p, slot));
    CREATE TABLE audit(what);
    CREATE VIEW both_ways AS SELECT id, code, n FROM parent;)";

const std::array<schema, 13> schemas{{
    {"several unique columns",
     R"(CREATE TABLE t(id TEXT NOT NULL PRIMARY KEY, email TEXT COLLATE NOCASE UNIQUE, code INTEGER, a, b TEXT COLLATE NOCASE,
            UNIQUE(code, b));
        CREATE UNIQUE INDEX by_b ON t(b COLLATE BINARY DESC, a COLLATE NOCASE);)",
     ""},
    {"composite key without rowid",
     R"(CREATE TABLE "weird "" name"(p TEXT, "select" INTEGER, "u x" REAL UNIQUE, b BLOB, v UNIQUE,
            PRIMARY KEY("select", p)) WITHOUT ROWID;)",
     ""},
    {"partial indexes",
     R"(CREATE TABLE t(id TEXT NOT NULL PRIMARY KEY, a INTEGER, b INTEGER, s TEXT);
        CREATE UNIQUE INDEX i1 ON t(a) WHERE b > 1 AND t.s IS NOT 'where';
        CREATE UNIQUE INDEX i2 ON t(b, s) WHERE a IN (1, 2) /* ) */ OR s = 'a';)",
     ""},
    {"expression indexes",
     R"(CREATE TABLE t(id TEXT NOT NULL PRIMARY KEY, a INTEGER, b, s TEXT, e INTEGER NOT NULL DEFAULT 2);
        CREATE UNIQUE INDEX i1 ON t(lower(s) DESC);
        CREATE UNIQUE INDEX i2 ON t(a + e, typeof(b) COLLATE NOCASE) WHERE coalesce(a, 1) > 0;)",
     ""},
    {"generated columns",
     R"(CREATE TABLE t(id TEXT NOT NULL PRIMARY KEY, a INTEGER, b, g TEXT AS (a || '-' || b) UNIQUE,
            h INTEGER GENERATED ALWAYS AS (a * 2 + length(b)) STORED, s TEXT);
        CREATE UNIQUE INDEX i1 ON t(h, s);
        CREATE UNIQUE INDEX i2 ON t(s) WHERE h > 3;)",
     ""},
    {"one generated column",
     R"(CREATE TABLE t(id TEXT NOT NULL PRIMARY KEY, a INTEGER NOT NULL DEFAULT 1, b TEXT COLLATE NOCASE,
            g TEXT AS (a || b) COLLATE NOCASE UNIQUE, s);)",
     ""},
    {"conflict clauses and defaults",
     R"(CREATE TABLE t(id TEXT NOT NULL PRIMARY KEY, u TEXT NOT NULL DEFAULT a UNIQUE ON CONFLICT REPLACE,
            v INTEGER UNIQUE ON CONFLICT REPLACE, e INTEGER NOT NULL ON CONFLICT REPLACE DEFAULT 1,
            f NOT NULL DEFAULT (1 + 1), UNIQUE(e, f) ON CONFLICT IGNORE);)",
     ""},
    {"foreign keys and application triggers", app_trigger_tables,
     R"(CREATE TRIGGER count_children AFTER INSERT ON child BEGIN UPDATE parent SET n = coalesce(n, 0) + 1 WHERE id = NEW.p; END;
        CREATE TRIGGER note_child AFTER DELETE ON child BEGIN INSERT INTO audit VALUES(OLD.id); END;
        CREATE TRIGGER note_parent AFTER UPDATE ON parent BEGIN
            INSERT OR REPLACE INTO child(id, p, slot) VALUES('k' || NEW.code, NEW.id, NEW.code); END;
        CREATE TRIGGER fail_late AFTER INSERT ON parent WHEN NEW.n = 3 BEGIN SELECT RAISE(FAIL, 'no'); END;
        CREATE TRIGGER undo_late AFTER UPDATE OF a ON child WHEN NEW.a IS 3 BEGIN SELECT RAISE(ABORT, 'no'); END;
        CREATE TRIGGER view_insert INSTEAD OF INSERT ON both_ways BEGIN
            INSERT OR REPLACE INTO parent(id, code, n) VALUES(NEW.id, NEW.code, NEW.n); END;)"},
    {"application triggers before changes", app_trigger_tables,
     R"(CREATE TRIGGER make_room BEFORE INSERT ON parent BEGIN
            UPDATE OR REPLACE parent SET code = NEW.n WHERE code = NEW.code; DELETE FROM child WHERE slot = NEW.n; END;
        CREATE TRIGGER skip BEFORE INSERT ON child WHEN NEW.slot = 3 BEGIN SELECT RAISE(IGNORE); END;
        CREATE TRIGGER fresh_name BEFORE UPDATE ON parent BEGIN
            INSERT OR REPLACE INTO parent(id, name) VALUES('k3', NEW.name); END;
        CREATE TRIGGER shift BEFORE UPDATE OF slot ON child BEGIN
            UPDATE OR IGNORE child SET slot = slot + 1 WHERE p IS OLD.p AND id IS NOT OLD.id; END;
        CREATE TRIGGER chain AFTER DELETE ON parent BEGIN
            UPDATE OR REPLACE parent SET id = OLD.id WHERE id = 'k4'; END;)"},
    {"strict table with ANY",
     R"(CREATE TABLE t(id ANY PRIMARY KEY, a ANY, i INTEGER, u ANY UNIQUE, s TEXT) STRICT;)", ""},
    {"key of any type without rowid",
     R"(CREATE TABLE t(id BLOB, n NOT NULL, a, u UNIQUE, PRIMARY KEY(id, n)) WITHOUT ROWID;)", ""},
    {"integer key",
     R"(CREATE TABLE t(id INTEGER PRIMARY KEY, u TEXT UNIQUE, a, b INTEGER UNIQUE ON CONFLICT REPLACE);)",
     ""},
    {"many columns", "", ""},
}};

/// 130 columns: three groups of the mask, two of them with a unique column.
std::string wide_table() {
    std::string out = "CREATE TABLE t(id TEXT NOT NULL PRIMARY KEY, u TEXT UNIQUE";
    for (int i = 2; i < 129; ++i) out += ", c" + std::to_string(i);
    return out + ", v INTEGER UNIQUE);";
}

constexpr std::array<std::string_view, 14> cell_values{"NULL", "0",   "1",   "2",   "3",   "1.0",   "0.0",
                                                       "-0.0", "'a'", "'A'", "'b'", "'1'", "x'61'", "1.5"};
constexpr std::array<std::string_view, 3> letters{"'a'", "'A'", "'b'"};
constexpr std::array<std::string_view, 6> text_keys{"'k1'", "'k2'", "'k3'", "'k4'", "'K1'", "'k5'"};
constexpr std::array<std::string_view, 9> any_keys{"1",   "1.0",  "'1'",   "2",   "0",
                                                   "0.0", "-0.0", "x'61'", "'k1'"};
constexpr std::array<std::string_view, 6> integer_keys{"1", "2", "3", "4", "5", "-1"};
constexpr std::array<std::string_view, 6> clauses{"",           "",         "OR REPLACE ",
                                                  "OR IGNORE ", "OR FAIL ", "OR ROLLBACK "};

/// Joins parts. Braces evaluate from left to right, which + does not promise: a seed means one history
/// everywhere.
std::string join(std::initializer_list<std::string> parts) {
    std::string out;
    for (const std::string& part : parts) out += part;
    return out;
}

/// Makes statements for one table.
class scribe {
 public:
    scribe(const table_shape& table, dice& d) : table_(table), d_(d) {
        for (std::size_t i = 0; i < table.columns.size(); ++i)
            if (!table.columns[i].generated) stored_.push_back(i);
    }

    std::string statement() {
        const std::string returning = d_.one_in(8) ? " RETURNING *" : "";
        switch (d_.below(10)) {
            case 0:
            case 1:
            case 2:
                return join({insert(), values(), returning});
            case 3:
                return join({insert(), values(), upsert(), returning});
            case 4:
                return insert_select();
            case 5:
                return "DELETE FROM " + name() + where(3) + returning;
            case 6:
                return update_key() + returning;
            default:
                return update() + returning;
        }
    }

 private:
    [[nodiscard]] std::string name() const { return quote_name(table_.name); }
    [[nodiscard]] std::string column(std::size_t i) const { return quote_name(table_.columns[i].name); }
    std::string clause() { return std::string(d_.pick(clauses)); }

    std::string literal(std::size_t i) {
        const column_shape& c = table_.columns[i];
        if (c.key_position == 0 && (c.name == "p" || c.name == "q")) return std::string(d_.pick(text_keys));
        if (c.key_position == 0 && c.not_null && d_.one_in(4)) return "NULL";
        if (c.key_position == 0 && c.collation == "NOCASE" && d_.one_in(2))
            return std::string(d_.pick(letters));
        if (c.key_position == 0) return std::string(d_.pick(cell_values));
        if (table_.integer_key) return d_.one_in(6) ? "NULL" : std::string(d_.pick(integer_keys));
        if (c.kept_as == affinity::text) return std::string(d_.pick(text_keys));
        return c.kept_as == affinity::none ? std::string(d_.pick(any_keys))
                                           : std::string(d_.pick(integer_keys));
    }

    std::string insert() {
        columns_.clear();
        std::string list;
        const bool most = !d_.one_in(4);
        for (const std::size_t i : stored_) {
            const bool key = table_.columns[i].key_position != 0;
            if (!key && !(most ? !d_.one_in(5) : d_.one_in(2))) continue;
            list += (list.empty() ? "(" : ", ") + column(i);
            columns_.push_back(i);
        }
        const std::string verb = d_.one_in(8) ? "REPLACE INTO " : "INSERT " + clause() + "INTO ";
        return verb + name() + list + ") ";
    }
    std::string values() {
        std::string out;
        for (std::size_t rows = 1 + d_.below(3); rows > 0; --rows) {
            std::string row;
            for (const std::size_t i : columns_) row += (row.empty() ? "(" : ", ") + literal(i);
            out += (out.empty() ? "VALUES" : ", ") + row + ")";
        }
        return out;
    }
    std::string insert_select() {
        std::string out = insert() + "SELECT ", row;
        for (const std::size_t i : columns_)
            row += (row.empty() ? "" : ", ") + (d_.one_in(2) ? literal(i) : column(i));
        return out + row + " FROM " + name() + " LIMIT 3";
    }
    std::string upsert() {
        if (d_.one_in(3)) return " ON CONFLICT DO NOTHING";
        std::string target;
        for (const std::size_t i : table_.key) target += (target.empty() ? "(" : ", ") + column(i);
        return join(
            {" ON CONFLICT", target, ") DO UPDATE SET ", assignments(), d_.one_in(3) ? where(2) : ""});
    }
    std::string assignments() {
        std::string out;
        for (std::size_t n = 1 + d_.below(3); n > 0; --n) {
            const std::size_t i = d_.pick(stored_);
            out += (out.empty() ? "" : ", ") + column(i) + " = " +
                   (d_.one_in(4) ? column(d_.pick(stored_)) : literal(i));
        }
        return out;
    }
    std::string update() { return join({"UPDATE ", clause(), name(), " SET ", assignments(), where(2)}); }
    std::string update_key() {
        if (table_.integer_key && d_.one_in(2))
            return join(
                {"UPDATE ", clause(), name(), " SET rowid = ", std::string(d_.pick(integer_keys)), where(3)});
        const std::size_t i = d_.pick(table_.key);
        return join({"UPDATE ", clause(), name(), " SET ", column(i), " = ", literal(i), where(3)});
    }
    /// \param usually  one in so many statements has no condition on the key
    std::string where(std::size_t usually) {
        std::string out;
        if (d_.one_in(usually)) {
            const std::size_t i = d_.pick(stored_);
            return join({" WHERE ", name(), ".", column(i), d_.one_in(2) ? " IS " : " >= ", literal(i)});
        }
        const std::size_t i = d_.pick(table_.key);
        return " WHERE " + name() + "." + column(i) + " = " + literal(i);
    }

    const table_shape& table_;
    dice& d_;
    std::vector<std::size_t> stored_{}, columns_{};
};

struct history {
    std::string wrong{};   ///< "" when capture told everything
    std::string script{};  ///< the statements so far
    std::size_t tried = 0, done = 0;
    bool broken_by_sqlite = false;  ///< SQLite's own integrity check fails
};

/// Runs one history of transactions and seals after each.
history run_history(std::uint64_t seed) {
    dice d(seed);
    history out;
    const schema& s = schemas[d.below(schemas.size())];
    connection db = memory();
    sqlite3_limit(db.handle(), SQLITE_LIMIT_TRIGGER_DEPTH,
                  20);  // some application triggers call each other for ever
    const std::string tables = s.tables.empty() ? wide_table() : std::string(s.tables);
    const bool triggers_first = d.one_in(2);
    const auto script = [&](const std::string& sql) {
        out.script += sql + ";\n";
        return db.execute(sql);
    };
    out.script = "-- " + std::string(s.name) + "\n";
    if (!script(d.one_in(2) ? "PRAGMA recursive_triggers = ON" : "PRAGMA foreign_keys = ON"))
        return {"pragma", out.script};
    if (d.one_in(2) && !script("PRAGMA foreign_keys = ON")) return {"pragma", out.script};
    if (!script(tables)) return {"tables", out.script};
    if (triggers_first && !script(std::string(s.triggers))) return {"triggers", out.script};

    shadow copy(db);
    std::vector<table_shape> shapes;
    const auto names = application_tables(db);
    if (!names) return {names.failure().text(), out.script};
    for (const std::string& name : *names) {
        auto shape = read_shape(db, name);
        if (!shape) return {shape.failure().text(), out.script};
        if (shape->key.empty()) continue;  // the application's own notes
        if (const auto ok = check_trackable(*shape); !ok) return {ok.failure().text(), out.script};
        shapes.push_back(std::move(*shape));
    }
    const auto install_all = [&]() -> std::string {
        for (std::size_t i = 0; i < shapes.size(); ++i)
            if (const auto done =
                    install(db, static_cast<table_number>(i) + 1, shapes[i], {.write_time = true});
                !done)
                return done.failure().text();
        return "";
    };
    if (const std::string wrong = install_all(); !wrong.empty()) return {wrong, out.script};
    if (!triggers_first) {
        if (!script(std::string(s.triggers))) return {"triggers", out.script};
        if (const std::string wrong = install_all(); !wrong.empty()) return {wrong, out.script};
    }
    for (std::size_t i = 0; i < shapes.size(); ++i) copy.add(static_cast<table_number>(i) + 1, shapes[i]);

    for (std::size_t transactions = 0; transactions < 12; ++transactions) {
        const bool open = d.one_in(2);
        if (open) (void)script("BEGIN");
        bool saved = false;
        for (std::size_t n = open ? 1 + d.below(7) : 1; n > 0; --n) {
            if (open && !saved && d.one_in(6)) {
                saved = static_cast<bool>(script("SAVEPOINT s"));
            } else if (saved && d.one_in(4)) {
                (void)script(d.one_in(2) ? "ROLLBACK TO s" : "RELEASE s");
                saved = false;
            }
            ++out.tried;
            if (script(scribe(d.pick(shapes), d).statement())) ++out.done;  // a refused one is history, too
        }
        if (db.in_transaction()) (void)script(d.one_in(6) ? "ROLLBACK" : "COMMIT");
        if (db.in_transaction()) (void)script("ROLLBACK");  // COMMIT was refused by a foreign key
        if (d.one_in(15)) (void)script("VACUUM");
        out.wrong = copy.seal(d.one_in(4) ? 1 + d.below(3) : 1000);
        if (out.wrong.empty()) out.wrong = copy.compare();
        if (out.wrong.empty()) continue;
        // Application triggers that write the same table inside a REPLACE can bring SQLite 3.40 itself to
        // hold two rows of one key.
        const auto intact = db.query_value("PRAGMA integrity_check");
        out.broken_by_sqlite = intact && *intact && **intact != value("ok");
        return out;
    }
    return out;
}

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace

/// CASASYNC_SEED=n repeats one history, CASASYNC_HISTORIES=n runs more of them.
TEST_CASE("whatever SQL does to tracked tables, the log tells it", "[sqlite][capture][random]") {
    const std::uint64_t first = from_environment("CASASYNC_SEED", 1);
    const std::uint64_t count =
        from_environment("CASASYNC_HISTORIES", std::getenv("CASASYNC_SEED") == nullptr ? 1500 : 1);
    std::size_t tried = 0, done = 0, broken = 0;
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
        const history h = run_history(seed);
        tried += h.tried;
        done += h.done;
        broken += h.broken_by_sqlite ? 1 : 0;
        if (h.wrong.empty() || h.broken_by_sqlite) continue;
        INFO("CASASYNC_SEED=" << seed << "\n" << h.script);
        CHECK(h.wrong == "");
    }
    CHECK(broken <= 1 + count / 1000);
    CHECK(done > tried / 2);  // most statements did something that could be missed
}
