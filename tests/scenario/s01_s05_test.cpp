// SPDX-License-Identifier: MIT
// Two devices write offline, and meet again.
#include <casasync_test/story.hpp>

using namespace casasync;
using casasync_test::cells;
using casasync_test::lost_write;
using casasync_test::story;

namespace {

/// Row 1, synced everywhere.
void everyone_has_row_1(story& s) {
    s.at(0);
    s["desktop"].write("1", {{"amount", 10}, {"note", "a"}});
    s.everyone_syncs();
    REQUIRE(s["phone"].row("1") == cells{{"amount", 10}, {"note", "a"}});
}

}  // namespace

SCENARIO("S01 two devices write different fields of one row offline", "[scenario]") {
    const int seed = GENERATE(range(0, casasync_test::stories()));
    CAPTURE(seed);
    GIVEN("both devices hold the row") {
        story s{{.seed = seed}};
        everyone_has_row_1(s);
        WHEN("one changes the amount and the other the note, at the same moment") {
            s.at(100);
            s["desktop"].write("1", {{"amount", 20}});
            s["phone"].write("1", {{"note", "b"}});
            s.everyone_syncs();
            THEN("both changes stand on both, and nothing is in conflict") {
                CHECK(s.all_agree());
                CHECK(s["desktop"].row("1") == cells{{"amount", 20}, {"note", "b"}});
                CHECK(s.conflicts().empty());
            }
        }
    }
}

SCENARIO("S02 two devices write the same field offline", "[scenario]") {
    const int seed = GENERATE(range(0, casasync_test::stories()));
    CAPTURE(seed);
    GIVEN("both devices hold the row") {
        story s{{.seed = seed}};
        everyone_has_row_1(s);
        WHEN("both change the note, to the same") {
            s.at(100);
            s["desktop"].write("1", {{"note", "B"}});
            s.at(200);
            s["phone"].write("1", {{"note", "B"}});
            s.everyone_syncs();
            THEN("there is nothing to decide") {
                CHECK(s["desktop"].row("1") == cells{{"amount", 10}, {"note", "B"}});
                CHECK(s.conflicts().empty());
            }
        }
        WHEN("the desktop changes the note, and the phone a moment later") {
            s.at(100);
            s["desktop"].write("1", {{"note", "A"}});
            s.at(200);
            s["phone"].write("1", {{"note", "B"}});
            s.everyone_syncs();
            THEN("both show the phone's, and the audit log keeps the desktop's") {
                CHECK(s["desktop"].row("1") == cells{{"amount", 10}, {"note", "B"}});
                CHECK(s.conflicts() ==
                      std::vector<lost_write>{{"1", "note", "A", "B", conflict_reason::older_stamp}});
            }
            AND_WHEN("somebody restores the desktop's") {
                const std::string who = seed % 3 == 0 ? "desktop" : "phone";
                s[who].restore(s.conflicts().at(0));
                s.everyone_syncs();
                THEN("both show it, and the conflict is closed everywhere") {
                    CHECK(s.conflicts().empty());
                    CHECK(s["phone"].row("1") == cells{{"amount", 10}, {"note", "A"}});
                }
            }
            AND_WHEN("somebody keeps what is shown") {
                s["phone"].keep(s.conflicts().at(0));
                s.everyone_syncs();
                THEN("it stays, and the conflict is closed everywhere") {
                    CHECK(s.conflicts().empty());
                    CHECK(s["desktop"].row("1") == cells{{"amount", 10}, {"note", "B"}});
                }
            }
        }
    }
}

SCENARIO("S03 two devices write the same field at the same instant", "[scenario]") {
    const int seed = GENERATE(range(0, casasync_test::stories()));
    const bool swapped = GENERATE(false, true);
    CAPTURE(seed, swapped);
    GIVEN("both devices hold the row") {
        story s{{.seed = seed, .ranks_reversed = swapped}};
        everyone_has_row_1(s);
        WHEN("both change the note at wall time 100") {
            s.at(100);
            s["desktop"].write("1", {{"note", "A"}});
            s["phone"].write("1", {{"note", "B"}});
            s.everyone_syncs();
            THEN("both show the note of the greater id, and the audit log keeps the other") {
                const auto open = s.conflicts();
                REQUIRE(open.size() == 1);
                CHECK(open[0].why == conflict_reason::tie_replica);
                CHECK(open[0].shown == s["phone"].row("1")["note"]);
                CHECK(open[0].loser == value(open[0].shown == value("A") ? "B" : "A"));
                if (casasync_test::traits_of_world().ranks_known)
                    CHECK(open[0].shown == value(swapped ? "A" : "B"));
            }
        }
    }
}

