// SPDX-License-Identifier: MIT
#pragma once

/// The relay as a process of its own.
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace casasync_test {

class relay_process {
 public:
    /// Starts casasync-relay and reads its first line.
    explicit relay_process(const std::vector<std::string>& arguments);
    relay_process(const relay_process&) = delete;
    ~relay_process();

    /// "http://127.0.0.1:1234"; empty if it did not start.
    [[nodiscard]] const std::string& address() const noexcept { return address_; }
    [[nodiscard]] std::uint16_t port() const;
    void signal(int number);
    /// Waits for the end. \return the exit code, or -signal
    int wait();
    /// Everything it wrote to stderr; after wait().
    [[nodiscard]] const std::string& errors() const noexcept { return errors_; }

 private:
    pid_t pid_ = -1;
    int out_ = -1;
    int err_ = -1;
    std::string address_{};
    std::string errors_{};
};

}  // namespace casasync_test
