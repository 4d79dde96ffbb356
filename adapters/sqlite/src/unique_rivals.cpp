// SPDX-License-Identifier: MIT
#include "unique_rivals.hpp"

#include "rival_text.hpp"
#include "row_writer.hpp"

#include <casasync/key.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>

namespace casasync::sqlite {
namespace {

/// How deep generated columns may stand on each other and still be followed.
constexpr std::ptrdiff_t generated_levels_max = 8;

/// The row that is to be written, as SQL: what stands in the definition of an index can be asked of it.
class new_row {
 public:
    explicit new_row(const vault_table& table) : shape_(&table.shape) {}
    [[nodiscard]] result<void> fill(const vault_table& table, std::span<const value> key,
                                    const row_state& row, row_numbers& numbers) {
        for (std::size_t i = 0; i < shape_->columns.size(); ++i)
            if (auto ok = add(table, i, key, row, numbers); !ok) return ok;
        return {};
    }
    /// Returns a column's value as it is bound; NULL where it is computed.
    [[nodiscard]] const std::string& bound(std::size_t column) const { return bound_[column]; }
    [[nodiscard]] std::string as_table() const;
    /// Returns a condition that always holds and names every parameter, so that all can be bound.
    [[nodiscard]] std::string all_parameters() const {
        const std::string last = "?" + std::to_string(values_.size());  // a key has at least one value
        return last + " IS " + last;
    }
    void bind(statement& s) const {
        for (std::size_t i = 0; i < values_.size(); ++i) s.bind(static_cast<int>(i) + 1, values_[i]);
    }

 private:
    [[nodiscard]] result<void> add(const vault_table& table, std::size_t i, std::span<const value> key,
                                   const row_state& row, row_numbers& numbers);

