// SPDX-License-Identifier: MIT
#include <casasync/openssl/identity.hpp>

#include "require.hpp"

#include <casasync/openssl/hash.hpp>

#include <openssl/evp.h>

#include <memory>

namespace casasync::openssl {
namespace {

struct evp_deleter {
    void operator()(EVP_PKEY* k) const noexcept { EVP_PKEY_free(k); }
    void operator()(EVP_PKEY_CTX* c) const noexcept { EVP_PKEY_CTX_free(c); }
    void operator()(EVP_MD_CTX* c) const noexcept { EVP_MD_CTX_free(c); }
};
using key_pair = std::unique_ptr<EVP_PKEY, evp_deleter>;
using signing_context = std::unique_ptr<EVP_MD_CTX, evp_deleter>;

key_pair private_key(int type, const key256& secret) {
    key_pair out(EVP_PKEY_new_raw_private_key(type, nullptr, secret.data(), secret.size()));
    require(out != nullptr);
    return out;
}

public_key public_of(int type, const key256& secret) {
    public_key out{};
    std::size_t size = out.size();
    require(EVP_PKEY_get_raw_public_key(private_key(type, secret).get(), out.data(), &size) == 1 &&
            size == out.size());
    return out;
}

signing_context make_signing_context() {
    signing_context out(EVP_MD_CTX_new());
    require(out != nullptr);
    return out;
}

}  // namespace

public_key signing_public(const key256& secret) {
    return public_of(EVP_PKEY_ED25519, secret);
}
public_key agreement_public(const key256& secret) {
    return public_of(EVP_PKEY_X25519, secret);
}

signature512 sign(const key256& secret, bytes_view message) {
    const key_pair key = private_key(EVP_PKEY_ED25519, secret);
    const signing_context c = make_signing_context();
    signature512 out{};
    std::size_t size = out.size();
    require(EVP_DigestSignInit(c.get(), nullptr, nullptr, nullptr, key.get()) == 1);
    require(EVP_DigestSign(c.get(), out.data(), &size, message.data(), message.size()) == 1 &&
            size == out.size());
    return out;
}

bool is_signed(const public_key& key, bytes_view message, const signature512& s) {
    const key_pair of(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, key.data(), key.size()));
    require(of != nullptr);
    const signing_context c = make_signing_context();
    require(EVP_DigestVerifyInit(c.get(), nullptr, nullptr, nullptr, of.get()) == 1);
    return EVP_DigestVerify(c.get(), s.data(), s.size(), message.data(), message.size()) == 1;
}

result<key256> agree(const key256& secret, const public_key& other) {
    const key_pair mine = private_key(EVP_PKEY_X25519, secret);
    const key_pair theirs(EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, other.data(), other.size()));
    require(theirs != nullptr);
    const std::unique_ptr<EVP_PKEY_CTX, evp_deleter> c(EVP_PKEY_CTX_new(mine.get(), nullptr));
    require(c != nullptr && EVP_PKEY_derive_init(c.get()) == 1 &&
            EVP_PKEY_derive_set_peer(c.get(), theirs.get()) == 1);
    key256 out{};
    std::size_t size = out.size();
    if (EVP_PKEY_derive(c.get(), out.data(), &size) != 1) return errc::authentication_failed;
    return out;
}

digest256 verifier::digest(bytes_view data) const {
    return sha256(data);
}
bool verifier::is_signed(const public_key& key, bytes_view message, const signature512& s) const {
    return openssl::is_signed(key, message, s);
}

device_keys device_identity::public_keys() const {
    return {signing_public(signing), agreement_public(agreement)};
}
device_id device_identity::id() const {
    return device_of(public_keys(), verifier{});
}

}  // namespace casasync::openssl
