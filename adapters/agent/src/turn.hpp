// SPDX-License-Identifier: MIT
#pragma once

/// Processes that sync one vault take turns: the same changeset must not be sealed twice.
#include "descriptor.hpp"

#include <casasync/result.hpp>

#include <atomic>
#include <string>

namespace casasync::agent {

/// Held while one process syncs, by a lock on "<file>-casasync.lock"; given back when the process ends,
/// however it ends.
class turn {
 public:
    /// Waits for the turn. \errors canceled; store_busy after half a minute; store_full, io_failed
    [[nodiscard]] static result<turn> take(const std::string& vault_path, const std::atomic<bool>& canceled);

 private:
    explicit turn(descriptor file) noexcept : file_(std::move(file)) {}
    descriptor file_;
};

}  // namespace casasync::agent
