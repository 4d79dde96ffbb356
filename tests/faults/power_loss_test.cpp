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
        if (f.reads || (journal != "wal" && !f.any_journal)) continue;
        const std::size_t of_flow = lose_power_everywhere(f, journal);
        std::cout << journal << ", " << f.name << ": " << of_flow << " points\n";
        points += of_flow;
    }
    std::cout << journal << ", all flows: " << points << " points of power loss\n";
    return points;
}

}  // namespace

TEST_CASE("power loss at every call of every flow: WAL", "[faults]") {
    CHECK(lose_power_everywhere("wal") > 2400);
}

TEST_CASE("power loss at every call of every flow: rollback journal", "[faults]") {
    CHECK(lose_power_everywhere("delete") > 1600);
}
