// SPDX-License-Identifier: MIT
/// Which columns refer to tables with integer keys: by the schema's foreign keys, or because a person says
/// so.
#include "catalog.hpp"

#include <algorithm>

namespace casasync::sqlite {

error reference_mismatch(const std::string& table, const std::string& column) {
    return {errc::schema_mismatch,
            "table " + table + ": column " + column +
                " refers to another table here than on the device that wrote it. Nothing is lost: its "
                "changes wait. Track the table with the same --references on both devices."};
}

std::string catalog::declared_parent(const table_shape& shape, std::size_t place) const {
    for (const foreign_key& key : shape.foreign_keys) {
        const auto parent = std::find_if(tables_.begin(), tables_.end(), [&](const auto& t) {
            return t->tracked && t->numbered() && same_name(t->shape.name, key.parent);
        });
        if (parent == tables_.end()) continue;
        for (std::size_t i = 0; i < key.columns.size(); ++i) {
            if (!same_name(key.columns[i], shape.columns[place].name)) continue;
            const bool of_key = key.parent_columns.empty()
                                    ? key.columns.size() == 1
                                    : same_name(key.parent_columns[i], (*parent)->traits.number);
            if (of_key) return (*parent)->traits.name;
        }
    }
    return {};
}

result<void> catalog::set_refers(connection& db, vault_table& table, std::size_t place,
                                 const std::string& parent) {
    const std::size_t of_key = table.shape.columns[place].key_position;
    if (of_key == 0) {
        const column_no c = *table.of_shape[place];
        table.traits.columns[c].refers = parent;
        return db.run("UPDATE casasync_column SET refers = ?3 WHERE t = ?1 AND c = ?2",
                      std::int64_t{table.number}, std::int64_t{c}, parent);
    }
    if (table.traits.key_refers.size() < of_key) table.traits.key_refers.resize(of_key);
    table.traits.key_refers[of_key - 1] = parent;
    return db.run("INSERT OR REPLACE INTO casasync_key_reference(t, i, parent) VALUES(?1, ?2, ?3)",
                  std::int64_t{table.number}, static_cast<std::int64_t>(of_key - 1), parent);
}

/// Has the next seal send a column of every row, because its registers hold something else from now on.
static result<void> say_again(connection& db, const vault_table& table, std::size_t place) {
    std::string names, keys;
    for (std::size_t k = 0; k < table.shape.key.size(); ++k) {
        names += ", k" + std::to_string(k);
        keys += ", " + quote_name(table.shape.columns[table.shape.key[k]].name);
    }
    const std::uint64_t mask =
        (std::uint64_t{place / column_set::group_columns} << column_set::group_columns) |
        (std::uint64_t{1} << (place % column_set::group_columns));
    return db.execute("INSERT INTO casasync_log(t, m" + names + ") SELECT " + std::to_string(table.number) +
                      ", " + std::to_string(mask) + keys + " FROM main." + quote_name(table.shape.name) +
                      " WHERE " + quote_name(table.shape.columns[place].name) + " IS NOT NULL");
}

/// Notes which columns of a table refer to integer keys: by its foreign keys, and by what the person says.
result<void> catalog::find_references(connection& db, vault_table& table, const tracking& how, bool again) {
    for (std::size_t i = 0; i < table.shape.columns.size(); ++i) {
        const column_shape& column = table.shape.columns[i];
        const bool own_number = column.key_position != 0 && table.numbered();
        if (column.generated || own_number) continue;
        std::string parent = declared_parent(table.shape, i);
        if (const auto said = how.references.find(column.name); said != how.references.end()) {
            const vault_table* named = find(said->second);
            if (named == nullptr || !named->numbered())
                return error{errc::invalid_argument,
                             "column " + column.name + " of table " + table.shape.name + " cannot refer to " +
                                 said->second +
                                 ", which is no tracked table with integer keys. Nothing was changed. Track "
                                 "that table first"};
            parent = said->second;
        }
        if (parent.empty() || table.refers(i) == parent) continue;
        if (!table.refers(i).empty()) return reference_mismatch(table.shape.name, column.name);
        if (again && column.key_position != 0)
            return error{errc::not_trackable,
                         "The key of the table " + table.shape.name +
                             ", which is tracked already, cannot become a reference. Nothing was changed. "
                             "Untrack the table, then track it with --references."};
        if (auto ok = set_refers(db, table, i, parent); !ok) return ok;
        if (again)
            if (auto ok = say_again(db, table, i); !ok) return ok;
    }
    return {};
}

/// Tables that were tracked before the one they refer to refer to identities from now on; what they hold is
/// said once more where that changes it.
result<void> catalog::follow_children(connection& db, const vault_table& parent) {
    for (const auto& child : tables_) {
        if (!child->tracked || child.get() == &parent) continue;
        for (std::size_t i = 0; i < child->shape.columns.size(); ++i) {
            const column_shape& column = child->shape.columns[i];
            if (column.generated || !child->refers(i).empty()) continue;
            if (declared_parent(child->shape, i) != parent.traits.name) continue;
            if (column.key_position != 0 && !parent.adopted)
                return error{errc::not_trackable,
                             "The table " + parent.traits.name + " cannot be tracked now: the key of " +
                                 child->traits.name +
                                 ", which is tracked already, refers to it. Nothing was changed. Untrack " +
                                 child->traits.name + ", then track both, " + parent.traits.name + " first."};
            if (auto ok = set_refers(db, *child, i, parent.traits.name); !ok) return ok;
            if (parent.adopted) continue;
            if (auto ok = say_again(db, *child, i); !ok) return ok;
        }
    }
    return {};
}

}  // namespace casasync::sqlite
