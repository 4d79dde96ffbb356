// SPDX-License-Identifier: MIT
// Two agents and a relay in one process: changes travel without anybody calling sync.
#include "app.hpp"
#include "folder.hpp"

#include <casasync/agent/agent.hpp>
#include <casasync/agent/setup.hpp>
#include <casasync/relay/server.hpp>

#include <casasync_test/catch.hpp>
#include <casasync_test/pair_devices.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <future>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <thread>
#include <vector>

using namespace casasync;
using casasync_test::app;

namespace {

/// Far longer than anything takes; reached only by a failure.
constexpr std::chrono::seconds patience{60};

/// Collects an agent's events; waits for conditions on them.
class listener {
 public:
    void hear(const std::string& url) {
        const std::lock_guard lock(guard_);
        urls_.push_back(url);
        changed_.notify_all();
    }
    /// Waits until an event has both parts in its URL.
    [[nodiscard]] bool heard(const std::string& event, const std::string& part) {
        std::unique_lock lock(guard_);
        return changed_.wait_for(lock, patience, [&] {
            return std::any_of(urls_.begin(), urls_.end(), [&](const std::string& url) {
                return url.rfind("vault-sync://" + event + "?", 0) == 0 &&
                       url.find(part) != std::string::npos;
            });
        });
    }
    [[nodiscard]] std::size_t count(const std::string& event) {
        const std::lock_guard lock(guard_);
        return static_cast<std::size_t>(std::count_if(
            urls_.begin(), urls_.end(),
            [&](const std::string& url) { return url.rfind("vault-sync://" + event + "?", 0) == 0; }));
    }
    void forget() {
        const std::lock_guard lock(guard_);
        urls_.clear();
    }

 private:
    std::mutex guard_;
    std::condition_variable changed_;
    std::vector<std::string> urls_;
};

relay::server_options relay_in(const casasync_test::folder& dir, std::uint16_t port = 0) {
    relay::server_options options;
    options.data = dir / "relay";
    options.port = port;
    return options;
}

std::unique_ptr<relay::server> start_relay(const relay::server_options& options) {
    auto server = relay::server::start(options);
    REQUIRE(server);
    return std::move(*server);
}

std::uint16_t port_of(const std::string& url) {
    return static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
}

void make_vault(const std::string& path, const std::string& url) {
    app(path).run(
        "CREATE TABLE note(id TEXT NOT NULL PRIMARY KEY, text TEXT); INSERT INTO note VALUES('n','old')");
    agent::init_options options{path, url, "desktop", {}, {}};
    options.track = [](sqlite::vault& vault) { return vault.track("note"); };
    auto made = agent::init_vault(options);
    REQUIRE(made);
    REQUIRE(made->sync());
}

void add_device(const std::string& from, const std::string& path) {
    auto device = agent::link::open(from);
    REQUIRE(device);
    REQUIRE(casasync_test::pair_devices(*device, {path, {}, {}, "phone", {}, {}}));
}

agent::agent start_agent(const std::string& path, listener& ears) {
    agent::agent_options options;
    options.path = path;
    options.on_event = [&ears](const std::string& url) { ears.hear(url); };
    auto running = agent::agent::start(std::move(options));
    REQUIRE(running);
    return std::move(*running);
}

}  // namespace

TEST_CASE("each device hears of one that is added, once, wherever it was added", "[agent][pairing]") {
    const casasync_test::folder dir;
    const auto server = start_relay(relay_in(dir));
    make_vault(dir / "desktop.db", server->address());
    add_device(dir / "desktop.db", dir / "laptop.db");
    listener laptop_ears;
    auto laptop = start_agent(dir / "laptop.db", laptop_ears);
    REQUIRE(laptop_ears.heard("state", "state=in_sync"));
    CHECK(laptop_ears.count("device-added") == 0);
    add_device(dir / "desktop.db", dir / "phone.db");
    REQUIRE(laptop_ears.heard("device-added", "name=phone"));
    app(dir / "phone.db").run("UPDATE note SET text='hello'");
    REQUIRE(agent::link::open(dir / "phone.db")->sync());
    REQUIRE(laptop_ears.heard("changeset-received", "&rows=1"));
    CHECK(laptop_ears.count("device-added") == 1);
}

