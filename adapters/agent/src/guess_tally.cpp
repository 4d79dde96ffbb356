// SPDX-License-Identifier: MIT
#include "guess_tally.hpp"

#include "descriptor.hpp"

#include <casasync/agent/credentials.hpp>

#include <sys/stat.h>
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <ctime>
#include <string_view>

namespace casasync::agent {
namespace {

constexpr std::size_t tally_bytes_max = 4096;

error cannot(const std::string& path, const char* what) {
    const int number = errno;
    return {number == ENOSPC || number == EDQUOT ? errc::store_full : errc::io_failed,
            path + " cannot be " + what + ": " + std::strerror(number) +
                ". It counts how often a pairing failed. Nothing was changed. Make sure that there is space "
                "and that the folder can be written, then try again."};
}

std::int64_t tally_time() {
    return static_cast<std::int64_t>(std::time(nullptr));
}

}  // namespace

guess_tally::guess_tally(const std::string& vault_path) : path_(file_beside(vault_path, "-casasync.tries")) {}

result<std::vector<std::int64_t>> guess_tally::read() const {
    const descriptor file(path_, O_RDONLY);
    if (!file.open() && errno == ENOENT) return std::vector<std::int64_t>();
    std::string text(tally_bytes_max, '\0');
    const ::ssize_t n = file.open() ? ::read(file.get(), text.data(), text.size()) : -1;
    if (n < 0) return cannot(path_, "read");
    text.resize(static_cast<std::size_t>(n));
    const std::int64_t now = tally_time();
    std::vector<std::int64_t> out;
    for (std::string_view rest = text; !rest.empty();) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        std::int64_t time = 0;
        const auto [end, failed] = std::from_chars(line.data(), line.data() + line.size(), time);
        if (failed != std::errc() || end != line.data() + line.size()) time = now;  // damage is no pardon
        if (time > now - kept_s) out.push_back(std::min(time, now));
    }
    return out;
}

result<void> guess_tally::write(const std::vector<std::int64_t>& times) const {
    std::string text;
    for (const std::int64_t time : times) text += std::to_string(time) + "\n";
    const descriptor file(path_, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    const bool done = file.open() &&
                      ::write(file.get(), text.data(), text.size()) == static_cast<::ssize_t>(text.size()) &&
                      ::fsync(file.get()) == 0;
    return done ? result<void>() : cannot(path_, "written");
}

result<std::size_t> guess_tally::count() const {
    const auto times = read();
    return times ? result<std::size_t>(times->size()) : times.failure();
}

result<void> guess_tally::begin() {
    auto times = read();
    if (!times) return times.failure();
    begun_ = tally_time();
    times->push_back(begun_);
    return write(*times);
}

result<void> guess_tally::end() {
    auto times = read();
    if (!times) return times.failure();
    const auto mine = std::find(times->begin(), times->end(), begun_);
    if (mine != times->end()) times->erase(mine);
    if (!times->empty()) return write(*times);
    return ::unlink(path_.c_str()) == 0 || errno == ENOENT ? result<void>() : cannot(path_, "removed");
}

}  // namespace casasync::agent
