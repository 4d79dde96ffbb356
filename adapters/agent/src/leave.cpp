// SPDX-License-Identifier: MIT
#include "turn.hpp"

#include <casasync/agent/credentials.hpp>
#include <casasync/agent/setup.hpp>

#include <atomic>
#include <filesystem>
#include <system_error>

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
    const auto removed = [&failed](const std::string& file) -> result<void> {
        if (!failed) return {};
        return error{errc::io_failed, "The file is an ordinary one now, but " + file +
                                          " cannot be removed: " + failed.message() + ". Remove it by hand."};
    };
    for (const char* const suffix : {"-casasync.tries", "-casasync.mark"}) {
        const std::string file = file_beside(path, suffix);
        std::filesystem::remove(file, failed);
        if (auto ok = removed(file); !ok) return ok;
    }
    failed = remove_credentials(path);
    return removed(key_file_of(path));
}

}  // namespace casasync::agent