TEST_CASE("with an agent on either side, a change is there without anybody calling sync", "[agent]") {
    const casasync_test::folder dir;
    const auto server = start_relay(relay_in(dir));
    make_vault(dir / "desktop.db", server->address());
    add_device(dir / "desktop.db", dir / "phone.db");
    listener desktop_ears, phone_ears;
    auto desktop = start_agent(dir / "desktop.db", desktop_ears);
    auto phone = start_agent(dir / "phone.db", phone_ears);
    REQUIRE(desktop_ears.heard("state", "state=in_sync"));
    REQUIRE(phone_ears.heard("state", "state=in_sync"));
    const app at_desktop(dir / "desktop.db"), at_phone(dir / "phone.db");

    at_desktop.run("UPDATE note SET text='from the desktop'");
    REQUIRE(phone_ears.heard("changeset-received", "&rows=1"));
    CHECK(at_phone.text("SELECT text FROM note") == "from the desktop");

    at_phone.run("INSERT INTO note VALUES('m','from the phone')");
    REQUIRE(desktop_ears.heard("changeset-received", "&rows=1"));
    CHECK(at_desktop.text("SELECT text FROM note WHERE id='m'") == "from the phone");

    phone.stop();
    CHECK(phone_ears.heard("state", "state=stopped"));
    CHECK(phone.status().state == agent::agent_state::stopped);
    desktop.stop();
    CHECK(sqlite::vault::open(dir / "desktop.db")->digest().value() ==
          sqlite::vault::open(dir / "phone.db")->digest().value());
}

TEST_CASE("while the relay is away the agent says so, and it goes on when it is back", "[agent]") {
    const casasync_test::folder dir;
    auto server = start_relay(relay_in(dir));
    const std::string url = server->address();
    make_vault(dir / "desktop.db", url);
    listener ears;
    auto running = start_agent(dir / "desktop.db", ears);
    REQUIRE(ears.heard("state", "state=in_sync"));
    const app at_desktop(dir / "desktop.db");

    server.reset();
    ears.forget();
    at_desktop.run("UPDATE note SET text='offline'");
    REQUIRE(ears.heard("state", "state=offline&code=offline"));
    CHECK(running.status().state == agent::agent_state::offline);
    REQUIRE(running.status().last_error);
    CHECK(running.status().last_error->code == errc::offline);
    CHECK(running.status().vault.pending_out == 1);

    ears.forget();
    server = start_relay(relay_in(dir, port_of(url)));
    running.wake();
    REQUIRE(ears.heard("state", "state=in_sync"));
    CHECK_FALSE(running.status().last_error);
    CHECK(running.status().vault.pending_out == 0);
}

TEST_CASE("an agent tells of a conflict", "[agent]") {
    const casasync_test::folder dir;
    const auto server = start_relay(relay_in(dir));
    make_vault(dir / "desktop.db", server->address());
    add_device(dir / "desktop.db", dir / "phone.db");
    app(dir / "desktop.db").run("UPDATE note SET text='a'");
    app(dir / "phone.db").run("UPDATE note SET text='b'");
    REQUIRE(agent::link::open(dir / "desktop.db")->sync());
    listener ears;
    const auto phone = start_agent(dir / "phone.db", ears);
    CHECK(ears.heard("conflict", "&open=1"));
}

TEST_CASE("an agent tells that rows have other numbers than they had, until the app has asked", "[agent]") {
    const casasync_test::folder dir;
    const auto server = start_relay(relay_in(dir));
    app(dir / "desktop.db").run("CREATE TABLE item(n INTEGER PRIMARY KEY, name TEXT)");
    agent::init_options made{dir / "desktop.db", server->address(), "desktop", {}, {}};
    made.track = [](sqlite::vault& vault) { return vault.track("item"); };
    REQUIRE(agent::init_vault(made)->sync());
    add_device(dir / "desktop.db", dir / "phone.db");
    app(dir / "desktop.db").run("INSERT INTO item VALUES(1,'lamp')");
    REQUIRE(agent::link::open(dir / "desktop.db")->sync());
    app(dir / "phone.db").run("INSERT INTO item VALUES(1,'chair')");
    {
        listener ears;
        const auto phone = start_agent(dir / "phone.db", ears);
        REQUIRE(ears.heard("renumbered", "&rows=1"));
    }
    listener again;
    auto phone = start_agent(dir / "phone.db", again);
    REQUIRE(again.heard("renumbered", "&rows=1"));
    phone.stop();
    const auto told = sqlite::vault::open(dir / "phone.db")->take_renumbered().value();
    REQUIRE(told.size() == 1);
    CHECK(app(dir / "phone.db").text("SELECT name FROM item WHERE n=" + std::to_string(told[0].is)) ==
          "chair");
    listener after;
    const auto later = start_agent(dir / "phone.db", after);
    REQUIRE(after.heard("state", "state=in_sync"));
    CHECK(after.count("renumbered") == 0);
}

