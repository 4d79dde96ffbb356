// SPDX-License-Identifier: MIT
#include <casasync/bytes.hpp>
#include <casasync_test/catch.hpp>

using namespace casasync;

TEST_CASE("hexadecimal digits are lower case, two a byte", "[bytes]") {
    CHECK(to_hex({}).empty());
    CHECK(to_hex(bytes{0x00, 0x0F, 0xA0, 0xFF}) == "000fa0ff");
}

TEST_CASE("base64url is that of RFC 4648, without padding", "[bytes]") {
    const char* const expected[] = {"", "Zg", "Zm8", "Zm9v", "Zm9vYg", "Zm9vYmE", "Zm9vYmFy"};  // section 10
    const std::string text = "foobar";
    for (std::size_t n = 0; n <= text.size(); ++n)
        CHECK(to_base64url(as_bytes(text.substr(0, n))) == expected[n]);
    CHECK(to_base64url(bytes{0xFB, 0xEF, 0xFF}) == "--__");
    CHECK(to_base64url(bytes(16, 0)).size() == 22);
}

TEST_CASE("every byte in every place comes back", "[bytes]") {
    for (std::size_t place = 0; place < 4; ++place)
        for (int b = 0; b < 256; ++b) {
            bytes data(4, 0x5A);
            data[place] = static_cast<std::uint8_t>(b);
            CHECK(from_base64url(to_base64url(data)).value() == data);
        }
}

TEST_CASE("another alphabet, padding, white space and a lone character are refused", "[bytes]") {
    for (const char* text :
         {"Zg==", "Zm9+", "Zm9/", "Zm 9", "Zm9v\n", "Z", "A", "Zm9vA", "Zm9vY", "\xC3\xA9"})
        CHECK(from_base64url(text).code() == errc::malformed_text);
    CHECK(from_base64url(std::string_view("Zm\0v", 4)).code() == errc::malformed_text);
    CHECK(from_base64url("Zm8{").code() == errc::malformed_text);
}

TEST_CASE("bits behind the last byte must be zero: bytes have one text", "[bytes]") {
    for (const char* text : {"Zh", "Zn", "Zm9", "Zm-"})
        CHECK(from_base64url(text).code() == errc::malformed_text);
    CHECK(from_base64url("Zm8").ok());
}
