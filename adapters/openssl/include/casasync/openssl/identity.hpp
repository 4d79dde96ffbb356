// SPDX-License-Identifier: MIT
#pragma once

/// What a device is: two pairs of keys, one to sign with, one to receive keys by. They never change.
/// Sources: RFC 8032 (Ed25519), RFC 7748 (X25519).
#include <casasync/members.hpp>
#include <casasync/openssl/aead.hpp>
#include <casasync/result.hpp>

namespace casasync::openssl {

/// Returns the public key of an Ed25519 secret.
[[nodiscard]] public_key signing_public(const key256& secret);
/// Returns the public key of an X25519 secret.
[[nodiscard]] public_key agreement_public(const key256& secret);
[[nodiscard]] signature512 sign(const key256& secret, bytes_view message);
/// Tells whether `s` is the signature of `message` under `key`. Thread-safe: pure.
[[nodiscard]] bool is_signed(const public_key& key, bytes_view message, const signature512& s);
/// Returns the secret that two devices share. \errors authentication_failed for a public key that gives a
/// secret anybody knows
[[nodiscard]] result<key256> agree(const key256& secret, const public_key& other);

/// Models member_verifier.
struct verifier {
    [[nodiscard]] digest256 digest(bytes_view data) const;
    [[nodiscard]] bool is_signed(const public_key& key, bytes_view message, const signature512& s) const;
};
static_assert(member_verifier<verifier>);

/// The secrets of one device.
struct device_identity {
    key256 signing{};    ///< Ed25519
    key256 agreement{};  ///< X25519

    template <class Random>
    [[nodiscard]] static device_identity make(Random& random) {
        device_identity out;
        random.fill(out.signing);
        random.fill(out.agreement);
        return out;
    }
    [[nodiscard]] device_keys public_keys() const;
    [[nodiscard]] device_id id() const;

    friend bool operator==(const device_identity&, const device_identity&) = default;
};

}  // namespace casasync::openssl
