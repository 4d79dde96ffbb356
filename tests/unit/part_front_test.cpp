// SPDX-License-Identifier: MIT
#include <casasync/part_front.hpp>
#include <casasync_test/catch.hpp>
#include <casasync_test/plain_cipher.hpp>

using namespace casasync;
using casasync_test::quick_digest;

TEST_CASE("a front stands before its part and comes off again", "[part_front]") {
    part_front front;
    front.link.fill(1);
    front.members = 0x01020304;
    front.members_head.fill(2);
    const bytes part{7, 8, 9};
    bytes payload = with_front(front, part);
    CHECK(payload.size() == part_front_bytes + 3);
    CHECK(payload[31] == 1);
    CHECK(payload[32] == 1);
    CHECK(payload[35] == 4);
    CHECK(payload[67] == 2);
    const auto taken = take_front(payload);
    REQUIRE(taken.ok());
    CHECK(*taken == front);
    CHECK(payload == part);

    bytes alone = with_front(front, {});
    CHECK(take_front(alone).ok());
    CHECK(alone.empty());
    bytes shorter(part_front_bytes - 1);
    CHECK(take_front(shorter).code() == errc::malformed_changeset);
    CHECK(shorter.size() == part_front_bytes - 1);
}

TEST_CASE("a link depends on everything that it names", "[part_front]") {
    device_id device;
    const bytes part{1, 2, 3};
    const digest256 link = link_of(device, 1, {}, part, quick_digest);
    CHECK(link == link_of(device, 1, {}, part, quick_digest));
    device_id other;
    other.octets[15] = 1;
    digest256 before{};
    before[0] = 1;
    CHECK(link != link_of(other, 1, {}, part, quick_digest));
    CHECK(link != link_of(device, 2, {}, part, quick_digest));
    CHECK(link != link_of(device, 1, before, part, quick_digest));
    CHECK(link != link_of(device, 1, {}, bytes_view(part).first(2), quick_digest));
}
