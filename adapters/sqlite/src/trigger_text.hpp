// SPDX-License-Identifier: MIT
#pragma once

/// The text of the capture triggers of one table. See capture.hpp for what they write, and why.
#include "capture.hpp"
#include "table_shape.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace casasync::sqlite {

inline constexpr std::string_view log_table = "casasync_log";
inline constexpr std::string_view own_prefix = "casasync_";  ///< of every name that is ours

/// Returns the name of a table's graveyard.
[[nodiscard]] std::string grave_table(table_number number);
/// Returns the graveyard's column for column `n` of the table.
[[nodiscard]] std::string grave_column(std::size_t n);

struct trigger_text {
    std::string name{};
    std::string sql{};  ///< as SQLite stores it
};

struct trigger_texts {
    std::vector<trigger_text> before{};  ///< to be created before the application's triggers
    std::vector<trigger_text> after{};   ///< to be created after them
};

/// Returns the triggers of `table`, which is trackable.
[[nodiscard]] trigger_texts make_trigger_texts(table_number number, const table_shape& table,
                                               const capture_options& options);

}  // namespace casasync::sqlite
