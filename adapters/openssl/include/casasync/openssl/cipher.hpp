// SPDX-License-Identifier: MIT
#pragma once

/// Seals payloads into envelopes that a relay can order but not read: docs/WIRE.md, "Envelope".
#include <casasync/cipher.hpp>
#include <casasync/openssl/identity.hpp>

#include <cstddef>
#include <cstdint>
#include <map>

namespace casasync::openssl {

/// Returns the size a text of `size` bytes is padded to: at least 256, at most 12 % more, so that a length
/// tells little. Source: Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication
/// with PURBs", 2019, section 4 (PADME).
[[nodiscard]] std::size_t padded_size(std::size_t size) noexcept;

/// The keys of one vault, one an epoch, and those of the device that uses them. What a device seals it signs:
/// whoever has a vault key can read, but cannot write in another's name. Models casasync::cipher. open() and
/// digest() may run in several threads.
class vault_cipher {
 public:
    vault_cipher(vault_id vault, const key256& key, std::uint32_t epoch, const device_identity& self);

    /// Adds the key of another epoch.
    void add_key(std::uint32_t epoch, const key256& key);

    /// Returns the envelope of `payload` under `head`, whose nonce and ciphertext_bytes are filled in here.
    /// \errors limit_exceeded above limits::part_payload_bytes_max; invalid_argument for another vault or
    /// device, or an epoch without a key.
    [[nodiscard]] result<bytes> seal(const envelope_header& head, bytes_view payload);

    /// Returns the payload of `envelope`.
    /// \errors malformed_envelope, unknown_format_version, authentication_failed (another vault or an epoch
    /// without a key, and an author who did not sign it, included).
    [[nodiscard]] result<bytes> open(bytes_view envelope) const;

    /// Returns SHA-256 of `data`.
    [[nodiscard]] digest256 digest(bytes_view data) const;

 private:
    [[nodiscard]] const key256* key_of(const envelope_header& head) const noexcept;

    vault_id vault_;
    std::map<std::uint32_t, key256> keys_;
    key256 signing_;
    device_keys self_;
    device_id device_;
};

static_assert(cipher<vault_cipher>);

}  // namespace casasync::openssl
