// SPDX-License-Identifier: MIT
#pragma once

/// The entries that a device adds to the list of its vault's devices, and the vault's keys in them. There is
/// one key an epoch: whoever has the last has them all, because each new one carries the one before.
#include <casasync/members.hpp>
#include <casasync/openssl/identity.hpp>

#include <cstdint>
#include <map>
#include <vector>

namespace casasync::openssl {

/// Vault keys by epoch.
using vault_key_ring = std::map<std::uint32_t, key256>;

/// Returns the entry that makes a vault of one device. \param created  unix seconds
[[nodiscard]] bytes first_entry(const device_identity& self, const key256& vault_key, std::uint64_t created);

/// Returns the entry that adds a device to `list`.
[[nodiscard]] bytes add_entry(const member_list& list, const device_identity& self, const device_keys& added,
                              std::uint64_t created);

/// Returns the entry that adds a recovery kit. The next rotation seals the vault key for it.
[[nodiscard]] bytes kit_entry(const member_list& list, const device_identity& self, const device_keys& kit,
                              std::uint64_t created);

/// Returns the entry by which a copy of a device adds itself under keys of its own. \param self  the old keys
[[nodiscard]] bytes copy_entry(const member_list& list, const device_identity& self, const device_keys& added,
                               std::uint64_t created);

/// A rotation before it is signed.
struct rotation {
    std::vector<device_id> removed{};
    std::vector<stream_end> ends{};  ///< of every member, as the relay has them
    key256 last_key{};               ///< of the epoch that ends
    key256 next_key{};               ///< random
};

/// Returns the entry that ends an epoch: the next key is sealed for everybody who stays.
/// \errors authentication_failed for a member whose public key is none
[[nodiscard]] result<bytes> rotate_entry(const member_list& list, const device_identity& self,
                                         const rotation& what, std::uint64_t created);

/// Returns all keys of the vault. \param last  the newest one that is known, of epoch `epoch`; 0: none is
/// \errors device_revoked when the newest key is not for this device; members_fork when a key is not the one
/// that its entry promises; authentication_failed
[[nodiscard]] result<vault_key_ring> open_vault_keys(const member_list& list, const device_identity& self,
                                                     std::uint32_t epoch, const key256& last);

}  // namespace casasync::openssl
