// SPDX-License-Identifier: MIT
#pragma once

/// Which rows the capture log means. It names rows by their keys in the file; registers know some by an
/// identity (row_numbers.hpp), and there one number can be several rows, one after the other.
#include "capture.hpp"
#include "catalog.hpp"

#include <casasync/bytes.hpp>
#include <casasync/value.hpp>

#include <vector>

namespace casasync::sqlite {

/// A row of the log: what was written between its INSERT and its DELETE, or the seal.
struct row_life {
    const vault_table* table = nullptr;
    bytes key{};                   ///< in the registers
    std::vector<value> in_file{};  ///< its key in the file's table
    std::vector<log_entry> entries{};
    log_range range{};
};

}  // namespace casasync::sqlite
