// SPDX-License-Identifier: MIT
#pragma once

/// Databases for tests: in memory, and in files that are removed at the end.
#include <casasync_test/catch.hpp>

#include "connection.hpp"

#include <filesystem>
#include <string>
#include <utility>

#include <unistd.h>

namespace sqlite_test {

inline casasync::sqlite::connection memory() {
    auto db = casasync::sqlite::connection::open(":memory:", casasync::sqlite::open_mode::create, 0);
    REQUIRE(db);
    return std::move(*db);
}

/// A path in a new folder of its own; the file is not made yet.
class file {
 public:
    file() {
        std::string name = (std::filesystem::temp_directory_path() / "casasync-sqlite-XXXXXX").string();
        REQUIRE(mkdtemp(name.data()) != nullptr);
        folder_ = name;
    }
    file(const file&) = delete;
    file& operator=(const file&) = delete;
    ~file() {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    [[nodiscard]] std::string path() const { return (folder_ / "vault.db").string(); }

 private:
    std::filesystem::path folder_{};
};

}  // namespace sqlite_test
