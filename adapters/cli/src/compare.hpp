// SPDX-License-Identifier: MIT
#pragma once

/// Compares what two files show, row by row, type and exact bytes.
#include <casasync/result.hpp>

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace casasync::cli {

/// How a table differs between two files.
struct table_difference {
    std::string table{};
    std::size_t only_first = 0;   ///< rows that the first file has in this form and the second has not
    std::size_t only_second = 0;  ///< and the other way round
    std::vector<std::string> examples{};  ///< keys of such rows, at most 10
};

/// Returns the tables that differ; none when every row of `tables` is the same. Columns may be in any order.
/// \errors not_found when one file lacks a table or a column of the other; those of SQLite
[[nodiscard]] result<std::vector<table_difference>> compare_rows(
    const std::string& first, const std::string& second, std::span<const std::string> tables,
    const std::function<void(std::size_t tables_done)>& progress);

}  // namespace casasync::cli
