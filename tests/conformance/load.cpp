// SPDX-License-Identifier: MIT
// Many devices at once, for a while: each connection pushes, waits for what the others push, and
// acknowledges. At the end every log is read: what was acknowledged is in it, once, and nothing else.
// scripts/load runs this.
#include "device_client.hpp"
#include "live_client.hpp"
#include "log_reading.hpp"

#include <casasync/openssl/random.hpp>

#include <unistd.h>

#include <casasync_test/member_chain.hpp>
#include <casasync_test/relay_process.hpp>
#include <casasync_test/temporary_directory.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace casasync;
using namespace casasync_test;
using clock_type = std::chrono::steady_clock;

constexpr std::size_t devices_of_a_vault = 4;
constexpr std::size_t envelope_bytes = 2048;

/// What one connection did.
struct tally {
    std::vector<double> push_ms{};
    std::uint64_t pushed = 0;  ///< acknowledged by the relay: 1 .. pushed
    std::uint64_t polls = 0, busy = 0, failed = 0;
};

/// Pushes twice and waits once, again and again.
void work(device_client device, clock_type::time_point until, tally& out) {
    http_client wire(device.at);
    const auto call = [&](const signed_request& r) {
        return wire.call(r.method, r.target, r.fields, r.body);
    };
    const std::string changesets = device.base() + "/changesets";
    log_reading log;
    while (clock_type::now() < until) {
        const auto now = std::chrono::system_clock::now().time_since_epoch();
        device.created =
            static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count());
        for (int i = 0; i < 2; ++i) {
            const auto began = clock_type::now();
            const reply r = call(device.make(
                "POST", changesets, device.envelope(out.pushed + 1, envelope_bytes), envelopes_type));
            if (r.status == 201 || r.status == 200) {
                ++out.pushed;
                out.push_ms.push_back(
                    std::chrono::duration<double, std::milli>(clock_type::now() - began).count());
            } else {
                ++(r.status == 503 ? out.busy : out.failed);
            }
        }
        device.ack = log.pos();
        const reply r = call(device.make("GET", changesets + log.query() + "&wait=1"));
        ++out.polls;
        if (r.status != 204 && !log.take(r)) ++out.failed;
        std::this_thread::sleep_for(std::chrono::milliseconds(500));
    }
}

double at(std::vector<double>& sorted, double part) {
    return sorted.empty() ? 0
                          : sorted[static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1))];
}

/// Returns how many acknowledged changesets of a vault are not in its log as they should be.
std::uint64_t lost_of(const std::vector<device_client>& vault, const tally* tallies) {
    const device_client& reader = vault.front();
    log_reading log;
    while (log.take(reader.call("GET", "/changesets" + log.query()))) {
    }
    std::uint64_t lost = 0;
    for (std::size_t i = 0; i < vault.size(); ++i) {
        const std::uint64_t there = i == 0 ? log.own() : log.last_seq_of(vault[i].device);
        lost += std::max(there, tallies[i].pushed) - std::min(there, tallies[i].pushed);
    }
    return lost;
}

/// Returns how much memory of a process is in use.
double resident_kib(::pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/statm");
    double all = 0, resident = 0;
    file >> all >> resident;
    return resident * static_cast<double>(::sysconf(_SC_PAGESIZE)) / 1024;
}

/// Opens a live channel of each device, which says nothing, and tells what that takes of the relay.
void show_idle_memory(const relay_process& relay, const std::vector<std::vector<device_client>>& vaults) {
    const double before = resident_kib(relay.pid());
    std::vector<std::unique_ptr<live_client>> idle;
    for (const auto& vault : vaults)
        for (const device_client& d : vault) {
            idle.push_back(std::make_unique<live_client>(d));
            if (idle.back()->answer.status != 101 || !idle.back()->next())
                throw std::runtime_error("no live channel");
        }
    const double after = resident_kib(relay.pid());
    std::printf("idle live channels: %zu; the relay takes %.0f KiB, %.1f KiB each more than before\n",
                idle.size(), after, (after - before) / static_cast<double>(idle.size()));
}

int run(const std::string& program, std::size_t connections, int seconds) {
    const temporary_directory data;
    relay_process relay(
        program,
        {"--data", data.path(), "--connections-max", std::to_string(connections + 100), "--io-threads", "2"},
        stdin_is::a_pipe);
    const endpoint where(relay.port());
    const auto now_s = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
            .count());
    openssl::random random;
    std::vector<std::vector<device_client>> vaults;
    for (std::size_t made = 0; made < connections; ++made) {
        const auto who = openssl::device_identity::make(random);
        if (made % devices_of_a_vault == 0)
            vaults.push_back({make_vault(where, now_s, who)});
        else
            vaults.back().push_back(enrol(vaults.back().front(), who));
    }
    show_idle_memory(relay, vaults);
    std::printf("%zu connections, %zu vaults, %d s\n", connections, vaults.size(), seconds);
    std::vector<tally> tallies(connections);
    std::vector<std::thread> threads;
    const auto until = clock_type::now() + std::chrono::seconds(seconds);
    for (std::size_t i = 0; i < connections; ++i)
        threads.emplace_back(
            [&, i] { work(vaults[i / devices_of_a_vault][i % devices_of_a_vault], until, tallies[i]); });
    for (auto& t : threads) t.join();

    tally sum;
    for (const tally& t : tallies) {
        sum.pushed += t.pushed;
        sum.polls += t.polls;
        sum.busy += t.busy;
        sum.failed += t.failed;
        sum.push_ms.insert(sum.push_ms.end(), t.push_ms.begin(), t.push_ms.end());
    }
    std::sort(sum.push_ms.begin(), sum.push_ms.end());
    std::uint64_t lost = 0;
    for (std::size_t v = 0; v < vaults.size(); ++v)
        lost += lost_of(vaults[v], &tallies[v * devices_of_a_vault]);
    std::printf("pushes of %zu bytes: %llu, %.0f a second, p50 %.0f ms, p99 %.0f ms; polls: %llu\n",
                envelope_bytes, static_cast<unsigned long long>(sum.pushed),
                static_cast<double>(sum.pushed) / seconds, at(sum.push_ms, 0.5), at(sum.push_ms, 0.99),
                static_cast<unsigned long long>(sum.polls));
    std::printf("asked to wait: %llu; failed: %llu; lost: %llu\n", static_cast<unsigned long long>(sum.busy),
                static_cast<unsigned long long>(sum.failed), static_cast<unsigned long long>(lost));
    return sum.failed == 0 && lost == 0 && sum.pushed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 4) {
        std::fprintf(stderr, "usage: casasync_load PROGRAM CONNECTIONS SECONDS\n");
        return 64;
    }
    return run(arguments[1], std::stoul(arguments[2]), std::stoi(arguments[3]));
}
