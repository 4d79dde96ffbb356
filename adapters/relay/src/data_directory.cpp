// SPDX-License-Identifier: MIT
#include "data_directory.hpp"

#include "shards.hpp"

#include <casasync/openssl/random.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

namespace casasync::relay {
namespace {

/// A file descriptor that is closed when it goes out of scope.
class descriptor {
 public:
    descriptor(const std::string& path, int flags, mode_t mode = 0)
        : fd_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {}
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    ~descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    [[nodiscard]] int get() const noexcept { return fd_; }
    [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

 private:
    int fd_;
};

error failed(const std::string& path, const std::string& what) {
    return {errc::io_failed, path + " cannot be " + what + ": " + std::strerror(errno) +
                                 ". Check the data directory, its owner and the disk."};
}

/// Writes a file that is there whole, with its name on disk, or not at all.
result<void> write_durably(const std::string& directory, const std::string& path, bytes_view content) {
    const std::string temporary = path + ".new";
    {
        const descriptor file(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (file.get() < 0 || ::fchmod(file.get(), 0600) != 0) return failed(temporary, "made");
        const ssize_t n = ::write(file.get(), content.data(), content.size());
        if (n != static_cast<ssize_t>(content.size()) || ::fsync(file.get()) != 0)
            return failed(temporary, "written");
    }
    if (::rename(temporary.c_str(), path.c_str()) != 0) return failed(path, "made");
    return make_durable(directory) ? result<void>() : result<void>(failed(directory, "written"));
}

}  // namespace

bool make_durable(const std::string& path) {
    const descriptor file(path, O_RDONLY);
    return file.get() >= 0 && ::fsync(file.get()) == 0;
}

result<data_directory> data_directory::open(const std::string& path) {
    if (path.empty())
        return error{errc::invalid_argument, "A relay needs a data directory: give --data DIR."};
    std::error_code ec;
    if (std::filesystem::create_directories(path, ec)) ::chmod(path.c_str(), 0700);
    if (ec) {
        errno = ec.value();
        return failed(path, "made");
    }
    const std::string lock_path = path + "/lock";
    descriptor lock(lock_path, O_RDWR | O_CREAT, 0600);
    if (lock.get() < 0) return failed(lock_path, "made");
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0)
        return error{errc::relay_unavailable,
                     "Another relay uses the data directory " + path +
                         ". Nothing was changed; stop it first, or give another directory."};
    return data_directory(path, lock.release());
}

data_directory::data_directory(data_directory&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

data_directory::~data_directory() {
    if (lock_ >= 0) ::close(lock_);
}

std::string data_directory::database_path(unsigned n) const {
    return path_ + "/" + shard_name(n);
}

result<void> data_directory::make_database_file(unsigned n) const {
    const std::string path = database_path(n);
    const descriptor file(path, O_RDWR | O_CREAT, 0600);
    return file.get() < 0 ? result<void>(failed(path, "made")) : result<void>();
}

result<master_keys> data_directory::keys() const {
    const std::string path = path_ + "/master.key";
    const descriptor file(path, O_RDONLY);
    if (file.get() >= 0) {
        std::array<std::uint8_t, 128> content{};
        const ssize_t size = ::read(file.get(), content.data(), content.size());
        auto keys = decode_master_keys(
            bytes_view(content).first(static_cast<std::size_t>(std::max<ssize_t>(size, 0))));
        if (keys) return keys;
        return error{errc::io_failed, path +
                                          " is not a key of 32 bytes, nor what rotate-key makes of one. "
                                          "Restore it from a backup: without it no device can sign in."};
    }
    if (errno != ENOENT) return failed(path, "read");
    if (std::filesystem::exists(database_path()))
        return error{errc::io_failed,
                     path +
                         " is missing, though there is a database. Restore it from a backup: "
                         "without it no device can sign in. Nothing was changed."};
    master_keys fresh(1);
    openssl::random{}.fill(fresh[0].key);
    if (const auto written = store(fresh); !written) return written.failure();
    return fresh;
}

result<void> data_directory::store(const master_keys& keys) const {
    return write_durably(path_, path_ + "/master.key", encode(keys));
}

}  // namespace casasync::relay
