// SPDX-License-Identifier: MIT
#include "row_writer.hpp"

#include "rival_text.hpp"

#include <casasync/key.hpp>

#include <algorithm>
#include <cctype>

namespace casasync::sqlite {
namespace {

/// True when SQLite may store the value of a key column as another one. \param kept_as the column's affinity
bool may_convert(affinity kept_as, value_kind kind) noexcept {
    switch (kept_as) {
        case affinity::none:
            return false;
        case affinity::text:
            return kind != value_kind::text && kind != value_kind::blob;
        case affinity::real:
            return kind != value_kind::real && kind != value_kind::blob;
        case affinity::integer:
        case affinity::numeric:
            return kind != value_kind::integer && kind != value_kind::blob;
    }
    return true;
}

bool declares_conflict(std::string sql) {
    std::transform(sql.begin(), sql.end(), sql.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return sql.find("conflict") != std::string::npos;
}

}  // namespace

std::string key_list(const table_shape& table, const std::string& prefix) {
    std::string out;
    for (const std::size_t i : table.key)
        out += (out.empty() ? "" : ", ") + prefix + quote_name(table.columns[i].name);
    return out;
}

std::string key_condition(const table_shape& table, const std::string& prefix) {
    std::string out;
    for (std::size_t n = 0; n < table.key.size(); ++n)
        out += (n == 0 ? "" : " AND ") + prefix + quote_name(table.columns[table.key[n]].name) + " = ?" +
               std::to_string(n + 1);
    return out;
}

std::vector<value> read_key(const statement& s, std::size_t columns) {
    std::vector<value> key;
    for (std::size_t i = 0; i < columns; ++i) key.push_back(s.cell(static_cast<int>(i)));
    return key;
}

row_writer::row_writer(connection& db, const vault_table& table, row_numbers& numbers)
    : db_(&db),
      table_(&table),
      numbers_(&numbers),
      // Said only where needed: it also overrides what the application's triggers say.
      or_abort_(declares_conflict(table.shape.sql) ? " OR ABORT" : ""),
      where_key_(key_condition(table.shape, "")) {}

bool row_writer::writable(column_no c) const noexcept {
    return table_->holds(c) && !shape_of(c).generated && shape_of(c).key_position == 0;
}

std::string row_writer::insert_text() const {
    std::string text = "INSERT" + or_abort_ + " INTO " + quote_name(table_->shape.name) + "(" +
                       key_list(table_->shape, ""),
                values = ") VALUES(?1";
    std::size_t n = 1;
    while (n < table_->shape.key.size()) values += ", ?" + std::to_string(++n);
    for (const std::uint32_t bit : mask_) {
        text += ", " + quote_name(shape_of(bit / 2).name);
        values += ", ?" + std::to_string(++n);
    }
    return text + values + ")";
}

std::string row_writer::update_text() const {
    std::string text = "UPDATE" + or_abort_ + " " + quote_name(table_->shape.name) + " SET ";
    std::size_t n = table_->shape.key.size();
    for (const std::uint32_t bit : mask_) {
        const column_shape& c = shape_of(bit / 2);
        if (bit != mask_.front()) text += ", ";
        text += quote_name(c.name) + " = ";
        text += bit % 2 == 0 ? "?" + std::to_string(++n) : default_of(c);
    }
    return text + " WHERE " + where_key_;
}

template <class Text>
result<statement*> row_writer::find(statements& kept, Text text) {
    if (kept.last != nullptr && kept.last_mask == mask_) return kept.last;
    auto it = kept.by_mask.find(mask_);
    if (it == kept.by_mask.end()) {
        auto s = db_->prepare(text());
        if (!s) return s.failure();
        it = kept.by_mask.emplace(mask_, std::move(*s)).first;
    }
    kept.last_mask = mask_;
    kept.last = &it->second;
    return kept.last;
}

/// Binds a cell's value, which the statement only looks at; of a reference, the number of the row it refers
/// to.
result<void> row_writer::bind(statement& s, int n, const cell& c) {
    const std::string& parent = table_->traits.columns[c.column].refers;
    if (parent.empty()) {
        if (c.what)
            s.bind_view(n, *c.what);
        else
            s.bind(n, nullptr);
        return {};
    }
    const value what = c.what.value_or(value{});
    const auto number = numbers_->to_number(parent, what);
    if (!number) return number.failure();
    s.bind(n, number->what);
    return {};
}

result<write_outcome> row_writer::run(statement& s) {
    const auto done = s.run();
    if (done) {
        if (db_->changes() != 0) return write_outcome::written;
        why_ = "a trigger of the application ignores it";
        return write_outcome::refused;
    }
    const int code = s.code();
    const bool constraint = (code & 0xff) == SQLITE_CONSTRAINT && code != SQLITE_CONSTRAINT_FOREIGNKEY;
    // A trigger may have undone the whole transaction.
    if ((!constraint && code != SQLITE_MISMATCH) || !db_->in_transaction()) return done.failure();
    why_ = sqlite3_errmsg(db_->handle());
    const bool unique = code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY ||
                        code == SQLITE_CONSTRAINT_ROWID;
    return unique ? write_outcome::not_unique : write_outcome::refused;
}

bool row_writer::fits(std::span<const value> key) const noexcept {
    if (key.size() != table_->shape.key.size()) return false;
    if (table_->shape.integer_key) return key[0].kind() == value_kind::integer;
    for (std::size_t i = 0; i < key.size(); ++i) {
        const affinity kept_as = table_->shape.columns[table_->shape.key[i]].kept_as;
        if (kept_as == affinity::text && may_convert(kept_as, key[i].kind())) return false;
    }
    return true;
}

result<write_outcome> row_writer::insert(std::span<const value> key, const row_state& row) {
    if (!fits(key)) {
        why_ = "its key does not fit the key of this table";
        return write_outcome::refused;
    }
    const auto is_written = [&](const cell& c) {
        return writable(c.column) && is_shown(row, c, table_->traits.columns[c.column].rule);
    };
    mask_.clear();
    for (const cell& c : row.cells)
        if (is_written(c)) mask_.push_back(c.column * 2);
    const auto s = find(inserts_, [&] { return insert_text(); });
    if (!s) return s.failure();
    int n = 0;
    for (const value& v : key) (*s)->bind_view(++n, v);
    for (const cell& c : row.cells)
        if (is_written(c))
            if (auto ok = bind(**s, ++n, c); !ok) return ok.failure();
    const auto done = run(**s);
    if (!done || *done != write_outcome::written) return done;
    const auto kept = keeps_key(key);
    if (!kept) return kept.failure();
    if (*kept) return write_outcome::written;
    if (const auto erased = erase(key); !erased) return erased.failure();
    why_ = "its key is of another type than the key of this table";
    return write_outcome::refused;
}

result<bool> row_writer::keeps_key(std::span<const value> key) {
    bool sure = true;
    for (std::size_t i = 0; i < key.size(); ++i)
        sure = sure && !may_convert(table_->shape.columns[table_->shape.key[i]].kept_as, key[i].kind());
    return sure ? result<bool>(true) : is_there(key);
}

result<bool> row_writer::is_there(std::span<const value> key) {
    auto s = db_->prepare("SELECT " + key_list(table_->shape, "") + " FROM " +
                          quote_name(table_->shape.name) + " WHERE " + where_key_);
    if (!s) return s.failure();
    int n = 0;
    for (const value& v : key) s->bind(++n, v);
    const auto row = s->step();
    if (!row) return row.failure();
    for (std::size_t i = 0; *row && i < key.size(); ++i)
        if (s->cell(static_cast<int>(i)) != key[i]) return false;
    return *row;
}

result<write_outcome> row_writer::update(std::span<const value> key, const row_state& row,
                                         std::span<const column_no> columns) {
    mask_.clear();
    auto next = columns.begin();
    for (const cell& c : row.cells) {
        while (next != columns.end() && *next < c.column) ++next;
        const bool named = next != columns.end() && *next == c.column;
        const bool shown = is_shown(row, c, table_->traits.columns[c.column].rule);
        if ((named || !shown) && writable(c.column)) mask_.push_back(c.column * 2 + (shown ? 0 : 1));
    }
    if (mask_.empty()) return write_outcome::written;
    const auto s = find(updates_, [&] { return update_text(); });
    if (!s) return s.failure();
    int n = 0;
    for (const value& v : key) (*s)->bind_view(++n, v);
    for (const std::uint32_t bit : mask_) {
        if (bit % 2 != 0) continue;
        if (auto ok = bind(**s, ++n, *row.find(bit / 2)); !ok) return ok.failure();
    }
    return run(**s);
}

result<write_outcome> row_writer::blank(std::span<const value> key, std::span<const column_no> columns) {
    std::string text;
    for (const column_no c : columns)
        text += (text.empty() ? "" : ", ") + quote_name(shape_of(c).name) + " = NULL";
    auto s = db_->prepare("UPDATE" + or_abort_ + " " + quote_name(table_->shape.name) + " SET " + text +
                          " WHERE " + where_key_);
    if (!s) return s.failure();
    int n = 0;
    for (const value& v : key) s->bind(++n, v);
    return run(*s);
}

result<bool> row_writer::erase(std::span<const value> key) {
    if (!erase_) {
        auto s = db_->prepare("DELETE FROM " + quote_name(table_->shape.name) + " WHERE " + where_key_);
        if (!s) return s.failure();
        erase_.emplace(std::move(*s));
    }
    int n = 0;
    for (const value& v : key) erase_->bind(++n, v);
    const auto done = run(*erase_);
    if (!done) return done.failure();
    if (*done == write_outcome::written) return true;
    const auto there = is_there(key);
    return there ? result<bool>(!*there) : result<bool>(there.failure());
}

}  // namespace casasync::sqlite
