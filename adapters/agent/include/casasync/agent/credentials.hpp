// SPDX-License-Identifier: MIT
#pragma once

/// What a device needs beside its vault file to talk to the relay: kept in "<file>-casasync.key", readable by
/// its owner alone, and never inside the database, so that a copy of the database gives nothing away.
#include <casasync/ids.hpp>
#include <casasync/members.hpp>
#include <casasync/openssl/identity.hpp>
#include <casasync/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace casasync::agent {

/// What was begun and not finished: the key file is written before the vault, so that an interruption leaves
/// nothing that cannot be taken up again.
enum class setup : std::uint8_t { done, init, join };

/// Keys that a copy of a device made for itself, until its vault is theirs.
struct new_device {
    openssl::device_identity identity{};
    openssl::key256 device_key{};  ///< zeros until the relay gave one
    std::uint32_t key_version = 1;

    friend bool operator==(const new_device&, const new_device&) = default;
};

struct credentials {
    vault_id vault{};
    openssl::device_identity identity{};  ///< made here, and nowhere else
    device_id device{};                   ///< identity.id()
    std::string relay{};                  ///< origin the keys belong to
    member_list members{};                ///< verified; empty until a join has heard of it
    openssl::key256 vault_key{};
    std::uint32_t epoch = 1;        ///< of vault_key: the newest that this device has
    openssl::key256 device_key{};   ///< zeros until the relay gave one
    std::uint32_t key_version = 1;  ///< of device_key
    setup step = setup::done;
    std::optional<new_device> next{};  ///< while this device becomes another: see succession.hpp
    std::string pairing{};  ///< while a join is under way: the code or link that it came by; used up

    friend bool operator==(const credentials&, const credentials&) = default;
};

/// Returns the name of a file beside the vault, also when `vault_path` is a symbolic link to it.
[[nodiscard]] std::string file_beside(const std::string& vault_path, const std::string& suffix);

/// Returns where the keys of the vault at `vault_path` are.
[[nodiscard]] std::string key_file_of(const std::string& vault_path);

/// \errors missing_credentials when there is no key file, or it cannot be read or understood
[[nodiscard]] result<credentials> read_credentials(const std::string& vault_path);

/// Returns the credentials, or nothing when there is no key file. \errors missing_credentials when what is
/// there cannot be read or understood
[[nodiscard]] result<std::optional<credentials>> find_credentials(const std::string& vault_path);

/// Writes the key file, mode 0600, durably and whole: a crash leaves the old one or the new one.
/// \errors store_full, io_failed
[[nodiscard]] result<void> write_credentials(const std::string& vault_path, const credentials& keys);

/// Returns the files that may hold keys: what a write that was killed may have left of a new key file, and
/// the key file itself, last.
[[nodiscard]] std::vector<std::string> key_files_of(const std::string& vault_path);

/// Removes those files, as far as they can be removed.
void remove_credentials(const std::string& vault_path);

}  // namespace casasync::agent
