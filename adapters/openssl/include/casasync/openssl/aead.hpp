// SPDX-License-Identifier: MIT
#pragma once

/// XAES-256-GCM: authenticated encryption whose 192-bit nonces may be random, also after a restored backup.
/// Source: C2SP, "XAES-256-GCM", https://c2sp.org/XAES-256-GCM.
#include <casasync/bytes.hpp>
#include <casasync/result.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace casasync::openssl {

using key256 = std::array<std::uint8_t, 32>;
using nonce192 = std::array<std::uint8_t, 24>;

inline constexpr std::size_t aead_tag_bytes = 16;

/// Returns the key of exactly 32 bytes. \errors malformed_text for another length.
[[nodiscard]] result<key256> to_key256(bytes_view data);

/// Returns ciphertext || tag[16], 16 bytes longer than `plaintext`. A nonce must never seal two texts under
/// one key. \errors limit_exceeded above 2^30 bytes. Thread-safe: pure.
[[nodiscard]] result<bytes> aead_seal(const key256& key, const nonce192& nonce, bytes_view aad,
                                      bytes_view plaintext);

/// Returns the plaintext that was sealed with exactly this key, nonce and `aad`.
/// \errors authentication_failed for anything else. Thread-safe: pure.
[[nodiscard]] result<bytes> aead_open(const key256& key, const nonce192& nonce, bytes_view aad,
                                      bytes_view sealed);

}  // namespace casasync::openssl
