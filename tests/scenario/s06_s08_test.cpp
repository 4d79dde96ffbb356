// SPDX-License-Identifier: MIT
// Long absence, deliveries in any order, clocks that disagree.
#include <casasync_test/story.hpp>

#include <numeric>
#include <set>

using namespace casasync;
using casasync_test::cells;
using casasync_test::story;

namespace {

/// How large a story of a long absence is.
struct absence {
    int rows = 0, desktop_writes = 0, phone_writes = 0;
};

void write_somewhere(story& s, const std::string& device, int rows) {
    auto& rng = s.random();
    const std::string id = std::to_string(rng() % static_cast<unsigned>(rows));
    const auto what = rng() % 20;
    if (what == 0)
        s[device].erase(id);
    else if (what % 2 == 0)
        s[device].write(id, {{"amount", static_cast<std::int64_t>(rng() % 1000)}});
    else
        s[device].write(id, {{"note", device + std::to_string(rng() % 50)}});
}

/// The phone is away for 90 days; the desktop syncs every now and then.
void tell_of_absence(story& s, const absence& a) {
    s.at(0);
    for (int i = 0; i < a.rows; ++i) s["desktop"].write(std::to_string(i), {{"amount", i}, {"note", "new"}});
    s.everyone_syncs();
    s["phone"].cut(true);
    const int steps = 90;
    for (int day = 0; day < steps; ++day) {
        s.minutes_pass(24 * 60);
        for (int i = 0; i < a.desktop_writes / steps; ++i) write_somewhere(s, "desktop", a.rows);
        for (int i = 0; i < a.phone_writes / steps; ++i) write_somewhere(s, "phone", a.rows);
        static_cast<void>(s["desktop"].sealed());
        static_cast<void>(s["phone"].sealed());
        if (day % 7 == 0) CHECK(s["desktop"].sync().ok());
        CHECK(s["phone"].sync().code() == errc::offline);
    }
    s["phone"].cut(false);
    s.everyone_syncs();
}

/// Tells C of the changes of A and B in the given order and batches; returns how many changesets it merged.
std::size_t deliver(story& s, const std::vector<inbound_part>& parts, std::size_t batch_max) {
    std::size_t merged = 0;
    for (std::size_t at = 0; at < parts.size();) {
        const std::size_t n = std::min(parts.size() - at, 1 + s.random()() % batch_max);
        merged += s["C"].deliver(std::span(parts).subspan(at, n)).changesets;
        at += n;
    }
    return merged;
}

/// A and B write row 1, `each` changesets, without meeting.
std::vector<inbound_part> unmet_changes(story& s, int each) {
    s.everyone_syncs();  // a device that joined says so
    for (int i = 0; i < each; ++i) {
        s.at(10 * i + 10);
        if (i == 2)
            s["A"].erase("1");
        else
            s["A"].write("1", {{i % 2 == 0 ? "amount" : "note", i}});
        static_cast<void>(s["A"].sealed());
        s.at(10 * i + 15);
        s["B"].write("1", {{i % 2 == 0 ? "note" : "amount", 100 + i}});
        static_cast<void>(s["B"].sealed());
    }
    auto all = s["A"].sealed();
    const auto others = s["B"].sealed();
    all.insert(all.end(), others.begin(), others.end());
    REQUIRE(all.size() == static_cast<std::size_t>(2 * each));
    return all;
}

/// A and B write, C receives, and D has received everything in order.
story four_devices(int seed) {
    return story{{.seed = seed, .devices = {"A", "B", "C", "D"}}};
}

}  // namespace

SCENARIO("S06 a phone comes back after 90 days", "[scenario]") {
    const int seed = GENERATE(range(0, casasync_test::stories()));
    CAPTURE(seed);
    GIVEN("two devices that share rows, one of which goes away and writes on") {
        story s{{.seed = seed}};
        tell_of_absence(s, seed == 0 ? absence{1000, 50'000, 5'000} : absence{20, 1'000, 100});
        THEN("both are the same within three rounds") {
            CHECK(s.all_agree());
            CHECK_FALSE(s.conflicts().empty());
        }
    }
}

SCENARIO("S07 three changes of each of two devices arrive at a third in every order", "[scenario]") {
    std::vector<std::size_t> order(6);
    std::iota(order.begin(), order.end(), 0U);
    const int every = casasync_test::traits_of_world().quick ? 1 : 48;
    int n = 0;
    do {
        if (n++ % every != 0) continue;
        story s = four_devices(0);
        const auto all = unmet_changes(s, 3);
        CHECK(s["D"].deliver(all).changesets == 6);
        std::vector<inbound_part> arrival;
        for (const std::size_t i : order) arrival.push_back(all[i]);
        CAPTURE(n);
        CHECK(deliver(s, arrival, 1) == 6);
        CHECK(s["C"].digest() == s["D"].digest());
        CHECK(s["C"].rows() == s["D"].rows());
    } while (std::next_permutation(order.begin(), order.end()));
}

SCENARIO("S07 six changes of each of two devices arrive in random order, some again and again",
         "[scenario]") {
    const int seed = GENERATE(range(0, casasync_test::stories()));
    CAPTURE(seed);
    GIVEN("twelve changes of one row by two devices that have not met") {
        story s = four_devices(seed);
        const auto all = unmet_changes(s, 6);
        CHECK(s["D"].deliver(all).changesets == all.size());
        WHEN("a third receives each one to three times, in random batches") {
            std::vector<inbound_part> arrival;
            for (const inbound_part& p : all) arrival.insert(arrival.end(), 1 + s.random()() % 3, p);
            std::shuffle(arrival.begin(), arrival.end(), s.random());
            const std::size_t merged = deliver(s, arrival, 5);
            THEN("each counts once, and the order does not matter") {
                CHECK(merged == all.size());
                const std::string digest = s["C"].digest();
                CHECK(digest == s["D"].digest());
                CHECK(s["C"].conflicts() == s["D"].conflicts());
                CHECK(deliver(s, arrival, 5) == 0);
                CHECK(s["C"].digest() == digest);
            }
            AND_THEN("all agree once they sync") {
                s.everyone_syncs();
                CHECK(s.all_agree());
            }
        }
    }
}

SCENARIO("S08 two clocks disagree by four minutes", "[scenario]") {
    const int seed = GENERATE(range(0, casasync_test::stories()));
    CAPTURE(seed);
    GIVEN("a desktop whose clock is four minutes ahead") {
        story s{{.seed = seed}};
        s["desktop"].skew(4 * 60'000);
        s.at(0);
        s["desktop"].write("1", {{"amount", 10}, {"note", "a"}});
        s.everyone_syncs();
        WHEN("both edit one field in turn, each after it saw the other's") {
            for (int i = 0; i < 6; ++i) {
                s.at(1000 * (i + 1));
                const std::string who = i % 2 == 0 ? "desktop" : "phone";
                const value note(who + std::to_string(i));
                s[who].write("1", {{"note", note}});
                s.everyone_syncs();
                CHECK(s["desktop"].row("1").at("note") == note);
                CHECK(s["phone"].row("1").at("note") == note);
            }
            THEN("the last edit has always won, and nothing is in conflict") {
                CHECK(s.conflicts().empty());
            }
            AND_WHEN("the desktop's clock is corrected and it edits once more") {
                s["desktop"].skew(0);
                s["desktop"].write("1", {{"note", "corrected"}});
                s.everyone_syncs();
                THEN("that edit is shown, though its clock says an earlier time than its last one") {
                    CHECK(s["phone"].row("1").at("note") == value("corrected"));
                    CHECK(s.conflicts().empty());
                }
            }
        }
    }
}
