// SPDX-License-Identifier: MIT
#pragma once

/// The directory of everything a relay keeps: relay.db (and relay-1.db ..), master.key, and lock, which only
/// one relay holds.
#include "master_keys.hpp"

#include <casasync/result.hpp>

#include <string>

namespace casasync::relay {

/// Waits until a file or directory is on disk. False: it is not, see errno.
[[nodiscard]] bool make_durable(const std::string& path);

class data_directory {
 public:
    /// Makes the directory if it is missing, and takes it for this process.
    /// \errors invalid_argument without a path; io_failed; relay_unavailable when another relay has it
    [[nodiscard]] static result<data_directory> open(const std::string& path);
    data_directory(data_directory&& other) noexcept;
    data_directory& operator=(data_directory&&) = delete;
    ~data_directory();

    /// Makes an empty database file that only its owner can read, if there is none. \errors io_failed
    [[nodiscard]] result<void> make_database_file(unsigned n) const;
    /// Returns the path of file `n` of those the vaults are spread over; shards.hpp.
    [[nodiscard]] std::string database_path(unsigned n = 0) const;
    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    /// Returns the keys that all device keys are derived from; makes one on the first start.
    /// \errors io_failed, also for a file of a wrong size, and when there is a database but no key
    [[nodiscard]] result<master_keys> keys() const;
    /// Keeps these instead, all or nothing. \errors io_failed
    [[nodiscard]] result<void> store(const master_keys& keys) const;

 private:
    data_directory(std::string path, int lock) noexcept : path_(std::move(path)), lock_(lock) {}

    std::string path_;
    int lock_;
};

}  // namespace casasync::relay
