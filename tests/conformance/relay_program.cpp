// SPDX-License-Identifier: MIT
// A relay for the conformance suite: without limits of pace, its clock and its caretaker in the hand of
// whoever writes to its stdin. README.md has the lines.
#include <casasync/relay/server.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>

namespace {

using namespace casasync;

std::atomic<std::int64_t> standing_clock = -1;  ///< unix ms; below 0: the system's

std::int64_t clock_now() {
    const std::int64_t standing = standing_clock;
    return standing >= 0 ? standing
                         : std::chrono::duration_cast<std::chrono::milliseconds>(
                               std::chrono::system_clock::now().time_since_epoch())
                               .count();
}

relay::server_options options_of(int count, char** arguments) {
    relay::server_options out;
    out.io_threads = 1;
    out.rates = {0, 0, 0, 0, 0, 0, 0, 1};
    out.keep.every = std::chrono::hours(1000);
    out.clock = clock_now;
    for (int i = 1; i + 1 < count; i += 2) {
        const std::string name = arguments[i], value = arguments[i + 1];
        if (name == "--data") out.data = value;
        if (name == "--vault-bytes-max") out.vault_bytes_max = std::stoull(value);
        if (name == "--dormant-days") out.keep.dormant_expire = std::chrono::hours(24 * std::stoi(value));
        if (name == "--create-token") out.create_token = value;
        if (name == "--connections-max") out.connections_max = std::stoul(value);
        if (name == "--shards") out.shards = static_cast<unsigned>(std::stoul(value));
        if (name == "--io-threads") out.io_threads = static_cast<unsigned>(std::stoul(value));
        if (name == "--min-client") out.min_client = static_cast<unsigned>(std::stoul(value));
    }
    return out;
}

bool obey(relay::server& relay, const std::string& line) {
    if (line == "tidy") return relay.tidy(), true;
    if (!line.starts_with("clock ")) return false;
    standing_clock = std::stoll(line.substr(6));
    return true;
}

}  // namespace

int main(int count, char** arguments) {
    auto relay = casasync::relay::server::start(options_of(count, arguments));
    if (!relay) {
        std::fprintf(stderr, "%s\n", relay.failure().text().c_str());
        return EXIT_FAILURE;
    }
    std::cout << "casasync-relay listening on " << (*relay)->address() << std::endl;
    for (std::string line; std::getline(std::cin, line);)
        std::cout << (obey(**relay, line) ? "ok" : "unknown") << std::endl;
    return EXIT_SUCCESS;
}
