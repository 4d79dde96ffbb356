// SPDX-License-Identifier: MIT
#pragma once

/// Seals a short text for the one who holds an X25519 secret: HPKE in base mode, one message a key, suite
/// DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. Source: RFC 9180.
#include <casasync/members.hpp>
#include <casasync/openssl/aead.hpp>
#include <casasync/openssl/random.hpp>
#include <casasync/result.hpp>

namespace casasync::openssl {

inline constexpr std::size_t hpke_overhead_bytes = 32 + aead_tag_bytes;

/// What both sides have to name alike.
struct hpke_context {
    bytes_view info{};
    bytes_view aad{};
};

/// Returns public key[32] || ciphertext || tag[16]. `ephemeral` is random and used once.
/// \errors authentication_failed for a recipient's key that is none
[[nodiscard]] result<bytes> hpke_seal(const public_key& recipient, const key256& ephemeral,
                                      const hpke_context& about, bytes_view text);

/// Returns the text. \errors authentication_failed
[[nodiscard]] result<bytes> hpke_open(const key256& secret, const hpke_context& about, bytes_view sealed);

}  // namespace casasync::openssl
