// SPDX-License-Identifier: MIT
#include <casasync/openssl/spake2.hpp>

#include "bytes_of.hpp"

#include <casasync/openssl/hash.hpp>
#include <casasync/openssl/random.hpp>
#include <casasync_test/catch.hpp>

#include <algorithm>
#include <string>

using namespace casasync;
using namespace casasync::openssl;

namespace {

/// Gives the number that a test vector chose, as the 40 bytes from which it is made.
struct chosen {
    bytes value{};
    void fill(std::span<std::uint8_t> out) noexcept {
        std::fill(out.begin(), out.end(), std::uint8_t{0});
        std::copy(value.begin(), value.end(), out.end() - static_cast<std::ptrdiff_t>(value.size()));
    }
};

spake2_scalar scalar(std::string_view hex) {
    spake2_scalar out{};
    const bytes data = from_hex(hex);
    std::copy(data.begin(), data.end(), out.begin());
    return out;
}

spake2 side_with(spake2_side side, std::string_view w, std::string_view x) {
    chosen number{from_hex(x)};
    return spake2(side, scalar(w), number);
}

/// RFC 9382, appendix B. K, Ka, KcA and KcB of the appendix do not leave the function; each goes into cA, cB.
struct vector {
    std::string name_a, name_b, w, x, p_a, y, p_b, ke, c_a, c_b;
};

const vector vectors[] = {
    {"server", "client", "2ee57912099d31560b3a44b1184b9b4866e904c49d12ac5042c97dca461b1a5f",
     "43dd0fd7215bdcb482879fca3220c6a968e66d70b1356cac18bb26c84a78d729",
     "04a56fa807caaa53a4d28dbb9853b9815c61a411118a6fe516a8798434751470f9010153ac33d0d5f2047ffdb1a3e42c9b4e6be"
     "662766e1eeb4116988ede5f912c",
     "dcb60106f276b02606d8ef0a328c02e4b629f84f89786af5befb0bc75b6e66be",
     "0406557e482bd03097ad0cbaa5df82115460d951e3451962f1eaf4367a420676d09857ccbc522686c83d1852abfa8ed6e4a1155"
     "cf8f1543ceca528afb591a1e0b7",
     "0e0672dc86f8e45565d338b0540abe69", "58ad4aa88e0b60d5061eb6b5dd93e80d9c4f00d127c65b3b35b1b5281fee38f0",
     "d3e2e547f1ae04f2dbdbf0fc4b79f8ecff2dff314b5d32fe9fcef2fb26dc459b"},
    {"", "client", "0548d8729f730589e579b0475a582c1608138ddf7054b73b5381c7e883e2efae",
     "403abbe3b1b4b9ba17e3032849759d723939a27a27b9d921c500edde18ed654b",
     "04a897b769e681c62ac1c2357319a3d363f610839c4477720d24cbe32f5fd85f44fb92ba966578c1b712be6962498834078262c"
     "aa5b441ecfa9d4a9485720e918a",
     "903023b6598908936ea7c929bd761af6039577a9c3f9581064187c3049d87065",
     "04e0f816fd1c35e22065d5556215c097e799390d16661c386e0ecc84593974a61b881a8c82327687d0501862970c64565560cb5"
     "671f696048050ca66ca5f8cc7fc",
     "642f05c473c2cd79909f9a841e2f30a7", "47d29e6666af1b7dd450d571233085d7a9866e4d49d2645e2df975489521232b",
     "3313c5cefc361d27fb16847a91c2a73b766ffa90a4839122a9b70a2f6bd1d6df"},
    {"server", "", "626e0cdc7b14c9db3e52a0b1b3a768c98e37852d5db30febe0497b14eae8c254",
     "07adb3db6bc623d3399726bfdbfd3d15a58ea776ab8a308b00392621291f9633",
     "04f88fb71c99bfffaea370966b7eb99cd4be0ff1a7d335caac4211c4afd855e2e15a873b298503ad8ba1d9cbb9a392d2ba309b4"
     "8bfd7879aefd0f2cea6009763b0",
     "b6a4fc8dbb629d4ba51d6f91ed1532cf87adec98f25dd153a75accafafedec16",
     "040c269d6be017dccb15182ac6bfcd9e2a14de019dd587eaf4bdfd353f031101e7cca177f8eb362a6e83e7d5e729c0732e1b528"
     "879c086f39ba0f31a9661bd34db",
     "005184ff460da2ce59062c87733c299c", "bc9f9bbe99f26d0b2260e6456e05a86196a3307ec6663a18bf6ac825736533b2",
     "c2370e1bf813b086dff0d834e74425a06e6390f48f5411900276dcccc5a297ec"},
    {"", "", "7bf46c454b4c1b25799527d896508afd5fc62ef4ec59db1efb49113063d70cca",
     "8cef65df64bb2d0f83540c53632de911b5b24b3eab6cc74a97609fd659e95473",
     "04a65b367a3f613cf9f0654b1b28a1e3a8a40387956c8ba6063e8658563890f46ca1ef6a676598889fc28de2950ab8120b79a5e"
     "f1ea4c9f44bc98f585634b46d66",
     "d7a66f64074a84652d8d623a92e20c9675c61cb5b4f6a0063e4648a2fdc02d53",
     "04589f13218822710d98d8b2123a079041052d9941b9cf88c6617ddb2fcc0494662eea8ba6b64692dc318250030c6af045cb738"
     "bc81ba35b043c3dcb46adf6f58d",
     "fc6374762ba5cf11f4b2caa08b2cd1b9", "dfb4db8d48ae5a675963ea5e6c19d98d4ea028d8e898dad96ea19a80ade95dca",
     "d0f0609d1613138d354f7e95f19fb556bf52d751947241e8c7118df5ef0ae175"}};

}  // namespace

