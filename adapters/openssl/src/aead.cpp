// SPDX-License-Identifier: MIT
#include <casasync/openssl/aead.hpp>

#include "require.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <memory>

namespace casasync::openssl {
namespace {

constexpr std::size_t text_bytes_max = std::size_t{1} << 30;  // OpenSSL counts in int
constexpr std::size_t gcm_nonce_bytes = 12;

using block = std::array<std::uint8_t, 16>;

struct context_deleter {
    void operator()(EVP_CIPHER_CTX* c) const noexcept { EVP_CIPHER_CTX_free(c); }
};
using context = std::unique_ptr<EVP_CIPHER_CTX, context_deleter>;

context make_context() {
    context c(EVP_CIPHER_CTX_new());
    require(c != nullptr);
    return c;
}

/// Encrypts one block under the key of `ecb`.
block aes(EVP_CIPHER_CTX* ecb, const block& in) {
    block out{};
    int n = 0;
    require(EVP_EncryptUpdate(ecb, out.data(), &n, in.data(), static_cast<int>(in.size())) == 1 && n == 16);
    return out;
}

/// Returns the AES-256-GCM key for the first half of `nonce`: two blocks of CMAC (NIST SP 800-108r1).
key256 derive_key(const key256& key, const nonce192& nonce) {
    const context ecb = make_context();
    require(EVP_EncryptInit_ex(ecb.get(), EVP_aes_256_ecb(), nullptr, key.data(), nullptr) == 1);
    require(EVP_CIPHER_CTX_set_padding(ecb.get(), 0) == 1);
    const block l = aes(ecb.get(), block{});
    block k1{};
    for (std::size_t i = 0; i < 16; ++i)
        k1[i] = static_cast<std::uint8_t>((l[i] << 1) | (i < 15 ? l[i + 1] >> 7 : 0));
    k1[15] = static_cast<std::uint8_t>(k1[15] ^ ((l[0] >> 7) * 0x87));
    key256 out{};
    for (std::uint8_t half = 0; half < 2; ++half) {
        block m{0, static_cast<std::uint8_t>(half + 1), 'X', 0};
        std::copy_n(nonce.begin(), 12, m.begin() + 4);
        for (std::size_t i = 0; i < 16; ++i) m[i] = static_cast<std::uint8_t>(m[i] ^ k1[i]);
        const block part = aes(ecb.get(), m);
        std::copy(part.begin(), part.end(), out.begin() + std::ptrdiff_t{16} * half);
    }
    return out;
}

/// Starts AES-256-GCM in one direction: key, nonce and associated data are taken in.
context start_gcm(const key256& key, const nonce192& nonce, bytes_view aad, bool sealing) {
    key256 derived = derive_key(key, nonce);
    context gcm = make_context();
    const std::uint8_t* iv = nonce.data() + (nonce.size() - gcm_nonce_bytes);
    require(EVP_CipherInit_ex(gcm.get(), EVP_aes_256_gcm(), nullptr, derived.data(), iv, sealing ? 1 : 0) ==
            1);
    OPENSSL_cleanse(derived.data(), derived.size());
    int n = 0;
    if (!aad.empty())
        require(EVP_CipherUpdate(gcm.get(), nullptr, &n, aad.data(), static_cast<int>(aad.size())) == 1);
    return gcm;
}

/// Runs `in` through the cipher into `out`, which has room for as much.
void update(EVP_CIPHER_CTX* gcm, bytes_view in, std::uint8_t* out) {
    int n = 0;
    if (!in.empty())
        require(EVP_CipherUpdate(gcm, out, &n, in.data(), static_cast<int>(in.size())) == 1 &&
                static_cast<std::size_t>(n) == in.size());
}

}  // namespace

result<key256> to_key256(bytes_view data) {
    if (data.size() != 32) return errc::malformed_text;
    key256 key{};
    std::copy(data.begin(), data.end(), key.begin());
    return key;
}

result<bytes> aead_seal(const key256& key, const nonce192& nonce, bytes_view aad, bytes_view plaintext) {
    if (plaintext.size() > text_bytes_max || aad.size() > text_bytes_max) return errc::limit_exceeded;
    const context gcm = start_gcm(key, nonce, aad, true);
    bytes out(plaintext.size() + aead_tag_bytes);
    update(gcm.get(), plaintext, out.data());
    int n = 0;
    std::uint8_t* tag = out.data() + plaintext.size();
    require(EVP_CipherFinal_ex(gcm.get(), tag, &n) == 1);
    require(EVP_CIPHER_CTX_ctrl(gcm.get(), EVP_CTRL_GCM_GET_TAG, aead_tag_bytes, tag) == 1);
    return out;
}

result<bytes> aead_open(const key256& key, const nonce192& nonce, bytes_view aad, bytes_view sealed) {
    if (sealed.size() < aead_tag_bytes || sealed.size() > text_bytes_max + aead_tag_bytes ||
        aad.size() > text_bytes_max)
        return errc::authentication_failed;
    const bytes_view text = sealed.first(sealed.size() - aead_tag_bytes);
    std::array<std::uint8_t, aead_tag_bytes> tag{};
    std::copy(sealed.end() - aead_tag_bytes, sealed.end(), tag.begin());
    const context gcm = start_gcm(key, nonce, aad, false);
    bytes out(text.size());
    update(gcm.get(), text, out.data());
    require(EVP_CIPHER_CTX_ctrl(gcm.get(), EVP_CTRL_GCM_SET_TAG, aead_tag_bytes, tag.data()) == 1);
    int n = 0;
    std::array<std::uint8_t, 16> rest{};
    if (EVP_CipherFinal_ex(gcm.get(), rest.data(), &n) != 1) return errc::authentication_failed;
    return out;
}

}  // namespace casasync::openssl
