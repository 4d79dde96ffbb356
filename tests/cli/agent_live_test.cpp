// SPDX-License-Identifier: MIT
// Agents hear of news by the relay's live channel. They sync by themselves once an hour here, so that nothing
// else brings anything.
#include "app.hpp"
#include "folder.hpp"

#include <casasync/agent/agent.hpp>
#include <casasync/agent/setup.hpp>
#include <casasync/relay/server.hpp>

#include <casasync_test/catch.hpp>
#include <casasync_test/pair_devices.hpp>
#include <casasync_test/relay_process.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace casasync;
using casasync_test::app;

namespace {

/// Waits until `is_so`, at most for far longer than anything takes.
template <class Condition>
bool comes_true(const Condition& is_so) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(120);
    while (!is_so() && std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return is_so();
}

/// Returns a page of the relay's counts.
std::string page_of(const std::string& url) {
    const int wire = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons(static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1))));
    REQUIRE(::connect(wire, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
    const std::string request = "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    REQUIRE(::write(wire, request.data(), request.size()) == static_cast<ssize_t>(request.size()));
    std::string out;
    std::array<char, 4096> piece{};
    for (ssize_t n = 0; (n = ::read(wire, piece.data(), piece.size())) > 0;)
        out.append(piece.data(), static_cast<std::size_t>(n));
    ::close(wire);
    return out;
}

/// Returns how many live channels a relay has opened.
int channels_of(const relay::server& relay) {
    const std::string page = page_of(relay.metrics_address());
    const std::string name = R"(requests_total{method="GET",route="vaults/{v}/live",status="101"} )";
    const std::size_t at = page.find(name);
    return at == std::string::npos ? 0 : std::stoi(page.substr(at + name.size()));
}

/// Two devices of one vault, in sync.
struct pair_of_devices {
    std::string desktop, phone;

    pair_of_devices(const casasync_test::folder& dir, const std::string& url)
        : desktop(dir / "desktop.db"), phone(dir / "phone.db") {
        app(desktop).run(
            "CREATE TABLE note(id TEXT NOT NULL PRIMARY KEY, text TEXT);"
            "INSERT INTO note VALUES('n','old')");
        agent::init_options options{desktop, url, "desktop", {}, {}};
        options.track = [](sqlite::vault& vault) { return vault.track("note"); };
        auto made = agent::init_vault(options);
        REQUIRE(made);
        REQUIRE(made->sync());
        auto phone_link = casasync_test::pair_devices(*made, {phone, {}, {}, "phone", {}, {}});
        REQUIRE(phone_link);
        REQUIRE(phone_link->sync());
    }
    void write(const std::string& text) const {
        app(desktop).run("UPDATE note SET text='" + text + "'");
        REQUIRE(agent::link::open(desktop)->sync());
    }
    [[nodiscard]] bool phone_shows(const std::string& text) const {
        const app db(phone);
        return comes_true([&] { return db.text("SELECT text FROM note") == text; });
    }
};

agent::agent start_agent(const std::string& path) {
    agent::agent_options options;
    options.path = path;
    options.refresh = std::chrono::hours(1);
    auto running = agent::agent::start(std::move(options));
    REQUIRE(running);
    return std::move(*running);
}

std::unique_ptr<relay::server> start_relay(const casasync_test::folder& dir) {
    relay::server_options options;
    options.data = dir / "relay";
    options.metrics_host = "127.0.0.1";
    auto started = relay::server::start(options);
    REQUIRE(started);
    return std::move(*started);
}

}  // namespace

TEST_CASE("a change is there by a hint of the live channel", "[agent][live]") {
    const casasync_test::folder dir;
    const auto relay = start_relay(dir);
    const pair_of_devices two(dir, relay->address());
    const auto phone = start_agent(two.phone);
    REQUIRE(comes_true([&] { return channels_of(*relay) == 1; }));
    two.write("by a hint");
    CHECK(two.phone_shows("by a hint"));
    CHECK(channels_of(*relay) == 1);
}

TEST_CASE("two agents of one device do not take the live channel from each other", "[agent][live]") {
    const casasync_test::folder dir;
    const auto relay = start_relay(dir);
    const pair_of_devices two(dir, relay->address());
    const auto first = start_agent(two.phone);
    REQUIRE(comes_true([&] { return channels_of(*relay) == 1; }));
    const auto second = start_agent(two.phone);
    REQUIRE(comes_true([&] { return channels_of(*relay) == 2; }));
    for (const char* const text : {"one", "two", "three"}) {
        two.write(text);
        CHECK(two.phone_shows(text));
    }
    std::this_thread::sleep_for(std::chrono::seconds(2));
    CHECK(channels_of(*relay) == 2);
}

TEST_CASE("a relay that was killed is heard again when it is back", "[agent][live]") {
    const casasync_test::folder dir;
    std::vector<std::string> arguments{"--data", dir / "relay", "--listen", "127.0.0.1:0"};
    auto relay = std::make_unique<casasync_test::relay_process>(CASASYNC_RELAY_PROGRAM, arguments);
    REQUIRE_FALSE(relay->address().empty());
    arguments.back() = relay->address().substr(7);
    const pair_of_devices two(dir, relay->address());
    const auto phone = start_agent(two.phone);
    two.write("before");
    REQUIRE(two.phone_shows("before"));
    for (const char* const text : {"after one", "after two"}) {
        relay->signal(SIGKILL);
        CHECK(relay->wait() == -SIGKILL);
        relay = std::make_unique<casasync_test::relay_process>(CASASYNC_RELAY_PROGRAM, arguments);
        REQUIRE_FALSE(relay->address().empty());
        two.write(text);
        CHECK(two.phone_shows(text));
    }
}
