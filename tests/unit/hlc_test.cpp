// SPDX-License-Identifier: MIT
#include <casasync/hlc.hpp>
#include <casasync_test/catch.hpp>

#include <limits>

using namespace casasync;

TEST_CASE("48 bits of milliseconds stand over 16 bits of counter, and compare as time", "[hlc]") {
    const hlc h{(std::uint64_t{1'800'000'000'000} << 16) | 7};
    CHECK(h.ms() == 1'800'000'000'000);
    CHECK(h.counter() == 7);
    CHECK(hlc{0xFFFF} < hlc{0x10000});
}

TEST_CASE("wall time is clamped to what fits", "[hlc]") {
    constexpr unix_ms most = (unix_ms{1} << 48) - 1;
    CHECK(hlc::at(0) == hlc{0});
    CHECK(hlc::at(-1) == hlc{0});
    CHECK(hlc::at(std::numeric_limits<unix_ms>::min()) == hlc{0});
    CHECK(hlc::at(most).ms() == most);
    CHECK(hlc::at(most + 1) == hlc::at(most));
    CHECK(hlc::at(std::numeric_limits<unix_ms>::max()) == hlc::at(most));
    CHECK(hlc::at(most).counter() == 0);
}

TEST_CASE("a tick is greater than the last one, and not behind the wall", "[hlc]") {
    const hlc local{hlc::at(1000).packed + 3};
    CHECK(tick(local, 999) == hlc{local.packed + 1});   // the wall went back
    CHECK(tick(local, 1000) == hlc{local.packed + 1});  // the same millisecond
    CHECK(tick(local, 1001) == hlc::at(1001));
    CHECK(tick({}, -5) == hlc{1});
}

TEST_CASE("a full counter carries into the milliseconds", "[hlc]") {
    const hlc full{hlc::at(1000).packed | 0xFFFF};
    CHECK(tick(full, 1000) == hlc::at(1001));
    CHECK(tick(full, 0).counter() == 0);
}

TEST_CASE("seventy thousand ticks in one millisecond are as many stamps, in order", "[hlc]") {
    hlc clock = hlc::at(1000);
    for (int i = 0; i < 70'000; ++i) {
        const hlc next = tick(clock, 1000);
        if (!(clock < next)) FAIL("not greater after " << i);
        clock = next;
    }
    CHECK(clock.ms() == 1001);
}

TEST_CASE("observing takes the greater, and the next tick is past it", "[hlc]") {
    const hlc local = hlc::at(5), remote{hlc::at(9).packed + 2};
    CHECK(observe(local, remote) == remote);
    CHECK(observe(remote, local) == remote);
    CHECK(tick(observe(local, remote), 6) > remote);
}
