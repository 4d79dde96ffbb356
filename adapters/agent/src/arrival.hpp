// SPDX-License-Identifier: MIT
#pragma once

/// How a device that is in the list of members comes to have the vault.
#include <casasync/agent/credentials.hpp>
#include <casasync/agent/link.hpp>
#include <casasync/result.hpp>

#include <string>

namespace casasync::agent {

/// The file to make.
struct newcomer_file {
    std::string path{};
    std::string name{};                                                     ///< of the device
    sqlite::brought_numbers numbers = sqlite::brought_numbers::other_rows;  ///< of rows that are there
};

/// Makes the device known at the relay, and gets the list of the vault's devices. It begins with the entry
/// that the vault's id is made of, so that the relay can name nobody who is not in it; that this device is in
/// it, and the key it was given, tell that it does not end too early.
[[nodiscard]] result<void> enter(const std::string& path, credentials& keys);

/// Makes the vault, or takes it up again, and brings it up to date. Then the join is over.
[[nodiscard]] result<void> load(const newcomer_file& o, const credentials& keys,
                                const progress_sink& progress);

}  // namespace casasync::agent
