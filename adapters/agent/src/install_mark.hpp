// SPDX-License-Identifier: MIT
#pragma once

/// What tells a vault file that it is an older state of itself: the digest of the envelope that this install
/// sent last, in "<file>-casasync.mark", beside the vault and outside it. A file that does not know that
/// envelope is not the one that sent it.
#include <casasync/cursor.hpp>
#include <casasync/result.hpp>
#include <casasync/sqlite/vault.hpp>

#include <string>

namespace casasync::agent {

/// Writes down, durably, what is about to be sent. \errors store_full, io_failed: then it must not be sent
[[nodiscard]] result<void> mark_sending(const std::string& vault_path, device_id device,
                                        const digest256& envelope);

/// Looks whether the vault is an older state of the one that sent last, and notes that in it. A mark that is
/// not there, or is of another device, tells nothing. \errors those of the vault
[[nodiscard]] result<void> recognise_copy(sqlite::vault& vault, const std::string& vault_path);

}  // namespace casasync::agent
