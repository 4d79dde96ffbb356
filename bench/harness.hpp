// SPDX-License-Identifier: MIT
#pragma once

/// How the programs here measure: each answers one question by doing the same work in two ways, the reference
/// and casasync, by turns, in one process. Times are CPU time of the process: files lie in memory, so that
/// what is left out is the load of others. Ratios count; seconds are of the machine.
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace casasync::bench {

/// One of the two ways. `prepare` and `checksum` are not timed.
struct side {
    std::string name{};
    std::function<void()> prepare{};
    std::function<void(std::size_t step)> work{};
    std::function<std::uint64_t()> checksum{};  ///< of what the work left behind
};

struct question {
    std::string name{};
    std::string unit = "change";
    std::uint64_t count = 0;  ///< units of work in a round
    std::size_t steps = 1;    ///< pieces of a round; the two sides alternate piece by piece
    side reference{}, ours{};
    bool same_work = true;                                       ///< both sides have one checksum
    std::optional<double> ratio_max{}, rate_min{}, bytes_max{};  ///< what is aimed at
    std::function<double()> bytes{};  ///< of a unit, after a round; where it has a size
    std::function<double()>
        reference_bytes{};  ///< the same of the reference, where the ratio of sizes is asked
    std::optional<double> bytes_ratio_max{};
};

/// Middle, least and greatest of the rounds.
struct spread {
    double median = 0, least = 0, greatest = 0;
};

struct answer {
    question asked{};
    std::size_t rounds = 0;
    spread reference_us{}, ours_us{}, ratio{};  ///< microseconds a unit; ours over the reference
    double allocations = 0;                     ///< a unit, of ours
    double bytes = 0, reference_bytes = 0;      ///< a unit; 0: it has no size
    std::uint64_t checksum = 0;                 ///< of ours
};

/// What the command line says: --rounds N, --rows N, --only TEXT, --folder PATH, --json FILE, --expect
/// CHECKSUM.
struct run_options {
    std::size_t rounds = 5;
    std::uint64_t rows = 100'000;
    std::string only{};    ///< asks just the questions that have this in their name
    std::string folder{};  ///< made, and emptied at the end
    std::string json{};
    std::string expect{};  ///< hexadecimal; the run fails when the checksum of all work is another
};

/// Number of calls of operator new so far.
[[nodiscard]] std::uint64_t allocations() noexcept;

/// Keeps the compiler from dropping the work that made `value`.
void keep(std::uint64_t value) noexcept;

/// Runs the rounds of one question. \throws std::runtime_error when sides of the same work differ, or rounds
/// do
[[nodiscard]] answer ask(const question& q, std::size_t rounds);

/// Reads the command line, asks, prints a line an answer and writes the JSON record. Returns main()'s value.
int answer_all(int argc, char** argv, const std::string& program,
               const std::function<std::vector<question>(const run_options&)>& questions);

}  // namespace casasync::bench
