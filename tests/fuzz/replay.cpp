// SPDX-License-Identifier: MIT
// The harness as a test: its corpus and mutations of it. Any sanitizer finding ends the program.
#include "harness.hpp"
#include "mutate.hpp"

#include <casasync_test/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

using namespace casasync_fuzz;

namespace {

std::vector<casasync::bytes> corpus() {
    std::vector<std::filesystem::path> paths;
    const auto folder = std::filesystem::path(CASASYNC_FUZZ_CORPUS) / this_harness.name;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    std::vector<casasync::bytes> out;
    for (const auto& path : paths) {
        std::ifstream file(path, std::ios::binary);
        out.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
    return out;
}

/// Runs one input; what it must not do is told with the input, in hexadecimal digits.
void try_input(casasync::bytes_view data) {
    try {
        static_cast<void>(one(data));
    } catch (const std::exception& what) {
        FAIL(what.what() << "\ninput: " << casasync::to_hex(data));
    }
}

}  // namespace

TEST_CASE("the corpus of a fuzz harness, and what mutations make of it", "[fuzz]") {
    const std::vector<casasync::bytes> seeds = corpus();
    REQUIRE_FALSE(seeds.empty());
    for (const casasync::bytes& seed : seeds) try_input(seed);
    mutator random(2024);
    for (std::size_t i = 0; i < this_harness.inputs; ++i)
        try_input(random.damaged(seeds[random.below(seeds.size())], seeds[random.below(seeds.size())]));
    SUCCEED(seeds.size() + this_harness.inputs << " inputs");
}
