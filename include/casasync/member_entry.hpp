// SPDX-License-Identifier: MIT
#pragma once

/// One line of the list of a vault's devices: who was added, who was removed. Each is signed by a device that
/// is in the list, and names the one before by its hash. Layout, integers big-endian, lists in rising order
/// of device:
///
///      0 "CSD" version u8 = 1   4 kind u8   5 index u32   9 previous entry's SHA-256[32]   41 vault[16]
///     57 signer[16]   73 created u64   81 what the kind has   then signature[64]
///
///     first   keys[64]   key check[32]
///     add     keys[64]
///     kit     keys[64]
///     copy    keys[64]
///     rotate  key check[32]   previous vault key, sealed[72]
///             count u8, removed devices[16]   count u8, {device[16] seq u64}   count u8, {device[16]
///             key[80]}
#include <casasync/bytes.hpp>
#include <casasync/detail/wire.hpp>
#include <casasync/envelope.hpp>
#include <casasync/ids.hpp>
#include <casasync/limits.hpp>
#include <casasync/result.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace casasync {

using public_key = std::array<std::uint8_t, 32>;
using signature512 = std::array<std::uint8_t, 64>;

/// What others know of a device's keys. Its id is their hash, so nobody can give it other ones.
struct device_keys {
    public_key signing{};    ///< Ed25519
    public_key agreement{};  ///< X25519

    friend bool operator==(const device_keys&, const device_keys&) = default;
};

enum class member_entry_kind : std::uint8_t {
    first = 1,   ///< makes the vault; the signer adds itself
    add = 2,     ///< adds a device
    rotate = 3,  ///< removes devices, perhaps none, and begins an epoch with a new vault key
    kit = 4,     ///< adds a device that exists on paper alone: a recovery kit
    copy = 5,    ///< adds a device that is a copy of the signer's, under keys of its own
};

/// Tells whether an epoch begins with an entry of this kind, and with it a vault key.
[[nodiscard]] constexpr bool has_vault_key(member_entry_kind kind) noexcept {
    return kind == member_entry_kind::first || kind == member_entry_kind::rotate;
}

/// How far a device's stream goes in an epoch that ended.
struct stream_end {
    device_id device{};
    std::uint64_t seq = 0;  ///< of its last envelope; 0: none

    friend bool operator==(const stream_end&, const stream_end&) = default;
};

/// The new vault key, sealed for one device.
struct sealed_vault_key {
    device_id device{};
    std::array<std::uint8_t, 80> sealed{};

    friend bool operator==(const sealed_vault_key&, const sealed_vault_key&) = default;
};

struct member_entry {
    member_entry_kind kind = member_entry_kind::first;
    std::uint32_t index = 0;
    digest256 previous{};  ///< SHA-256 of the whole entry before; zeros for the first
    vault_id vault{};      ///< zeros for the first, whose hash is the vault's id
    device_id signer{};
    std::uint64_t created = 0;  ///< unix seconds, signer's clock; for people

    device_keys keys{};     ///< first, add, kit, copy
    digest256 key_check{};  ///< first, rotate: what the vault key of the epoch hashes to

    // rotate
    std::array<std::uint8_t, 72> previous_key{};  ///< the vault key before, sealed by the new one
    std::vector<device_id> removed{};
    std::vector<stream_end> ends{};         ///< of all devices of the epoch that ends
    std::vector<sealed_vault_key> wraps{};  ///< for all that stay

    signature512 signature{};

    friend bool operator==(const member_entry&, const member_entry&) = default;
};

inline constexpr std::uint8_t member_entry_version = 1;
inline constexpr std::size_t member_entry_bytes_max = 8192;

