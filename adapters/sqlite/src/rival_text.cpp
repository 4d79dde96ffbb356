// SPDX-License-Identifier: MIT
#include "rival_text.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace casasync::sqlite {
namespace {

/// How deep generated columns may stand on each other and still be followed below; SQLite's parser sets a
/// limit.
constexpr std::ptrdiff_t generated_levels_max = 8;

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

/// Returns the condition that NEW still shows a NULL which will be stored as a default; "" when it never
/// does.
std::string shows_default_as_null(const table_shape& table) {
    std::string out;
    for (const column_shape& c : table.columns)
        if (c.not_null && c.default_sql)
            out += (out.empty() ? "NEW." : " OR NEW.") + quote_name(c.name) + " IS NULL";
    return out;
}

/// A row source with the table's column names and NEW's values, under `alias`: what stands in the definition
/// of an index means NEW there. It names every column, because SQLite leaves NULL in those a BEFORE trigger
/// does not name, and computes generated columns from that.
std::string new_as_table(const table_shape& table, const std::string& alias) {
    std::string out;
    for (const column_shape& c : table.columns)
        out += (out.empty() ? "(SELECT " : ", ") + stored_value(c) + " AS " + quote_name(c.name);
    out += ") AS " + alias;

    // Generated columns were computed from the NULLs that become defaults: compute them again, once for each,
    // because they may stand on each other.
    const std::string recompute = shows_default_as_null(table);
    if (recompute.empty()) return out;
    const auto generated = std::count_if(table.columns.begin(), table.columns.end(),
                                         [](const column_shape& c) { return c.generated; });
    for (auto level = std::min<std::ptrdiff_t>(generated, generated_levels_max); level > 0; --level) {
        std::string outer;
        for (const column_shape& c : table.columns) {
            const std::string name = quote_name(c.name);
            outer += (outer.empty() ? "(SELECT " : ", ") +
                     (c.generated ? "CASE WHEN " + recompute + " THEN (" + c.generated_sql + ") ELSE " +
                                        name + " END AS " + name
                                  : name);
        }
        out = outer + " FROM " + out + ") AS " + alias;
    }
    return out;
}

/// The condition of a partial index is asked of the other row only: it may be displaced when it is in the
/// index and equals NEW, and there is at most one such row.
rival make_rival(const table_shape& table, const unique_index& index) {
    const auto is_stored = [&](const index_part& p) {
        return p.column && !table.columns[*p.column].generated;
    };
    const bool verbatim =
        !index.where.empty() || !std::all_of(index.parts.begin(), index.parts.end(), is_stored);
    rival out{
        .alias = verbatim ? quote_name(table.name) : "o", .condition = {}, .of_key = false, .columns = {}};
    for (const index_part& p : index.parts) {
        const std::string text =
            p.column ? out.alias + "." + quote_name(table.columns[*p.column].name) : "(" + p.expression + ")";
        const std::string wanted = is_stored(p)
                                       ? stored_value(table.columns[*p.column])
                                       : "(SELECT " + text + " FROM " + new_as_table(table, out.alias) + ")";
        if (!out.condition.empty()) out.condition += " AND ";
        out.condition += text + " = " + wanted + " COLLATE " + quote_name(p.collation);
        if (is_stored(p)) out.columns.push_back(*p.column);
    }
    if (out.columns.size() < index.parts.size()) out.columns.clear();
    if (!index.where.empty()) {
        out.condition += " AND (" + index.where + ")";
        out.columns.clear();
    }
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

std::string default_of(const column_shape& column) {
    return column.default_sql ? default_expression(*column.default_sql) : "NULL";
}

std::vector<rival> make_rivals(const table_shape& table) {
    std::vector<rival> out;
    for (const unique_index& index : table.uniques) out.push_back(make_rival(table, index));
    add_key_in_other_type(table, out);
    return out;
}

}  // namespace casasync::sqlite
