// SPDX-License-Identifier: MIT
// Three devices: partitions, deletes that meet, rows that live again.
#include "forge.hpp"

#include <casasync_test/story.hpp>

#include <span>

using namespace casasync;
using casasync_test::cells;
using casasync_test::lost_write;
using casasync_test::story;

namespace {

story three_devices(int seed, delete_policy policy = delete_policy::later_wins) {
    story s{{.seed = seed, .devices = {"A", "B", "C"}, .policy = policy}};
    s.at(0);
    s["A"].write("1", {{"amount", 10}, {"note", "a"}});
    s["A"].write("2", {{"amount", 1}, {"note", "mine"}});
    s.everyone_syncs();
    REQUIRE(s["C"].row("1") == cells{{"amount", 10}, {"note", "a"}});
    return s;
}

/// All three edit one field; one deletes row 2, and another inserts it anew if it does not see it.
void all_write(story& s, unix_ms when, const std::string& who_deletes, const std::string& who_inserts) {
    s.at(when);
    s["A"].write("1", {{"note", "A" + std::to_string(when)}});
    s.at(when + 10);
    s["B"].write("1", {{"note", "B" + std::to_string(when)}});
    s[who_deletes].erase("2");
    s.at(when + 20);
    s["C"].write("1", {{"note", "C" + std::to_string(when)}});
    s[who_inserts].write("2", {{"amount", when}});
}

}  // namespace

SCENARIO("S09 three devices, cut off from each other in turn", "[scenario]") {
    const int seed = GENERATE(range(0, casasync_test::stories()));
    const auto policy = GENERATE_COPY(from_range(
        casasync_test::variants(seed, std::vector{delete_policy::later_wins, delete_policy::delete_wins})));
    CAPTURE(seed, static_cast<int>(policy));
    GIVEN("three devices that hold the same") {
        story s = three_devices(seed, policy);
        WHEN("all edit one field and delete a row or insert it anew, first without A, then without C") {
            all_write(s, 1000, "B", "A");
            s.meet({"B", "C"});
            CHECK(s["B"].row("1").at("note") == value("C1000"));
            CHECK_FALSE(s["C"].has("2"));
            all_write(s, 2000, "A", "C");
            s.meet({"A", "B"});
            CHECK(s["A"].row("1").at("note") == value("B2000"));
            THEN("they agree as soon as all meet, and the edits nobody saw in time are open") {
                s.everyone_syncs();
                const auto open = s.conflicts();
                CHECK(s["A"].row("1").at("note") == value("C2000"));
                CHECK(s["B"].row("2").at("amount") == value(2000));
                REQUIRE(open.size() == 3);
                CHECK(open[0] == lost_write{"1", "note", "A2000", "C2000", conflict_reason::older_stamp});
                CHECK(open[1] == lost_write{"1", "note", "B2000", "C2000", conflict_reason::older_stamp});
                CHECK(open[2] == lost_write{"2", "", {}, {}, conflict_reason::delete_undone});
            }
        }
    }
}

SCENARIO("S09 an answer arrives before what it answers", "[scenario]") {
    const int seed = GENERATE(range(0, casasync_test::stories()));
    CAPTURE(seed);
    GIVEN("A and C never meet; B has heard A, and C hears B alone") {
        story s = three_devices(seed);
        s.at(100);
        s["A"].write("1", {{"note", "a question"}});
        const auto question = s["A"].sealed();
        CHECK(s["B"].deliver(question).changesets == 1);
        s.at(200);
        s["B"].write("1", {{"note", "an answer"}});
        const auto answer = s["B"].sealed();
        WHEN("C receives the answer") {
            const std::string before = s["C"].digest();
            CHECK(s["C"].deliver(answer).changesets == 0);
            THEN("it waits, and nothing of it is shown") {
                CHECK(s["C"].pending() > 0);
                CHECK(s["C"].digest() == before);
                CHECK(s["C"].row("1").at("note") == value("a"));
            }
            AND_WHEN("the question arrives, and C writes on") {
                CHECK(s["C"].deliver(question).changesets == 2);
                CHECK(s["C"].row("1").at("note") == value("an answer"));
                s["C"].write("1", {{"amount", 11}});
                s.everyone_syncs();
                THEN("nobody's write was in conflict: each had seen what it replaced") {
                    CHECK(s.conflicts().empty());
                    CHECK(s["A"].row("1") == cells{{"amount", 11}, {"note", "an answer"}});
                }
            }
        }
    }
}

