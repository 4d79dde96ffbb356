// SPDX-License-Identifier: MIT
#pragma once

/// The tables of a story that is told over SQLite files.
#include <casasync/sqlite/vault.hpp>

#include <string>
#include <vector>

namespace casasync_test {

struct tracked_table {
    std::string name{};
    casasync::sqlite::track_options how{};
};

struct sqlite_schema {
    std::vector<std::string> statements{};  ///< run on the first device's file before it becomes a vault
    std::vector<tracked_table> tables{};
};

/// The table of the stories that are told in every world.
[[nodiscard]] inline sqlite_schema txn_schema(casasync::delete_policy policy) {
    return {{"CREATE TABLE txn(id TEXT PRIMARY KEY NOT NULL, amount INTEGER, note TEXT)"},
            {{"txn", {policy, {}, {}, false}}}};
}

}  // namespace casasync_test
