// SPDX-License-Identifier: MIT
#pragma once

/// A relay in this process, its clock in the test's hand.
#include "device_client.hpp"

#include <casasync/relay/server.hpp>

#include <casasync_test/member_chain.hpp>
#include <casasync_test/temporary_directory.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

namespace casasync_test {

[[nodiscard]] std::uint16_t port_of(const std::string& url);

struct relay_fixture {
    temporary_directory directory{};
    std::atomic<std::int64_t> now_ms = 1'800'000'000'000;
    casasync::relay::server_options options{};
    std::unique_ptr<casasync::relay::server> server{};

    /// Not yet started: a test may set options first.
    relay_fixture();
    void start();
    void restart() {
        server.reset();
        start();
    }
    [[nodiscard]] std::uint16_t port() const { return port_of(server->address()); }
    [[nodiscard]] std::uint64_t now_s() const { return static_cast<std::uint64_t>(now_ms.load()) / 1000; }
};

/// The same with device `n`, which is the same in each run.
[[nodiscard]] inline device_client make_vault(std::uint16_t port, std::uint64_t now_s, std::uint8_t n = 1) {
    return make_vault(endpoint(port), now_s, identity_of(n));
}
inline device_client enrol(const device_client& member, std::uint8_t n) {
    return enrol(member, identity_of(n));
}
[[nodiscard]] inline device_client nobody(std::uint16_t port, std::uint64_t now_s, std::uint8_t n,
                                          std::uint8_t maker) {
    return nobody(endpoint(port), now_s, identity_of(n), identity_of(maker));
}

}  // namespace casasync_test
