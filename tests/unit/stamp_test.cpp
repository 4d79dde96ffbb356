// SPDX-License-Identifier: MIT
#include "stamps.hpp"

#include <casasync/stamp.hpp>
#include <casasync_test/catch.hpp>

using namespace casasync;
using casasync_test::at;

TEST_CASE("time decides, and at one instant the replica's bytes", "[stamp]") {
    CHECK(at(1, 200) < at(2, 1));
    CHECK(at(2, 1) < at(2, 200));
    CHECK(at(2, 0x7F) < at(2, 0x80));  // unsigned
    CHECK(at(2, 1) == at(2, 1));
}

TEST_CASE("the default is before every write, and is none", "[stamp]") {
    CHECK_FALSE(stamp{}.exists());
    CHECK(stamp{} < at(1, 0));
    CHECK(at(1, 0).exists());
}

TEST_CASE("what a device brought along is below what was there, and that below what a person writes",
          "[stamp]") {
    CHECK(band::joined_first < band::adopt);
    CHECK(band::adopted.when == band::adopt);
    for (const unix_ms now : {unix_ms{-1}, unix_ms{0}, unix_ms{1'000}, unix_ms{1'800'000'000'000}})
        CHECK(stamp{tick_user({}, now), {}} > band::adopted);
    CHECK(band::adopt < hlc::at(1'104'537'600'000));  // any clock set since 2005 is above the bands by itself
}

TEST_CASE("a user's tick is a tick", "[stamp]") {
    const hlc now = hlc::at(1'800'000'000'000);
    CHECK(tick_user({}, now.ms()) == now);
    CHECK(tick_user(now, now.ms()) == hlc{now.packed + 1});
    CHECK(tick_user(band::adopt, 0) == hlc{band::adopt.packed + 1});
}