TEST_CASE("SPAKE2 gives the published values", "[openssl][spake2]") {
    for (const vector& v : vectors) {
        CAPTURE(v.name_a, v.name_b);
        const spake2 a = side_with(spake2_side::a, v.w, v.x);
        const spake2 b = side_with(spake2_side::b, v.w, v.y);
        CHECK(to_hex(a.message()) == v.p_a);
        CHECK(to_hex(b.message()) == v.p_b);
        const spake2_context names{as_bytes(v.name_a), as_bytes(v.name_b), {}};
        const auto at_a = a.finish(b.message(), names);
        const auto at_b = b.finish(a.message(), names);
        for (const auto* keys : {&at_a, &at_b}) {
            REQUIRE(keys->ok());
            CHECK(to_hex((*keys)->shared) == v.ke);
            CHECK(to_hex((*keys)->confirmation_a) == v.c_a);
            CHECK(to_hex((*keys)->confirmation_b) == v.c_b);
            CHECK(to_hex((*keys)->transcript).starts_with(v.ke));
        }
    }
}

TEST_CASE("another password, name or context gives other keys on both sides", "[openssl][spake2]") {
    openssl::random random;
    const auto password = [](std::string_view text) {
        return spake2_password(as_bytes(text), as_bytes("salt")).value();
    };
    const spake2 a(spake2_side::a, password("t7KQ2M4"), random);
    const spake2 b(spake2_side::b, password("t7KQ2M4"), random);
    const spake2 guess(spake2_side::b, password("t7KQ2M5"), random);
    const spake2_context here{as_bytes("old"), as_bytes("new"), as_bytes("relay")};
    const auto right = a.finish(b.message(), here).value();
    CHECK(right.shared == b.finish(a.message(), here)->shared);
    CHECK(equal_constant_time(right.confirmation_b, b.finish(a.message(), here)->confirmation_b));

    CHECK(a.finish(guess.message(), here)->confirmation_b != guess.finish(a.message(), here)->confirmation_b);
    CHECK(a.finish(guess.message(), here)->shared != guess.finish(a.message(), here)->shared);
    const spake2_context other_name{as_bytes("old"), as_bytes("neu"), as_bytes("relay")};
    CHECK(b.finish(a.message(), other_name)->shared != right.shared);
    const spake2_context other_relay{as_bytes("old"), as_bytes("new"), as_bytes("relay2")};
    CHECK(b.finish(a.message(), other_relay)->confirmation_b != right.confirmation_b);
    CHECK(b.finish(a.message(), other_relay)->confirmation_a != right.confirmation_a);
}

TEST_CASE("what is no point of the curve is refused", "[openssl][spake2]") {
    const vector& v = vectors[0];
    const spake2 a = side_with(spake2_side::a, v.w, v.x);
    const auto refused = [&](const bytes& peer) { return a.finish(peer, {}).code() == errc::malformed_text; };
    const bytes good = from_hex(v.p_b);
    CHECK(a.finish(good, {}).ok());
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit)
        if (!refused(with_bit_flipped(good, bit))) FAIL("a point with bit " << bit << " turned");
    for (std::size_t size = 0; size < good.size(); ++size)
        CHECK(refused(bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size))));
    bytes longer = good;
    longer.push_back(0);
    CHECK(refused(longer));
    CHECK(refused({0}));  // the point at infinity
    CHECK(refused(bytes(65, 0)));
    bytes origin(65, 0);
    origin[0] = 4;
    CHECK(refused(origin));
    CHECK(refused(
        from_hex("02886e2f97ace46e55ba9dd7242579f2993b64e16ef3dcab95afd497333d8fa12f")));  // compressed
    // w * N itself: what is left of it without the mask is the point at infinity.
    const spake2 none = side_with(spake2_side::b, v.w, "00");
    CHECK(refused(bytes(none.message().begin(), none.message().end())));
}

TEST_CASE("a password becomes a number as docs/WIRE.md says", "[openssl][spake2]") {
    const auto number = [](std::string_view secret, std::string_view salt) {
        return to_hex(spake2_password(as_bytes(secret), as_bytes(salt)).value());
    };
    // hashlib.scrypt of Python, then mod n
    CHECK(number("tM4ZP9T", "casasync/v1/pair0123456789abcdef") ==
          "2d329c03dcc76f83e4d5c8500a697e8b68788d55b7e51c3fb33d1230385a5271");
    CHECK(number("tM4ZP9T", "casasync/v1/pair0123456789abcdee") !=
          number("tM4ZP9T", "casasync/v1/pair0123456789abcdef"));
    CHECK(number("qM4ZP9T", "casasync/v1/pair0123456789abcdef") !=
          number("tM4ZP9T", "casasync/v1/pair0123456789abcdef"));
}
