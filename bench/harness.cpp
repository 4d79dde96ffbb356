// SPDX-License-Identifier: MIT
#include "harness.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <new>
#include <stdexcept>
#include <string_view>
#include <thread>

namespace {

std::atomic<std::uint64_t> allocation_count{0};

void* allocate(std::size_t size) {
    allocation_count.fetch_add(1, std::memory_order_relaxed);
    void* p = std::malloc(size == 0 ? 1 : size);
    if (p == nullptr) throw std::bad_alloc();
    return p;
}

}  // namespace

void* operator new(std::size_t size) {
    return allocate(size);
}
void operator delete(void* p) noexcept {
    std::free(p);
}
void operator delete(void* p, std::size_t) noexcept {
    std::free(p);
}

namespace casasync::bench {
namespace {

double seconds_of(clockid_t clock) {
    timespec t{};
    clock_gettime(clock, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

struct tally {
    double seconds = 0;
    std::uint64_t allocations = 0;
};

void run_step(const question& q, const side& s, std::size_t step, tally& sum) {
    const clockid_t clock = q.wall ? CLOCK_MONOTONIC : CLOCK_PROCESS_CPUTIME_ID;
    if (s.before) s.before(step);
    const std::uint64_t before = allocations();
    const double begin = seconds_of(clock);
    s.work(step);
    sum.seconds += seconds_of(clock) - begin;
    sum.allocations += allocations() - before;
}

std::string hex(std::uint64_t v) {
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(v));
    return text;
}

#ifdef __clang__
constexpr const char* compiler = __VERSION__;  // has its name in it
#else
constexpr const char* compiler = "g++ " __VERSION__;
#endif

std::string machine() {
    const std::string cores = ", " + std::to_string(std::thread::hardware_concurrency()) + " cores";
    std::ifstream in("/proc/cpuinfo");
    for (std::string line; std::getline(in, line);)
        if (line.rfind("model name", 0) == 0) return line.substr(line.find(": ") + 2) + cores;
    return "unknown" + cores;
}

/// The value below which so much of them lies; 0 of none.
double part_of(const std::vector<double>& sorted, double part) {
    if (sorted.empty()) return 0;
    return sorted[std::min(sorted.size() - 1,
                           static_cast<std::size_t>(part * static_cast<double>(sorted.size())))];
}

std::string aims(const question& q) {
    std::string out;
    char text[64];
    const auto add = [&](const char* form, double v) {
        std::snprintf(text, sizeof text, form, v);
        out += (out.empty() ? "" : ", ") + std::string(text);
    };
    if (q.ratio_max) add("ratio <= %.2f", *q.ratio_max);
    if (q.rate_min) add(">= %.0f a second", *q.rate_min);
    if (q.bytes_max) add("<= %.0f bytes", *q.bytes_max);
    if (q.bytes_ratio_max) add("size <= %.2f x", *q.bytes_ratio_max);
    if (q.p50_ms_max) add("p50 <= %.0f ms", *q.p50_ms_max);
    if (q.p99_ms_max) add("p99 <= %.0f ms", *q.p99_ms_max);
    return out;
}

void print(const answer& a) {
    std::printf("%s: N %llu, %zu rounds\n", a.asked.name.c_str(),
                static_cast<unsigned long long>(a.asked.count), a.rounds);
    const auto line = [&](const std::string& name, const spread& s) {
        std::printf("  %-34s %9.3f us a %s (%.3f-%.3f), %.0f a second\n", name.c_str(), s.median,
                    a.asked.unit.c_str(), s.least, s.greatest, 1e6 / s.median);
    };
    line(a.asked.reference.name, a.reference_us);
    line(a.asked.ours.name, a.ours_us);
    std::printf("  ratio %.2f (%.2f-%.2f), %.2f allocations a %s", a.ratio.median, a.ratio.least,
                a.ratio.greatest, a.allocations, a.asked.unit.c_str());
    if (a.bytes > 0) std::printf(", %.2f bytes a %s", a.bytes, a.asked.unit.c_str());
    if (a.reference_bytes > 0)
        std::printf(", %.2f in the reference, ratio %.2f", a.reference_bytes, a.bytes / a.reference_bytes);
    const std::string aim = aims(a.asked);
    std::printf(", checksum %s%s\n", hex(a.checksum).c_str(), aim.empty() ? "" : (". Aim: " + aim).c_str());
    for (const waits& w : a.latencies)
        std::printf("  %-34s p50 %.3f ms, p99 %.3f ms, max %.3f ms, N %zu\n", w.name.c_str(),
                    part_of(w.us, 0.5) / 1e3, part_of(w.us, 0.99) / 1e3, part_of(w.us, 1) / 1e3, w.us.size());
    std::fflush(stdout);
}

boost::json::object to_json(const spread& s) {
    return {{"median", s.median}, {"min", s.least}, {"max", s.greatest}};
}

boost::json::object to_json(const answer& a) {
    boost::json::object out{{"question", a.asked.name},
                            {"unit", a.asked.unit},
                            {"n", a.asked.count},
                            {"rounds", a.rounds},
                            {"reference", a.asked.reference.name},
                            {"ours", a.asked.ours.name},
                            {"reference_us", to_json(a.reference_us)},
                            {"ours_us", to_json(a.ours_us)},
                            {"ratio", to_json(a.ratio)},
                            {"clock", a.asked.wall ? "wall" : "CPU"},
                            {"allocations", a.allocations},
                            {"checksum", hex(a.checksum)},
                            {"aim", aims(a.asked)}};
    if (a.bytes > 0) out["bytes"] = a.bytes;
    if (a.reference_bytes > 0) out["reference_bytes"] = a.reference_bytes;
    boost::json::array latencies;
    for (const waits& w : a.latencies)
        latencies.push_back({{"name", w.name},
                             {"n", w.us.size()},
                             {"p50_ms", part_of(w.us, 0.5) / 1e3},
                             {"p99_ms", part_of(w.us, 0.99) / 1e3},
                             {"max_ms", part_of(w.us, 1) / 1e3}});
    if (!latencies.empty()) out["latencies"] = std::move(latencies);
    if (const auto& s = a.asked.shown)
        out["shown"] = {{"plot", s->plot},
                        {"title", s->title},
                        {"x", s->x},
                        {"line", s->line},
                        {"reference_line", s->reference_line},
                        {"at", s->at}};
    return out;
}

void write_record(const std::string& file, const std::string& program, const std::vector<answer>& all) {
    boost::json::array answers;
    for (const answer& a : all) answers.push_back(to_json(a));
    double load[1] = {0};
    if (getloadavg(load, 1) != 1) load[0] = 0;
    const char* commit = std::getenv("CASASYNC_COMMIT");
    const boost::json::object out{
        {"program", program},           {"commit", commit == nullptr ? "unknown" : commit},
        {"compiler", compiler},         {"flags", CASASYNC_BENCH_FLAGS},
        {"machine", machine()},         {"load", load[0]},
        {"answers", std::move(answers)}};
    std::ofstream(file) << boost::json::serialize(out) << '\n';
}

run_options read_options(int argc, char** argv, const std::string& program) {
    run_options o;
    o.folder = (std::filesystem::temp_directory_path() / ("casasync-bench-" + program)).string();
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string_view name = argv[i];
        const std::string text = argv[i + 1];
        if (name == "--rounds")
            o.rounds = std::stoul(text);
        else if (name == "--rows")
            o.rows = std::stoul(text);
        else if (name == "--only")
            o.only = text;
        else if (name == "--folder")
            o.folder = text;
        else if (name == "--json")
            o.json = text;
        else if (name == "--expect")
            o.expect = text;
        else
            throw std::runtime_error("unknown option " + std::string(name));
    }
    if (argc % 2 == 0) throw std::runtime_error("each option takes a value");
    if (o.rounds == 0 || o.rows < 1000) throw std::runtime_error("at least one round and 1000 rows");
    return o;
}

}  // namespace

spread spread_of(std::vector<double> v) {
    std::sort(v.begin(), v.end());
    return {v[v.size() / 2], v.front(), v.back()};
}

std::uint64_t allocations() noexcept {
    return allocation_count.load(std::memory_order_relaxed);
}

void keep(std::uint64_t value) noexcept {
    static std::atomic<std::uint64_t> sink{0};
    sink.store(value, std::memory_order_relaxed);
}

answer ask(const question& q, std::size_t rounds) {
    std::vector<double> reference, ours, ratio;
    rounds = std::min(rounds, q.rounds_max);
    answer out{q, rounds, {}, {}, {}, 0, 0, 0, 0, {}};
    const double per_unit = 1e6 / static_cast<double>(q.count);
    for (std::size_t round = 0; round < rounds; ++round) {
        for (const side* s : {&q.reference, &q.ours})
            if (s->prepare) s->prepare();
        tally a, b;
        for (std::size_t step = 0; step < q.steps; ++step) {
            const bool ours_first = (step + round) % 2 == 1;
            if (ours_first) run_step(q, q.ours, step, b);
            run_step(q, q.reference, step, a);
            if (!ours_first) run_step(q, q.ours, step, b);
        }
        const std::uint64_t sum = q.ours.checksum();
        if (q.same_work && sum != q.reference.checksum())
            throw std::runtime_error(q.name + ": the two sides did not do the same work");
        if (round > 0 && sum != out.checksum)
            throw std::runtime_error(q.name + ": two rounds did not do the same work");
        out.checksum = sum;
        if (q.bytes) out.bytes = q.bytes();
        if (q.reference_bytes) out.reference_bytes = q.reference_bytes();
        out.allocations = static_cast<double>(b.allocations) / static_cast<double>(q.count);
        reference.push_back(a.seconds * per_unit);
        ours.push_back(b.seconds * per_unit);
        ratio.push_back(b.seconds / a.seconds);
    }
    out.reference_us = spread_of(reference);
    out.ours_us = spread_of(ours);
    out.ratio = spread_of(ratio);
    if (q.latencies) out.latencies = q.latencies();
    for (waits& w : out.latencies) std::sort(w.us.begin(), w.us.end());
    return out;
}

int answer_all(int argc, char** argv, const program& p) {
    std::filesystem::path folder;
    int status = 0;
    try {
        const run_options options = read_options(argc, argv, p.name);
        folder = options.folder;
        std::filesystem::remove_all(folder);
        std::filesystem::create_directories(folder);
        std::vector<answer> all;
        std::uint64_t sum = 0;
        for (const question& q : p.questions(options)) {
            if (q.name.find(options.only) == std::string::npos) continue;
            all.push_back(p.ask(q, options.rounds));
            print(all.back());
            sum = sum * 31 + all.back().checksum;
        }
        std::printf("checksum of all work: %s\n", hex(sum).c_str());
        if (!options.json.empty()) write_record(options.json, p.name, all);
        if (!options.expect.empty() && options.expect != hex(sum))
            throw std::runtime_error("the work was not what it should be: expected " + options.expect);
    } catch (const std::exception& e) {
        std::cerr << p.name << ": " << e.what() << '\n';
        status = 1;
    }
    std::error_code ignored;
    if (!folder.empty()) std::filesystem::remove_all(folder, ignored);
    return status;
}

}  // namespace casasync::bench
