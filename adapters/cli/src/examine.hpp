// SPDX-License-Identifier: MIT
#pragma once

/// Finds out what of a database can be tracked, before anything in it is changed.
#include <casasync/sqlite/vault.hpp>

#include <span>
#include <string>
#include <vector>

namespace casasync::cli {

struct examination {
    std::vector<std::string> tables{};  ///< what would be tracked
    std::vector<sqlite::untrackable> refused{};
};

/// Looks at the tables `wanted`, or at all of them when it is empty: on a temporary copy of the schema,
/// without rows; the file itself is only read. \errors not_a_database, store_busy, io_failed
[[nodiscard]] result<examination> examine(const std::string& path, std::span<const std::string> wanted);

}  // namespace casasync::cli
