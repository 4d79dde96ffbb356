// SPDX-License-Identifier: MIT
#pragma once

/// Just enough of SQLite for a program that writes many rows: statements by their text, and the first failure
/// kept, so that the code between reads as what it does. After a failure nothing more is sent to SQLite.
#include <casasync/result.hpp>

#include <sqlite3.h>

#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace casasync::examples {

/// What is bound to a `?`: NULL, an integer or text.
class parameter {
 public:
    parameter(std::integral auto v) : value_(static_cast<std::int64_t>(v)) {}
    parameter(std::string v) : value_(std::move(v)) {}
    parameter(std::string_view v) : value_(std::string(v)) {}
    parameter(const char* v) : value_(std::string(v)) {}
    parameter(const std::optional<std::string>& v) {
        if (v) value_ = *v;
    }

    /// Returns SQLite's result code.
    int bind(sqlite3_stmt* statement, int index) const noexcept;

 private:
    std::variant<std::monostate, std::int64_t, std::string> value_;
};

/// In braces, so that values drawn at random are drawn from left to right with every compiler.
using parameters = std::initializer_list<parameter>;

class sql {
 public:
    explicit sql(sqlite3* db) noexcept : db_(db) {}
    sql(const sql&) = delete;
    sql& operator=(const sql&) = delete;
    ~sql();

    /// Runs a script without parameters.
    void execute(const std::string& script);
    /// Runs one statement to its end. Returns the number of rows it changed.
    std::int64_t run(std::string_view statement, parameters values = {});
    /// Returns the first column of the first row as text; nothing if there is no row or it is NULL.
    std::optional<std::string> text(std::string_view query, parameters values = {});
    /// Returns the first column of the first row as an integer; 0 if there is no row.
    std::int64_t integer(std::string_view query, parameters values = {});
    /// Ends the open transaction: commits, or rolls back after a failure.
    void finish_transaction();

    [[nodiscard]] bool ok() const noexcept { return !failure_.has_value(); }
    /// The first failure; only when !ok().
    [[nodiscard]] error failure() const { return *failure_; }

 private:
    sqlite3_stmt* compiled(std::string_view text);
    sqlite3_stmt* ready(std::string_view text, parameters values);
    bool step(sqlite3_stmt* statement);
    void keep_failure(int result_code);

    sqlite3* db_;
    std::map<std::string, sqlite3_stmt*, std::less<>> statements_;
    std::optional<error> failure_;
};

}  // namespace casasync::examples