    const table_shape* shape_;
    std::vector<std::string> bound_{};  ///< a parameter, or a default
    std::vector<value_kind> kinds_{};   ///< of the parameters
    std::vector<value> values_{};
};

result<void> new_row::add(const vault_table& table, std::size_t i, std::span<const value> key,
                          const row_state& row, row_numbers& numbers) {
    const column_shape& column = shape_->columns[i];
    const value* v = nullptr;
    if (column.key_position != 0) {
        v = &key[column.key_position - 1];
    } else if (const auto c = table.of_shape[i]; c && !column.generated) {
        const cell* found = row.find(*c);
        if (found != nullptr && found->what && is_shown(row, *found, table.traits.columns[*c].rule))
            v = &*found->what;
    }
    if (v == nullptr) {
        bound_.push_back(column.generated ? "NULL" : default_of(column));
        kinds_.push_back(value_kind::null);
        return {};
    }
    if (column.key_position == 0 && !table.refers(i).empty()) {
        auto number = numbers.to_number(table.refers(i), *v);
        if (!number) return number.failure();
        values_.push_back(std::move(number->what));
    } else {
        values_.push_back(*v);
    }
    kinds_.push_back(values_.back().kind());
    bound_.push_back("?" + std::to_string(values_.size()));
    return {};
}

/// A parameter has neither affinity nor collation; a column of the table has both, and an expression over it
/// may depend on them. A CAST to what the value already is gives the affinity and changes nothing.
std::string like_column(const column_shape& column, const std::string& bound, value_kind kind) {
    std::string out = bound;
    if (column.kept_as == affinity::text && kind == value_kind::text) out = "CAST(" + bound + " AS TEXT)";
    if (column.kept_as == affinity::real && kind == value_kind::real) out = "CAST(" + bound + " AS REAL)";
    if ((column.kept_as == affinity::integer || column.kept_as == affinity::numeric) &&
        kind == value_kind::integer)
        out = "CAST(" + bound + " AS INTEGER)";
    return out + " COLLATE " + quote_name(column.collation);
}

std::string new_row::as_table() const {
    const std::string name = quote_name(shape_->name);
    std::string out;
    std::ptrdiff_t generated = 0;
    for (std::size_t i = 0; i < bound_.size(); ++i) {
        const column_shape& c = shape_->columns[i];
        out +=
            (i == 0 ? "(SELECT " : ", ") + like_column(c, bound_[i], kinds_[i]) + " AS " + quote_name(c.name);
        if (c.generated) ++generated;
    }
    out += ") AS " + name;
    for (auto level = std::min(generated, generated_levels_max); level > 0; --level) {
        std::string outer;
        for (const column_shape& c : shape_->columns)
            outer += (outer.empty() ? "(SELECT " : ", ") +
                     (c.generated ? "(" + c.generated_sql + ") AS " : std::string()) + quote_name(c.name);
        out = outer + " FROM " + out + ") AS " + name;
    }
    return out;
}

/// Returns the query for the rows that equal `row` under `index`.
std::string rivals_text(const table_shape& shape, const unique_index& index, const new_row& row) {
    const std::string name = quote_name(shape.name);
    std::string text = "SELECT " + key_list(shape, name + ".") + " FROM " + name + " WHERE ";
    for (const index_part& p : index.parts) {
        const bool stored = p.column && !shape.columns[*p.column].generated;
        const std::string part =
            p.column ? name + "." + quote_name(shape.columns[*p.column].name) : "(" + p.expression + ")";
        text += part + " = " +
                (stored ? row.bound(*p.column) : "(SELECT " + part + " FROM " + row.as_table() + ")") +
                " COLLATE " + quote_name(p.collation) + " AND ";
    }
    if (!index.where.empty())
        text += "(" + index.where + ") AND (SELECT (" + index.where + ") FROM " + row.as_table() + ") AND ";
    return text + row.all_parameters();
}

std::string named_columns(const table_shape& shape, const unique_index& index) {
    std::string out;
    for (std::size_t i = 0; i < index.parts.size(); ++i) {
        const index_part& p = index.parts[i];
        if (i > 0) out += i + 1 == index.parts.size() ? " and " : ", ";
        out += p.column ? shape.columns[*p.column].name : p.expression;
    }
    return out;
}

result<void> read_rivals(statement& s, const vault_table& table, const std::string& columns, row_store& rows,
                         std::vector<unique_rival>& out) {
    while (true) {
        const auto row = s.step();
        if (!row) return row.failure();
        if (!*row) return {};
        auto key = if_it_travels(rows.in_registers(table, read_key(s, table.shape.key.size())));
        if (!key) return key.failure();
        const bool known =
            std::any_of(out.begin(), out.end(), [&](const unique_rival& r) { return r.key == *key; });
        if (!known) out.push_back({std::move(*key), columns});
    }
}

}  // namespace

result<std::vector<unique_rival>> find_rivals(connection& db, const vault_table& table,
                                              std::span<const value> key, const row_state& row,
                                              row_store& rows) {
    std::vector<unique_rival> out;
    const table_shape& shape = table.shape;
    auto same_key = db.prepare("SELECT " + key_list(shape, "") + " FROM " + quote_name(shape.name) +
                               " WHERE " + key_condition(shape, ""));
    if (!same_key) return same_key.failure();
    int n = 0;
    for (const value& v : key) same_key->bind(++n, v);
    if (const auto read = read_rivals(*same_key, table, "key", rows, out); !read) return read.failure();

    new_row wanted(table);
    if (auto ok = wanted.fill(table, key, row, rows.numbers()); !ok) return ok.failure();
    for (const unique_index& index : shape.uniques) {
        auto s = db.prepare(rivals_text(shape, index, wanted));
        if (!s) return s.failure();
        wanted.bind(*s);
        std::vector<unique_rival> found;
        const auto read = read_rivals(*s, table, named_columns(shape, index), rows, found);
        if (!read) return read.failure();
        for (unique_rival& r : found) {
            const bool known =
                std::any_of(out.begin(), out.end(), [&](const unique_rival& o) { return o.key == r.key; });
            if (!known) out.push_back(std::move(r));
        }
    }
    return out;
}

}  // namespace casasync::sqlite
