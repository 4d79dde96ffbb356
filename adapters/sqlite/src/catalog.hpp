// SPDX-License-Identifier: MIT
#pragma once

/// The tables of a vault as this store knows them: those it tracks, and those only other devices have. Kept
/// in casasync_table (`policy`: the delete policy, and 2 more where another device has the other one) and
/// casasync_column; numbers are this file's own and never reused.
#include "capture.hpp"
#include "connection.hpp"
#include "known_shape.hpp"
#include "table_shape.hpp"

#include <casasync/merge.hpp>
#include <casasync/result.hpp>
#include <casasync/table.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace casasync::sqlite {

/// How a person wants a table tracked.
struct tracking {
    delete_policy policy = delete_policy::later_wins;
    std::map<std::string, merge_rule> rules{};        ///< column -> rule; others are lww
    std::vector<std::vector<std::string>> groups{};   ///< columns that are always stamped together
    std::map<std::string, std::string> references{};  ///< column -> table with integer keys it refers to,
                                                      ///< besides the foreign keys
    bool natural_integer_key = false;
    bool adopt = false;  ///< rows that are there are part of the vault as they are
};

/// One table of the vault.
struct vault_table {
    table_no number = 0;
    table_traits traits{};  ///< every column that ever had a register: of this file, or only of other devices
    bool tracked = false;   ///< it is in this file and captured
    /// How many columns it had when the vault began, the first ones: all that its rows without a record,
    /// which were there, have written. None: it has no such rows.
    std::optional<column_no> adopted{};
    bool other_policy = false;      ///< another device tracked it by the other delete policy when last heard
    std::optional<misfit> unfit{};  ///< why the table in this file is left alone, though it should be tracked
    std::vector<std::vector<column_no>> groups{};
    table_shape shape{};  ///< only when tracked
    std::vector<std::optional<std::size_t>>
        in_shape{};  ///< column_no -> index in shape.columns, none: not in this file
    std::vector<std::optional<column_no>>
        of_shape{};                 ///< index in shape.columns -> column_no; none for key and generated ones
    std::vector<column_no> held{};  ///< the columns that holds() is true of, sorted

    /// True when its rows are known by identities and the key in the table is a number (row_numbers.hpp).
    [[nodiscard]] bool numbered() const noexcept { return !traits.number.empty(); }
    /// Returns the table with integer keys that a column of the shape refers to; empty for none.
    [[nodiscard]] const std::string& refers(std::size_t i) const noexcept;
    /// True when a column, of the key or not, refers to a table with integer keys.
    [[nodiscard]] bool has_references() const noexcept;

    /// Places in the shape of columns the app has added and the triggers do not know yet: what others wrote
    /// to them still lies beside the table.
    column_set gained{};

    /// True when the column's value lies in this file's table (while the row is shown).
    [[nodiscard]] bool holds(column_no c) const noexcept {
        return c < in_shape.size() && in_shape[c].has_value();
    }
    /// True for a column of this file whose values may still lie beside the table.
    [[nodiscard]] bool gains(column_no c) const noexcept { return holds(c) && gained.contains(*in_shape[c]); }
};

/// Two devices say different things of what a column refers to.
[[nodiscard]] error reference_mismatch(const std::string& table, const std::string& column);

/// A column merges by one rule here, and by another one elsewhere.
[[nodiscard]] error rule_mismatch(const std::string& table, const column_traits& ours, merge_rule theirs);

/// How a table's capture is installed. \param write_time  keep when a change was made
[[nodiscard]] capture_options capture_of(const vault_table& table, bool write_time) noexcept;

class catalog {
 public:
    /// Creates casasync_table and casasync_column where they are missing.
    [[nodiscard]] static result<void> create(connection& db);

    /// Reads everything anew, shapes included. \cost O(columns), about 1 ms for 30 tables
    [[nodiscard]] result<void> read(connection& db);

    /// Takes a table under tracking, or changes its policy; installs capture.
    /// \errors not_trackable; schema_mismatch when a column of a tracked table would get another rule
    [[nodiscard]] result<const vault_table*> track(connection& db, std::string_view name, const tracking& how,
                                                   const capture_options& capture);
    [[nodiscard]] result<void> untrack(connection& db, std::string_view name);

    /// Gives a column that nobody has written to another rule.
    [[nodiscard]] result<void> set_rule(connection& db, const vault_table& table, column_no column,
                                        merge_rule rule);

    /// Before a column is taken in under a new name: it merges by the old one's rule, refers to the same
    /// table and is stamped together with the same columns. What the vault knows of a column of that name
    /// stands.
    [[nodiscard]] result<void> rename(connection& db, const vault_table& table, std::string_view old,
                                      const std::string& fresh);

    /// Returns where the author's table and columns are here, taking in unknown ones as registers without a
    /// table. What was written under lww has a place in a max or min column: amounts are compared, whatever
    /// their author did with them. \errors schema_mismatch with a sentence when a column has another rule
    /// here
    [[nodiscard]] result<resolved_table> resolve(connection& db, const table_traits& theirs);

    /// Notes whether another device has the other delete policy.
    [[nodiscard]] result<void> hear_policy(connection& db, const table_traits& theirs);

    /// Notes which columns a table has gained.
    void gain(const vault_table& table, column_set columns);

    /// Tables by number; a pointer stays valid until read().
    [[nodiscard]] const vault_table* find(table_no number) const noexcept;
    [[nodiscard]] const vault_table* find(std::string_view name) const noexcept;
    [[nodiscard]] const std::vector<std::unique_ptr<vault_table>>& tables() const noexcept { return tables_; }

 private:
    /// A table that others were given to read.
    [[nodiscard]] static vault_table& own(const vault_table& table) noexcept {
        return const_cast<vault_table&>(table);
    }
    [[nodiscard]] result<column_no> add_column(connection& db, vault_table& table,
                                               const column_traits& column);
    [[nodiscard]] result<void> fit(connection& db, vault_table& table);
    [[nodiscard]] result<void> find_references(connection& db, vault_table& table, const tracking& how,
                                               bool again);
    [[nodiscard]] result<void> set_refers(connection& db, vault_table& table, std::size_t place,
                                          const std::string& parent);
    [[nodiscard]] result<void> follow_children(connection& db, const vault_table& parent);
    [[nodiscard]] result<void> take_kind(connection& db, vault_table& table, const table_traits& theirs);
    /// The table with integer keys that a foreign key makes a column of `shape` refer to; empty for none.
    [[nodiscard]] std::string declared_parent(const table_shape& shape, std::size_t place) const;

    std::vector<std::unique_ptr<vault_table>> tables_;
};

}  // namespace casasync::sqlite
