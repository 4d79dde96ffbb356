// SPDX-License-Identifier: MIT
#pragma once

/// What a device says with each part of a changeset, under the same signature: which part of its own it sent
/// before, and how long the list of the vault's devices is that it knows. A relay that keeps something back
/// from one reader, or a device that became two, is found out by what comes next.
///
///     payload of an envelope = link[32] || members u32 || members head[32] || part
#include <casasync/bytes.hpp>
#include <casasync/envelope.hpp>
#include <casasync/ids.hpp>
#include <casasync/limits.hpp>
#include <casasync/result.hpp>

#include <algorithm>
#include <cstdint>

namespace casasync {

struct part_front {
    digest256 link{};  ///< of the part before; zeros for a device's first part, or when it is not known
    std::uint32_t members = 0;  ///< entries of the list of devices
    digest256 members_head{};   ///< hash of the last of them

    friend bool operator==(const part_front&, const part_front&) = default;
};

/// Where a device's stream ends, as far as it came here.
struct stream_mark {
    std::uint64_t seq = 0;
    digest256 link{};  ///< of that part; zeros: not known
};

inline constexpr std::size_t part_front_bytes = limits::part_front_bytes;

[[nodiscard]] inline bytes with_front(const part_front& front, bytes_view part) {
    bytes out(part_front_bytes + part.size());
    auto at = std::copy(front.link.begin(), front.link.end(), out.begin());
    detail::put_be(&*at, front.members);
    at = std::copy(front.members_head.begin(), front.members_head.end(), at + 4);
    std::copy(part.begin(), part.end(), at);
    return out;
}

/// Takes the front off a payload; what is left is the part. \errors malformed_changeset
[[nodiscard]] inline result<part_front> take_front(bytes& payload) {
    if (payload.size() < part_front_bytes) return errc::malformed_changeset;
    part_front out;
    std::copy_n(payload.begin(), 32, out.link.begin());
    out.members = detail::get_be<std::uint32_t>(&payload[32]);
    std::copy_n(payload.begin() + 36, 32, out.members_head.begin());
    payload.erase(payload.begin(), payload.begin() + static_cast<std::ptrdiff_t>(part_front_bytes));
    return out;
}

/// Returns the link of a part: it names what is in it and, through the part before, all that came before it.
/// `Hash` is SHA-256: bytes_view -> digest256. \cost O(part), two short copies.
template <class Hash>
[[nodiscard]] digest256 link_of(const device_id& device, std::uint64_t seq, const digest256& before,
                                bytes_view part, Hash&& hash) {
    constexpr std::string_view label = "casasync/v1/link";
    const digest256 content = hash(part);
    bytes text(label.begin(), label.end());
    text.insert(text.end(), device.octets.begin(), device.octets.end());
    text.resize(text.size() + 8);
    detail::put_be(&text[text.size() - 8], seq);
    text.insert(text.end(), before.begin(), before.end());
    text.insert(text.end(), content.begin(), content.end());
    return hash(bytes_view(text));
}

}  // namespace casasync
