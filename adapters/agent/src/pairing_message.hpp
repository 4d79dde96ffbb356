// SPDX-License-Identifier: MIT
#pragma once

/// What two devices tell each other once each has proved that it knows the code: JSON, sealed by
/// openssl::pairing_channel.
///
///     new -> old, 1   {proto: 1, signing, agreement, name, platform}: its public keys, whose hash is its id
///     old -> new, 2   {proto: 1, vault, epoch, vault_key, name, vault_name, devices, pos}: the new one is in
///                     the vault's list of devices now, and gets that from the relay
///     new -> old, 2   {proto: 1, joined: true}: its user agrees, and the keys are stored; false: declined
#include <casasync/bytes.hpp>
#include <casasync/ids.hpp>
#include <casasync/openssl/identity.hpp>
#include <casasync/result.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace casasync::agent {

struct hello {
    device_keys keys{};
    std::string name{};
    std::string platform{};

    /// The hash of its keys: what one of them was replaced by would be another device.
    [[nodiscard]] device_id device() const { return device_of(keys, openssl::verifier{}); }
};

/// Everything that a sponsor gives a new device.
struct welcome {
    vault_id vault{};
    std::uint32_t epoch = 1;
    openssl::key256 vault_key{};
    std::string name{};                  ///< of the device that invites
    std::string vault_name{};            ///< the file's name there
    std::vector<std::string> devices{};  ///< names; fewer where not all fit into the message
    std::uint64_t pos = 0;  ///< how much of the relay's log it had read: a member has at least that
};

[[nodiscard]] bytes encode(const hello& message);
[[nodiscard]] bytes encode(const welcome& message);
[[nodiscard]] bytes encode_reply(bool joined);

/// \errors malformed_answer
[[nodiscard]] result<hello> decode_hello(bytes_view data);
[[nodiscard]] result<welcome> decode_welcome(bytes_view data);
[[nodiscard]] result<bool> decode_reply(bytes_view data);

}  // namespace casasync::agent
