// SPDX-License-Identifier: MIT
#pragma once

/// Encrypts the content of a snapshot chunk by chunk, so that neither side ever holds it whole.
///
///     chunk = nonce[24] || ciphertext || tag[16]
///     aad   = snapshot id || index u32 || last u8
///
/// A chunk carries 65,536 bytes of content, the last one at most that.
/// A chunk that is moved, repeated, left out or cut off does not open. Source: the STREAM construction, Hoang
/// et al., "Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", 2015.
#include <casasync/bytes.hpp>
#include <casasync/ids.hpp>
#include <casasync/openssl/aead.hpp>
#include <casasync/result.hpp>

#include <cstddef>
#include <cstdint>

namespace casasync::openssl {

inline constexpr std::size_t snapshot_chunk_bytes = std::size_t{64} << 10;  ///< content of a chunk
inline constexpr std::size_t snapshot_chunk_overhead_bytes = sizeof(nonce192) + aead_tag_bytes;
inline constexpr std::size_t sealed_chunk_bytes = snapshot_chunk_bytes + snapshot_chunk_overhead_bytes;

/// Returns how many bytes `plain` bytes of content become. Empty content has one empty chunk.
[[nodiscard]] constexpr std::uint64_t sealed_size(std::uint64_t plain) noexcept {
    const std::uint64_t chunks =
        plain == 0 ? 1 : plain / snapshot_chunk_bytes + (plain % snapshot_chunk_bytes != 0 ? 1 : 0);
    return plain + chunks * snapshot_chunk_overhead_bytes;
}

/// Seals one snapshot's content in order. The key belongs to this snapshot alone. One thread at a time.
class snapshot_sealer {
 public:
    snapshot_sealer(const key256& key, snapshot_id id) noexcept;

    /// Returns the next chunk, sealed. Every chunk but the last has snapshot_chunk_bytes.
    /// \errors invalid_argument for another size, or after the last one.
    [[nodiscard]] result<bytes> chunk(bytes_view plain, bool last);

 private:
    key256 key_;
    snapshot_id id_;
    std::uint32_t index_ = 0;
    bool done_ = false;
};

/// Opens what a snapshot_sealer made, in the same order. One thread at a time.
class snapshot_opener {
 public:
    snapshot_opener(const key256& key, snapshot_id id) noexcept;

    /// Returns the content of the next chunk; `last` tells that no byte follows it.
    /// \errors authentication_failed; malformed_snapshot for a size no chunk has, or after the last one. An
    /// error changes nothing, so that the same chunk may be fetched and tried again.
    [[nodiscard]] result<bytes> chunk(bytes_view sealed, bool last);

 private:
    key256 key_;
    snapshot_id id_;
    std::uint32_t index_ = 0;
    bool done_ = false;
};

}  // namespace casasync::openssl
