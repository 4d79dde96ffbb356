// SPDX-License-Identifier: MIT
#pragma once

/// The text of CREATE INDEX and CREATE TABLE, cut into its parts. SQLite tells the columns of an index and of
/// a table, but not the expressions in them, nor the condition of a partial index.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace casasync::sqlite {

struct index_text {
    std::vector<std::string> terms{};  ///< between the commas, verbatim, without a final ASC or DESC
    std::string where{};               ///< the condition, verbatim; empty when there is none
};

/// Cuts a CREATE INDEX statement as SQLite stores it. Nothing when it is not one.
[[nodiscard]] std::optional<index_text> cut_index(std::string_view sql);

struct generated_text {
    std::string column{};      ///< its name, unquoted
    std::string expression{};  ///< verbatim
};

/// Returns the generated columns of a CREATE TABLE statement as SQLite stores it, in its order.
[[nodiscard]] std::vector<generated_text> cut_generated(std::string_view sql);

}  // namespace casasync::sqlite
