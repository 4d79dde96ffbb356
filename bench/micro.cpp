// SPDX-License-Identifier: MIT
#include "harness.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

namespace casasync::bench {
namespace {

/// What the repetitions of one side did.
struct repetitions {
    std::vector<double> us{};  ///< a unit
    std::vector<std::uint64_t> checksums{};
    std::uint64_t allocations = 0, iterations = 0;
};

/// One repetition: as many iterations as Google Benchmark asks for.
void repeat(benchmark::State& state, const question& q, const side& s, repetitions& out) {
    for (auto _ : state) {
        state.PauseTiming();
        if (s.prepare) s.prepare();
        const std::uint64_t before = allocations();
        state.ResumeTiming();
        for (std::size_t step = 0; step < q.steps; ++step) s.work(step);
        state.PauseTiming();
        out.allocations += allocations() - before;
        ++out.iterations;
        state.ResumeTiming();
    }
    if (s.checksum) out.checksums.push_back(s.checksum());
}

/// Takes what was measured; prints nothing.
class collector : public benchmark::BenchmarkReporter {
 public:
    collector(const question& q, std::array<repetitions, 2>& sides) : asked_(&q), sides_(&sides) {}

    bool ReportContext(const Context&) override { return true; }
    void ReportRuns(const std::vector<Run>& runs) override {
        for (const Run& r : runs) {
            if (r.run_type != Run::RT_Iteration) continue;
            const std::size_t side = r.run_name.function_name == "reference" ? 0 : 1;
            (*sides_)[side].us.push_back(r.cpu_accumulated_time * 1e6 / static_cast<double>(r.iterations) /
                                         static_cast<double>(asked_->count));
        }
    }

 private:
    const question* asked_;
    std::array<repetitions, 2>* sides_;
};

void begin(bool brief) {
    std::array<std::string, 3> words{"bench", "--benchmark_enable_random_interleaving=true",
                                     brief ? "--benchmark_min_time=0.001" : "--benchmark_min_time=0.1"};
    std::array<char*, 4> argv{words[0].data(), words[1].data(), words[2].data(), nullptr};
    int argc = 3;
    benchmark::Initialize(&argc, argv.data());
}

}  // namespace

answer ask_micro(const question& q, std::size_t rounds) {
    begin(rounds == 1);
    std::array<repetitions, 2> sides;
    benchmark::ClearRegisteredBenchmarks();
    for (const bool ours : {false, true})
        benchmark::RegisterBenchmark(
            ours ? "ours" : "reference",
            [&, ours](benchmark::State& s) { repeat(s, q, ours ? q.ours : q.reference, sides[ours]); })
            ->Repetitions(static_cast<int>(rounds))
            ->MeasureProcessCPUTime();
    collector reporter(q, sides);
    benchmark::RunSpecifiedBenchmarks(&reporter);

    const auto& [reference, ours] = sides;
    if (ours.us.size() != rounds || reference.us.size() != rounds)
        throw std::runtime_error(q.name + ": not all repetitions were measured");
    const auto same = [&](const repetitions& r) {
        return std::all_of(r.checksums.begin(), r.checksums.end(),
                           [&](std::uint64_t sum) { return sum == ours.checksums.front(); });
    };
    if (!same(ours) || (q.same_work && !same(reference)))
        throw std::runtime_error(q.name + ": two sides or rounds did not do the same work");
    answer out{q, rounds, spread_of(reference.us), spread_of(ours.us), {}, 0, 0, 0, 0, {}};
    std::vector<double> ratio;
    for (std::size_t i = 0; i < rounds; ++i) ratio.push_back(ours.us[i] / reference.us[i]);
    out.ratio = spread_of(std::move(ratio));
    out.allocations = static_cast<double>(ours.allocations) / static_cast<double>(ours.iterations * q.count);
    if (q.bytes) out.bytes = q.bytes();
    out.checksum = ours.checksums.front();
    return out;
}

}  // namespace casasync::bench
