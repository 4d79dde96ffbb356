// SPDX-License-Identifier: MIT
#pragma once

/// Who the members of the vault are, as far as this device knows: the list and the vault's keys are kept in
/// the key file, and grow as the relay tells of more. Nothing is taken on the relay's word: each entry is
/// verified.
#include <casasync/agent/credentials.hpp>
#include <casasync/beast/client.hpp>
#include <casasync/openssl/cipher.hpp>
#include <casasync/result.hpp>

#include <string>

namespace casasync::agent {

/// One thread, and one process at a time where it writes: see turn.hpp.
class membership {
 public:
    /// \errors members_fork, authentication_failed: the keys do not fit the list
    [[nodiscard]] static result<membership> make(std::string vault_path, credentials keys);

    [[nodiscard]] const credentials& keys() const noexcept { return keys_; }
    [[nodiscard]] const member_list& list() const noexcept { return keys_.members; }
    [[nodiscard]] openssl::vault_cipher& cipher() noexcept { return cipher_; }
    [[nodiscard]] const openssl::vault_cipher& cipher() const noexcept { return cipher_; }

    /// Takes over what another process learned, or became, meanwhile.
    [[nodiscard]] result<void> reread();
    /// Takes the entries that the relay has and this device has not. \errors those of client::members;
    /// members_fork when they are no continuation, or the new key is not the one they promise;
    /// malformed_members; device_revoked when they say that this device is no member any more; store_full,
    /// io_failed
    [[nodiscard]] result<void> catch_up(beast::client& relay);
    /// Adds an entry at the relay and here. False: the list is longer than was known here; it is caught up
    /// with. \errors those of catch_up and client::add_member_entry
    [[nodiscard]] result<bool> append(beast::client& relay, const bytes& entry);
    /// Keeps other keys of the same vault: those of a new device, or what the relay gave.
    [[nodiscard]] result<void> take(const std::string& vault_path, credentials keys);

 private:
    membership(std::string vault_path, credentials keys, openssl::vault_key_ring ring);
    /// Keeps a longer list, with the keys that it brings.
    [[nodiscard]] result<void> keep(member_list longer);

    std::string path_;
    credentials keys_;
    openssl::vault_cipher cipher_;
};

/// Returns what this device can open: all keys of the vault, or, of one that was removed, the last it had.
/// \errors as for make()
[[nodiscard]] result<openssl::vault_key_ring> vault_keys_of(const credentials& keys);

}  // namespace casasync::agent
