// SPDX-License-Identifier: MIT
#pragma once

/// Rows that a device brings along into a vault: those of its file when it joins, and those of a table that
/// is tracked when the vault knows it already. They are stamped below everything a person wrote, under a
/// replica of their own and with an empty context: what is there wins, what it wins over stays listed.
#include "vault_state.hpp"

#include <casasync/capture.hpp>

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace casasync::sqlite {

/// Publishes rows as this device's, under one replica.
class brought_writes {
 public:
    explicit brought_writes(vault::state& v);

    /// Sends and merges operations on rows of one table; `ops` by key, columns as the table numbers them.
    /// Returns what became of the rows.
    [[nodiscard]] result<std::vector<merged_row>> publish(const vault_table& table,
                                                          std::vector<std::pair<bytes, row_operation>> ops);

 private:
    vault::state* v_;
    replica_id own_{};
    hlc when_{};
    bool owned_ = false;
};

/// The identity of a row that is brought along: a hash of all it holds, so that the same row of two devices
/// is one row.
[[nodiscard]] result<bytes> brought_identity(const vault_table& table, std::span<const value> in_shape);

/// The identity of a row that an app made under `number` before the first sync: the same where it makes the
/// same row on another device, unless that row is here under another number.
[[nodiscard]] result<bytes> seed_identity(connection& db, const vault_table& table, std::int64_t number,
                                          row_numbers& numbers);

/// Rows that were in the file before the vault's. They make room, and are compared with what came.
///
///     temp.casasync_own_<i>       the rows of the i-th table
///     temp.casasync_own_id_<i>(n, k)   with integer keys: which row of the registers each number was
class own_rows {
 public:
    own_rows(vault::state& v, brought_numbers numbers) : v_(&v), numbers_(numbers) {}

    /// Takes the rows out of those of `tables` that have any; before they are tracked. The application's
    /// triggers fire. \errors invalid_argument where foreign keys are enforced on this connection;
    /// not_trackable when a key is longer than a key may be
    [[nodiscard]] result<void> set_aside(std::span<const std::string> tables);

    /// Brings along what the vault does not have, once its rows are shown: nothing of a row that is equal,
    /// the differing fields of a row it has, any other row whole.
    [[nodiscard]] result<void> bring();

 private:
    struct own_table {
        std::string name{}, rows{}, ids{};  ///< ids: empty where rows are not known by identities
    };
    [[nodiscard]] result<void> identify();
    [[nodiscard]] result<void> find_same(const own_table& own, const vault_table& table);
    [[nodiscard]] result<bool> drop_unlike(const own_table& own, const vault_table& table);
    [[nodiscard]] result<void> name_the_rest(const own_table& own, const vault_table& table);
    [[nodiscard]] result<void> bring(const own_table& own, const vault_table& table);
    [[nodiscard]] result<value> to_identity(const std::string& parent, const value& number);
    [[nodiscard]] result<bytes> key_of(const own_table& own, const vault_table& table,
                                       std::span<const value> in_shape);
    [[nodiscard]] result<row_operations> missing(const vault_table& table, const bytes& key,
                                                 std::vector<value> in_shape);
    [[nodiscard]] const own_table* find(const std::string& name) const noexcept;
    [[nodiscard]] const vault_table& table_of(const own_table& own) const;

    vault::state* v_;
    brought_numbers numbers_;
    std::vector<own_table> tables_{};
};

}  // namespace casasync::sqlite
