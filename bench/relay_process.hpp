// SPDX-License-Identifier: MIT
#pragma once

/// A relay in a process of its own: its time and memory are not those of what measures.
#include <sys/types.h>

#include <string>

namespace casasync::bench {

class relay_process {
 public:
    /// Starts a relay without limits of pace that keeps its data in the folder. Call it before other threads
    /// are started. \throws std::runtime_error
    explicit relay_process(const std::string& folder);
    relay_process(const relay_process&) = delete;
    relay_process& operator=(const relay_process&) = delete;
    /// Ends it gracefully; the end of this process does so, too.
    ~relay_process();

    [[nodiscard]] const std::string& address() const noexcept { return address_; }  ///< URL
    [[nodiscard]] double resident_bytes() const;

 private:
    pid_t process_ = -1;
    int stop_ = -1;  ///< the writing end of a pipe: the relay stops when it is closed
    std::string address_{};
};

}  // namespace casasync::bench
