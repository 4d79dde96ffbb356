// SPDX-License-Identifier: MIT
#include <casasync/openssl/aead.hpp>

#include "bytes_of.hpp"

#include <casasync/openssl/hash.hpp>
#include <casasync_test/catch.hpp>

#include <algorithm>

using namespace casasync;
using namespace casasync::openssl;

namespace {
nonce192 nonce_of(std::string_view text) {
    nonce192 n{};
    std::copy(text.begin(), text.end(), n.begin());
    return n;
}
const nonce192 vector_nonce = nonce_of("ABCDEFGHIJKLMNOPQRSTUVWX");
}  // namespace

TEST_CASE("XAES-256-GCM gives the vectors of C2SP", "[openssl][aead]") {
    // The two keys differ in the top bit of AES_K(0), which decides how the CMAC subkey is made.
    const key256 one = to_key256(filled(32, 1)).value();
    const key256 three = to_key256(filled(32, 3)).value();
    const bytes_view text = as_bytes("XAES-256-GCM");
    const bytes_view aad = as_bytes("c2sp.org/XAES-256-GCM");
    const bytes first = from_hex("ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271");
    const bytes second = from_hex("986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d");
    CHECK(aead_seal(one, vector_nonce, {}, text).value() == first);
    CHECK(aead_seal(three, vector_nonce, aad, text).value() == second);
    CHECK(to_hex(aead_open(one, vector_nonce, {}, first).value()) == to_hex(text));
    CHECK(to_hex(aead_open(three, vector_nonce, aad, second).value()) == to_hex(text));
}

TEST_CASE("what was altered, cut or moved does not open", "[openssl][aead]") {
    const key256 key = to_key256(filled(32, 7)).value();
    const bytes_view aad = as_bytes("associated");
    const bytes sealed = aead_seal(key, vector_nonce, aad, as_bytes("a short secret")).value();
    const auto refused = [](const result<bytes>& r) { return !r && r.code() == errc::authentication_failed; };
    for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
        CAPTURE(bit);
        CHECK(refused(aead_open(key, vector_nonce, aad, with_bit_flipped(sealed, bit))));
    }
    for (std::size_t size = 0; size < sealed.size(); ++size)
        CHECK(refused(aead_open(key, vector_nonce, aad, bytes_view(sealed).first(size))));
    CHECK(refused(aead_open(key, vector_nonce, as_bytes("Associated"), sealed)));
    CHECK(refused(aead_open(key, vector_nonce, {}, sealed)));
    for (std::size_t i = 0; i < vector_nonce.size(); ++i) {
        nonce192 other = vector_nonce;
        other[i] ^= 1;
        CHECK(refused(aead_open(key, other, aad, sealed)));
    }
    key256 other_key = key;
    other_key[31] ^= 1;
    CHECK(refused(aead_open(other_key, vector_nonce, aad, sealed)));
}

TEST_CASE("empty texts are sealed too, and keys have 32 bytes", "[openssl][aead]") {
    const key256 key = to_key256(filled(32, 7)).value();
    const bytes sealed = aead_seal(key, vector_nonce, {}, {}).value();
    CHECK(sealed.size() == aead_tag_bytes);
    CHECK(aead_open(key, vector_nonce, {}, sealed).value().empty());
    CHECK_FALSE(to_key256(filled(31, 7)).ok());
    CHECK_FALSE(to_key256(filled(33, 7)).ok());
}
