// SPDX-License-Identifier: MIT
// Households from seeds, each played twice. A seed that fails is shrunk and printed as a file; put it
// into tests/simulation/regressions before the engine is changed, and it is played with the others from then
// on.
//
//     CASASYNC_SEED=n        begins with that seed (1)
//     CASASYNC_RUNS=n        plays that many seeds
//     CASASYNC_STEP=n        goes on with the n-th after each (1)
//     CASASYNC_SCENE=file    what "a scene from a file" plays, and tells
#include "memory.hpp"
#include "world.hpp"

#include <casasync_test/catch.hpp>
#include <casasync_test/delta_debugging.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>

using namespace simulation;

namespace {

[[maybe_unused]] const bool installed = (casasync_test::install_heap(), true);

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

scene scene_in(const std::filesystem::path& file) {
    std::ifstream in(file);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    const auto s = parse(text);
    if (!s) throw std::runtime_error("not a scene: " + file.string());
    return *s;
}

/// What kind of problem it is: its words up to the first colon.
std::string kind_of(const std::string& problem) {
    return problem.substr(0, problem.find(':'));
}

/// Returns the problem, the shortest scene that has one of its kind, and what happens in it.
std::string explain(scene s) {
    tally ignored;
    const std::string problem = play(s, ignored).problem;
    s.events = casasync_test::without_needless(std::move(s.events), [&](const std::vector<event>& events) {
        scene less = s;
        less.events = events;
        return kind_of(play(less, ignored).problem) == kind_of(problem);
    });
    const outcome shortest = play(s, ignored);
    std::string out = problem + "\nshrunk: " + shortest.problem + "\n\n" + text_of(s) + "\n";
    for (const std::string& line : shortest.lines) out += line + "\n";
    return out;
}

/// Says what the scenes have met; each of it must occur, or they prove nothing.
void report(const tally& t) {
    std::cout << t.scenes << " scenes, a scene: " << std::fixed << std::setprecision(2);
    const auto each = [&t](std::uint64_t n, const char* what) {
        std::cout << static_cast<double>(n) / static_cast<double>(t.scenes) << ' ' << what;
        CHECK(n > 0);
    };
    each(t.writes, "cells written, ");
    each(t.refused_writes, "transactions refused, ");
    each(t.syncs, "syncs of which ");
    each(t.failed_syncs, "fail, ");
    each(t.power_losses, "power losses or kills, ");
    each(t.io_errors, "bad disks, ");
    each(t.restarts, "restarts, ");
    each(t.altered, "altered pages, ");
    each(t.joins, "joins, ");
    each(t.compactions, "compactions, ");
    each(t.merged_snapshots, "snapshots merged, ");
    each(t.upgrades, "upgrades, ");
    each(t.starved, "syncs without memory for SQLite, ");
    each(t.starved_of_new, "without memory from new, ");
    each(t.restored, "backups restored, ");
    each(t.clones, "clones, ");
    each(t.successions, "that became devices, ");
    each(t.revoked, "devices removed, ");
    each(t.relay_losses, "relays that lost something, ");
    each(t.fed, "that were given it again, ");
    each(t.asked, "that asked others, ");
    each(t.spared, "files and relays spared, ");
    each(t.held, "changesets held, ");
    each(t.decided, "conflicts decided, ");
    each(t.undeleted, "rows brought back; in the end ");
    each(t.open_conflicts, "open conflicts, ");
    each(t.parked, "parked rows\n");
}

void play_seeds(std::uint64_t runs) {
    const std::uint64_t first = from_environment("CASASYNC_SEED", 1);
    runs = from_environment("CASASYNC_RUNS", runs);
    const std::uint64_t step = from_environment("CASASYNC_STEP", 1);
    tally counts;
    for (std::uint64_t seed = first, n = 0; n < runs; seed += step, ++n) {
        const scene s = draw(seed);
        const outcome once = play(s, counts);
        INFO("seed " << seed << ", " << unsigned{s.devices} << " devices, " << s.events.size() << " events, "
                     << (s.wal ? "WAL" : "rollback journal"));
        if (!once.problem.empty()) {
            std::cout << "seed " << seed << ": " << explain(s) << std::endl;
            FAIL(once.problem);
        }
        tally ignored;
        const outcome again = play(s, ignored);
        const auto [one, other] = std::ranges::mismatch(once.lines, again.lines);
        INFO((one == once.lines.end() ? "" : *one) << " or " << (other == again.lines.end() ? "" : *other));
        REQUIRE(once.trace == again.trace);
    }
    if (runs >= 200) report(counts);
}

}  // namespace

TEST_CASE("households of 2 to 4 devices in all weathers agree once it clears", "[simulation]") {
    play_seeds(3000);
}

TEST_CASE("households in all weathers, for long", "[.soak]") {
    play_seeds(200'000);
}

TEST_CASE("a scene is what its text says", "[simulation]") {
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        const scene s = draw(seed);
        CHECK(parse(text_of(s)) == s);
    }
    CHECK_FALSE(parse("scene 1 seed 1 devices 9 wal 1 anew 0 careful 0\n"));
    CHECK_FALSE(parse("scene 1 seed 1 devices 2 wal 1 anew 0 careful 0\nexplode 0 0 0\n"));
}

TEST_CASE("a household is made the same whatever was played before", "[simulation]") {
    tally ignored;
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
        const scene s = draw(seed);
        const household_image before = make_like(s);
        CHECK(play(draw(seed + 100), ignored).problem == "");
        const household_image after = make_like(s);
        REQUIRE(before.parties.size() == s.devices);
        for (std::size_t i = 0; i < s.devices; ++i) {
            CHECK(before.parties[i].files.size() == 1);
            CHECK(before.parties[i].files == after.parties[i].files);
        }
        CHECK(before.relay.state().head == after.relay.state().head);
        CHECK(before.relay.log_at(before.relay.state().head) == after.relay.log_at(after.relay.state().head));
    }
}

TEST_CASE("scenes that once failed", "[simulation]") {
    tally counts;
    std::size_t played = 0;
    for (const auto& file : std::filesystem::directory_iterator(CASASYNC_REGRESSIONS)) {
        INFO(file.path().filename());
        CHECK(play(scene_in(file.path()), counts).problem == "");
        ++played;
    }
    CHECK(played > 0);
}

TEST_CASE("a scene from a file", "[.scene]") {
    tally counts;
    const char* file = std::getenv("CASASYNC_SCENE");
    REQUIRE(file != nullptr);
    const outcome o = play(scene_in(file), counts);
    for (const std::string& line : o.lines) std::cout << line << "\n";
    CHECK(o.problem == "");
}
