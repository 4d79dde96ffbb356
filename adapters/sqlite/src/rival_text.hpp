// SPDX-License-Identifier: MIT
#pragma once

/// Conditions that find the rows a REPLACE would remove to make room for NEW. They may find too many (a
/// displaced row counts only when it is gone), never too few.
#include "table_shape.hpp"

#include <string>
#include <vector>

namespace casasync::sqlite {

/// How to find the rows in the way of NEW under one unique index.
struct rival {
    std::string alias{};      ///< the name the table must have in FROM, quoted
    std::string condition{};  ///< over that alias and NEW; the row that changes itself may meet it, too
    bool of_key = false;      ///< finds rows with the very key of NEW, in another type
    std::vector<std::size_t> columns{};  ///< what it depends on; empty when that cannot be told
};

[[nodiscard]] std::vector<rival> make_rivals(const table_shape& table);

/// Returns what a column gets that nobody names, as an SQL expression; NULL without a DEFAULT.
[[nodiscard]] std::string default_of(const column_shape& column);

}  // namespace casasync::sqlite
