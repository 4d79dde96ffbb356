// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>
#include <string>
#include <utility>

namespace casasync::agent {

/// A file descriptor that closes itself.
class descriptor {
 public:
    explicit descriptor(int fd) noexcept : fd_(fd) {}
    descriptor(const std::string& path, int flags, mode_t mode = 0) noexcept
        : fd_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {}
    descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    descriptor& operator=(descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    [[nodiscard]] bool open() const noexcept { return fd_ >= 0; }
    [[nodiscard]] int get() const noexcept { return fd_; }

 private:
    int fd_;
};

}  // namespace casasync::agent
