// SPDX-License-Identifier: MIT
#pragma once

/// How a vault file that is a copy of another becomes a device of its own: it makes new keys and enters
/// itself into the list of devices, signed by the old ones. No pairing is needed.
#include "membership.hpp"

#include <casasync/beast/client.hpp>
#include <casasync/result.hpp>
#include <casasync/sqlite/vault.hpp>

#include <string>

namespace casasync::agent {

/// Gives the vault a device of its own. An interruption anywhere is taken up by the next call, or by
/// finish_succession(). \errors device_revoked; limit_exceeded when the vault has as many devices as it may;
/// those of the relay and of vault::succeed
[[nodiscard]] result<void> become_new_device(const std::string& vault_path, sqlite::vault& vault,
                                             membership& members, beast::client& relay);

/// Takes over keys whose vault was made theirs before an interruption. \errors as write_credentials
[[nodiscard]] result<credentials> finish_succession(const std::string& vault_path, credentials keys);

/// Tells whether these keys are of a device that went on where `device` stood: a vault of that device was
/// restored beside them.
[[nodiscard]] bool went_on_from(const credentials& keys, device_id device);

}  // namespace casasync::agent
