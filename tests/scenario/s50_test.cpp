// SPDX-License-Identifier: MIT
// What is held, in worlds whose relay tells the story's time.
#include <casasync_test/story.hpp>

using namespace casasync;
using casasync_test::stories;
using casasync_test::story;

SCENARIO("S50 a change from an hour ahead waits until its time has come", "[scenario]") {
    const int seed = GENERATE(range(0, stories()));
    CAPTURE(seed);
    GIVEN("a phone whose clock is an hour ahead") {
        story s({.seed = seed, .devices = {"desktop", "phone", "tablet"}});
        s["desktop"].write("1", {{"amount", 1}, {"note", "base"}});
        s.everyone_syncs();
        s["phone"].skew(60 * 60'000);
        s["phone"].write("1", {{"note", "ahead"}});
        s["desktop"].write("2", {{"note", "now"}});
        for (const char* who : {"phone", "desktop", "tablet", "desktop"}) REQUIRE(s[who].sync().ok());
        THEN("the others keep it, unmerged, and go on among themselves") {
            CHECK(s["desktop"].row("1").at("note") == value("base"));
            CHECK(s["tablet"].row("1").at("note") == value("base"));
            CHECK(s["tablet"].row("2").at("note") == value("now"));
            CHECK(s["desktop"].pending() > 0);
            s["tablet"].write("1", {{"amount", 2}});
            REQUIRE(s["tablet"].sync().ok());
            REQUIRE(s["desktop"].sync().ok());
            CHECK(s["desktop"].row("1").at("amount") == value(2));
        }
        WHEN("the hour has nearly passed") {
            s["phone"].skew(0);
            s.minutes_pass(56);
            s.everyone_syncs();
            THEN("it is merged, and all devices are as if it had never waited") {
                CHECK(s.conflicts().empty());
                CHECK(s["desktop"].row("1").at("note") == value("ahead"));
                CHECK(s["tablet"].row("1").at("note") == value("ahead"));
            }
        }
    }
}
