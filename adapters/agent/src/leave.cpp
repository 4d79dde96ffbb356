// SPDX-License-Identifier: MIT
#include "turn.hpp"

#include <casasync/agent/credentials.hpp>
#include <casasync/agent/setup.hpp>

#include <atomic>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace casasync::agent {

result<void> leave_vault(const std::string& path) {
    const std::atomic<bool> canceled{false};
    const auto held = turn::take(path, canceled);
    if (!held) return held.failure();
    const auto left = sqlite::vault::leave(path);
    if (!left && left.code() != errc::not_a_vault) return left;
    std::error_code failed;
    const bool had_keys = std::filesystem::exists(key_file_of(path), failed);
    if (!left && !had_keys) return left;
    // The keys last: as long as they are there, calling this again goes on.
    std::vector<std::string> files{file_beside(path, "-casasync.tries"), file_beside(path, "-casasync.mark")};
    for (std::string& file : key_files_of(path)) files.push_back(std::move(file));
    for (const std::string& file : files) {
        std::filesystem::remove(file, failed);
        if (failed)
            return error{errc::io_failed, "The file is an ordinary one now, but " + file +
                                              " cannot be removed: " + failed.message() +
                                              ". Remove it by hand."};
    }
    return {};
}

}  // namespace casasync::agent
