// SPDX-License-Identifier: MIT
#include <casasync/openssl/hash.hpp>

#include "bytes_of.hpp"

#include <casasync/openssl/random.hpp>
#include <casasync/openssl/websocket_accept.hpp>
#include <casasync_test/catch.hpp>

using namespace casasync;
using namespace casasync::openssl;

TEST_CASE("SHA-256 gives the digests of FIPS 180-4", "[openssl][hash]") {
    CHECK(to_hex(sha256({})) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(to_hex(sha256(as_bytes("abc"))) ==
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("a digest of pieces is the digest of the whole, and the stream can be used again",
          "[openssl][hash]") {
    sha256_stream stream;
    CHECK(stream.finish() == sha256({}));
    stream.update(as_bytes("a"));
    stream.update({});
    stream.update(as_bytes("bc"));
    CHECK(stream.finish() == sha256(as_bytes("abc")));
    stream.update(as_bytes("abc"));
    sha256_stream moved = std::move(stream);
    CHECK(moved.finish() == sha256(as_bytes("abc")));
}

TEST_CASE("HMAC-SHA256 gives the vectors of RFC 4231", "[openssl][hash]") {
    CHECK(to_hex(hmac_sha256(filled(20, 0x0b), as_bytes("Hi There"))) ==
          "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    CHECK(to_hex(hmac_sha256(as_bytes("Jefe"), as_bytes("what do ya want for nothing?"))) ==
          "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    CHECK(to_hex(hmac_sha256(filled(131, 0xaa),
                             as_bytes("Test Using Larger Than Block-Size Key - Hash Key First"))) ==
          "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    CHECK(to_hex(hmac_sha256({}, {})) == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST_CASE("HKDF-SHA256 gives the vectors of RFC 5869", "[openssl][hash]") {
    CHECK(to_hex(hkdf_sha256(filled(22, 0x0b), from_hex("000102030405060708090a0b0c"),
                             from_hex("f0f1f2f3f4f5f6f7f8f9"), 42)) ==
          "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
    CHECK(to_hex(hkdf_sha256(filled(22, 0x0b), {}, {}, 42)) ==
          "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

TEST_CASE("equality in constant time is equality", "[openssl][hash]") {
    CHECK(equal_constant_time({}, {}));
    CHECK(equal_constant_time(as_bytes("same"), as_bytes("same")));
    CHECK_FALSE(equal_constant_time(as_bytes("same"), as_bytes("samE")));
    CHECK_FALSE(equal_constant_time(as_bytes("same"), as_bytes("same ")));
    CHECK_FALSE(equal_constant_time(as_bytes("same"), {}));
}

TEST_CASE("base64 gives the vectors of RFC 4648 and refuses every other form", "[openssl][hash]") {
    const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                           {"f", "Zg=="},
                                                           {"fo", "Zm8="},
                                                           {"foo", "Zm9v"},
                                                           {"foob", "Zm9vYg=="},
                                                           {"fooba", "Zm9vYmE="},
                                                           {"foobar", "Zm9vYmFy"}};
    for (const auto& [plain, text] : vectors) {
        CAPTURE(plain);
        CHECK(to_base64(as_bytes(plain)) == text);
        const auto back = from_base64(text);
        REQUIRE(back.ok());
        CHECK(to_hex(*back) == to_hex(as_bytes(plain)));
    }
    CHECK(to_base64(from_hex("fbff")) == "+/8=");
    CHECK(from_base64("+/8=").value() == from_hex("fbff"));
    for (const char* wrong : {"Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "=",
                              "====", "Zg==Zg==", "Z===", "-_8=", " Zg=", "Zm9v\n", "Zm9v Zg="}) {
        CAPTURE(wrong);
        CHECK_FALSE(from_base64(wrong).ok());
    }
}

TEST_CASE("random bytes differ from call to call", "[openssl][hash]") {
    std::array<std::uint8_t, 32> a{};
    std::array<std::uint8_t, 32> b{};
    openssl::random source;
    source.fill(a);
    source.fill(b);
    source.fill({});
    CHECK(a != b);
}

TEST_CASE("a WebSocket's handshake is answered as in RFC 6455, section 1.3", "[openssl][hash]") {
    CHECK(websocket_accept("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}
