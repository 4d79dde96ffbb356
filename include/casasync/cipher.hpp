// SPDX-License-Identifier: MIT
#pragma once

/// What makes a relay blind: seals payloads into envelopes and opens them again. adapters/openssl has the
/// real one.
#include <casasync/bytes.hpp>
#include <casasync/envelope.hpp>
#include <casasync/result.hpp>

#include <concepts>

namespace casasync {

/// The compiler checks the names; a model also promises:
///  - seal fills in nonce and ciphertext_bytes, binds the other header fields as associated data, pads, and
///  never
///    makes the same envelope twice;
///  - open returns exactly the payload that the header's device sealed under this header, or
///  authentication_failed;
///  - digest is SHA-256.
template <class C>
concept cipher = requires(C& c, const C& view, const envelope_header& head, bytes_view data) {
    { c.seal(head, data) } -> std::same_as<result<bytes>>;
    { view.open(data) } -> std::same_as<result<bytes>>;
    { view.digest(data) } -> std::same_as<digest256>;
};

}  // namespace casasync