TEST_CASE("S39_out_of_memory: an agent that finds no memory goes on, and does not end the app",
          "[agent][scenario]") {
    const casasync_test::folder dir;
    const auto server = start_relay(relay_in(dir));
    make_vault(dir / "desktop.db", server->address());
    listener ears;
    int failures = 3;
    agent::agent_options options;
    options.path = dir / "desktop.db";
    options.on_event = [&](const std::string& url) {
        if (failures > 0) throw(--failures, std::bad_alloc());
        ears.hear(url);
    };
    auto running = agent::agent::start(std::move(options));
    REQUIRE(running);
    REQUIRE(ears.heard("state", "state=in_sync"));
    CHECK_FALSE(running->status().last_error);
    running->stop();
    CHECK(ears.heard("state", "state=stopped"));
    CHECK(failures == 0);
}

TEST_CASE("an agent whose file is a copy says so, and goes on as a device of its own", "[agent][copy]") {
    const casasync_test::folder dir;
    const auto server = start_relay(relay_in(dir));
    const std::string desktop = dir / "desktop.db", twin = dir / "twin.db", phone = dir / "phone.db";
    make_vault(desktop, server->address());
    add_device(desktop, phone);
    for (const char* suffix : {"", "-casasync.key"})
        std::filesystem::copy_file(desktop + suffix, twin + suffix);
    app(desktop).run("INSERT INTO note VALUES('d','by the desktop')");
    REQUIRE(agent::link::open(desktop)->sync());
    const std::string origin = agent::read_credentials(desktop)->device.text();
    app(twin).run("INSERT INTO note VALUES('t','by the twin')");

    listener phone_ears, ears;
    auto at_phone = start_agent(phone, phone_ears);
    agent::agent_options options;
    options.path = twin;
    options.relay = server->address();
    options.on_event = [&ears](const std::string& url) { ears.hear(url); };
    auto running = agent::agent::start(std::move(options));
    REQUIRE(running);
    REQUIRE(ears.heard("alarm", "It%20is%20a%20device%20of%20its%20own%20now"));
    REQUIRE(ears.heard("state", "state=in_sync"));
    REQUIRE(phone_ears.heard("device-added", "&copy_of=" + origin));
    // What is heard is heard under its new keys.
    ears.forget();
    app(phone).run("INSERT INTO note VALUES('p','by the phone')");
    REQUIRE(ears.heard("changeset-received", "&rows=1"));
    running->stop();
    CHECK(agent::read_credentials(twin)->device.text() != origin);
    CHECK(app(twin).text("SELECT group_concat(id, '') FROM (SELECT id FROM note ORDER BY id)") == "dnpt");
}

TEST_CASE("each state of an agent has a name", "[agent]") {
    using agent::agent_state;
    std::string names;
    for (const auto state : {agent_state::starting, agent_state::in_sync, agent_state::syncing,
                             agent_state::offline, agent_state::error, agent_state::stopped})
        names += std::string(name_of(state)) + " ";
    CHECK(names == "starting in_sync syncing offline error stopped ");
}

TEST_CASE("an agent without a vault or keys does not start", "[agent]") {
    const casasync_test::folder dir;
    app(dir / "plain.db").run("CREATE TABLE t(id TEXT NOT NULL PRIMARY KEY)");
    agent::agent_options options;
    options.path = dir / "plain.db";
    CHECK(agent::agent::start(options).code() == errc::not_a_vault);
    const auto server = start_relay(relay_in(dir));
    make_vault(dir / "home.db", server->address());
    std::filesystem::remove(agent::key_file_of(dir / "home.db"));
    options.path = dir / "home.db";
    CHECK(agent::agent::start(options).code() == errc::missing_credentials);
}

TEST_CASE("an agent with private timing sends what was written in one go", "[agent]") {
    const casasync_test::folder dir;
    const auto relay = start_relay(relay_in(dir));
    const std::string desktop = dir / "desktop.db";
    make_vault(desktop, relay->address());
    auto beside = agent::link::open(desktop);
    REQUIRE(beside);
    listener ears;
    agent::agent_options options;
    options.path = desktop;
    options.on_event = [&ears](const std::string& url) { ears.hear(url); };
    options.poll = options.debounce = options.debounce_most = std::chrono::milliseconds(1);
    options.private_timing = true;
    options.batch = std::chrono::hours(1);
    options.refresh = std::chrono::hours(1);
    auto running = agent::agent::start(std::move(options));
    REQUIRE(running);
    REQUIRE(ears.heard("state", "state=in_sync"));
    const std::uint64_t before = beside->relay().info()->relay.head;
    const app writer(desktop);
    for (int i = 0; i < 20; ++i) {
        writer.run("UPDATE note SET text = 'typed " + std::to_string(i) + "'");
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    running->wake();
    const auto until = std::chrono::steady_clock::now() + patience;
    while (beside->relay().info()->relay.head == before && std::chrono::steady_clock::now() < until)
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    running->stop();
    CHECK(beside->relay().info()->relay.head == before + 1);
}
