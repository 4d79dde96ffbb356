// SPDX-License-Identifier: MIT
#pragma once

/// Where a sealed snapshot waits for its upload: a file beside the vault that has no name, so that nothing of
/// it is left after a crash.
#include "descriptor.hpp"

#include <casasync/snapshot_transfer.hpp>

#include <string>

namespace casasync::agent {

/// Models snapshot_spool. One thread at a time.
class spool_file {
 public:
    /// \errors store_full, io_failed
    [[nodiscard]] static result<spool_file> make(const std::string& beside);

    [[nodiscard]] result<void> append(bytes_view data);
    [[nodiscard]] result<bytes> read(std::uint64_t offset, std::size_t size);

 private:
    explicit spool_file(descriptor file) noexcept : file_(std::move(file)) {}
    descriptor file_;
};

static_assert(snapshot_spool<spool_file>);

}  // namespace casasync::agent
