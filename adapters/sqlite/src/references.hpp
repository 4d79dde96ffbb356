// SPDX-License-Identifier: MIT
#pragma once

/// The foreign keys between tables: which rows lack their parent, and which rows a parent has.
#include "catalog.hpp"
#include "connection.hpp"
#include "row_store.hpp"

#include <casasync/result.hpp>

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace casasync::sqlite {

struct reference {
    const vault_table* child = nullptr;
    const vault_table* parent = nullptr;    ///< null when it is not tracked
    std::string parent_name{};              ///< as the schema spells it
    std::vector<std::size_t> from{}, to{};  ///< the columns of both ends by their places, in the same order
    std::vector<column_no> columns{};       ///< of the child, sorted; without key and generated ones
    std::vector<column_no> parent_cells{};  ///< the parent's columns it refers to, but for its key or number
    bool declared = true;         ///< false: no foreign key says so, and a row without its parent is shown
    bool set_null = false;        ///< ON DELETE SET NULL, and every column may become NULL
    std::string orphan_sql{};     ///< a row when the child with the key ?1, ?2, ... lacks its parent
    std::string children_sql{};   ///< keys of the children of the parent with the key ?1, ?2, ...
    std::string by_number_sql{};  ///< keys of the children that show the number ?1; empty where the parent
                                  ///< has no numbers
};

class references {
 public:
    /// \param enforced  the connection enforces foreign keys: those to tables that are not tracked count, too
    [[nodiscard]] static result<references> read(connection& db, const catalog& tables, bool enforced);

    [[nodiscard]] const std::vector<reference>& all() const noexcept { return all_; }
    [[nodiscard]] bool is_child(table_no table) const noexcept { return any(table, &reference::child); }
    [[nodiscard]] bool is_parent(table_no table) const noexcept { return any(table, &reference::parent); }
    /// Returns a place in an order with parents before children, as far as there is one.
    [[nodiscard]] std::size_t rank(table_no table) const noexcept;

    [[nodiscard]] static result<bool> is_orphan(connection& db, const reference& r,
                                                std::span<const value> key);
    /// Returns the keys of the rows of `r.child` that refer to a row of `r.parent`.
    /// \cost a scan of the child table when its columns have no index
    [[nodiscard]] static result<std::vector<bytes>> children(connection& db, const reference& r,
                                                             std::span<const value> key, row_store& rows);

 private:
    [[nodiscard]] bool any(table_no table, const vault_table* reference::*end) const noexcept;
    void sort_tables(const catalog& tables);

    std::vector<reference> all_{};
    std::map<table_no, std::size_t> ranks_{};
};

}  // namespace casasync::sqlite
