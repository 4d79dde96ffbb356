// SPDX-License-Identifier: MIT
// Each third call of SQLite in each flow fails once, or all from some on, whatever the reason: nothing is
// half done, and the same vault object goes on. With CASASYNC_EVERY_CALL each of them does.
#include "interruption.hpp"

#include <casasync_test/catch.hpp>
#include <casasync_test/failing_sqlite.hpp>

#include <cstdlib>
#include <iostream>

using namespace casasync_test;

namespace {

/// Fails every `step`-th call of a flow, from `first` on. \returns what went wrong; "" when nothing did
std::string fail_calls(const flow& f, bool sticky, std::uint64_t first, std::uint64_t step,
                       std::size_t& points) {
    interruption i(f, "wal");
    if (!i.rehearsal_failed().empty()) return i.rehearsal_failed();
    call_report seen{0, true};
    for (std::uint64_t at = first; seen.failed; at += step) {
        std::string p =
            i.errors([&] { plan_calls(at, sticky, SQLITE_IOERR); }, [&] { seen = repair_calls(); });
        if (p.empty() && i.threw()) p = "an exception";
        const casasync::errc said = i.last_error();
        if (p.empty() && said != casasync::errc{} && said != casasync::errc::store_failed &&
            said != casasync::errc::io_failed)
            p = "another error: " + std::string(name_of(said));
        if (!p.empty()) return "call " + std::to_string(at) + ": " + p;
        points += seen.failed ? 1 : 0;
    }
    return "";
}

std::size_t fail_calls(bool sticky, std::uint64_t step) {
    if (std::getenv("CASASYNC_EVERY_CALL") == nullptr) step *= 3;
    std::size_t points = 0;
    std::uint64_t n = 0;  // flows begin alike: not with the same calls of them
    for (const flow& f : all_flows()) {
        if (f.changes_relay) continue;  // the relay is in the same process, and has no part in it
        INFO(f.name);
        const std::size_t before = points;
        CHECK(fail_calls(f, sticky, 1 + n++ % step, step, points) == "");
        std::cout << f.name << ": " << points - before << " calls\n";
    }
    std::cout << "all flows: " << points << " calls\n";
    return points;
}

}  // namespace

TEST_CASE("one call of SQLite fails", "[faults]") {
    CHECK(fail_calls(false, 1) > 1700);
}

TEST_CASE("every call of SQLite fails from one on", "[faults]") {
    CHECK(fail_calls(true, 7) > 240);
}