SCENARIO("S10 two devices delete the row that a third edits", "[scenario]") {
    const int seed = GENERATE(range(0, casasync_test::stories()));
    const auto [policy, edited_at] = GENERATE_COPY(from_range(casasync_test::variants(
        seed, std::vector<std::pair<delete_policy, int>>{{delete_policy::later_wins, 150},
                                                         {delete_policy::later_wins, 250},
                                                         {delete_policy::delete_wins, 150},
                                                         {delete_policy::delete_wins, 250}})));
    CAPTURE(seed, static_cast<int>(policy), edited_at);
    GIVEN("three devices that hold the same") {
        story s = three_devices(seed, policy);
        WHEN("A deletes it at 100 and B at 200, and C, which saw neither, edits it") {
            s.at(100);
            s["A"].erase("1");
            const auto b_deletes = [&] {
                s.at(200);
                s["B"].erase("1");
            };
            if (edited_at > 200) b_deletes();
            s.at(edited_at);
            s["C"].write("1", {{"note", "c"}});
            if (edited_at < 200) b_deletes();
            s.everyone_syncs();
            THEN("the later delete alone decides, and what lost against it, or it, is open") {
                const auto open = s.conflicts();
                REQUIRE(open.size() == 1);
                if (policy == delete_policy::later_wins && edited_at > 200) {
                    CHECK(s["A"].row("1") == cells{{"amount", 10}, {"note", "c"}});
                    CHECK(open[0] == lost_write{"1", "", {}, {}, conflict_reason::delete_undone});
                } else {
                    CHECK_FALSE(s["A"].has("1"));
                    CHECK(open[0] == lost_write{"1", "note", "c", {}, conflict_reason::hidden_by_delete});
                }
            }
        }
    }
}

SCENARIO("S11 a row that is inserted anew does not show what it held in an earlier life", "[scenario]") {
    const int seed = GENERATE(range(0, casasync_test::stories()));
    CAPTURE(seed);
    GIVEN("a row with a secret, which A deletes at 20 and B, who saw that, inserts anew at 30 without it") {
        story s = three_devices(seed);
        s.at(10);
        s["A"].write("1", {{"note", "secret"}});
        s.everyone_syncs();
        s.at(20);
        s["A"].erase("1");
        s.meet({"A", "B"});
        CHECK_FALSE(s["B"].has("1"));
        const int edited_at = GENERATE_COPY(from_range(casasync_test::variants(seed, std::vector{25, 35})));
        if (edited_at == 25) {
            s.at(25);
            s["C"].write("1", {{"note", "still here"}});
        }
        s.at(30);
        s["B"].write("1", {{"amount", 5}});
        if (edited_at == 35) {
            s.at(35);
            s["C"].write("1", {{"note", "still here"}});
        }
        CAPTURE(edited_at);
        WHEN("C, who saw none of it, edits the note in between or later") {
            s.everyone_syncs();
            THEN("the secret is gone for good; C's note is open, or shown, by its time") {
                const auto open = s.conflicts();
                REQUIRE(open.size() == 1);
                if (edited_at == 25) {
                    CHECK(s["A"].row("1") == cells{{"amount", 5}, {"note", value()}});
                    CHECK(open[0] ==
                          lost_write{"1", "note", "still here", value(), conflict_reason::older_stamp});
                } else {
                    CHECK(s["A"].row("1") == cells{{"amount", 5}, {"note", "still here"}});
                    CHECK(open[0] ==
                          lost_write{"1", "note", value(), "still here", conflict_reason::older_stamp});
                }
            }
        }
    }
}

SCENARIO("S11 an older version of the app inserts the row anew without a field that it does not know",
         "[scenario]") {
    const int seed = GENERATE(range(0, casasync_test::stories()));
    CAPTURE(seed);
    GIVEN("a row with a secret, which A deletes at 20") {
        story s = three_devices(seed);
        s.at(10);
        s["A"].write("1", {{"note", "secret"}});
        s.everyone_syncs();
        s.at(20);
        s["A"].erase("1");
        s.everyone_syncs();
        WHEN("a device that knows amounts only, and has not heard of the delete, inserts it at 30") {
            s.at(30);
            const auto inserted = casasync_test::part_of(casasync_test::forge(
                100, 1, "txn", {{op_kind::insert, {value("1")}, {{"amount", 5}}, hlc::at(s.now())}}));
            for (const char* name : {"A", "B", "C"})
                CHECK(s[name].deliver(std::span(&inserted, 1)).changesets == 1);
            s.everyone_syncs();
            THEN("the row is there again, and the secret is not") {
                CHECK(s["A"].row("1") == cells{{"amount", 5}, {"note", value()}});
                const auto open = s.conflicts();
                REQUIRE(open.size() == 1);
                CHECK(open[0] == lost_write{"1", "", {}, {}, conflict_reason::delete_undone});
            }
        }
    }
}
