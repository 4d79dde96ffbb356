// SPDX-License-Identifier: MIT
#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace casasync_test {

/// A directory that is removed at the end.
class temporary_directory {
 public:
    temporary_directory() {
        std::string name = (std::filesystem::temp_directory_path() / "casasync-relay-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
        path_ = name;
    }
    temporary_directory(const temporary_directory&) = delete;
    temporary_directory& operator=(const temporary_directory&) = delete;
    ~temporary_directory() { std::filesystem::remove_all(path_); }
    [[nodiscard]] std::string path() const { return path_.string(); }

 private:
    std::filesystem::path path_{};
};

}  // namespace casasync_test
