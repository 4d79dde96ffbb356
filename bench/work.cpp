// SPDX-License-Identifier: MIT
// casasync-bench-work NAME: does one small piece of fixed work inside casasync_measured_work(), so that
// scripts/instructions can count the instructions of just that: merge (in place), plan (merge() and apply()),
// encode, decode, capture, seal, lone (a hundred commits, each sealed at once), apply; 1,000 rows each.
#include "changesets.hpp"
#include "vaults.hpp"

#include <casasync/codec.hpp>
#include <casasync/memory_rows.hpp>

#include <array>
#include <filesystem>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <stdexcept>

extern "C" __attribute__((noinline)) void casasync_measured_work(const std::function<void()>* work) {
    (*work)();
}

namespace casasync::bench {
namespace {

constexpr std::uint64_t rows = 1000;

void measure(const std::function<void()>& work) {
    casasync_measured_work(&work);
}

void merge_in_memory() {
    const std::array<changeset, 2> both{full_set(rows), delta(rows)};
    memory_rows store;
    measure([&] {
        for (const changeset& c : both)
            if (auto merged = store.merge(c); !merged) throw std::runtime_error(merged.failure().text());
    });
}

void merge_by_plan() {
    const std::array<changeset, 2> both{full_set(rows), delta(rows)};
    memory_rows store;
    measure([&] {
        for (const changeset& c : both) {
            const auto plan = merge(c, store);
            if (!plan) throw std::runtime_error(plan.failure().text());
            store.apply(*plan);
        }
    });
}

void encode_both() {
    const changeset a = full_set(rows), b = delta(rows);
    std::size_t size = 0;
    measure([&] { size = encode(a).size() + encode(b).size(); });
    std::cout << size << " bytes\n";
}

void decode_both() {
    const bytes a = encode(full_set(rows)), b = encode(delta(rows));
    bool whole = false;
    measure([&] { whole = decode(a).ok() && decode(b).ok(); });
    if (!whole) throw std::runtime_error("what was encoded does not decode");
}

/// Step 1 of W.
void write_step(app& a, const made_workload& w) {
    write_all(a, w.rows);
    write_all(a, std::span<const field_update>(w.first.data(), rows));
}

void capture(const std::string& folder) {
    const auto vault = make_vault(folder + "/a.db", 2);
    app writer(folder + "/a.db");
    const made_workload w(rows);
    measure([&] { write_step(writer, w); });
}

void seal(const std::string& folder) {
    auto vault = make_vault(folder + "/a.db", 2);
    app writer(folder + "/a.db");
    write_step(writer, made_workload(rows));
    measure([&] { need(vault.seal()); });
}

/// Commits of one write each, each one sealed at once.
void seal_each(const std::string& folder) {
    auto vault = make_vault(folder + "/a.db", 2);
    app writer(folder + "/a.db");
    const made_workload w(rows);
    write_all(writer, w.rows);
    need(vault.seal());
    for (std::size_t i = 0; i < 100; ++i) {
        write_all(writer, std::span<const field_update>(&w.first[i], 1));
        measure([&] { need(vault.seal()); });
    }
}

void apply(const std::string& folder) {
    auto from = make_vault(folder + "/a.db", 2), to = make_vault(folder + "/b.db", 3);
    app writer(folder + "/a.db");
    const made_workload w(rows);
    write_all(writer, w.rows);
    need(from.seal());
    need(to.accept(take_outbox(from), {}));
    write_all(writer, std::span<const field_update>(w.first.data(), rows));
    need(from.seal());
    need(to.accept(take_outbox(from), {}));
    measure([&] { (void)need(to.merge_inbox(some_day)); });
}

int run(const std::string& name) {
    const std::string folder = (std::filesystem::temp_directory_path() / ("casasync-work-" + name)).string();
    const std::map<std::string, std::function<void()>> all{{"merge", merge_in_memory},
                                                           {"plan", merge_by_plan},
                                                           {"encode", encode_both},
                                                           {"decode", decode_both},
                                                           {"capture", [&] { capture(folder); }},
                                                           {"seal", [&] { seal(folder); }},
                                                           {"lone", [&] { seal_each(folder); }},
                                                           {"apply", [&] { apply(folder); }}};
    const auto it = all.find(name);
    if (it == all.end()) throw std::runtime_error("no such work: " + name);
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    it->second();
    std::filesystem::remove_all(folder);
    return 0;
}

}  // namespace
}  // namespace casasync::bench

int main(int argc, char** argv) {
    try {
        return casasync::bench::run(argc > 1 ? argv[1] : "");
    } catch (const std::exception& e) {
        std::cerr << "work: " << e.what() << '\n';
        return 1;
    }
}
