// SPDX-License-Identifier: MIT
#pragma once

/// Which rows of a table are in the way of a row that SQLite found not unique.
#include "catalog.hpp"
#include "connection.hpp"
#include "row_store.hpp"

#include <casasync/result.hpp>
#include <casasync/row.hpp>

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace casasync::sqlite {

struct unique_rival {
    std::optional<bytes> key{};  ///< none: its key is too long to travel, and the vault does not know it
    std::string columns{};       ///< what both have the same, for a person: "name", or "account and date"
};

/// Returns the rows of `table` that equal `row` in its key or in a unique index, without `row` itself unless
/// it is there under its key (bytes). Plain, partial and expression indexes; generated columns are computed.
/// All values of `row` must be loaded. \param key  in the file's table
/// \cost  a look-up and the compilation of a query for each unique index: for rows that were refused
[[nodiscard]] result<std::vector<unique_rival>> find_rivals(connection& db, const vault_table& table,
                                                            std::span<const value> key, const row_state& row,
                                                            row_store& rows);

}  // namespace casasync::sqlite
