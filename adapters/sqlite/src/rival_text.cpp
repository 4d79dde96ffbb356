// SPDX-License-Identifier: MIT
#include "rival_text.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace casasync::sqlite {
namespace {

/// A DEFAULT as an expression. SQLite takes a bare or quoted name there for a string.
std::string default_expression(const std::string& sql) {
    static constexpr std::array<std::string_view, 6> literals{
        "NULL", "TRUE", "FALSE", "CURRENT_TIME", "CURRENT_DATE", "CURRENT_TIMESTAMP"};
    const auto is_name = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c >= 0x80; };
    const auto upper = [](unsigned char c) { return static_cast<char>(std::toupper(c)); };
    const bool word = !sql.empty() && std::isdigit(static_cast<unsigned char>(sql[0])) == 0 &&
                      std::all_of(sql.begin(), sql.end(), is_name);
    if (word) {
        std::string key = sql;
        std::transform(key.begin(), key.end(), key.begin(), upper);
        const bool literal = std::find(literals.begin(), literals.end(), key) != literals.end();
        return literal ? sql : quote_text(sql);
    }
    if (sql.size() >= 2 && sql.front() == '"' && sql.back() == '"' && sql.find('"', 1) == sql.size() - 1)
        return quote_text(sql.substr(1, sql.size() - 2));
    return "(" + sql + ")";
}

/// What will be stored from NEW's column: NULL in a NOT NULL column with a default becomes the default under
/// REPLACE, and NEW still shows the NULL.
std::string stored_value(const column_shape& c) {
    const std::string plain = "NEW." + quote_name(c.name);
    return c.not_null && c.default_sql ? "coalesce(" + plain + ", " + default_expression(*c.default_sql) + ")"
                                       : plain;
}

/// A row source that has the table's name and column names, and NEW's values: text of an index means NEW
/// there. It names every column, because SQLite leaves NULL in those a BEFORE trigger does not name, and
/// computes generated columns from that.
std::string new_as_table(const table_shape& table) {
    std::string out = "(SELECT ";
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
        const column_shape& c = table.columns[i];
        if (i > 0) out += ", ";
        out += stored_value(c) + " AS " + quote_name(c.name);
    }
    return out + ") AS " + quote_name(table.name);
}

bool is_plain(const table_shape& table, const unique_index& index) {
    return index.where.empty() &&
           std::all_of(index.parts.begin(), index.parts.end(),
                       [&](const index_part& p) { return p.column && !table.columns[*p.column].generated; });
}

rival make_plain(const table_shape& table, const unique_index& index) {
    rival out{.alias = "o", .condition = {}, .of_key = false, .columns = {}};
    for (const index_part& p : index.parts) {
        const column_shape& c = table.columns[*p.column];
        if (!out.condition.empty()) out.condition += " AND ";
        out.condition +=
            "o." + quote_name(c.name) + " = " + stored_value(c) + " COLLATE " + quote_name(p.collation);
        out.columns.push_back(*p.column);
    }
    return out;
}

/// For expressions, conditions and generated columns: the index's own text in two scopes, the table and NEW.
rival make_textual(const table_shape& table, const unique_index& index) {
    const std::string source = new_as_table(table);
    rival out{.alias = quote_name(table.name), .condition = {}, .of_key = false, .columns = {}};
    for (const index_part& p : index.parts) {
        const std::string text = p.column ? quote_name(table.columns[*p.column].name) : p.expression;
        if (!out.condition.empty()) out.condition += " AND ";
        out.condition +=
            "(" + text + ") = (SELECT " + text + " FROM " + source + ") COLLATE " + quote_name(p.collation);
    }
    if (!index.where.empty())
        out.condition += " AND (" + index.where + ") AND (SELECT " + index.where + " FROM " + source + ")";
    return out;
}

/// A key column that keeps every type holds 1 and 1.0 as the same key to SQL and as different bytes to us, so
/// that REPLACE removes a row whose key is not the new one's.
void add_key_in_other_type(const table_shape& table, std::vector<rival>& out) {
    rival r{.alias = "o", .condition = {}, .of_key = true, .columns = {}};
    std::string other_type;
    for (const std::size_t i : table.key) {
        const std::string name = quote_name(table.columns[i].name);
        if (!r.condition.empty()) r.condition += " AND ";
        r.condition += "o." + name + " = NEW." + name;
        r.columns.push_back(i);
        if (table.columns[i].kept_as != affinity::none) continue;
        other_type += other_type.empty() ? "(" : " OR ";
        other_type += "typeof(NEW." + name + ") IN ('integer', 'real') AND (typeof(o." + name +
                      ") IS NOT typeof(NEW." + name + ") OR o." + name + " IS 0.0 AND typeof(o." + name +
                      ") = 'real')";
    }
    if (other_type.empty()) return;
    r.condition += " AND " + other_type + ")";
    out.push_back(std::move(r));
}

}  // namespace

std::vector<rival> make_rivals(const table_shape& table) {
    std::vector<rival> out;
    for (const unique_index& index : table.uniques)
        out.push_back(is_plain(table, index) ? make_plain(table, index) : make_textual(table, index));
    add_key_in_other_type(table, out);
    return out;
}

}  // namespace casasync::sqlite
