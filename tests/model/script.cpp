// SPDX-License-Identifier: MIT
#include "script.hpp"

#include <array>
#include <random>
#include <sstream>
#include <utility>

namespace property {

namespace {

using casasync::delete_policy;

/// One in that many runs is long.
constexpr std::uint64_t long_run = 128;

std::uint8_t byte_of(std::mt19937_64& random) {
    return static_cast<std::uint8_t>(random());
}

does some_action(std::mt19937_64& random) {
    static constexpr std::array<std::pair<does, std::uint64_t>, kinds_of_steps> weights{
        {{does::write, 12},
         {does::erase, 4},
         {does::restore, 1},
         {does::keep, 1},
         {does::seal, 7},
         {does::send, 11},
         {does::snapshot, 2},
         {does::merge, 2},
         {does::set_clock, 3}}};
    constexpr std::uint64_t sum = 43;
    std::uint64_t n = random() % sum;
    for (const auto& [what, weight] : weights) {
        if (n < weight) return what;
        n -= weight;
    }
    return does::write;
}

constexpr std::array<const char*, kinds_of_steps> names{"write", "erase",    "restore", "keep",     "seal",
                                                        "send",  "snapshot", "merge",   "set_clock"};

const char* text_of(bool b) {
    return b ? "true" : "false";
}

}  // namespace

script draw(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    script out;
    out.begin.devices = random() % 4 == 0 ? 4 + random() % 2 : 2 + random() % 2;
    out.begin.policy = random() % 2 == 0 ? delete_policy::later_wins : delete_policy::delete_wins;
    out.begin.grouped = random() % 4 == 0;
    out.begin.older = random() % 8 == 0;
    out.begin.pool = byte_of(random);
    const std::size_t length = random() % long_run == 0 ? 40 + random() % 80 : 8 + random() % 24;
    for (std::size_t i = 0; i < length; ++i)
        out.steps.push_back({some_action(random), static_cast<std::uint8_t>(random() % out.begin.devices),
                             static_cast<std::uint8_t>(random() % out.begin.devices),
                             static_cast<std::uint8_t>(random() % 3 / 2),  // two of three times the first key
                             byte_of(random), byte_of(random)});
    return out;
}

std::string as_test(const script& s, const std::string& name) {
    std::ostringstream out;
    out << "TEST_CASE(\"" << name << "\", \"[property]\") {\n    const script s{\n        {"
        << s.begin.devices
        << ", delete_policy::" << (s.begin.policy == delete_policy::later_wins ? "later_wins" : "delete_wins")
        << ", " << text_of(s.begin.grouped) << ", " << text_of(s.begin.older) << ", " << +s.begin.pool
        << "},\n        {";
    for (std::size_t i = 0; i < s.steps.size(); ++i) {
        const step& t = s.steps[i];
        out << (i == 0 ? "" : ",\n         ") << "{does::" << names[static_cast<std::size_t>(t.what)] << ", "
            << +t.device << ", " << +t.other << ", " << +t.key << ", " << +t.a << ", " << +t.b << "}";
    }
    out << "}};\n    CHECK(play(s) == \"\");\n}\n";
    return out.str();
}

}  // namespace property
