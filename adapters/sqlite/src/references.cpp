// SPDX-License-Identifier: MIT
#include "references.hpp"

#include "row_writer.hpp"

#include <casasync/key.hpp>

#include <algorithm>
#include <optional>

namespace casasync::sqlite {
namespace {

std::optional<std::size_t> find_column(const table_shape& table, const std::string& name) noexcept {
    for (std::size_t i = 0; i < table.columns.size(); ++i)
        if (same_name(table.columns[i].name, name)) return i;
    return std::nullopt;
}

/// The columns a foreign key names, by index; nothing when one does not exist.
std::optional<std::vector<std::size_t>> find_columns(const table_shape& table,
                                                     const std::vector<std::string>& names) {
    std::vector<std::size_t> out;
    for (const std::string& name : names) {
        const auto i = find_column(table, name);
        if (!i) return std::nullopt;
        out.push_back(*i);
    }
    return out;
}

/// Returns the registers of some columns, sorted; key and generated columns have none.
std::vector<column_no> cells_of(const vault_table& table, const std::vector<std::size_t>& columns) {
    std::vector<column_no> out;
    for (const std::size_t i : columns)
        if (const auto c = table.of_shape[i]) out.push_back(*c);
    std::sort(out.begin(), out.end());
    return out;
}

/// The columns of both ends of a foreign key, in the same order.
struct both_ends {
    const table_shape* child = nullptr;
    const table_shape* parent = nullptr;
    std::vector<std::size_t> from{}, to{};
};

/// The parent's column stands first: SQLite compares with its collation.
std::string join(const both_ends& ends) {
    std::string out;
    for (std::size_t i = 0; i < ends.from.size(); ++i)
        out += (i == 0 ? "p." : " AND p.") + quote_name(ends.parent->columns[ends.to[i]].name) + " = c." +
               quote_name(ends.child->columns[ends.from[i]].name);
    return out;
}

void write_queries(const both_ends& ends, reference& out) {
    const std::string child = quote_name(ends.child->name) + " AS c",
                      parent = quote_name(ends.parent->name) + " AS p";
    out.orphan_sql = "SELECT 1 FROM " + child + " WHERE " + key_condition(*ends.child, "c.");
    for (const std::size_t i : ends.from)
        out.orphan_sql += " AND c." + quote_name(ends.child->columns[i].name) + " IS NOT NULL";
    out.orphan_sql += " AND NOT EXISTS (SELECT 1 FROM " + parent + " WHERE " + join(ends) + ")";
    out.children_sql = "SELECT " + key_list(*ends.child, "c.") + " FROM " + parent + " CROSS JOIN " + child +
                       " ON " + join(ends) + " WHERE " + key_condition(*ends.parent, "p.");
}

const vault_table* find_table(const catalog& tables, const std::string& name) noexcept {
    for (const auto& t : tables.tables())
        if (t->tracked && same_name(t->shape.name, name)) return t.get();
    return nullptr;
}

/// Returns what a foreign key means here; nothing when it does not count.
result<std::optional<reference>> make_reference(connection& db, const catalog& tables,
                                                const vault_table& child, const foreign_key& key,
                                                bool enforced) {
    const std::optional<reference> none;
    reference out{.child = &child, .parent = find_table(tables, key.parent)};
    table_shape untracked;
    both_ends ends{.child = &child.shape, .parent = out.parent != nullptr ? &out.parent->shape : nullptr};
    if (ends.parent == nullptr) {
        if (!enforced) return none;
        auto read = read_shape(db, key.parent);
        if (!read && read.code() == errc::not_found) return none;
        if (!read) return read.failure();
        untracked = std::move(*read);
        ends.parent = &untracked;
    }
    const auto from = find_columns(child.shape, key.columns);
    const auto to = key.parent_columns.empty() ? std::optional(ends.parent->key)
                                               : find_columns(*ends.parent, key.parent_columns);
    if (!from || !to || from->size() != to->size() || from->empty()) return none;
    ends.from = *from;
    ends.to = *to;
    out.parent_name = ends.parent->name;
    out.from = ends.from;
    out.to = ends.to;
    out.columns = cells_of(child, ends.from);
    if (out.parent != nullptr) {
        out.parent_cells = cells_of(*out.parent, ends.to);
        if (out.parent->numbered())
            std::erase(out.parent_cells, *out.parent->traits.column(out.parent->traits.number));
    }
    out.set_null = key.on_delete == "SET NULL" && out.columns.size() == ends.from.size() &&
                   std::none_of(ends.from.begin(), ends.from.end(),
                                [&](std::size_t i) { return child.shape.columns[i].not_null; });
    write_queries(ends, out);
    return std::optional(std::move(out));
}

/// References to integer keys that no foreign key declares. One in the key of its row counts like a declared
/// one: without the parent the row has no key.
void add_undeclared(const catalog& tables, const vault_table& child, std::vector<reference>& all) {
    const std::size_t declared = all.size();
    for (std::size_t i = 0; i < child.shape.columns.size(); ++i) {
        const vault_table* parent = child.refers(i).empty() ? nullptr : tables.find(child.refers(i));
        if (parent == nullptr || !parent->tracked || !parent->numbered()) continue;
        const std::string by_number = "SELECT " + key_list(child.shape, "") + " FROM " +
                                      quote_name(child.shape.name) + " WHERE " +
                                      quote_name(child.shape.columns[i].name) + " = ?1";
        bool known = false;
        for (std::size_t n = 0; n < declared; ++n) {
            reference& r = all[n];
            const auto from = r.child == &child && r.parent == parent
                                  ? std::find(r.from.begin(), r.from.end(), i)
                                  : r.from.end();
            if (r.child != &child || r.parent != parent || from == r.from.end()) continue;
            if (r.to[static_cast<std::size_t>(from - r.from.begin())] != parent->shape.key[0]) continue;
            r.by_number_sql = by_number;
            known = true;
        }
        if (known) continue;
        reference out{.child = &child, .parent = parent, .parent_name = parent->shape.name};
        const both_ends ends{&child.shape, &parent->shape, {i}, parent->shape.key};
        out.columns = cells_of(child, ends.from);
        out.declared = child.shape.columns[i].key_position != 0;
        out.from = ends.from;
        out.to = ends.to;
        write_queries(ends, out);
        out.by_number_sql = by_number;
        all.push_back(std::move(out));
    }
}

void bind_key(statement& s, std::span<const value> key) {
    int n = 0;
    for (const value& v : key) s.bind(++n, v);
}

}  // namespace

result<references> references::read(connection& db, const catalog& tables, bool enforced) {
    references out;
    for (const auto& child : tables.tables()) {
        if (!child->tracked) continue;
        for (const foreign_key& key : child->shape.foreign_keys) {
            auto r = make_reference(db, tables, *child, key, enforced);
            if (!r) return r.failure();
            if (*r) out.all_.push_back(std::move(**r));
        }
        add_undeclared(tables, *child, out.all_);
    }
    out.sort_tables(tables);
    return out;
}

void references::sort_tables(const catalog& tables) {
    for (const auto& t : tables.tables()) ranks_[t->number] = 0;
    // A chain without a cycle is settled after as many rounds as it is long; a cycle stays in some order.
    for (std::size_t round = 0; round < ranks_.size(); ++round) {
        bool moved = false;
        for (const reference& r : all_) {
            if (r.parent == nullptr || r.parent == r.child) continue;
            std::size_t& rank = ranks_[r.child->number];
            const std::size_t least = ranks_[r.parent->number] + 1;
            if (rank >= least) continue;
            rank = least;
            moved = true;
        }
        if (!moved) return;
    }
}

std::size_t references::rank(table_no table) const noexcept {
    const auto it = ranks_.find(table);
    return it == ranks_.end() ? 0 : it->second;
}

bool references::any(table_no table, const vault_table* reference::*end) const noexcept {
    return std::any_of(all_.begin(), all_.end(),
                       [&](const reference& r) { return r.*end != nullptr && (r.*end)->number == table; });
}

result<bool> references::is_orphan(connection& db, const reference& r, std::span<const value> key) {
    auto s = db.prepare(r.orphan_sql);
    if (!s) return s.failure();
    bind_key(*s, key);
    return s->step();
}

result<std::vector<bytes>> references::children(connection& db, const reference& r,
                                                std::span<const value> key, row_store& rows) {
    auto s = db.prepare(r.children_sql);
    if (!s) return s.failure();
    bind_key(*s, key);
    std::vector<bytes> out;
    while (true) {
        const auto row = s->step();
        if (!row) return row.failure();
        if (!*row) return out;
        auto child = if_it_travels(rows.in_registers(*r.child, read_key(*s, r.child->shape.key.size())));
        if (!child) return child.failure();
        if (*child) out.push_back(std::move(**child));
    }
}

}  // namespace casasync::sqlite
