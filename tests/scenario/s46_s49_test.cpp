// SPDX-License-Identifier: MIT
// A new device among others, and clocks that are wrong.
#include <casasync_test/story.hpp>

using namespace casasync;
using casasync_test::lost_write;
using casasync_test::stories;
using casasync_test::story;

namespace {

constexpr unix_ms year = unix_ms{365} * 24 * 60 * 60'000;

}  // namespace

SCENARIO("S46 new device: it joins while the others write, and knows what they know", "[scenario]") {
    const int seed = GENERATE(range(0, stories()));
    CAPTURE(seed);
    GIVEN("two devices with an open conflict, a deleted row, and changes that nobody has sent") {
        story s({.seed = seed});
        s["desktop"].write("1", {{"amount", 10}, {"note", "base"}});
        s["desktop"].write("2", {{"note", "to be deleted"}});
        s.everyone_syncs();
        s.minutes_pass(1);
        s["desktop"].write("1", {{"note", "desk"}});
        s["desktop"].erase("2");
        s.minutes_pass(1);
        s["phone"].write("1", {{"note", "phone"}});
        s.everyone_syncs();
        s["phone"].write("3", {{"note", "not sent"}});
        WHEN("a tablet joins, and all three write before they meet") {
            s.joins("tablet");
            s.minutes_pass(1);
            s["desktop"].write("4", {{"note", "from the desktop"}});
            s["tablet"].write("1", {{"amount", 11}});
            s["tablet"].write("5", {{"note", "from the tablet"}});
            s.everyone_syncs();
            THEN("all show the same rows and the same conflict") {
                const std::vector<lost_write> open{
                    {"1", "note", "desk", "phone", conflict_reason::older_stamp}};
                CHECK(s.conflicts() == open);
                CHECK(s["tablet"].rows().size() == 4);
                CHECK_FALSE(s["tablet"].has("2"));
                CHECK(s["tablet"].row("3").at("note") == value("not sent"));
                CHECK(s["phone"].row("1").at("amount") == value(11));
            }
            AND_WHEN("the tablet decides the conflict it never saw arise") {
                s["tablet"].restore({"1", "note", "desk", "phone", conflict_reason::older_stamp});
                s.everyone_syncs();
                THEN("it is decided everywhere") {
                    CHECK(s.conflicts().empty());
                    CHECK(s["desktop"].row("1").at("note") == value("desk"));
                }
            }
        }
    }
}

SCENARIO("S48 a clock that falls back a year keeps its device's writes in order", "[scenario]") {
    const int seed = GENERATE(range(0, stories()));
    CAPTURE(seed);
    GIVEN("a desktop that has seen the phone's note, and whose battery is dead") {
        story s({.seed = seed});
        s["desktop"].write("1", {{"note", "first"}});
        s.everyone_syncs();
        s.minutes_pass(1);
        s["phone"].write("1", {{"note", "phone"}});
        s.everyone_syncs();
        s["desktop"].skew(-year);
        WHEN("it writes on") {
            s["desktop"].write("1", {{"note", "later"}});
            s["desktop"].write("2", {{"note", "new"}});
            s.everyone_syncs();
            THEN("what it wrote knowing the phone's note wins, and nothing of the others' is held") {
                CHECK(s.conflicts().empty());
                CHECK(s["phone"].row("1").at("note") == value("later"));
                CHECK(s["phone"].row("2").at("note") == value("new"));
            }
            AND_WHEN("the phone writes, and then the clock is set right and the desktop writes") {
                s.minutes_pass(1);
                s["phone"].write("1", {{"note", "again"}});
                s.everyone_syncs();
                s["desktop"].skew(0);
                s["desktop"].write("1", {{"note", "last"}});
                s.everyone_syncs();
                THEN("each wins over what it had seen") {
                    CHECK(s.conflicts().empty());
                    CHECK(s["phone"].row("1").at("note") == value("last"));
                }
            }
        }
    }
}

SCENARIO("S49 a clock that stands still gives every write a place of its own", "[scenario]") {
    const int seed = GENERATE(range(0, std::min(12, stories())));
    CAPTURE(seed);
    GIVEN("a device whose clock stands still") {
        story s({.seed = seed});
        WHEN("it writes one row five hundred times, and meets the other now and then") {
            for (int i = 1; i <= 500; ++i) {
                s["desktop"].write("1", {{"amount", i}});
                static_cast<void>(s["desktop"].sealed());
                if (i % 100 == 0) s.everyone_syncs();
            }
            s["phone"].write("1", {{"note", "seen"}});
            s.everyone_syncs();
            THEN("the last one is shown, and none has collided with another") {
                CHECK(s.conflicts().empty());
                CHECK(s["phone"].row("1").at("amount") == value(500));
                CHECK(s["desktop"].row("1").at("note") == value("seen"));
            }
        }
    }
}
