// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>

namespace casasync::beast {

/// Returns this device's time, for signatures: unix seconds.
[[nodiscard]] inline std::int64_t unix_seconds() {
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

}  // namespace casasync::beast
