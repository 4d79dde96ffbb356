// SPDX-License-Identifier: MIT
#pragma once

/// Signed requests, made by clients and checked by relays: docs/WIRE.md, "Signatures".
/// Source: RFC 9421 (HTTP Message Signatures) and RFC 9530 (Content-Digest), one fixed profile of them.
#include <casasync/bytes.hpp>
#include <casasync/envelope.hpp>
#include <casasync/ids.hpp>
#include <casasync/openssl/aead.hpp>
#include <casasync/result.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace casasync::openssl {

/// The parts of a request that a signature covers. Views into the caller's strings.
struct signed_parts {
    std::string_view method{};          ///< "GET"
    std::string_view authority{};       ///< lower case, without a default port
    std::string_view target{};          ///< path and query as sent: "/v1/vaults/...?after=0"
    std::string_view content_digest{};  ///< header value; empty: a request without a body
    std::string_view content_type{};    ///< header value; only with a body
    std::uint64_t ack = 0;              ///< the Casasync-Ack header

    [[nodiscard]] bool has_body() const noexcept { return !content_digest.empty(); }
};

/// Who signed, and when: the parameters of the signature.
struct signature_claims {
    std::uint64_t created = 0;  ///< unix seconds
    std::array<std::uint8_t, 16> nonce{};
    vault_id vault{};
    device_id device{};
    std::uint32_t key_version = 0;

    friend bool operator==(const signature_claims&, const signature_claims&) = default;
};

/// The values of the two header fields.
struct signature_fields {
    std::string input{};      ///< Signature-Input
    std::string signature{};  ///< Signature
};

/// Returns the text that is signed: RFC 9421, section 2.5. Lines end in \n, the last one does not.
[[nodiscard]] std::string signature_base(const signed_parts& parts, const signature_claims& claims);

/// Returns the header values of a request. `claims.nonce` must be fresh. Thread-safe: pure.
[[nodiscard]] signature_fields sign_request(const key256& key, const signed_parts& parts,
                                            const signature_claims& claims);

/// Returns what a Signature-Input value says. Only the exact text that sign_request writes is accepted, so
/// another component list, order, parameter, quoting or number form is an error.
/// \errors unauthenticated. Thread-safe: pure.
[[nodiscard]] result<signature_claims> parse_signature_input(std::string_view value, bool has_body);

/// Tells whether `signature`, a Signature value, is the one of these parts and claims under `key`; compares
/// in constant time. For an unknown device a relay calls this with a key of its own, so that the answer takes
/// as long. Thread-safe: pure.
[[nodiscard]] bool verify_request(const key256& key, const signed_parts& parts,
                                  const signature_claims& claims, std::string_view signature);

/// Returns the key a relay gives to a device, derived so that it need not be stored.
/// \param created unix seconds at which the relay made the device's row
[[nodiscard]] key256 derive_device_key(bytes_view master, vault_id vault, device_id device,
                                       std::uint32_t key_version, std::uint64_t created);

/// Returns what a device signs to attach to its vault at a relay. \param authority  as in signed_parts
[[nodiscard]] bytes attach_text(std::string_view authority, const digest256& body_hash);

/// Returns the value of a Content-Digest header: "sha-256=:...:".
[[nodiscard]] std::string content_digest(const digest256& body_hash);

/// Returns the hash in a Content-Digest value. Only the form that content_digest writes is accepted.
/// \errors malformed_text.
[[nodiscard]] result<digest256> parse_content_digest(std::string_view value);

}  // namespace casasync::openssl
