// SPDX-License-Identifier: MIT
#pragma once

/// What merging needs to know of a table: the names of its columns, how each merges, and who wins against a
/// delete.
#include <casasync/detail/hash.hpp>
#include <casasync/value.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace casasync {

/// When a row is visible; a pure view of its registers, so it may change later.
enum class delete_policy : std::uint8_t {
    later_wins =
        0,  ///< an edit made later than the delete, by somebody who had not seen it, brings the row back
    delete_wins = 1,  ///< only a later INSERT brings a key back
};

/// How a column's value is chosen; fixed for the life of the column.
enum class merge_rule : std::uint8_t {
    lww = 0,  ///< the greatest stamp
    max = 1,  ///< the greatest amount ever written under the key; NULL never wins
    min = 2,  ///< the least amount ever written under the key; NULL never wins
};

/// A column's place in table_traits::columns.
using column_no = std::uint32_t;

struct column_traits {
    std::string name{};
    merge_rule rule = merge_rule::lww;
    std::string refers{};  ///< the table with integer keys whose rows' identities it holds; empty for others

    friend bool operator==(const column_traits&, const column_traits&) = default;
};

struct table_traits {
    std::string name{};
    delete_policy policy = delete_policy::later_wins;
    std::vector<column_traits> columns{};
    std::string number{};  ///< the column with the number of rows that are known by an identity; empty for
                           ///< others
    std::vector<std::string> key_refers{};  ///< as column_traits::refers, for the key columns; may be empty

    friend bool operator==(const table_traits&, const table_traits&) = default;

    [[nodiscard]] std::optional<column_no> column(std::string_view wanted) const noexcept {
        for (column_no i = 0; i < columns.size(); ++i)
            if (columns[i].name == wanted) return i;
        return std::nullopt;
    }
    /// Returns the same without columns.
    [[nodiscard]] table_traits without_columns() const { return {name, policy, {}, number, key_refers}; }
};

/// True when `a` wins over `b` under a rule that looks at amounts. NULL never wins.
[[nodiscard]] inline bool wins_by_amount(merge_rule rule, const value& a, const value& b) noexcept {
    if (a.is_null() || b.is_null()) return !a.is_null();
    const auto order = compare_amount(a, b);
    return rule == merge_rule::max ? order > 0 : order < 0;
}

}  // namespace casasync
