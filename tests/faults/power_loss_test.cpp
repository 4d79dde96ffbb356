// SPDX-License-Identifier: MIT
// The power goes at every call that changes a disk, in every flow, in three ways, in both journal modes.
#include "interruption.hpp"

#include <casasync_test/catch.hpp>

#include <iostream>

using namespace casasync_test;

namespace {

constexpr loss every_loss[] = {loss::all_unsynced, loss::random_subset, loss::torn_write};

/// Returns how many points there were; every one of them was tried.
std::size_t lose_power_everywhere(const flow& f, const std::string& journal) {
    interruption i(f, journal);
    INFO(f.name << ", journal " << journal);
    REQUIRE(i.rehearsal_failed() == "");
    std::size_t points = 0;
    for (std::uint64_t at = 1, over = 0; over < std::size(every_loss); ++at) {
        over = 0;
        for (const loss how : every_loss) {
            const std::string p = i.power_loss({fault::power_loss, at, false, calls_that_change, how, at});
            INFO("power loss at call " << at << ", mode " << static_cast<int>(how));
            REQUIRE(p == "");
            ++(i.interrupted() ? points : over);
        }
    }
    return points;
}

std::size_t lose_power_everywhere(const std::string& journal) {
    std::size_t points = 0;
    for (const flow& f : all_flows()) {
        if (f.reads || f.calls_alone || (journal != "wal" && !f.any_journal)) continue;
        const std::size_t of_flow = lose_power_everywhere(f, journal);
        std::cout << journal << ", " << f.name << ": " << of_flow << " points\n";
        points += of_flow;
    }
    std::cout << journal << ", all flows: " << points << " points of power loss\n";
    return points;
}

/// An app whose commits reach the disk later writes twice and lends its connection for a sync after each.
/// Returns what is wrong after a power loss; "" when nothing is. \param happened  before all was over?
std::string lose_power_of_lender(device_pair& p, const pair_image& start, const fault_plan& plan,
                                 bool& happened) {
    p.load(start);
    for (device* d : {&p.a, &p.b})
        if (auto e = problem("open", d->open()); !e.empty()) return e;
    if (p.b.sql().transact(p.story().b_writes) != SQLITE_OK) return "b writes: " + p.b.sql().message();
    if (auto e = p.sync(p.b); !e.empty()) return e;
    p.a.storage().plan(plan);
    for (const char* sql : {p.story().a_writes, p.story().fresh}) {
        (void)p.a.sql().transact(sql);
        (void)p.sync(p.a);
        p.minutes_pass(1);
    }
    happened = p.a.storage().fault_happened();
    if (!happened) p.a.storage().lose_power(plan.how, plan.seed);
    p.a.start_again();
    if (auto e = problem("open again", p.a.open()); !e.empty()) return e;
    if (auto e = p.a.sql().integrity(); e != "ok") return "integrity: " + e;
    if (auto e = p.fresh_write(p.a); !e.empty()) return e;
    return p.agree();
}

}  // namespace

TEST_CASE("power loss at every call of an app that lends its connection and syncs no commit", "[faults]") {
    device_pair p(GENERATE("wal", "delete"));
    REQUIRE(p.begin() == "");
    const pair_image start = p.image();
    p.a.lend();
    std::uint64_t points = 0;
    for (bool happened = true; happened;) {
        const fault_plan plan{fault::power_loss, ++points,           false,
                              calls_that_change, loss::all_unsynced, points};
        INFO("power loss at call " << points);
        REQUIRE(lose_power_of_lender(p, start, plan, happened) == "");
    }
    std::cout << "a lent connection: " << points << " points of power loss\n";
    CHECK(points > 200);
}

TEST_CASE("power loss at every call of every flow: WAL", "[faults]") {
    CHECK(lose_power_everywhere("wal") > 2400);
}

TEST_CASE("power loss at every call of every flow: rollback journal", "[faults]") {
    CHECK(lose_power_everywhere("delete") > 1600);
}
