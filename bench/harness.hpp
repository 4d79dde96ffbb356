// SPDX-License-Identifier: MIT
#pragma once

/// How the programs here measure: each answers one question by doing the same work in two ways, the reference
/// and casasync, by turns, in one process. Times are CPU time of the process where files lie in memory, so
/// that what is left out is the load of others; where disks, networks and other threads are waited for, of
/// the wall. Ratios count; seconds are of the machine.
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace casasync::bench {

/// One of the two ways. Only `work` is timed.
struct side {
    std::string name{};
    std::function<void()> prepare{};
    std::function<void(std::size_t step)> work{};
    std::function<std::uint64_t()> checksum{};       ///< of what the work left behind
    std::function<void(std::size_t step)> before{};  ///< each step
};

/// How long each of many waits took, of which the middle and the tail are told.
struct waits {
    std::string name{};
    std::vector<double> us{};
};

/// Where the answer is in a plot: microseconds a unit against `at`.
struct place {
    std::string plot{};  ///< name of its file
    std::string title{}, x{};
    std::string line{}, reference_line{};
    double at = 0;
};

struct question {
    std::string name{};
    std::string unit = "change";
    std::uint64_t count = 0;      ///< units of work in a round
    std::size_t steps = 1;        ///< pieces of a round; the two sides alternate piece by piece
    std::size_t rounds_max = 99;  ///< of work that is long
    bool wall = false;            ///< time of the wall, not of the CPU
    side reference{}, ours{};
    bool same_work = true;                                       ///< both sides have one checksum
    std::optional<double> ratio_max{}, rate_min{}, bytes_max{};  ///< what is aimed at
    std::function<double()> bytes{};  ///< of a unit, after a round; where it has a size
    std::function<double()>
        reference_bytes{};  ///< the same of the reference, where the ratio of sizes is asked
    std::optional<double> bytes_ratio_max{};
    std::function<std::vector<waits>()> latencies{};   ///< of all rounds, asked for at the end
    std::optional<double> p50_ms_max{}, p99_ms_max{};  ///< aims for the last of them
    std::optional<place> shown{};
};

/// Middle, least and greatest of the rounds.
struct spread {
    double median = 0, least = 0, greatest = 0;
};
[[nodiscard]] spread spread_of(std::vector<double> v);

struct answer {
    question asked{};
    std::size_t rounds = 0;
    spread reference_us{}, ours_us{}, ratio{};  ///< microseconds a unit; ours over the reference
    double allocations = 0;                     ///< a unit, of ours
    double bytes = 0, reference_bytes = 0;      ///< a unit; 0: it has no size
    std::uint64_t checksum = 0;                 ///< of ours
    std::vector<waits> latencies{};
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
/// The same for work of nanoseconds to milliseconds: Google Benchmark repeats it until it can be timed, and
/// mixes the repetitions of both sides.
[[nodiscard]] answer ask_micro(const question& q, std::size_t rounds);

/// A program of questions.
struct program {
    std::string name{};
    std::vector<question> (*questions)(const run_options&) = nullptr;
    answer (*ask)(const question&, std::size_t) = bench::ask;
};

/// Reads the command line after the program's name, asks, prints a line an answer and writes the JSON record.
/// Returns main()'s value.
int answer_all(int argc, char** argv, const program& p);

}  // namespace casasync::bench
