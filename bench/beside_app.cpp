// SPDX-License-Identifier: MIT
// How long an app's commits take on a connection of its own, alone and while changes of another device are
// merged beside it. Times are of the wall: what the app waits for is the lock.
#include "vaults.hpp"

#include <CLI/CLI.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <thread>

namespace casasync::bench {
namespace {

constexpr std::uint64_t sealed_at_once = 1'000;

/// What the app waited for, in milliseconds.
struct waits {
    std::vector<double> all{};
    std::size_t failures = 0;

    [[nodiscard]] double part(double of) const {
        if (all.empty()) return 0;
        std::vector<double> sorted = all;
        std::sort(sorted.begin(), sorted.end());
        return sorted[std::min(sorted.size() - 1,
                               static_cast<std::size_t>(of * static_cast<double>(sorted.size())))];
    }
    [[nodiscard]] boost::json::object record() const {
        return {{"commits", all.size()},
                {"failures", failures},
                {"p50_ms", part(0.5)},
                {"p99_ms", part(0.99)},
                {"max_ms", part(1)}};
    }
    void print(const char* when) const {
        std::printf("%s: %zu commits, p50 %.2f ms, p99 %.2f ms, max %.2f ms, %zu failed\n", when, all.size(),
                    part(0.5), part(0.99), part(1), failures);
    }
};

/// Updates a field, in a transaction, every two milliseconds until `over(commits so far)`.
template <class Over>
waits write_until(app& a, std::span<const field_update> updates, Over&& over) {
    waits out;
    for (std::size_t i = 0; !over(i); ++i) {
        const auto begin = std::chrono::steady_clock::now();
        try {
            write_all(a, updates.subspan(i % updates.size(), 1));
        } catch (const std::runtime_error&) {
            ++out.failures;
        }
        const auto took = std::chrono::steady_clock::now() - begin;
        out.all.push_back(std::chrono::duration<double, std::milli>(took).count());
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return out;
}

/// What device A sends: all rows, then changes, sealed a thousand at a time.
void make_backlog(const std::string& folder, const made_workload& w, sqlite::vault& to) {
    sqlite::vault from = make_vault(folder + "/a.db", 2);
    app writer(folder + "/a.db");
    write_all(writer, w.rows);
    need(from.seal());
    need(to.accept(take_outbox(from), {}));
    (void)need(to.merge_inbox(some_day));
    for (std::span<const field_update> rest(w.a); !rest.empty();) {
        const auto now = rest.first(std::min<std::size_t>(rest.size(), sealed_at_once));
        write_all(writer, now);
        need(from.seal());
        rest = rest.subspan(now.size());
    }
    need(to.accept(take_outbox(from), {}));
}

void measure(const std::string& folder, std::uint64_t rows, const std::string& json) {
    const made_workload w(rows);
    sqlite::vault vault = make_vault(folder + "/b.db", 3);
    make_backlog(folder, w, vault);
    app writer(folder + "/b.db");
    const waits alone = write_until(writer, w.b, [](std::size_t n) { return n == 500; });
    std::atomic<bool> over{false};
    std::size_t changesets = 0;
    std::string failure;
    std::thread merging([&] {
        for (bool more = true; more && failure.empty();) {
            const auto done = vault.merge_inbox(some_day);
            if (!done) failure = done.failure().text();
            changesets += done ? done->changesets : 0;
            more = done && done->more;
        }
        over = true;
    });
    const auto begin = std::chrono::steady_clock::now();
    const waits beside = write_until(writer, w.b, [&over](std::size_t) { return over.load(); });
    merging.join();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    if (!failure.empty()) throw std::runtime_error(failure);
    if (changesets != (rows + sealed_at_once - 1) / sealed_at_once)
        throw std::runtime_error("not everything was merged");
    alone.print("alone");
    beside.print("while changes are merged");
    std::printf("%llu changes merged in %.2f s\n", static_cast<unsigned long long>(rows), took.count());
    if (json.empty()) return;
    const boost::json::object record{
        {"changes", rows}, {"seconds", took.count()}, {"alone", alone.record()}, {"beside", beside.record()}};
    std::ofstream(json) << boost::json::serialize(record) << '\n';
}

}  // namespace
}  // namespace casasync::bench

int main(int argc, char** argv) {
    CLI::App arguments{"How long an app's commits take while changes of another device are merged"};
    std::uint64_t rows = casasync::bench::rows_in_w;
    std::string folder = (std::filesystem::temp_directory_path() / "casasync-beside-app").string(), json;
    arguments.add_option("--rows", rows, "rows of the table, and changes of the other device");
    arguments.add_option("--folder", folder, "where the files are made; emptied");
    arguments.add_option("--json", json, "writes the figures to this file");
    CLI11_PARSE(arguments, argc, argv);
    int status = 0;
    try {
        std::filesystem::remove_all(folder);
        std::filesystem::create_directories(folder);
        casasync::bench::measure(folder, rows, json);
    } catch (const std::exception& e) {
        std::cerr << "beside_app: " << e.what() << '\n';
        status = 1;
    }
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
    return status;
}
