// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>

namespace casasync::agent {

/// Returns this device's time: unix seconds. For people to read; nothing is decided by it.
[[nodiscard]] inline std::uint64_t now_s() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count());
}

}  // namespace casasync::agent
