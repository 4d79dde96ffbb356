// SPDX-License-Identifier: MIT
#pragma once

/// A place in a relay's log: everything up to it is stored in this device's own file.
#include <casasync/envelope.hpp>
#include <casasync/ids.hpp>

#include <algorithm>
#include <array>
#include <cstdint>

namespace casasync {

/// Pins the log's life and its running hash, so that a relay that was wiped, or rolled back and filled again,
/// shows. log(0) = 32 zero bytes, log(pos) = SHA-256(log(pos - 1) || SHA-256(envelope at pos)).
struct cursor {
    generation_id generation{};  ///< zero: this device has never pulled
    std::uint64_t pos = 0;
    digest256 log{};

    friend bool operator==(const cursor&, const cursor&) = default;
};

/// Returns the running hash one record further. `Hash` is SHA-256: bytes_view -> digest256.
template <class Hash>
[[nodiscard]] digest256 advance_log(const digest256& log, const digest256& envelope, Hash&& hash) {
    std::array<std::uint8_t, 64> both{};
    std::copy(log.begin(), log.end(), both.begin());
    std::copy(envelope.begin(), envelope.end(), both.begin() + 32);
    return hash(bytes_view(both));
}

}  // namespace casasync
