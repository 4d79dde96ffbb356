// SPDX-License-Identifier: MIT
#pragma once

/// 128-bit identities as distinct types: a vault, a device, a replica, a snapshot, a mailbox, one life of a
/// relay's log.
#include <casasync/bytes.hpp>
#include <casasync/detail/byte_order.hpp>
#include <casasync/result.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace casasync {

/// Sixteen bytes, ordered as unsigned bytes. `Tag` only keeps one kind from passing for another.
template <class Tag>
struct id128 {
    std::array<std::uint8_t, 16> octets{};

    friend constexpr bool operator==(const id128& a, const id128& b) noexcept {
        const auto x = a.words(), y = b.words();
        return x[0] == y[0] && x[1] == y[1];
    }
    friend constexpr std::strong_ordering operator<=>(const id128& a, const id128& b) noexcept {
        const auto x = a.words(), y = b.words();
        if (x[0] == y[0]) return in_order(x[1]) <=> in_order(y[1]);
        return in_order(x[0]) < in_order(y[0]) ? std::strong_ordering::less : std::strong_ordering::greater;
    }

    [[nodiscard]] constexpr bool is_zero() const noexcept { return *this == id128{}; }
    [[nodiscard]] bytes_view view() const noexcept { return octets; }
    /// Returns the id as 22 characters of base64url.
    [[nodiscard]] std::string text() const { return to_base64url(octets); }

    /// Returns the id of exactly 16 bytes. \errors malformed_text for another length.
    [[nodiscard]] static result<id128> from(bytes_view data) {
        if (data.size() != 16) return errc::malformed_text;
        id128 id;
        std::copy(data.begin(), data.end(), id.octets.begin());
        return id;
    }
    /// Returns the id written by text(). \errors malformed_text.
    [[nodiscard]] static result<id128> parse(std::string_view text) {
        if (text.size() != 22) return errc::malformed_text;
        auto data = from_base64url(text);
        if (!data) return data.failure();
        return from(*data);
    }
    /// Returns a fresh id from `random`, which models `random_source` (environment.hpp).
    template <class Random>
    [[nodiscard]] static id128 make(Random& random) {
        id128 id;
        random.fill(id.octets);
        return id;
    }

 private:
    [[nodiscard]] constexpr std::array<std::uint64_t, 2> words() const noexcept {
        return std::bit_cast<std::array<std::uint64_t, 2>>(octets);
    }
    /// A word as a number that compares as its octets do.
    [[nodiscard]] static constexpr std::uint64_t in_order(std::uint64_t word) noexcept {
        return std::endian::native == std::endian::big ? word : detail::swap_bytes(word);
    }
};

using vault_id = id128<struct vault_tag>;
using device_id = id128<struct device_tag>;    ///< one install; owns one dense stream of sequence numbers
using replica_id = id128<struct replica_tag>;  ///< what stamps carry; a device may own several
using snapshot_id = id128<struct snapshot_tag>;
using mailbox_id = id128<struct mailbox_tag>;
using generation_id = id128<struct generation_tag>;  ///< one life of a vault's log at one relay

}  // namespace casasync
