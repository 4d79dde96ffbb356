// SPDX-License-Identifier: MIT
// Every call of every flow fails once, or from there on, or finds the disk full; then the disk is well again,
// and the same vault object goes on.
#include "interruption.hpp"

#include <casasync_test/catch.hpp>

#include <iostream>

using namespace casasync_test;

namespace {

/// Returns how many calls failed; every one of the kind did.
std::size_t fail_every_call(const flow& f, const std::string& journal, fault_plan plan) {
    interruption i(f, journal);
    INFO(f.name << ", journal " << journal);
    REQUIRE(i.rehearsal_failed() == "");
    for (plan.at = 1;; ++plan.at) {
        const std::string p = i.errors(plan);
        INFO("call " << plan.at << (plan.sticky ? " and all after it" : ""));
        REQUIRE(p == "");
        if (!i.interrupted()) return plan.at - 1;
        if (plan.what == fault::disk_full && i.last_error() != casasync::errc{})  // closing tells nothing
            REQUIRE(i.last_error() == casasync::errc::store_full);
    }
}

std::size_t fail_every_call(const std::string& journal, const fault_plan& plan) {
    std::size_t points = 0;
    for (const flow& f : all_flows()) {
        if (f.reads || f.calls_alone || (journal != "wal" && !f.any_journal)) continue;
        const std::size_t of_flow = fail_every_call(f, journal, plan);
        std::cout << journal << ", " << f.name << ": " << of_flow << " points\n";
        points += of_flow;
    }
    std::cout << journal << ", all flows: " << points << " points\n";
    return points;
}

}  // namespace

TEST_CASE("one call of the disk fails: WAL", "[faults]") {
    CHECK(fail_every_call("wal", {fault::io_error}) > 1200);
}

TEST_CASE("the disk fails from one call on: WAL", "[faults]") {
    CHECK(fail_every_call("wal", {fault::io_error, 0, true}) > 1200);
}

TEST_CASE("one call of the disk fails: rollback journal", "[faults]") {
    CHECK(fail_every_call("delete", {fault::io_error}) > 2000);
}

TEST_CASE("the disk fails from one call on: rollback journal", "[faults]") {
    CHECK(fail_every_call("delete", {fault::io_error, 0, true}) > 2000);
}

TEST_CASE("the disk is full from one write on", "[faults]") {
    for (const std::string journal : {"wal", "delete"})
        CHECK(fail_every_call(journal, {fault::disk_full, 0, true, only(disk_call::write)}) > 300);
}
