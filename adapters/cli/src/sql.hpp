// SPDX-License-Identifier: MIT
#pragma once

/// The little plain SQL that commands run beside the vault: reading schemas, comparing rows.
#include <casasync/result.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct sqlite3;

namespace casasync::cli {

/// A connection of its own. One thread at a time.
class sql_file {
 public:
    enum class access { read, write };

    /// \errors not_a_database, io_failed
    [[nodiscard]] static result<sql_file> open(const std::string& path, access how);

    /// Runs statements without results. \errors not_a_database, store_busy, io_failed
    [[nodiscard]] result<void> run(const std::string& sql);
    /// Calls `row` with each row's columns as text, NULL as an empty one, until it returns false.
    [[nodiscard]] result<void> each(const std::string& sql, const std::vector<std::string>& arguments,
                                    const std::function<bool(const std::vector<std::string>&)>& row);

 private:
    struct closer {
        void operator()(sqlite3* db) const noexcept;
    };
    explicit sql_file(sqlite3* db) noexcept : db_(db) {}
    [[nodiscard]] error failure() const;

    std::unique_ptr<sqlite3, closer> db_;
};

/// Returns the name in double quotes.
[[nodiscard]] std::string quoted_name(std::string_view name);

}  // namespace casasync::cli
