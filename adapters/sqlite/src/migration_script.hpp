// SPDX-License-Identifier: MIT
#pragma once

/// The statements of a change of the schema: run one by one, watched for renames, and run again.
#include "connection.hpp"
#include "table_shape.hpp"

#include <casasync/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace casasync::sqlite {

/// A tracked table before a change, and what ALTER TABLE has made of it since.
struct followed_table {
    table_shape before{};
    std::string name{};                                          ///< what it is called now
    std::vector<std::string> columns{};                          ///< what they are called now, in table order
    std::vector<std::pair<std::string, std::string>> renamed{};  ///< columns: old name, new name
};

class migration_script {
 public:
    migration_script(connection& db, std::vector<followed_table> tables)
        : db_(&db), tables_(std::move(tables)) {}

    /// Runs statements, in order, and remembers them. BEGIN and COMMIT are left out: the whole change is one
    /// transaction. \errors invalid_argument with a sentence, for a mistake in the SQL and for statements
    /// that cannot be part of a transaction; as to_error()
    [[nodiscard]] result<void> run(std::string_view sql);
    /// Runs everything again.
    [[nodiscard]] result<void> run_again();

    /// True when rows may have changed: not by ADD, DROP and RENAME COLUMN alone, which leave them.
    [[nodiscard]] bool writes_rows() const noexcept { return writes_rows_; }
    /// In the order they were given.
    [[nodiscard]] const std::vector<followed_table>& tables() const noexcept { return tables_; }

 private:
    [[nodiscard]] result<void> run_one(const std::string& statement, bool first);
    [[nodiscard]] result<void> follow(const std::vector<std::int64_t>& roots);
    [[nodiscard]] result<std::vector<std::int64_t>> roots();

    connection* db_;
    std::vector<followed_table> tables_;
    std::vector<std::string> statements_;
    bool writes_rows_ = false;
};

}  // namespace casasync::sqlite
