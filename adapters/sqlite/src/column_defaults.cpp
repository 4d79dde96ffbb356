// SPDX-License-Identifier: MIT
#include "column_defaults.hpp"

#include "rival_text.hpp"

#include <casasync/limits.hpp>
#include <casasync/row_codec.hpp>

#include <cstdint>
#include <optional>

namespace casasync::sqlite {
namespace {

bytes to_bytes(const value& v) {
    bytes out;
    detail::writer w(out);
    detail::put_value(w, v);
    return out;
}

/// Returns the value of a column of casasync_default.
value from_bytes(const statement& s, int column) {
    if (s.is_null(column)) return {};
    detail::reader r(s.blob(column));
    return detail::get_value(r, limits::default_bytes_max);
}

/// True for a DEFAULT that is the same value in every row.
bool is_constant(const column_shape& c) {
    if (!c.default_sql || c.default_sql->empty() || c.default_sql->front() == '(') return false;
    for (const char* now : {"CURRENT_TIME", "CURRENT_DATE", "CURRENT_TIMESTAMP"})
        if (same_name(*c.default_sql, now)) return false;
    return true;
}

/// What a column declares: nothing where that is NULL, not constant, or too long to be told.
struct declared_default {
    std::size_t place = 0;
    std::optional<bytes> what{};
};

result<std::vector<declared_default>> declared_defaults(const table_shape& shape) {
    std::vector<declared_default> out;
    std::string sql;
    std::vector<std::size_t> constant;
    for (std::size_t i = 0; i < shape.columns.size(); ++i) {
        const column_shape& c = shape.columns[i];
        if (c.generated || c.key_position != 0) continue;
        out.push_back({i, {}});
        if (!is_constant(c)) continue;
        // As the column would keep it: '5' is 5 where the type is INTEGER.
        sql += (sql.empty() ? "" : ", ") + quote_name("c" + std::to_string(i)) + " " + c.type + " DEFAULT " +
               default_of(c);
        constant.push_back(out.size() - 1);
    }
    if (constant.empty()) return out;
    auto beside = connection::open(":memory:", open_mode::create, 0);
    if (!beside) return beside.failure();
    if (auto ok = beside->execute("CREATE TABLE d(" + sql + ")" + (shape.strict ? " STRICT" : "") +
                                  "; INSERT INTO d DEFAULT VALUES");
        !ok)
        return ok.failure();
    auto s = beside->prepare("SELECT * FROM d");
    if (!s) return s.failure();
    const auto row = s->step();
    if (!row) return row.failure();
    for (std::size_t n = 0; *row && n < constant.size(); ++n) {
        const value v = s->cell(static_cast<int>(n));
        if (!v.is_null() && v.size() <= limits::default_bytes_max) out[constant[n]].what = to_bytes(v);
    }
    return out;
}

constexpr std::int64_t told_at_once = 1000;

result<std::vector<column_default>> read_defaults(connection& db, const std::string& sql, std::int64_t most) {
    std::vector<column_default> out;
    auto s = db.prepare(sql);
    if (!s) return s.failure();
    s->bind(1, most);
    for (;;) {
        const auto row = s->step();
        if (!row) return row.failure();
        if (!*row) return out;
        out.push_back({std::string(s->text(0)), std::string(s->text(1)), from_bytes(*s, 2)});
    }
}

}  // namespace

result<void> create_column_defaults(connection& db) {
    return db.execute(
        "CREATE TABLE IF NOT EXISTS casasync_default(name TEXT NOT NULL, column_name TEXT NOT NULL, own "
        "BLOB, told BLOB, heard BLOB, PRIMARY KEY(name, column_name)) WITHOUT ROWID, STRICT;");
}

result<void> know_defaults(connection& db, const table_shape& shape) {
    const auto declared = declared_defaults(shape);
    if (!declared) return declared.failure();
    if (auto ok = db.run("UPDATE casasync_default SET own = NULL WHERE name = ?1", shape.name); !ok)
        return ok;
    for (const declared_default& d : *declared) {
        if (!d.what) continue;
        if (auto ok = db.run("INSERT INTO casasync_default(name, column_name, own) VALUES(?1, ?2, ?3) ON "
                             "CONFLICT(name, column_name) DO UPDATE SET own = excluded.own",
                             shape.name, shape.columns[d.place].name, *d.what);
            !ok)
            return ok;
    }
    // A column that is gone, which has nothing to say, is not one that has no default now.
    std::string names;
    for (const declared_default& d : *declared)
        names += (names.empty() ? "" : ", ") + quote_text(shape.columns[d.place].name);
    return db.execute("UPDATE casasync_default SET told = NULL WHERE name = " + quote_text(shape.name) +
                      " AND column_name NOT IN (" + names + ")");
}

result<std::vector<std::size_t>> changed_defaults(connection& db, const table_shape& shape) {
    std::vector<std::size_t> out;
    const auto declared = declared_defaults(shape);
    if (!declared) return declared.failure();
    for (const declared_default& d : *declared) {
        auto s = db.prepare(
            "SELECT EXISTS(SELECT 1 FROM casasync_default WHERE name = ?1 AND column_name = ?2 AND own IS "
            "NOT "
            "NULL AND (?3 IS NULL OR own <> ?3)) OR (?3 IS NOT NULL AND NOT EXISTS(SELECT 1 FROM "
            "casasync_default WHERE name = ?1 AND column_name = ?2 AND own IS NOT NULL))");
        if (!s) return s.failure();
        s->bind(1, shape.name).bind(2, shape.columns[d.place].name);
        d.what ? s->bind(3, *d.what) : s->bind(3, nullptr);
        const auto row = s->step();
        if (!row) return row.failure();
        if (s->integer(0) != 0) out.push_back(d.place);
    }
    return out;
}

result<std::vector<column_default>> tell_defaults(connection& db) {
    auto out = read_defaults(
        db,
        "SELECT name, column_name, own FROM casasync_default WHERE own IS NOT told AND "
        "(told IS NOT NULL OR COALESCE(own, x'00') IS NOT heard) ORDER BY name, column_name LIMIT ?1",
        told_at_once);
    if (!out) return out;
    for (const column_default& d : *out)
        if (auto ok = db.run("UPDATE casasync_default SET told = own WHERE name = ?1 AND column_name = ?2",
                             d.table, d.column);
            !ok)
            return ok.failure();
    return out;
}

result<bool> any_default_to_correct(connection& db) {
    const auto any = db.query_integer(
        "SELECT EXISTS(SELECT 1 FROM casasync_default WHERE told IS NOT NULL AND own IS NOT told)");
    return any ? result<bool>(*any != 0) : result<bool>(any.failure());
}

result<std::vector<column_default>> known_defaults(connection& db) {
    return read_defaults(db,
                         "SELECT name, column_name, COALESCE(own, heard) FROM casasync_default WHERE own IS "
                         "NOT NULL OR told IS NOT NULL OR heard IS NOT NULL ORDER BY name, column_name LIMIT "
                         "?1",
                         static_cast<std::int64_t>(limits::defaults_max));
}

result<void> hear_defaults(connection& db, const std::vector<column_default>& all) {
    for (const column_default& d : all)
        if (auto ok = db.run("INSERT INTO casasync_default(name, column_name, heard) VALUES(?1, ?2, ?3) ON "
                             "CONFLICT(name, column_name) DO UPDATE SET heard = excluded.heard",
                             d.table, d.column, to_bytes(d.what));
            !ok)
            return ok;
    return {};
}

/// Returns a value as SQL writes it.
static result<std::string> as_sql(connection& db, const value& v) {
    auto s = db.prepare("SELECT quote(?1)");
    if (!s) return s.failure();
    const auto row = s->bind(1, v).step();
    return row ? result<std::string>(std::string(s->text(0))) : row.failure();
}

result<std::vector<differing_default>> differing_defaults(connection& db, const std::string& table) {
    std::vector<differing_default> out;
    auto s = db.prepare(
        "SELECT column_name, own, heard FROM casasync_default WHERE name = ?1 AND heard IS NOT NULL AND "
        "COALESCE(own, x'00') <> heard ORDER BY column_name");
    if (!s) return s.failure();
    s->bind(1, table);
    for (;;) {
        const auto row = s->step();
        if (!row) return row.failure();
        if (!*row) return out;
        auto here = as_sql(db, from_bytes(*s, 1)), elsewhere = as_sql(db, from_bytes(*s, 2));
        if (!here || !elsewhere) return here ? elsewhere.failure() : here.failure();
        out.push_back({std::string(s->text(0)), std::move(*here), std::move(*elsewhere)});
    }
}

}  // namespace casasync::sqlite
