// SPDX-License-Identifier: MIT
#include <casasync/openssl/hpke.hpp>

#include "require.hpp"

#include <casasync/openssl/hash.hpp>
#include <casasync/openssl/identity.hpp>

#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <string_view>

namespace casasync::openssl {
namespace {

constexpr std::string_view kem_suite("KEM\0\x20", 5);
constexpr std::string_view hpke_suite("HPKE\0\x20\0\x01\0\x02", 10);

void append(bytes& to, bytes_view what) {
    to.insert(to.end(), what.begin(), what.end());
}

digest256 labeled_extract(std::string_view suite, bytes_view salt, std::string_view label, bytes_view ikm) {
    bytes all;
    for (const bytes_view part : {as_bytes("HPKE-v1"), as_bytes(suite), as_bytes(label), ikm})
        append(all, part);
    return hmac_sha256(salt, all);
}

/// Returns the first `size` (at most 32) bytes of LabeledExpand.
bytes labeled_expand(std::string_view suite, const digest256& key, std::string_view label, bytes_view info,
                     std::uint8_t size) {
    bytes all{0, size};
    for (const bytes_view part : {as_bytes("HPKE-v1"), as_bytes(suite), as_bytes(label), info})
        append(all, part);
    all.push_back(1);
    const digest256 out = hmac_sha256(key, all);
    return {out.begin(), out.begin() + size};
}

struct message_key {
    bytes key{}, nonce{};
};

/// Returns the key of the one message between these two.
message_key schedule(const key256& shared, const public_key& ephemeral, const public_key& recipient,
                     bytes_view info) {
    bytes both(ephemeral.begin(), ephemeral.end());
    append(both, recipient);
    const digest256 prk = labeled_extract(kem_suite, {}, "eae_prk", shared);
    const bytes secret = labeled_expand(kem_suite, prk, "shared_secret", both, 32);
    bytes context{0};  // base mode
    append(context, labeled_extract(hpke_suite, {}, "psk_id_hash", {}));
    append(context, labeled_extract(hpke_suite, {}, "info_hash", info));
    const digest256 root = labeled_extract(hpke_suite, secret, "secret", {});
    return {labeled_expand(hpke_suite, root, "key", context, 32),
            labeled_expand(hpke_suite, root, "base_nonce", context, 12)};
}

struct gcm_deleter {
    void operator()(EVP_CIPHER_CTX* c) const noexcept { EVP_CIPHER_CTX_free(c); }
};
using gcm_context = std::unique_ptr<EVP_CIPHER_CTX, gcm_deleter>;

/// Starts AES-256-GCM and runs `in` through it to `out`.
gcm_context run(const message_key& k, bytes_view aad, bytes_view in, std::uint8_t* out, bool sealing) {
    gcm_context gcm(EVP_CIPHER_CTX_new());
    require(gcm != nullptr && EVP_CipherInit_ex(gcm.get(), EVP_aes_256_gcm(), nullptr, k.key.data(),
                                                k.nonce.data(), sealing ? 1 : 0) == 1);
    int n = 0;
    if (!aad.empty())
        require(EVP_CipherUpdate(gcm.get(), nullptr, &n, aad.data(), static_cast<int>(aad.size())) == 1);
    if (!in.empty())
        require(EVP_CipherUpdate(gcm.get(), out, &n, in.data(), static_cast<int>(in.size())) == 1);
    return gcm;
}

}  // namespace

result<bytes> hpke_seal(const public_key& recipient, const key256& ephemeral, const hpke_context& about,
                        bytes_view text) {
    const auto shared = agree(ephemeral, recipient);
    if (!shared) return shared.failure();
    const public_key mine = agreement_public(ephemeral);
    bytes out(mine.begin(), mine.end());
    out.resize(mine.size() + text.size() + aead_tag_bytes);
    const auto gcm =
        run(schedule(*shared, mine, recipient, about.info), about.aad, text, out.data() + mine.size(), true);
    int n = 0;
    std::uint8_t* const tag = out.data() + mine.size() + text.size();
    require(EVP_CipherFinal_ex(gcm.get(), tag, &n) == 1);
    require(EVP_CIPHER_CTX_ctrl(gcm.get(), EVP_CTRL_GCM_GET_TAG, aead_tag_bytes, tag) == 1);
    return out;
}

result<bytes> hpke_open(const key256& secret, const hpke_context& about, bytes_view sealed) {
    if (sealed.size() < hpke_overhead_bytes) return errc::authentication_failed;
    public_key theirs{};
    std::copy_n(sealed.begin(), theirs.size(), theirs.begin());
    const auto shared = agree(secret, theirs);
    if (!shared) return shared.failure();
    bytes tag(sealed.end() - aead_tag_bytes, sealed.end());
    const bytes_view text = sealed.subspan(theirs.size(), sealed.size() - hpke_overhead_bytes);
    bytes out(text.size());
    const auto gcm = run(schedule(*shared, theirs, agreement_public(secret), about.info), about.aad, text,
                         out.data(), false);
    require(EVP_CIPHER_CTX_ctrl(gcm.get(), EVP_CTRL_GCM_SET_TAG, aead_tag_bytes, tag.data()) == 1);
    int n = 0;
    std::array<std::uint8_t, 16> rest{};
    if (EVP_CipherFinal_ex(gcm.get(), rest.data(), &n) != 1) return errc::authentication_failed;
    return out;
}

}  // namespace casasync::openssl
