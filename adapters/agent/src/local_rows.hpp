// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

namespace casasync::agent {

/// Returns how many rows the tables of the file have, without SQLite's own and casasync's; 0 for a file that
/// is not there or is no database. Changes nothing.
[[nodiscard]] std::uint64_t local_rows(const std::string& path);

}  // namespace casasync::agent
