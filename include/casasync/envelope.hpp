// SPDX-License-Identifier: MIT
#pragma once

/// A sealed changeset: ciphertext behind a header that tells a relay just what it needs to store and order
/// it. Layout, integers big-endian; the first 60 bytes keep their places in every later version:
///
///      0 "CS1\0"   4 version u8   5 kind u8   6 suite u8   7 flags u8 = 0
///      8 vault[16]   24 device[16]   40 epoch u32   44 part u16   46 parts u16   48 seq u64   56 max_hour
///      u32
///     60 nonce[24]   84 ciphertext length u32   88 ciphertext   then tag[16]
#include <casasync/bytes.hpp>
#include <casasync/ids.hpp>
#include <casasync/limits.hpp>
#include <casasync/result.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace casasync {

/// SHA-256 of something; which something is said where it is used.
using digest256 = std::array<std::uint8_t, 32>;

enum class envelope_kind : std::uint8_t {
    changeset = 1,
    snapshot_manifest = 2,  ///< outside the device's stream: seq 0
    heartbeat = 3,          ///< an empty changeset: tells what its author has merged
};

/// How the ciphertext was made; the author's Ed25519 signature is inside. 1 is reserved for one behind the
/// tag.
enum class envelope_suite : std::uint8_t { xaes_256_gcm = 2 };

inline constexpr std::size_t envelope_header_bytes = 88;
inline constexpr std::size_t envelope_authenticated_bytes =
    60;  ///< the part of the header bound as associated data
inline constexpr std::size_t envelope_tag_bytes = 16;
inline constexpr std::size_t envelope_overhead_bytes = envelope_header_bytes + envelope_tag_bytes;
inline constexpr std::uint8_t envelope_version = 1;

/// What anybody may read of an envelope. Authenticated together with the ciphertext.
struct envelope_header {
    std::uint8_t version = envelope_version;
    envelope_kind kind = envelope_kind::changeset;
    envelope_suite suite = envelope_suite::xaes_256_gcm;
    vault_id vault{};
    device_id device{};          ///< the author
    std::uint32_t epoch = 1;     ///< which vault key
    std::uint16_t part = 0;      ///< 0 .. parts - 1: place in the group that carries one changeset
    std::uint16_t parts = 1;     ///< 1 .. 64
    std::uint64_t seq = 0;       ///< dense from 1 for each device
    std::uint32_t max_hour = 0;  ///< hours since 1970 of the greatest stamp inside, rounded up; 0: no stamp
    std::array<std::uint8_t, 24> nonce{};
    std::uint32_t ciphertext_bytes = 0;

    friend bool operator==(const envelope_header&, const envelope_header&) = default;
};

namespace detail {
template <class Int>
constexpr void put_be(std::uint8_t* at, Int v) noexcept {
    for (std::size_t i = 0; i < sizeof(Int); ++i)
        at[i] = static_cast<std::uint8_t>(static_cast<std::uint64_t>(v) >> (8 * (sizeof(Int) - 1 - i)));
}
template <class Int>
[[nodiscard]] constexpr Int get_be(const std::uint8_t* at) noexcept {
    std::uint64_t v = 0;
    for (std::size_t i = 0; i < sizeof(Int); ++i) v = (v << 8) | at[i];
    return static_cast<Int>(v);
}
}  // namespace detail

/// Returns the 88 header bytes of `h`. \cost O(1), no allocation. Thread-safe: pure.
[[nodiscard]] inline std::array<std::uint8_t, envelope_header_bytes> encode_header(
    const envelope_header& h) noexcept {
    std::array<std::uint8_t, envelope_header_bytes> b{'C', 'S', '1', 0};
    b[4] = h.version;
    b[5] = static_cast<std::uint8_t>(h.kind);
    b[6] = static_cast<std::uint8_t>(h.suite);
    std::copy(h.vault.octets.begin(), h.vault.octets.end(), b.begin() + 8);
    std::copy(h.device.octets.begin(), h.device.octets.end(), b.begin() + 24);
    detail::put_be(&b[40], h.epoch);
    detail::put_be(&b[44], h.part);
    detail::put_be(&b[46], h.parts);
    detail::put_be(&b[48], h.seq);
    detail::put_be(&b[56], h.max_hour);
    std::copy(h.nonce.begin(), h.nonce.end(), b.begin() + 60);
    detail::put_be(&b[84], h.ciphertext_bytes);
    return b;
}

/// Returns the header of a whole envelope: the lengths fit, the parts make sense. It says nothing of the
/// ciphertext. \errors malformed_envelope; unknown_format_version for a version, kind or suite of a newer
/// casasync.
[[nodiscard]] inline result<envelope_header> decode_header(bytes_view envelope) {
    if (envelope.size() < envelope_overhead_bytes || envelope.size() > limits::envelope_bytes_max)
        return errc::malformed_envelope;
    const std::uint8_t* b = envelope.data();
    if (b[0] != 'C' || b[1] != 'S' || b[2] != '1' || b[3] != 0) return errc::malformed_envelope;
    if (b[4] != envelope_version || b[5] < 1 || b[5] > 3 || b[6] != 2 || b[7] != 0)
        return errc::unknown_format_version;
    envelope_header h;
    h.kind = static_cast<envelope_kind>(b[5]);
    std::copy(b + 8, b + 24, h.vault.octets.begin());
    std::copy(b + 24, b + 40, h.device.octets.begin());
    h.epoch = detail::get_be<std::uint32_t>(b + 40);
    h.part = detail::get_be<std::uint16_t>(b + 44);
    h.parts = detail::get_be<std::uint16_t>(b + 46);
    h.seq = detail::get_be<std::uint64_t>(b + 48);
    h.max_hour = detail::get_be<std::uint32_t>(b + 56);
    std::copy(b + 60, b + 84, h.nonce.begin());
    h.ciphertext_bytes = detail::get_be<std::uint32_t>(b + 84);
    if (h.ciphertext_bytes != envelope.size() - envelope_overhead_bytes) return errc::malformed_envelope;
    if (h.parts < 1 || h.parts > limits::group_parts_max || h.part >= h.parts)
        return errc::malformed_envelope;
    const bool in_stream = h.kind != envelope_kind::snapshot_manifest;
    if (in_stream != (h.seq > 0) || h.seq >= (std::uint64_t{1} << 53)) return errc::malformed_envelope;
    return h;
}

}  // namespace casasync
