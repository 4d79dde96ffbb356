// SPDX-License-Identifier: MIT
#pragma once

/// SQLite's door to disks in memory: the default VFS of a test program, so that nothing in the product knows.
/// A path is "disk/file". Time and randomness are the test's as well, and nobody ever waits. One thread.
#include "disk.hpp"

#include <casasync/environment.hpp>

#include <string>

namespace casasync_test {

/// Makes the VFS SQLite's default, once; to be called before anything else uses SQLite.
void install_vfs();

/// Gives a disk a name while this lives.
class mounted_disk {
 public:
    mounted_disk(std::string name, disk& d);
    mounted_disk(const mounted_disk&) = delete;
    mounted_disk& operator=(const mounted_disk&) = delete;
    ~mounted_disk();

 private:
    std::string name_;
};

/// True while SQLite is inside the VFS: what is allocated there is the test's own.
[[nodiscard]] bool inside_vfs() noexcept;

/// What SQLite takes for the time from here on.
void set_vfs_time(casasync::unix_ms now) noexcept;
[[nodiscard]] casasync::unix_ms vfs_time() noexcept;

/// What SQLite's random numbers (replica ids of the product among them) come from, from here on.
void seed_vfs(std::uint64_t seed);

}  // namespace casasync_test
