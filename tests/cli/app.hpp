// SPDX-License-Identifier: MIT
#pragma once

/// An app that knows nothing of casasync.
#include <casasync_test/catch.hpp>

#include <sqlite3.h>

#include <string>

namespace casasync_test {

/// An app's own connection.
class app {
 public:
    explicit app(const std::string& path) {
        REQUIRE(sqlite3_open(path.c_str(), &db_) == SQLITE_OK);
        sqlite3_busy_timeout(db_, 10'000);
    }
    app(const app&) = delete;
    app& operator=(const app&) = delete;
    ~app() { sqlite3_close(db_); }
    void run(const std::string& sql) const {
        REQUIRE(sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
    }
    [[nodiscard]] std::string text(const std::string& sql) const {
        std::string out;
        const auto take = [](void* into, int, char** columns, char**) {
            *static_cast<std::string*>(into) = columns[0] != nullptr ? columns[0] : "";
            return 0;
        };
        REQUIRE(sqlite3_exec(db_, sql.c_str(), take, &out, nullptr) == SQLITE_OK);
        return out;
    }

 private:
    sqlite3* db_ = nullptr;
};

}  // namespace casasync_test