namespace detail {

[[nodiscard]] inline device_id device_in(const device_id& d) noexcept {
    return d;
}
template <class Named>
[[nodiscard]] device_id device_in(const Named& n) noexcept {
    return n.device;
}

/// Tells whether each device comes once, in order.
template <class List>
[[nodiscard]] bool rises(const List& list) {
    return std::adjacent_find(list.begin(), list.end(), [](const auto& a, const auto& b) {
               return device_in(a) >= device_in(b);
           }) == list.end();
}

template <class Array>
void get_array(reader& r, Array& out) {
    const bytes_view v = r.raw(out.size());
    if (r.ok()) std::copy(v.begin(), v.end(), out.begin());
}

template <class Item, class Get>
std::vector<Item> get_devices(reader& r, Get get) {
    std::vector<Item> out(std::min<std::size_t>(r.u8(), limits::devices_max + 1));
    if (out.size() > limits::devices_max) r.fail();
    for (Item& one : out) get(one);
    if (!rises(out)) r.fail();
    return out;
}

inline void put_rotation(writer& w, const member_entry& e) {
    w.raw(e.previous_key);
    w.u8(static_cast<std::uint8_t>(e.removed.size()));
    for (const device_id& d : e.removed) w.raw(d.octets);
    w.u8(static_cast<std::uint8_t>(e.ends.size()));
    for (const stream_end& s : e.ends) {
        w.raw(s.device.octets);
        w.u64(s.seq);
    }
    w.u8(static_cast<std::uint8_t>(e.wraps.size()));
    for (const sealed_vault_key& k : e.wraps) {
        w.raw(k.device.octets);
        w.raw(k.sealed);
    }
}

inline void get_rotation(reader& r, member_entry& e) {
    get_array(r, e.previous_key);
    e.removed = get_devices<device_id>(r, [&r](device_id& d) { d = r.id<device_id>(); });
    e.ends = get_devices<stream_end>(r, [&r](stream_end& s) {
        s.device = r.id<device_id>();
        s.seq = r.u64();
    });
    e.wraps = get_devices<sealed_vault_key>(r, [&r](sealed_vault_key& k) {
        k.device = r.id<device_id>();
        get_array(r, k.sealed);
    });
}

}  // namespace detail

/// Returns the bytes of `e` before its signature. Each list has at most limits::devices_max members, in
/// order.
[[nodiscard]] inline bytes encode_unsigned(const member_entry& e) {
    bytes out;
    detail::writer w(out);
    w.raw(as_bytes("CSD"));
    w.u8(member_entry_version);
    w.u8(static_cast<std::uint8_t>(e.kind));
    for (int shift = 24; shift >= 0; shift -= 8) w.u8(static_cast<std::uint8_t>(e.index >> shift));
    w.raw(e.previous);
    w.raw(e.vault.octets);
    w.raw(e.signer.octets);
    w.u64(e.created);
    if (e.kind != member_entry_kind::rotate) {
        w.raw(e.keys.signing);
        w.raw(e.keys.agreement);
    }
    if (has_vault_key(e.kind)) w.raw(e.key_check);
    if (e.kind == member_entry_kind::rotate) detail::put_rotation(w, e);
    return out;
}

/// Returns what is signed: a label, so that the signature counts for nothing else, and the entry.
[[nodiscard]] inline bytes signed_bytes(bytes_view entry_unsigned) {
    const bytes_view label = as_bytes("casasync/v1/member");
    bytes out(label.begin(), label.end());
    out.insert(out.end(), entry_unsigned.begin(), entry_unsigned.end());
    return out;
}

[[nodiscard]] inline bytes encode(const member_entry& e) {
    bytes out = encode_unsigned(e);
    out.insert(out.end(), e.signature.begin(), e.signature.end());
    return out;
}

/// Returns the entry in `data`, whose only form this is. Nothing is verified.
/// \errors malformed_members; unknown_format_version for one of a newer casasync
[[nodiscard]] inline result<member_entry> decode_member_entry(bytes_view data) {
    if (data.size() > member_entry_bytes_max) return errc::malformed_members;
    detail::reader r(data);
    const bytes_view magic = r.raw(3);
    if (!r.ok() || !std::equal(magic.begin(), magic.end(), as_bytes("CSD").begin()))
        return errc::malformed_members;
    const std::uint8_t version = r.u8(), kind = r.u8();
    if (!r.ok()) return errc::malformed_members;
    if (version != member_entry_version || kind < 1 || kind > 5) return errc::unknown_format_version;
    member_entry e;
    e.kind = static_cast<member_entry_kind>(kind);
    std::array<std::uint8_t, 4> index{};
    detail::get_array(r, index);
    e.index = detail::get_be<std::uint32_t>(index.data());
    detail::get_array(r, e.previous);
    e.vault = r.id<vault_id>();
    e.signer = r.id<device_id>();
    e.created = r.u64();
    if (e.kind != member_entry_kind::rotate) {
        detail::get_array(r, e.keys.signing);
        detail::get_array(r, e.keys.agreement);
    }
    if (has_vault_key(e.kind)) detail::get_array(r, e.key_check);
    if (e.kind == member_entry_kind::rotate) detail::get_rotation(r, e);
    detail::get_array(r, e.signature);
    if (!r.done()) return errc::malformed_members;
    return e;
}

}  // namespace casasync
