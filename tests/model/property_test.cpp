// SPDX-License-Identifier: MIT
// Random runs of two to five devices, each held against the reference model after every step. A seed that
// fails is shrunk and printed as a test; put it into regression_test.cpp before the engine is changed.
//
//     CASASYNC_SEED=n   begins with that seed (1)
//     CASASYNC_RUNS=n   tries that many seeds
#include "script.hpp"
#include "shrink.hpp"

#include <casasync_test/catch.hpp>

#include <cstdint>
#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <string>

using namespace property;

namespace {

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

/// Shortens a failing script; whatever fails counts, not only what failed first.
std::string explain(std::uint64_t seed) {
    script s = draw(seed);
    const std::string first = play(s);
    s.steps = shrink(s.steps, [&s](const std::vector<step>& steps) {
        return !play({s.begin, steps}).empty();
    });
    return first + "\nshrunk: " + play(s) + "\n\n" + as_test(s, "seed " + std::to_string(seed));
}

/// Says what the runs have met; each of it must occur, or they prove nothing.
void report(const tally& t) {
    std::cout << t.runs << " runs, a run: " << std::fixed << std::setprecision(2);
    const auto each = [&t](const char* what, std::size_t n) {
        std::cout << static_cast<double>(n) / static_cast<double>(t.runs) << ' ' << what;
        CHECK(n > 0);
    };
    each("steps, ", t.steps);
    each("changesets, ", t.changesets);
    each("operations, ", t.operations);
    each("held, ", t.held);
    each("waiting, ", t.waiting);
    each("writes; in the end ", t.writes.writes);
    each("applied, ", t.writes.applied);
    each("superseded, ", t.writes.superseded);
    each("absorbed, ", t.writes.absorbed);
    each("open conflicts\n", t.writes.lost);
}

void try_seeds(std::uint64_t runs) {
    const std::uint64_t first = from_environment("CASASYNC_SEED", 1);
    runs = from_environment("CASASYNC_RUNS", runs);
    tally sums;
    for (std::uint64_t seed = first; seed < first + runs; ++seed) {
        CAPTURE(seed);  // also where an assertion of the engine ends the process
        if (!play(draw(seed), sums).empty()) FAIL(explain(seed));
    }
    report(sums);
}

}  // namespace

TEST_CASE("a million random households agree with the model, meet, and are silent", "[property]") {
    try_seeds(1'000'000);
}

TEST_CASE("fifty million random households: CASASYNC_SEED and CASASYNC_RUNS take a part",
          "[.soak][property]") {
    try_seeds(50'000'000);
}
