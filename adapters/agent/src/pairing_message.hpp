// SPDX-License-Identifier: MIT
#pragma once

/// What two devices tell each other while one is added: JSON, sealed by the pairing code.
///
///     new -> old, 0   {proto: 1, device, name}
///     old -> new, 0   {proto: 1, vault, epoch, vault_key, device_key, key_version, name, pos}
///     new -> old, 1   {proto: 1}: the keys are stored
#include <casasync/bytes.hpp>
#include <casasync/ids.hpp>
#include <casasync/openssl/aead.hpp>
#include <casasync/result.hpp>

#include <cstdint>
#include <string>

namespace casasync::agent {

struct hello {
    device_id device{};
    std::string name{};
};

struct welcome {
    vault_id vault{};
    std::uint32_t epoch = 1;
    openssl::key256 vault_key{};
    openssl::key256 device_key{};
    std::uint32_t key_version = 1;
    std::string name{};     ///< of the device that invites
    std::uint64_t pos = 0;  ///< how much of the relay's log it had read: a member has at least that
};

[[nodiscard]] bytes encode(const hello& message);
[[nodiscard]] bytes encode(const welcome& message);
[[nodiscard]] bytes encode_stored();

/// \errors malformed_answer
[[nodiscard]] result<hello> decode_hello(bytes_view data);
[[nodiscard]] result<welcome> decode_welcome(bytes_view data);

}  // namespace casasync::agent
