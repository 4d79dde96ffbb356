// SPDX-License-Identifier: MIT
#include <casasync/clock.hpp>
#include <casasync_test/catch.hpp>

using namespace casasync;

TEST_CASE("the stamping clock follows the relay within bounds, and no further", "[clock]") {
    const unix_ms now = 1'800'000'000'000, minute = 60'000, day = 24 * 60 * minute;
    const auto stamped = [&](std::int64_t offset, unix_ms own = 1'800'000'000'000) {
        return stamping_time({own, offset, hlc::at(now), 1'790'000'000'000});
    };
    CHECK(stamping_time({now, {}, {}, 0}) == now);
    CHECK(stamped(minute) == now);
    CHECK(stamped(-minute) == now);
    CHECK(stamped(-minute - 1) == now - 1);
    CHECK(stamped(minute + 1) == now + minute + 1);
    CHECK(stamped(day) == now + day);
    CHECK(stamped(day + 1) == now);
    CHECK(stamped(-day - 1) == now);
    CHECK(clock_disagrees({now, day + 1, {}, 0}));
    CHECK_FALSE(clock_disagrees({now, -day, {}, 0}));
    CHECK_FALSE(clock_disagrees({now, std::nullopt, {}, 0}));
    CHECK(stamped(365 * day, 1'700'000'000'000) == 1'700'000'000'000 + 365 * day);  // older than the program
    CHECK(stamping_time({now, 2 * day, hlc::at(now), now}) == now);  // as old as the program is not older
    CHECK(stamped(2 * day, now - 2 * day) == now);                   // older than what was merged
    CHECK(stamped(2 * day, now - day) == now - day);                 // a day is not more than a day
    CHECK(stamped(2 * day, now - day - 1) == now + day - 1);
}
