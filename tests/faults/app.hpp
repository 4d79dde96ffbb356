// SPDX-License-Identifier: MIT
#pragma once

/// The app: a SQLite connection of its own, plain SQL, and a look at everything a file holds.
#include "vfs.hpp"

#include <sqlite3.h>

#include <map>
#include <string>

namespace casasync_test {

/// A connection that tells what it is refused instead of failing the test: here, refusals are the point.
class app {
 public:
    /// Opens or makes the file. What it commits is as durable as SQLite can make it.
    explicit app(const std::string& path);
    app(const app&) = delete;
    app& operator=(const app&) = delete;
    ~app();

    /// False when the file could not be opened: nothing will work.
    [[nodiscard]] bool is_open() const noexcept { return open_; }
    [[nodiscard]] sqlite3* handle() const noexcept { return db_; }
    /// Runs a script. \returns the result code of what failed, or SQLITE_OK
    int run(const std::string& sql);
    /// Runs a script in one immediate transaction; all or nothing.
    int transact(const std::string& sql);
    /// Returns the rows as lines, columns with type and bytes, or the error's words.
    [[nodiscard]] std::string rows(const std::string& sql);
    /// Returns every row of every table in the file, those of casasync included, and the schema.
    [[nodiscard]] std::string everything();
    /// Returns what PRAGMA integrity_check finds: "ok", or what is wrong.
    [[nodiscard]] std::string integrity();
    [[nodiscard]] std::string message() const { return sqlite3_errmsg(db_); }

 private:
    sqlite3* db_ = nullptr;
    bool open_ = false;
    std::map<std::string, sqlite3_stmt*> looks_{};  ///< by their text
};

/// A second disk with the same content, and the app's connection to a file on it: a look that changes
/// nothing. It is opened as SQLite would after the machine starts again.
class copy_of {
 public:
    copy_of(const disk& d, const std::string& file);
    [[nodiscard]] app& sql() noexcept { return app_; }

 private:
    disk disk_;
    mounted_disk mounted_;
    app app_;
};

/// Returns the first line in which two such texts differ.
[[nodiscard]] std::string first_difference(const std::string& a, const std::string& b);

}  // namespace casasync_test
