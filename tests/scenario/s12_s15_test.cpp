// SPDX-License-Identifier: MIT
// Changes that come late or never, keys that change, and NULL.
#include <casasync_test/story.hpp>

#include <set>

using namespace casasync;
using casasync_test::cells;
using casasync_test::lost_write;
using casasync_test::story;

namespace {

std::set<std::string> keys_of(casasync_test::test_device& device) {
    std::set<std::string> out;
    for (const auto& [id, row] : device.rows()) out.insert(id);
    return out;
}

}  // namespace

SCENARIO("S12 the update of a row arrives long before its insert", "[scenario]") {
    const int seed = GENERATE(range(0, casasync_test::stories()));
    CAPTURE(seed);
    GIVEN("A inserts a row, makes many other changes, and updates the row") {
        story s{{.seed = seed, .devices = {"A", "B", "C"}}};
        s.everyone_syncs();
        s.at(0);
        s["A"].write("1", {{"amount", 10}, {"note", "a"}});
        static_cast<void>(s["A"].sealed());
        const int between = seed == 0 ? 1000 : 20;
        for (int i = 0; i < between; ++i) {
            s.at(i + 1);
            s["A"].write("other" + std::to_string(i % 10), {{"amount", i}});
            static_cast<void>(s["A"].sealed());
        }
        s.at(2000);
        s["A"].write("1", {{"amount", 20}});
        auto parts = s["A"].sealed();
        REQUIRE(parts.size() == static_cast<std::size_t>(between) + 2);
        CHECK(s["B"].deliver(parts).changesets == parts.size());
        std::rotate(parts.begin(), parts.begin() + 1, parts.end());  // the insert comes last
        std::shuffle(parts.begin(), parts.end() - 1, s.random());
        WHEN("C receives everything but the insert") {
            const std::string before = s["C"].digest();
            CHECK(s["C"].deliver(std::span(parts).first(parts.size() - 1)).changesets == 0);
            THEN("no row is shown, nothing is lost, and its own work goes on") {
                CHECK(s["C"].digest() == before);
                CHECK(s["C"].rows().empty());
                CHECK(s["C"].pending() > 0);
                s["C"].write("own", {{"amount", 1}});
                CHECK(keys_of(s["C"]) == std::set<std::string>{"own"});
            }
            AND_WHEN("the insert arrives at last") {
                CHECK(s["C"].deliver(std::span(parts).last(1)).changesets == parts.size());
                THEN("C is as if everything had come in order") {
                    CHECK(s["C"].row("1") == cells{{"amount", 20}, {"note", "a"}});
                    CHECK(s["C"].digest() == s["B"].digest());
                    CHECK(s["C"].rows() == s["B"].rows());
                    CHECK(s["C"].pending() == 0);
                }
            }
        }
    }
}

SCENARIO("S13 one device changes the key of a row that another edits", "[scenario]") {
    const int seed = GENERATE(range(0, casasync_test::stories()));
    const auto [policy, edited_at] = GENERATE_COPY(from_range(casasync_test::variants(
        seed, std::vector<std::pair<delete_policy, int>>{{delete_policy::later_wins, 50},
                                                         {delete_policy::later_wins, 150},
                                                         {delete_policy::delete_wins, 50},
                                                         {delete_policy::delete_wins, 150}})));
    CAPTURE(seed, static_cast<int>(policy), edited_at);
    GIVEN("both devices hold row 1") {
        story s{{.seed = seed, .policy = policy}};
        s.at(0);
        s["desktop"].write("1", {{"amount", 10}, {"note", "a"}});
        s.everyone_syncs();
        WHEN("the desktop makes its key 2 at 100, and the phone, which does not know, sets the amount of 1") {
            if (edited_at == 50) {
                s.at(50);
                s["phone"].write("1", {{"amount", 30}});
            }
            s.at(100);
            s["desktop"].rename("1", "2");
            if (edited_at == 150) {
                s.at(150);
                s["phone"].write("1", {{"amount", 30}});
            }
            s.everyone_syncs();
            THEN("row 2 has the desktop's values, and row 1 is hidden or back, as with any delete") {
                const auto open = s.conflicts();
                REQUIRE(open.size() == 1);
                CHECK(s["phone"].row("2") == cells{{"amount", 10}, {"note", "a"}});
                if (policy == delete_policy::later_wins && edited_at == 150) {
                    CHECK(s["desktop"].row("1") == cells{{"amount", 30}, {"note", "a"}});
                    CHECK(open[0] == lost_write{"1", "", {}, {}, conflict_reason::delete_undone});
                } else {
                    CHECK_FALSE(s["desktop"].has("1"));
                    CHECK(open[0] == lost_write{"1", "amount", 30, {}, conflict_reason::hidden_by_delete});
                }
            }
        }
    }
}

