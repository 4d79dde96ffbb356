// SPDX-License-Identifier: MIT
// Stamps as no healthy device makes them: equal ones, and those at the edges of time.
#include "forge.hpp"

#include <casasync_test/story.hpp>

using namespace casasync;
using casasync_test::cells;
using casasync_test::forge;
using casasync_test::forged_id;
using casasync_test::forged_write;
using casasync_test::lost_write;
using casasync_test::part_of;
using casasync_test::story;

namespace {

constexpr unix_ms drift = limits::drift_ms_max;

/// Row 1 with a note, by a device nobody knows.
changeset note(std::uint8_t author, std::uint64_t seq, hlc when, const value& what) {
    return forge(author, seq, "txn", {{op_kind::insert, {value("1")}, {{"note", what}}, when}});
}

story one_device(int seed = 0) {
    return story{{.seed = seed, .devices = {"phone"}}};
}

}  // namespace

SCENARIO("S16 copies of one device stamp different values alike", "[scenario]") {
    const int seed = GENERATE(range(0, casasync_test::stories()));
    CAPTURE(seed);
    GIVEN("a row, and updates of it that have one stamp, each of another value") {
        story s{{.seed = seed, .devices = {"A", "B"}}};
        const std::vector<value> values{value(), "7", "7.0", bytes{0x37}};
        auto parts = casasync_test::tied_updates("txn", "note", values, s.now() - 1000);
        WHEN("two devices receive them in different orders") {
            for (const char* who : {"A", "B"}) {
                std::shuffle(parts.begin() + 1, parts.end(), s.random());
                for (const inbound_part& p : parts) CHECK(s[who].deliver(std::span(&p, 1)).changesets == 1);
            }
            THEN("the greatest by type, then by content is shown on both, and the others are open") {
                std::vector<lost_write> expected;
                for (const value& lost : values)
                    if (lost != values.back())
                        expected.push_back(
                            {"1", "note", lost, values.back(), conflict_reason::duplicate_stamp});
                CHECK(s.conflicts() == expected);
                CHECK(s["A"].row("1").at("note") == values.back());
            }
        }
    }
}

SCENARIO("S51 a clock that is five minutes ahead is believed, and not a millisecond more", "[scenario]") {
    GIVEN("a change from a device whose clock is ahead") {
        story s = one_device();
        s.at(0);
        s["phone"].write("1", {{"note", "own"}});
        static_cast<void>(s["phone"].sealed());
        const std::string before = s["phone"].digest();
        const auto arrives = [&](hlc when) {
            return s["phone"].deliver(std::vector{part_of(note(100, 1, when, "ahead"))}).changesets;
        };
        WHEN("it is exactly five minutes") {
            CHECK(arrives(hlc::at(s.now() + drift)) == 1);
            THEN("it is merged") {
                CHECK(s["phone"].row("1").at("note") == value("ahead"));
            }
        }
        WHEN("it is that, with the counter at its end") {
            CHECK(arrives(hlc{hlc::at(s.now() + drift).packed + 0xffff}) == 1);
            THEN("the next stamp carries into the milliseconds") {
                s["phone"].write("1", {{"note", "next"}});
                CHECK(casasync_test::last_stamp(s["phone"]) == s.now() + drift + 1);
            }
        }
        WHEN("it is a millisecond more") {
            CHECK(arrives(hlc::at(s.now() + drift + 1)) == 0);
            THEN("it is held, and shown nowhere") {
                CHECK(s["phone"].digest() == before);
                CHECK(s["phone"].row("1").at("note") == value("own"));
                CHECK(s["phone"].pending() > 1);
            }
            AND_THEN("own writes keep to the own time") {
                s.at(0);
                s["phone"].write("2", {{"note", "later"}});
                CHECK(casasync_test::last_stamp(s["phone"]) == s.now());
            }
            AND_WHEN("that millisecond has passed") {
                s.at(1);
                CHECK(s["phone"].deliver({}).changesets == 1);
                THEN("it is merged as if it had just come") {
                    CHECK(s["phone"].row("1").at("note") == value("ahead"));
                }
            }
        }
        WHEN("it is the last moment there is") {
            CHECK(arrives(hlc{~std::uint64_t{0}}) == 0);
            THEN("it is held, and others go on") {
                CHECK(s["phone"]
                          .deliver(std::vector{part_of(note(101, 1, hlc::at(s.now() + 1), "now"))})
                          .changesets == 1);
                CHECK(s["phone"].row("1").at("note") == value("now"));
            }
        }
        WHEN("it comes from before the first moment there is") {
            CHECK(arrives(hlc{}) == 0);
            THEN("it is refused: a write without a time is none") {
                CHECK(s["phone"].digest() == before);
            }
        }
        WHEN("it comes from the first moment there is") {
            CHECK(arrives(hlc{1}) == 1);
            THEN("it loses against everything, and is open") {
                CHECK(s["phone"].row("1").at("note") == value("own"));
                CHECK(s.conflicts() ==
                      std::vector<lost_write>{{"1", "note", "ahead", "own", conflict_reason::older_stamp}});
            }
        }
    }
    GIVEN("a device whose own clock says a time before 1970") {
        story s = one_device();
        s["phone"].skew(-2 * s.now());
        WHEN("a person writes, and writes again") {
            s["phone"].write("1", {{"note", "first"}});
            const unix_ms first = casasync_test::last_stamp(s["phone"]);
            s["phone"].write("1", {{"note", "second"}});
            THEN("the stamps stand above everything that was there before a vault began, and rise") {
                CHECK(first >= band::adopt.ms());
                CHECK(s["phone"].sealed().size() == 2);
                CHECK(casasync_test::last_stamp(s["phone"]) >= first);
                CHECK(s["phone"].row("1").at("note") == value("second"));
            }
        }
    }
}

SCENARIO("S53 a changeset that is refused has moved no clock", "[scenario]") {
    GIVEN("a changeset four minutes ahead whose end is not valid") {
        story s = one_device();
        s.at(0);
        s["phone"].write("1", {{"note", "own"}});
        static_cast<void>(s["phone"].sealed());
        const std::string before = s["phone"].digest();
        const hlc ahead = hlc::at(s.now() + 4 * 60'000);
        changeset c = note(100, 1, ahead, "ahead");
        const auto arrives = [&](inbound_part p) { return s["phone"].deliver(std::span(&p, 1)).changesets; };
        SECTION("its last table is one of the engine's own") {
            table_changes last = c.tables[0];
            last.table.name = "casasync_settings";
            c.tables.push_back(last);
            CHECK(arrives(part_of(c)) == 0);
        }
        SECTION("its last column merges by another rule") {
            c.tables[0].table.columns.push_back({"amount", merge_rule::max});
            c.tables[0].rows[0].op.cells.push_back({1, 5});
            CHECK(arrives(part_of(c)) == 0);
        }
        SECTION("its last byte is missing") {
            inbound_part p = part_of(c);
            p.payload.pop_back();
            CHECK(arrives(std::move(p)) == 0);
        }
        SECTION("it names another author than its envelope does") {
            inbound_part p = part_of(c);
            p.device = forged_id<device_id>(101);
            CHECK(arrives(std::move(p)) == 0);
        }
        THEN("nothing of it is shown, and the next stamp is not four minutes ahead") {
            CHECK(s["phone"].digest() == before);
            CHECK(s["phone"].row("1").at("note") == value("own"));
            s.at(5);
            s["phone"].write("1", {{"note", "next"}});
            CHECK(casasync_test::last_stamp(s["phone"]) == s.now());
        }
    }
}
