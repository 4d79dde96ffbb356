// SPDX-License-Identifier: MIT
#include "table_shape.hpp"

#include "definition_text.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

namespace casasync::sqlite {
namespace {

/// SQLite's rules, in their order (datatype3.html, section 3.1).
affinity affinity_of(std::string_view type, bool strict) {
    std::string upper(type);
    for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    const auto has = [&](std::string_view part) { return upper.find(part) != std::string::npos; };
    if (strict && upper == "ANY") return affinity::none;
    if (has("INT")) return affinity::integer;
    if (has("CHAR") || has("CLOB") || has("TEXT")) return affinity::text;
    if (has("BLOB") || upper.empty()) return affinity::none;
    if (has("REAL") || has("FLOA") || has("DOUB")) return affinity::real;
    return affinity::numeric;
}

table_kind kind_of(std::string_view schema, std::string_view type) noexcept {
    if (schema == "temp") return table_kind::temporary;
    if (type == "view") return table_kind::view;
    if (type == "virtual") return table_kind::virtual_table;
    if (type == "shadow") return table_kind::shadow;
    return table_kind::table;
}

result<table_shape> read_head(connection& db, std::string_view table) {
    auto s = db.prepare(
        "SELECT schema, name, type, wr, strict FROM pragma_table_list(?1) WHERE schema IN ('main', 'temp') "
        "ORDER "
        "BY schema");
    if (!s) return s.failure();
    const auto row = s->bind(1, table).step();
    if (!row) return row.failure();
    if (!*row)
        return error{errc::not_found, "There is no table \"" + std::string(table) +
                                          "\" in this database. Check the name; nothing was changed."};
    table_shape out;
    out.name = s->text(1);
    out.kind = kind_of(s->text(0), s->text(2));
    out.without_rowid = s->integer(3) != 0;
    out.strict = s->integer(4) != 0;
    return out;
}

result<void> read_columns(connection& db, table_shape& out) {
    auto s = db.prepare(
        "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?1, 'main') ORDER BY "
        "cid");
    if (!s) return s.failure();
    s->bind(1, out.name);
    while (true) {
        const auto row = s->step();
        if (!row) return row.failure();
        if (!*row) break;
        column_shape c;
        c.name = s->text(0);
        c.type = s->text(1);
        c.kept_as = affinity_of(c.type, out.strict);
        c.not_null = s->integer(2) != 0;
        if (!s->is_null(3)) c.default_sql = std::string(s->text(3));
        c.key_position = static_cast<std::size_t>(s->integer(4));
        c.generated = s->integer(5) >= 2;
        out.columns.push_back(std::move(c));
    }
    for (std::size_t i = 0; i < out.columns.size(); ++i) {
        column_shape& c = out.columns[i];
        const char* collation = nullptr;
        int autoincrement = 0;
        const int rc = sqlite3_table_column_metadata(db.handle(), "main", out.name.c_str(), c.name.c_str(),
                                                     nullptr, &collation, nullptr, nullptr, &autoincrement);
        if (rc != SQLITE_OK) return to_error(rc, db.handle());
        c.collation = collation == nullptr ? "BINARY" : collation;
        out.autoincrement = out.autoincrement || autoincrement != 0;
        if (c.key_position == 0) continue;
        if (out.key.size() < c.key_position) out.key.resize(c.key_position);
        out.key[c.key_position - 1] = i;
    }
    for (const std::size_t i : out.key) out.key_collations.push_back(out.columns[i].collation);
    return {};
}

/// Fills in what only the CREATE TABLE statement tells.
result<void> read_table_text(connection& db, table_shape& out) {
    const auto sql =
        db.query_value("SELECT sql FROM main.sqlite_schema WHERE type = 'table' AND name = ?1", out.name);
    if (!sql) return sql.failure();
    if (!*sql || (*sql)->kind() != value_kind::text) return {};
    out.sql = (*sql)->text();
    for (generated_text& text : cut_generated(out.sql))
        for (column_shape& c : out.columns)
            if (c.generated && c.name == text.column) c.generated_sql = std::move(text.expression);
    return {};
}

/// Returns what an index compares: its key columns and expressions, in order.
result<std::vector<index_part>> read_parts(connection& db, const std::string& index) {
    auto s =
        db.prepare("SELECT cid, coll FROM pragma_index_xinfo(?1, 'main') WHERE \"key\" = 1 ORDER BY seqno");
    if (!s) return s.failure();
    s->bind(1, index);
    std::vector<index_part> out;
    while (true) {
        const auto row = s->step();
        if (!row) return row.failure();
        if (!*row) return out;
        index_part part;
        if (s->integer(0) >= 0) part.column = static_cast<std::size_t>(s->integer(0));
        part.collation = s->text(1);
        out.push_back(std::move(part));
    }
}

/// Fills in what only the CREATE INDEX statement tells.
result<void> read_index_text(connection& db, unique_index& index) {
    const auto sql =
        db.query_value("SELECT sql FROM main.sqlite_schema WHERE type = 'index' AND name = ?1", index.name);
    if (!sql) return sql.failure();
    if (!*sql || (*sql)->kind() != value_kind::text) return {};
    index.sql = (*sql)->text();
    auto text = cut_index(index.sql);
    if (!text || text->terms.size() != index.parts.size())
        return error{errc::store_failed,
                     "The definition of the index \"" + index.name +
                         "\" cannot be understood; nothing was changed. Please re-create it."};
    for (std::size_t i = 0; i < index.parts.size(); ++i)
        if (!index.parts[i].column) index.parts[i].expression = std::move(text->terms[i]);
    index.where = std::move(text->where);
    return {};
}

result<void> read_indexes(connection& db, table_shape& out) {
    auto s = db.prepare(
        "SELECT name, origin FROM pragma_index_list(?1, 'main') WHERE \"unique\" = 1 ORDER BY seq DESC");
    if (!s) return s.failure();
    s->bind(1, out.name);
    bool key_index = false;
    while (true) {
        const auto row = s->step();
        if (!row) return row.failure();
        if (!*row) break;
        unique_index index;
        index.name = s->text(0);
        auto parts = read_parts(db, index.name);
        if (!parts) return parts.failure();
        index.parts = std::move(*parts);
        if (s->text(1) == "pk") {
            key_index = true;
            for (std::size_t i = 0; i < out.key.size() && i < index.parts.size(); ++i)
                if (index.parts[i].collation != "BINARY") out.key_collations[i] = index.parts[i].collation;
            continue;
        }
        if (const auto read = read_index_text(db, index); !read) return read;
        out.uniques.push_back(std::move(index));
    }
    out.integer_key = !out.without_rowid && out.key.size() == 1 && !key_index;
    return {};
}

result<void> read_foreign_keys(connection& db, table_shape& out) {
    auto s = db.prepare(
        "SELECT id, \"table\", \"from\", \"to\", on_update, on_delete FROM pragma_foreign_key_list(?1, "
        "'main') "
        "ORDER BY id DESC, seq");  // SQLite numbers them from the last to the first
    if (!s) return s.failure();
    s->bind(1, out.name);
    std::optional<std::int64_t> current;
    while (true) {
        const auto row = s->step();
        if (!row) return row.failure();
        if (!*row) return {};
        if (current != s->integer(0)) {
            current = s->integer(0);
            foreign_key& key = out.foreign_keys.emplace_back();
            key.parent = s->text(1);
            key.on_update = s->text(4);
            key.on_delete = s->text(5);
        }
        foreign_key& key = out.foreign_keys.back();
        key.columns.emplace_back(s->text(2));
        if (!s->is_null(3)) key.parent_columns.emplace_back(s->text(3));
    }
}

/// \param alias  of the table, with a full stop
std::string column_list_of(const table_shape& table, const std::string& alias) {
    std::string sql;
    for (std::size_t i = 0; i < table.columns.size(); ++i)
        sql += (i > 0 ? ", " : "") +
               (table.columns[i].generated ? std::string("NULL") : alias + quote_name(table.columns[i].name));
    return sql;
}

std::string select_row_of(const table_shape& table) {
    std::string sql =
        "SELECT " + column_list_of(table, "") + " FROM main." + quote_name(table.name) + " WHERE ";
    for (std::size_t i = 0; i < table.key.size(); ++i)
        sql += (i > 0 ? " AND " : "") + quote_name(table.columns[table.key[i]].name) + " = ?" +
               std::to_string(i + 1);
    return sql;
}

std::string select_rows_of(const table_shape& table) {
    constexpr std::size_t key_columns_max = 8;  // SQLite takes so many parameters
    if (table.key.size() > key_columns_max) return {};
    std::string sql = "SELECT " + column_list_of(table, "t.") + ", v.column" +
                      std::to_string(table.key.size() + 1) + " FROM (VALUES";
    for (std::size_t n = 0; n < table_shape::rows_at_once; ++n) {
        sql += n > 0 ? ", (" : "(";
        for (std::size_t i = 0; i < table.key.size(); ++i) sql += "?, ";
        sql += std::to_string(n) + ")";
    }
    sql += ") AS v CROSS JOIN main." + quote_name(table.name) + " AS t WHERE ";
    for (std::size_t i = 0; i < table.key.size(); ++i)
        sql += (i > 0 ? " AND t." : "t.") + quote_name(table.columns[table.key[i]].name) + " = v.column" +
               std::to_string(i + 1);
    return sql;
}

}  // namespace

bool same_name(const std::string& a, const std::string& b) noexcept {
    return sqlite3_stricmp(a.c_str(), b.c_str()) == 0;
}

std::optional<std::size_t> table_shape::column(std::string_view wanted) const noexcept {
    for (std::size_t i = 0; i < columns.size(); ++i)
        if (columns[i].name == wanted) return i;
    return std::nullopt;
}

result<table_shape> read_shape(connection& db, std::string_view table) {
    auto out = read_head(db, table);
    if (!out || out->kind != table_kind::table) return out;
    for (const auto read : {read_columns, read_table_text, read_indexes, read_foreign_keys})
        if (const auto done = read(db, *out); !done) return done.failure();
    out->select_row = select_row_of(*out);
    out->select_rows = select_rows_of(*out);
    return out;
}

result<std::vector<std::string>> application_tables(connection& db) {
    auto s = db.prepare(
        "SELECT l.name FROM pragma_table_list AS l JOIN main.sqlite_schema AS m ON m.type = 'table' AND "
        "m.name = "
        "l.name WHERE l.schema = 'main' AND l.type = 'table' AND l.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
        "AND l.name NOT LIKE 'casasync\\_%' ESCAPE '\\' ORDER BY m.rowid");
    if (!s) return s.failure();
    std::vector<std::string> out;
    while (true) {
        const auto row = s->step();
        if (!row) return row.failure();
        if (!*row) return out;
        out.emplace_back(s->text(0));
    }
}

}  // namespace casasync::sqlite
