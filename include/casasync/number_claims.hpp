// SPDX-License-Identifier: MIT
#pragma once

/// Who keeps a number. Two devices that hand out the same number offline mean two rows; a row is known by its
/// identity, the number is a field of it, and which number each row gets is a function of the registers
/// alone, so that it is the same on every device, whatever arrived first.
///
/// Claims are processed in the order of the number field's stamp: of rows that were there when the vault
/// began first, then what people wrote, then what a device brought along or its app made by itself. A row
/// that gets its number holds it from its claim to its DELETE; a claim made in between loses for good, also
/// after that DELETE: a row that once showed another number does not move back by itself. A loser gets
/// numbers derived from its identity, attempt by attempt; a holder of an earlier attempt is never disturbed.
#include <casasync/bytes.hpp>
#include <casasync/detail/hash.hpp>
#include <casasync/stamp.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <numeric>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace casasync {

/// What a row's registers say about its number.
struct number_claim {
    bytes identity{};                      ///< the row's key in the registers; no two claims have the same
    std::optional<std::int64_t> wanted{};  ///< the number field; none when it holds no integer
    stamp when{};                          ///< who wrote the number field
    std::optional<stamp> until{};          ///< the row's DELETE; none while the row is visible
};

/// Returns the number an identity gets when its own is taken: in (-2^53, -2^52], which a double holds
/// exactly. Negative, because SQLite's next automatic number is one more than the greatest. \param attempt
/// from 1
[[nodiscard]] inline std::int64_t derived_number(bytes_view identity, std::uint64_t attempt) noexcept {
    constexpr std::int64_t first = std::int64_t{1} << 52;
    const detail::u128 hash = detail::hash128(identity, {attempt, 0});
    return -first - static_cast<std::int64_t>(hash.low & static_cast<std::uint64_t>(first - 1));
}

/// True when `a` is processed before `b`. No two claims are equal in this order.
[[nodiscard]] inline bool claims_before(const number_claim& a, const number_claim& b) noexcept {
    const auto rank = [](const stamp& s) { return s == band::adopted ? 0 : s.when < band::adopt ? 2 : 1; };
    if (rank(a.when) != rank(b.when)) return rank(a.when) < rank(b.when);
    if (a.when != b.when) return a.when < b.when;
    return a.identity < b.identity;
}

/// Returns the number of each row, in the order of `claims`; that of a deleted row is the one it held.
///
/// `claims` is closed: with a row it has every row, deleted ones included, that wants or holds a number this
/// one wants or may get. Numbers of visible rows are distinct. \cost O(n log n) but for rows that want one
/// number; those are compared with each other. Thread-safe: pure.
[[nodiscard]] inline std::vector<std::int64_t> settle_numbers(std::span<const number_claim> claims) {
    struct holding {
        std::uint64_t attempt = 0;
        const number_claim* by = nullptr;
    };
    std::vector<std::int64_t> out(claims.size());
    std::vector<std::size_t> open(claims.size());
    std::iota(open.begin(), open.end(), std::size_t{0});
    std::sort(open.begin(), open.end(),
              [&](std::size_t a, std::size_t b) { return claims_before(claims[a], claims[b]); });
    std::map<std::int64_t, std::vector<holding>> held;
    for (std::uint64_t attempt = 0; !open.empty(); ++attempt) {
        std::vector<std::size_t> losers;
        for (const std::size_t i : open) {
            const number_claim& claim = claims[i];
            if (attempt == 0 && !claim.wanted) {
                losers.push_back(i);
                continue;
            }
            const std::int64_t number =
                attempt == 0 ? *claim.wanted : derived_number(claim.identity, attempt);
            std::vector<holding>& holders = held[number];
            const bool taken = std::any_of(holders.begin(), holders.end(), [&](const holding& h) {
                return h.attempt < attempt || !h.by->until || claim.when < *h.by->until;
            });
            if (taken) {
                losers.push_back(i);
                continue;
            }
            holders.push_back({attempt, &claim});
            out[i] = number;
        }
        open = std::move(losers);
    }
    return out;
}

}  // namespace casasync