SCENARIO("S14 one row gets two new keys, and one of them its old key back", "[scenario]") {
    const int seed = GENERATE(range(0, casasync_test::stories()));
    const bool late = GENERATE_COPY(from_range(casasync_test::variants<char>(seed, {0, 1})));
    CAPTURE(seed, late);
    GIVEN("three devices hold row 1") {
        story s{{.seed = seed, .devices = {"A", "B", "C"}}};
        s.at(0);
        s["A"].write("1", {{"amount", 10}, {"note", "a"}});
        s.everyone_syncs();
        WHEN("A makes it 2, C, who saw that, makes it 1 again, and B, who saw nothing, makes 1 into 3") {
            s.at(100);
            s["A"].rename("1", "2");
            s.meet({"A", "C"});
            if (!late) {
                s.at(200);
                s["B"].rename("1", "3");
            }
            s.at(300);
            s["C"].rename("2", "1");
            if (late) {
                s.at(400);
                s["B"].rename("1", "3");
            }
            s.everyone_syncs();
            THEN("2 is gone, 3 is there, and 1 by whether B's rename or C's was later") {
                const auto open = s.conflicts();
                CHECK(keys_of(s["A"]) ==
                      (late ? std::set<std::string>{"3"} : std::set<std::string>{"1", "3"}));
                CHECK(s["B"].row("3") == cells{{"amount", 10}, {"note", "a"}});
                if (late)
                    CHECK(open ==
                          std::vector<lost_write>{{"1", "amount", 10, {}, conflict_reason::hidden_by_delete},
                                                  {"1", "note", "a", {}, conflict_reason::hidden_by_delete}});
                else
                    CHECK(open == std::vector<lost_write>{{"1", "", {}, {}, conflict_reason::delete_undone}});
            }
        }
    }
}

SCENARIO("S15 NULL is a value, and what was not written overwrites nothing", "[scenario]") {
    const int seed = GENERATE(range(0, casasync_test::stories()));
    CAPTURE(seed);
    GIVEN("a row whose note both devices edit") {
        story s{{.seed = seed}};
        s.at(0);
        s["desktop"].write("1", {{"amount", 10}, {"note", "a"}});
        s.everyone_syncs();
        s.at(100);
        s["phone"].write("1", {{"note", "x"}});
        WHEN("the desktop clears it a moment later, and the phone then writes the amount alone") {
            s.at(200);
            s["desktop"].write("1", {{"note", value()}});
            s.at(300);
            s["phone"].write("1", {{"amount", 30}});
            s.everyone_syncs();
            THEN("the note is NULL, and what was in it is open") {
                CHECK(s["phone"].row("1") == cells{{"amount", 30}, {"note", value()}});
                CHECK(s.conflicts() ==
                      std::vector<lost_write>{{"1", "note", "x", value(), conflict_reason::older_stamp}});
            }
        }
        WHEN("the desktop had cleared it a moment before") {
            s.at(50);
            s["desktop"].write("1", {{"note", value()}});
            s.everyone_syncs();
            THEN("the text is shown, and that it was cleared is open") {
                CHECK(s["desktop"].row("1") == cells{{"amount", 10}, {"note", "x"}});
                CHECK(s.conflicts() ==
                      std::vector<lost_write>{{"1", "note", value(), "x", conflict_reason::older_stamp}});
            }
        }
    }
}