SCENARIO("S04 one device deletes a row that another edits", "[scenario]") {
    const int seed = GENERATE(range(0, casasync_test::stories()));
    const delete_policy policy = GENERATE(delete_policy::later_wins, delete_policy::delete_wins);
    const int edited_at = GENERATE(50, 100, 150);
    CAPTURE(seed, static_cast<int>(policy), edited_at);
    GIVEN("both devices hold the row") {
        story s{{.seed = seed, .policy = policy}};
        everyone_has_row_1(s);
        WHEN("the desktop deletes it at 100, and the phone, which does not know, sets the amount") {
            s.at(edited_at);
            s["phone"].write("1", {{"amount", 30}});
            s.at(100);
            s["desktop"].erase("1");
            s.everyone_syncs();
            const auto open = s.conflicts();
            REQUIRE(open.size() == 1);
            const bool ranked = casasync_test::traits_of_world().ranks_known || edited_at != 100;
            const bool expected =
                policy == delete_policy::later_wins && edited_at >= 100;  // the phone ranks higher
            const bool back = ranked ? expected : s["desktop"].has("1");
            THEN("the later one is shown whole, and the audit log keeps the other") {
                CHECK(s["desktop"].has("1") == back);
                if (back) {
                    CHECK(s["desktop"].row("1") == cells{{"amount", 30}, {"note", "a"}});
                    CHECK(open[0] == lost_write{"1", "", {}, {}, conflict_reason::delete_undone});
                } else {
                    CHECK(open[0] == lost_write{"1", "amount", 30, {}, conflict_reason::hidden_by_delete});
                }
            }
            AND_WHEN("somebody restores what lost") {
                s[seed % 3 == 0 ? "desktop" : "phone"].restore(open.at(0));
                s.everyone_syncs();
                THEN("it is back everywhere, and nothing is open") {
                    CHECK(s.conflicts().empty());
                    CHECK(s["phone"].has("1") == !back);
                    if (!back) CHECK(s["phone"].row("1") == cells{{"amount", 30}, {"note", "a"}});
                }
            }
            AND_WHEN("somebody keeps what is shown") {
                s["desktop"].keep(open.at(0));
                s.everyone_syncs();
                THEN("it stays, and nothing is open") {
                    CHECK(s.conflicts().empty());
                    CHECK(s["phone"].has("1") == back);
                }
            }
        }
    }
}

SCENARIO("S05 two devices insert the same row offline", "[scenario]") {
    const int seed = GENERATE(range(0, casasync_test::stories()));
    const bool mirrored = GENERATE(false, true);
    CAPTURE(seed, mirrored);
    GIVEN("nobody has row 7") {
        story s{{.seed = seed}};
        everyone_has_row_1(s);
        WHEN("both insert it, one a millisecond after the other") {
            s.at(mirrored ? 102 : 100);
            s["desktop"].write("7", {{"note", "A"}, {"amount", 1}});
            s.at(101);
            s["phone"].write("7", {{"note", "B"}, {"amount", value()}});
            s.everyone_syncs();
            THEN(
                "there is one row, every field of the later insert, and the audit log has the earlier "
                "one's") {
                const auto open = s.conflicts();
                REQUIRE(open.size() == 2);
                if (mirrored) {
                    CHECK(s["phone"].row("7") == cells{{"amount", 1}, {"note", "A"}});
                    CHECK(open[0] == lost_write{"7", "amount", value(), 1, conflict_reason::older_stamp});
                    CHECK(open[1] == lost_write{"7", "note", "B", "A", conflict_reason::older_stamp});
                } else {
                    CHECK(s["desktop"].row("7") == cells{{"amount", value()}, {"note", "B"}});
                    CHECK(open[0] == lost_write{"7", "amount", 1, value(), conflict_reason::older_stamp});
                    CHECK(open[1] == lost_write{"7", "note", "A", "B", conflict_reason::older_stamp});
                }
            }
        }
    }
}
