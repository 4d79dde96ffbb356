// SPDX-License-Identifier: MIT
#pragma once

/// Opening a vault file as a careful app does, and telling a person why it did not work.
#include <casasync/result.hpp>

#include <sqlite3.h>

#include <iostream>
#include <memory>
#include <string>

namespace casasync::examples {

struct close_database {
    void operator()(sqlite3* db) const noexcept { sqlite3_close_v2(db); }
};
using database_file = std::unique_ptr<sqlite3, close_database>;

enum class open_mode { make, edit };

/// Opens a file in WAL mode, with the patience another writer needs.
/// \errors store_failed, with SQLite's words
[[nodiscard]] inline result<database_file> open_file(const std::string& path, open_mode mode) {
    const int flags = SQLITE_OPEN_READWRITE | (mode == open_mode::make ? SQLITE_OPEN_CREATE : 0);
    sqlite3* db = nullptr;
    int rc = sqlite3_open_v2(path.c_str(), &db, flags, nullptr);
    database_file file(db);
    if (rc == SQLITE_OK) {
        sqlite3_busy_timeout(db, 5'000);
        rc = sqlite3_exec(
            db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -65536", nullptr,
            nullptr, nullptr);
    }
    if (rc != SQLITE_OK)
        return error{errc::store_failed, path + " cannot be opened: " + sqlite3_errmsg(db) + "."};
    return file;
}

/// Prints the error. Returns the exit code for it.
[[nodiscard]] inline int fail(const error& e) {
    std::cerr << e.text() << '\n';
    return 1;
}

}  // namespace casasync::examples
