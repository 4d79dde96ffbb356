// SPDX-License-Identifier: MIT
#pragma once

/// What all device keys of a relay are derived from: a master key, and the one before it while devices move
/// on to the new one. A signature names the number of its master key, so nothing is stored for a device.
#include <casasync/bytes.hpp>
#include <casasync/openssl/aead.hpp>
#include <casasync/result.hpp>

#include <cstdint>
#include <vector>

namespace casasync::relay {

struct master_key {
    std::uint32_t number = 1;
    openssl::key256 key{};

    friend bool operator==(const master_key&, const master_key&) = default;
};

/// The newest first, from which devices that attach get their keys; one or two, with falling numbers.
using master_keys = std::vector<master_key>;

/// Returns the key with a number, or null.
[[nodiscard]] const master_key* find(const master_keys& keys, std::uint32_t number) noexcept;

/// Returns how a file has them: 32 bytes for number 1 alone, else {number u32, key[32]} each.
[[nodiscard]] bytes encode(const master_keys& keys);
/// \errors io_failed for anything else
[[nodiscard]] result<master_keys> decode_master_keys(bytes_view content);

/// Returns the keys with a new one in front. \param fresh random \param keep_before the newest of `keys` is
/// accepted as well
[[nodiscard]] master_keys rotated(const master_keys& keys, const openssl::key256& fresh, bool keep_before);

}  // namespace casasync::relay
