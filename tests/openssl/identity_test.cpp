// SPDX-License-Identifier: MIT
#include <casasync/openssl/identity.hpp>

#include "bytes_of.hpp"

#include <casasync/openssl/hash.hpp>
#include <casasync/openssl/hpke.hpp>
#include <casasync_test/catch.hpp>

#include <string>

using namespace casasync;
using namespace casasync::openssl;

namespace {

key256 key_of(std::string_view hex) {
    return to_key256(from_hex(hex)).value();
}

}  // namespace

TEST_CASE("Ed25519 gives the vectors of RFC 8032", "[openssl][identity]") {
    struct vector {
        const char *secret, *public_key, *message, *signature;
    };
    for (const vector& v : {vector{"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                                   "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
                                   "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb882159"
                                   "0a33bacc61e39701cf9b46b"
                                   "d25bf5f0595bbe24655141438e7a100b"},
                            vector{"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
                                   "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
                                   "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43"
                                   "e15996e458f3613d0f11d8c"
                                   "387b2eaeb4302aeeb00d291612bb0c00"},
                            vector{"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
                                   "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
                                   "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538"
                                   "d16f290ae67f760984dc659"
                                   "4a7c15e9716ed28dc027beceea1ec40a"}}) {
        const key256 secret = key_of(v.secret);
        const bytes message = from_hex(v.message);
        CHECK(to_hex(signing_public(secret)) == v.public_key);
        CHECK(to_hex(sign(secret, message)) == v.signature);
        CHECK(is_signed(signing_public(secret), message, sign(secret, message)));
    }
}

TEST_CASE("no bit of a signature, a message or a key may differ", "[openssl][identity]") {
    const key256 secret = key_of("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
    const public_key key = signing_public(secret);
    const bytes message = from_hex("00112233");
    const signature512 good = sign(secret, message);
    REQUIRE(is_signed(key, message, good));
    for (std::size_t bit = 0; bit < 512; ++bit) {
        signature512 bad = good;
        bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (1U << (bit % 8)));
        if (is_signed(key, message, bad)) FAIL("bit " << bit);
    }
    for (std::size_t bit = 0; bit < 32; ++bit)
        if (is_signed(key, with_bit_flipped(message, bit), good)) FAIL("bit " << bit);
    for (std::size_t bit = 0; bit < 256; ++bit) {
        public_key other = key;
        other[bit / 8] = static_cast<std::uint8_t>(other[bit / 8] ^ (1U << (bit % 8)));
        if (is_signed(other, message, good)) FAIL("bit " << bit);
    }
}

TEST_CASE("X25519 gives the vector of RFC 7748, and refuses a key that gives zeros", "[openssl][identity]") {
    const key256 secret = key_of("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
    CHECK(to_hex(agreement_public(secret)) ==
          "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
    CHECK(to_hex(agree(secret, key_of("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"))
                     .value()) == "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
    CHECK(agree(secret, public_key{}).code() == errc::authentication_failed);
}

TEST_CASE("HPKE gives the published vector of its suite", "[openssl][identity]") {
    // RFC 9180's test vectors (mode 0, KEM 32, KDF 1, AEAD 2), first message.
    const public_key recipient = key_of("ac66bae9ffa270cf4a89ed9f274e30c0456babae2572aaaf002ff0d8884ab018");
    const key256 ephemeral = key_of("28e212563a8b6f068af7ff17400ff1baf23612b7a738bbaf5dfb321b2b5b431a");
    const bytes info = from_hex("4f6465206f6e2061204772656369616e2055726e");
    const bytes text = from_hex("4265617574792069732074727574682c20747275746820626561757479");
    const bytes sealed = hpke_seal(recipient, ephemeral, {info, as_bytes("Count-0")}, text).value();
    CHECK(to_hex(bytes_view(sealed).subspan(32)) ==
          "23ded2d5d90ea89d975dac4792b297240f194952d7421aacbff0474100052b6bb8aa58d18ef6c42b6960e2e28f");
}

TEST_CASE("what is sealed for one device opens there, unaltered, and nowhere else", "[openssl][identity]") {
    openssl::random source;
    const auto mine = device_identity::make(source), other = device_identity::make(source);
    key256 ephemeral{};
    source.fill(ephemeral);
    const bytes text = filled(32, 7);
    const hpke_context about{as_bytes("info"), as_bytes("aad")};
    const bytes sealed = hpke_seal(mine.public_keys().agreement, ephemeral, about, text).value();
    CHECK(sealed.size() == text.size() + hpke_overhead_bytes);
    CHECK(hpke_open(mine.agreement, about, sealed).value() == text);
    CHECK(hpke_open(other.agreement, about, sealed).code() == errc::authentication_failed);
    CHECK(hpke_open(mine.agreement, {as_bytes("infO"), as_bytes("aad")}, sealed).code() ==
          errc::authentication_failed);
    CHECK(hpke_open(mine.agreement, {as_bytes("info"), as_bytes("aaD")}, sealed).code() ==
          errc::authentication_failed);
    for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit)
        if (hpke_open(mine.agreement, about, with_bit_flipped(sealed, bit)).ok()) FAIL("bit " << bit);
    CHECK_FALSE(hpke_open(mine.agreement, about, bytes_view(sealed).first(47)).ok());
}

TEST_CASE("a device's id is the hash of its public keys", "[openssl][identity]") {
    openssl::random source;
    const auto mine = device_identity::make(source);
    const device_keys keys = mine.public_keys();
    const bytes_view label = as_bytes("casasync/v1/device");
    bytes all(label.begin(), label.end());
    all.insert(all.end(), keys.signing.begin(), keys.signing.end());
    all.insert(all.end(), keys.agreement.begin(), keys.agreement.end());
    CHECK(to_hex(mine.id().octets) == to_hex(bytes_view(sha256(all)).first(16)));
    CHECK(mine.id() != device_identity::make(source).id());
}
