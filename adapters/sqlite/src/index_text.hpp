// SPDX-License-Identifier: MIT
#pragma once

/// The text of a CREATE INDEX statement, cut into its parts. SQLite tells the columns of an index but not its
/// expressions, nor the condition of a partial one.
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
[[nodiscard]] std::optional<index_text> cut_index_text(std::string_view sql);

}  // namespace casasync::sqlite
