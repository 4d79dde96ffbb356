// SPDX-License-Identifier: MIT
#pragma once

/// Seals payloads into envelopes that a relay can order but not read: docs/WIRE.md, "Envelope".
#include <casasync/cipher.hpp>
#include <casasync/openssl/identity.hpp>
#include <casasync/openssl/vault_keys.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace casasync::openssl {

/// Returns the size a text of `size` bytes is padded to: at least 256, at most 12 % more, so that a length
/// tells little. Source: Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication
/// with PURBs", 2019, section 4 (PADME).
[[nodiscard]] std::size_t padded_size(std::size_t size) noexcept;

/// Who the members of a vault are, its keys, one an epoch, and those of the device that uses them. What a
/// device seals it signs: whoever has a vault key can read, but cannot write in another's name. Models
/// casasync::cipher. Whatever is const may run in several threads.
class vault_cipher {
 public:
    vault_cipher(member_list members, vault_key_ring keys, const device_identity& self);

    /// Takes a list that goes on from the one known, and the keys of all its epochs.
    void update(member_list members, vault_key_ring keys);

    /// Tells whether the list has the author as a member who could seal this. A snapshot's manifest stands
    /// outside the device's stream, so that no end of it says whether it was made in time: it counts while
    /// its author is a member.
    [[nodiscard]] bool admits(const envelope_header& head) const;

    /// Returns the envelope of `payload` under `head`, whose epoch, nonce and ciphertext_bytes are filled in
    /// here. \errors limit_exceeded above limits::envelope_payload_bytes_max; invalid_argument for another
    /// vault or device; device_revoked when this device is no member
    [[nodiscard]] result<bytes> seal(const envelope_header& head, bytes_view payload);

    /// Returns the payload of `envelope`.
    /// \errors malformed_envelope, unknown_format_version, authentication_failed (another vault, an author
    /// who is not admitted or did not sign it included).
    [[nodiscard]] result<bytes> open(bytes_view envelope) const;

    [[nodiscard]] std::uint32_t members_count() const noexcept {
        return static_cast<std::uint32_t>(members_.entries().size());
    }
    /// Returns the hash of the last of the first `count` entries, zeros for none of them; nothing for more
    /// than are known.
    [[nodiscard]] std::optional<digest256> members_head(std::uint32_t count) const;

    /// Returns SHA-256 of `data`.
    [[nodiscard]] digest256 digest(bytes_view data) const;

 private:
    member_list members_;
    vault_key_ring keys_;
    key256 signing_;
    device_keys self_;
    device_id device_;
};

static_assert(cipher<vault_cipher>);

}  // namespace casasync::openssl
