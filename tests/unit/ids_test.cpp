// SPDX-License-Identifier: MIT
#include <casasync/ids.hpp>
#include <casasync_test/catch.hpp>

#include <type_traits>

using namespace casasync;

static_assert(!std::is_same_v<vault_id, device_id> && !std::is_same_v<device_id, replica_id>);
static_assert(!std::is_convertible_v<device_id, replica_id>);

namespace {

struct counting_random {
    std::uint8_t last = 0;
    void fill(std::span<std::uint8_t> out) {
        for (std::uint8_t& b : out) b = ++last;
    }
};

}  // namespace

TEST_CASE("an id's text is 22 characters and leads back", "[ids]") {
    counting_random random;
    const auto id = device_id::make(random);
    CHECK(id.text() == "AQIDBAUGBwgJCgsMDQ4PEA");
    CHECK(device_id::parse(id.text()).value() == id);
    CHECK(device_id::from(id.view()).value() == id);
    CHECK_FALSE(id.is_zero());
    CHECK(device_id{}.is_zero());
}

TEST_CASE("any other text or length is refused", "[ids]") {
    for (const char* text : {"", "AQIDBAUGBwgJCgsMDQ4PE", "AQIDBAUGBwgJCgsMDQ4PEAA", "AQIDBAUGBwgJCgsMDQ4PE=",
                             "AQIDBAUGBwgJCgsMDQ4PEB", "AQIDBAUGBwgJCgsM Q4PEA"})  // the fifth: last bits
        CHECK(vault_id::parse(text).code() == errc::malformed_text);
    for (const std::size_t n : {0, 15, 17}) CHECK(vault_id::from(bytes(n, 1)).code() == errc::malformed_text);
}

TEST_CASE("ids order as unsigned bytes, the first byte first", "[ids]") {
    replica_id low, high, last;
    low.octets[0] = 0x7F;
    high.octets[0] = 0x80;
    last.octets[15] = 0xFF;
    CHECK(low < high);
    CHECK(last < low);
    CHECK(replica_id{} < last);
    replica_id eighth, ninth;
    eighth.octets[7] = 1;
    ninth.octets[8] = 0xFF;
    CHECK(ninth < eighth);
    CHECK(low != high);
    CHECK(eighth != ninth);
    ninth = eighth;
    ninth.octets[15] = 1;
    CHECK(eighth < ninth);
    CHECK(ninth > eighth);
    CHECK(eighth != ninth);
    CHECK(((eighth <=> eighth) == std::strong_ordering::equal));
}
