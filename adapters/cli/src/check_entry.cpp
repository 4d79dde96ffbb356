// SPDX-License-Identifier: MIT
#include "check_entry.hpp"

#include <casasync/agent/credentials.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

namespace casasync::cli {
namespace {

std::string fifo_of(const std::string& db) {
    return agent::file_beside(db, "-casasync.check");
}

/// A job in the background of a terminal that reads from it would be stopped.
bool may_read_stdin() {
    return ::isatty(STDIN_FILENO) == 0 || ::tcgetpgrp(STDIN_FILENO) == ::getpgrp();
}

/// A line that comes in pieces.
struct source {
    int fd;
    bool ended = false;
    std::string text{};

    /// Reads what is there; true once a line is whole.
    [[nodiscard]] bool read() {
        std::array<char, 256> buffer{};
        const ::ssize_t n = ::read(fd, buffer.data(), buffer.size());
        if (n > 0) text.append(buffer.data(), static_cast<std::size_t>(n));
        if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) ended = true;
        return text.find('\n') != std::string::npos || (ended && !text.empty());
    }
};

std::string trimmed(const std::string& text) {
    const std::string line = text.substr(0, text.find('\n'));
    const auto first = line.find_first_not_of(" \t\r");
    return first == std::string::npos ? "" : line.substr(first, line.find_last_not_of(" \t\r") + 1 - first);
}

}  // namespace

result<check_entry> check_entry::make(const std::string& db) {
    const std::string path = fifo_of(db);
    ::unlink(path.c_str());  // of one that was killed
    // Opened for both, so that it does not end when a writer goes.
    const int fifo = ::mkfifo(path.c_str(), S_IRUSR | S_IWUSR) == 0
                         ? ::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW)
                         : -1;
    if (fifo < 0)
        return error{errc::io_failed, path + " cannot be made: " + std::strerror(errno) +
                                          ". Nothing was changed. Make sure that the folder can be written."};
    return check_entry(path, fifo);
}

check_entry::check_entry(check_entry&& other) noexcept
    : path_(std::move(other.path_)), fifo_(std::exchange(other.fifo_, -1)) {}

check_entry::~check_entry() {
    if (fifo_ < 0) return;
    ::unlink(path_.c_str());
    ::close(fifo_);
}

result<std::string> check_entry::wait(std::int64_t until) const {
    source fifo{fifo_}, typed{STDIN_FILENO};
    while (static_cast<std::int64_t>(std::time(nullptr)) < until) {
        std::array<::pollfd, 2> both{{{fifo.fd, POLLIN, 0}, {typed.fd, POLLIN, 0}}};
        if (typed.ended || !may_read_stdin()) both[1].fd = -1;
        if (::poll(both.data(), both.size(), 1000) < 0 && errno != EINTR) break;
        if (both[0].revents != 0 && fifo.read()) return trimmed(fifo.text);
        if (both[1].revents != 0 && typed.read()) return trimmed(typed.text);
    }
    return error{
        errc::pairing_expired,
        "Nobody typed the two digits in time, so the new device was not let in. The data is safe and "
        "nothing was changed. Run casasync pair again."};
}

result<void> send_check(const std::string& db, const std::string& digits) {
    const int fifo = ::open(fifo_of(db).c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
    const std::string line = digits + "\n";
    const bool sent =
        fifo >= 0 && ::write(fifo, line.data(), line.size()) == static_cast<::ssize_t>(line.size());
    if (fifo >= 0) ::close(fifo);
    if (sent) return {};
    return error{
        errc::not_found,
        "No casasync pair waits for digits on this vault. Nothing was changed. Run casasync pair, and "
        "join with the code that it shows."};
}

}  // namespace casasync::cli
