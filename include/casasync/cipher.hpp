// SPDX-License-Identifier: MIT
#pragma once

/// What makes a relay blind: seals payloads into envelopes and opens them again. adapters/openssl has the
/// real one.
#include <casasync/bytes.hpp>
#include <casasync/envelope.hpp>
#include <casasync/result.hpp>

#include <concepts>
#include <cstdint>
#include <optional>

namespace casasync {

/// The compiler checks the names; a model also promises:
///  - admits tells whether members take an envelope under this header: its author was one when it could be
///    sealed, as far as the list of them says that is known here (members.hpp);
///  - seal fills in epoch, nonce and ciphertext_bytes, binds the other header fields as associated data,
///  pads,
///    and never makes the same envelope twice; device_revoked when this device is no member any more;
///  - open returns exactly the payload that the header's device sealed under this header, or
///    authentication_failed, for one that is not admitted as well;
///  - members_count() is how many entries of that list are known here, members_head(n) the hash of the last
///  of
///    the first n, nothing for more than are known;
///  - digest is SHA-256.
template <class C>
concept cipher = requires(C& c, const C& view, const envelope_header& head, bytes_view data,
                          std::uint32_t count) {
    { view.admits(head) } -> std::same_as<bool>;
    { view.members_count() } -> std::same_as<std::uint32_t>;
    { view.members_head(count) } -> std::same_as<std::optional<digest256>>;
    { c.seal(head, data) } -> std::same_as<result<bytes>>;
    { view.open(data) } -> std::same_as<result<bytes>>;
    { view.digest(data) } -> std::same_as<digest256>;
};

}  // namespace casasync
