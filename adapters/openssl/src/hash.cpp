// SPDX-License-Identifier: MIT
#include <casasync/openssl/hash.hpp>

#include "require.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cstdint>

namespace casasync::openssl {

digest256 sha256(bytes_view data) {
    digest256 out{};
    require(SHA256(data.data(), data.size(), out.data()) != nullptr);
    return out;
}

struct sha256_stream::state {
    EVP_MD_CTX* context = EVP_MD_CTX_new();

    state() {
        require(context != nullptr);
        require(EVP_DigestInit_ex(context, EVP_sha256(), nullptr) == 1);
    }
    state(const state&) = delete;
    state& operator=(const state&) = delete;
    ~state() { EVP_MD_CTX_free(context); }
};

sha256_stream::sha256_stream() : state_(std::make_unique<state>()) {}
sha256_stream::sha256_stream(sha256_stream&&) noexcept = default;
sha256_stream& sha256_stream::operator=(sha256_stream&&) noexcept = default;
sha256_stream::~sha256_stream() = default;

void sha256_stream::update(bytes_view data) {
    require(EVP_DigestUpdate(state_->context, data.data(), data.size()) == 1);
}

digest256 sha256_stream::finish() {
    digest256 out{};
    require(EVP_DigestFinal_ex(state_->context, out.data(), nullptr) == 1);
    require(EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr) == 1);
    return out;
}

digest256 hmac_sha256(bytes_view key, bytes_view data) {
    static constexpr std::uint8_t no_key = 0;  // OpenSSL takes a null key for "the key of the last call"
    digest256 out{};
    require(HMAC(EVP_sha256(), key.empty() ? &no_key : key.data(), static_cast<int>(key.size()), data.data(),
                 data.size(), out.data(), nullptr) != nullptr);
    return out;
}

bytes hkdf_sha256(bytes_view ikm, bytes_view salt, bytes_view info, std::size_t size) {
    require(size >= 1 && size <= 255 * sizeof(digest256));
    const digest256 prk = hmac_sha256(salt, ikm);
    bytes out;
    bytes block;
    for (std::uint8_t counter = 1; out.size() < size; ++counter) {
        block.insert(block.end(), info.begin(), info.end());
        block.push_back(counter);
        const digest256 t = hmac_sha256(prk, block);
        const auto n = static_cast<std::ptrdiff_t>(std::min(t.size(), size - out.size()));
        out.insert(out.end(), t.begin(), t.begin() + n);
        block.assign(t.begin(), t.end());
    }
    return out;
}

bool equal_constant_time(bytes_view a, bytes_view b) noexcept {
    return a.size() == b.size() && (a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0);
}

std::string to_base64(bytes_view data) {
    std::string out = to_base64url(data);
    std::replace(out.begin(), out.end(), '-', '+');
    std::replace(out.begin(), out.end(), '_', '/');
    out.append((4 - out.size() % 4) % 4, '=');
    return out;
}

result<bytes> from_base64(std::string_view text) {
    if (text.size() % 4 != 0 || text.find_first_of("-_") != std::string_view::npos)
        return errc::malformed_text;
    for (int pad = 0; pad < 2 && text.ends_with('='); ++pad) text.remove_suffix(1);
    std::string url(text);
    std::replace(url.begin(), url.end(), '+', '-');
    std::replace(url.begin(), url.end(), '/', '_');
    return from_base64url(url);
}

}  // namespace casasync::openssl
