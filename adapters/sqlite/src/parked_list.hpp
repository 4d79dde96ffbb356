// SPDX-License-Identifier: MIT
#pragma once

/// The rows that are in the vault but not, or not wholly, in the application's tables.
///
///     casasync_parked(t, k, reason, detail, since)   reason: 'check', 'unique', 'foreign key'; 'dangling':
///                                                    shown, with a reference as NULL
#include "connection.hpp"

#include <casasync/environment.hpp>
#include <casasync/merge.hpp>
#include <casasync/result.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace casasync::sqlite {

/// A row that is in the vault but not (or not wholly) in the table.
struct parked_row {
    table_no table = 0;
    bytes key{};
    std::string reason{};
    std::string detail{};  ///< a sentence: what is in the way, and what to do
};

class parked_list {
 public:
    static constexpr std::string_view check = "check", unique = "unique", foreign_key = "foreign key",
                                      dangling = "dangling";

    explicit parked_list(connection& db) noexcept : db_(&db) {}

    [[nodiscard]] static result<void> create(connection& db);

    [[nodiscard]] result<bool> any();
    [[nodiscard]] result<bool> any(table_no table);
    [[nodiscard]] result<std::optional<parked_row>> find(table_no table, bytes_view key);
    /// Sorted by table and key.
    [[nodiscard]] result<std::vector<parked_row>> all();
    [[nodiscard]] result<std::vector<parked_row>> of(table_no table);

    /// Adds a row, or changes why it is parked; since when it is stays while the reason does.
    [[nodiscard]] result<void> put(const parked_row& row, unix_ms now);
    [[nodiscard]] result<void> remove(table_no table, bytes_view key);

 private:
    connection* db_;
};

}  // namespace casasync::sqlite
