// SPDX-License-Identifier: MIT
// However a relay answers, an agent does not ask it again and again without a pause.
#include "folder.hpp"
#include "push_pace.hpp"

#include <casasync/agent/agent.hpp>
#include <casasync/agent/setup.hpp>
#include <casasync/openssl/websocket_accept.hpp>
#include <casasync/relay/server.hpp>
#include <casasync/websocket.hpp>

#include <casasync_test/catch.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sqlite3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

using namespace casasync;

namespace {

/// Stands where a relay was: answers the n-th poll for news with `poll(n)`, everything else that all is well.
/// A live channel it opens, says `live` on it, and closes; where that is empty it knows of none.
class restless_relay {
 public:
    restless_relay(const std::string& url, std::string fields, std::string (*poll)(int), std::string live)
        : fields_(std::move(fields)),
          poll_(poll),
          live_(std::move(live)),
          listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(static_cast<unsigned short>(std::stoi(url.substr(url.rfind(':') + 1))));
        const int yes = 1;
        REQUIRE(::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0);
        REQUIRE(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        REQUIRE(::listen(listener_, 8) == 0);
        accepting_ = std::thread([this] { accept(); });
    }
    restless_relay(const restless_relay&) = delete;
    restless_relay& operator=(const restless_relay&) = delete;
    ~restless_relay() {
        ::shutdown(listener_, SHUT_RDWR);
        accepting_.join();
        for (std::thread& t : serving_) t.join();
        ::close(listener_);
    }
    [[nodiscard]] int polls() const { return polls_; }
    [[nodiscard]] int channels() const { return channels_; }
    [[nodiscard]] int calls() const { return calls_; }

 private:
    void accept() {
        for (int s = 0; (s = ::accept(listener_, nullptr, nullptr)) >= 0;)
            serving_.emplace_back([this, s] { serve(s); });
    }
    void serve(int socket) {
        std::string head;
        for (char c = 0; ::read(socket, &c, 1) == 1;) {
            head += c;
            if (!head.ends_with("\r\n\r\n")) continue;
            ++calls_;
            if (!live_.empty() && head.find("/live HTTP/1.1\r\n") != std::string::npos) {
                open_channel(socket, head);
                break;
            }
            const bool poll = head.substr(0, head.find('\r')).find("wait=") != std::string::npos;
            const std::string answer =
                "HTTP/1.1 " + (poll ? poll_(polls_++) : "204 None") + "\r\n" + fields_ + "\r\n";
            if (::write(socket, answer.data(), answer.size()) < 0) break;
            head.clear();
        }
        ::close(socket);
    }

    void open_channel(int socket, const std::string& request) {
        ++channels_;
        constexpr std::string_view name = "Sec-WebSocket-Key: ";
        const std::size_t key = request.find(name) + name.size();
        const std::string text =
            "HTTP/1.1 101 Switching\r\nSec-WebSocket-Protocol: casasync.v1\r\nSec-WebSocket-Accept: " +
            openssl::websocket_accept(request.substr(key, request.find('\r', key) - key)) + "\r\n" +
            fields_.substr(0, fields_.find("Content-Length")) + "\r\n";
        const bytes hint = encode_websocket(websocket_kind::text, as_bytes(live_));
        static_cast<void>(::write(socket, text.data(), text.size()));
        static_cast<void>(::write(socket, hint.data(), hint.size()));
    }

    std::string fields_;
    std::string (*poll_)(int);
    std::string live_;
    int listener_;
    std::atomic<int> polls_{0}, calls_{0}, channels_{0};
    std::thread accepting_{};
    std::vector<std::thread> serving_{};
};

struct counts {
    int polls = 0;
    int calls = 0;
    int channels = 0;
};

/// Returns what an agent asked such a relay for in three seconds.
/// \param live  see restless_relay; {gen} stands for the log's generation
counts asked_of(std::string (*poll)(int), std::string live = {}) {
    const casasync_test::folder dir;
    const std::string path = dir / "app.db";
    sqlite3* db = nullptr;
    REQUIRE(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
    REQUIRE(sqlite3_exec(db, "CREATE TABLE note(id TEXT NOT NULL PRIMARY KEY)", nullptr, nullptr, nullptr) ==
            SQLITE_OK);
    sqlite3_close(db);
    std::string url, fields;
    {
        relay::server_options options;
        options.data = dir / "relay";
        const auto server = relay::server::start(options);
        REQUIRE(server);
        url = (*server)->address();
        agent::init_options init{path, url, "desktop", {}, {}};
        init.track = [](sqlite::vault& vault) { return vault.track("note"); };
        auto made = agent::init_vault(init);
        REQUIRE(made);
        REQUIRE(made->sync());
        const cursor at = made->vault().position().value();
        fields = "Casasync-Generation: " + at.generation.text() +
                 "\r\nCasasync-Head: " + std::to_string(at.pos) +
                 "\r\nCasasync-Floor: 0\r\nCasasync-Time: 1795338685123\r\nCasasync-Members: 1\r\n"
                 "Content-Length: 0\r\n";
    }
    if (const std::size_t place = live.find("{gen}"); place != std::string::npos)
        live.replace(place, 5, fields.substr(fields.find(": ") + 2, 22));
    const restless_relay relay(url, fields, poll, live);
    agent::agent_options options;
    options.path = path;
    auto running = agent::agent::start(std::move(options));
    REQUIRE(running);
    std::this_thread::sleep_for(std::chrono::seconds(3));
    running->stop();
    return {relay.polls(), relay.calls(), relay.channels()};
}

}  // namespace

TEST_CASE("a relay that answers polls at once is not asked without end", "[agent][pace]") {
    const counts asked = asked_of([](int) -> std::string { return "204 None"; });
    CHECK(asked.polls > 0);
    CHECK(asked.polls < 40);
    CHECK(asked.calls < 60);
}

TEST_CASE("a relay that fails every other poll is not asked without end", "[agent][pace]") {
    const counts asked = asked_of([](int n) -> std::string { return n % 2 == 0 ? "503 Busy" : "204 None"; });
    CHECK(asked.polls > 1);
    CHECK(asked.polls < 40);
    CHECK(asked.calls < 100);
}

TEST_CASE("a relay that closes each live channel at once is not asked without end", "[agent][pace]") {
    const auto poll = [](int) -> std::string { return "204 None"; };
    const counts hinted = asked_of(poll, R"({"t":"head","head":0,"gen":"{gen}"})");
    CHECK(hinted.channels > 1);
    CHECK(hinted.channels < 40);
    CHECK(hinted.calls < 100);
    const counts mute = asked_of(poll, "pong");
    CHECK(mute.channels > 0);
    CHECK(mute.channels + mute.polls < 40);
    CHECK(mute.calls < 100);
}

namespace {

/// Somebody types for ten minutes, a write every 130 to 900 ms, and pauses for a while in between. Returns
/// when it went out, in ms after the beginning.
std::vector<std::int64_t> pushes_of_a_typist(std::chrono::milliseconds batch) {
    using namespace std::chrono_literals;
    using agent::push_pace;
    const push_pace::clock::time_point start{1h};
    push_pace pace({100ms, 500ms, batch}, start);
    std::vector<std::int64_t> out;
    std::int64_t next = 1'700;
    for (std::int64_t ms = 0; ms < 600'000; ms += 10) {
        const auto now = start + std::chrono::milliseconds(ms);
        if (ms >= next) {
            pace.wrote(now);
            next = ms + 130 + (ms * 7) % 770 + (ms / 1000 % 47 == 0 ? 20'000 : 0);
        }
        if (!pace.due(now)) continue;
        out.push_back(ms);
        pace.sent();
    }
    return out;
}

}  // namespace

TEST_CASE("with private timing, what a person types goes out once a minute, whenever it was typed",
          "[agent][pace]") {
    const auto shown = pushes_of_a_typist(std::chrono::milliseconds(0));
    CHECK(shown.size() > 300);
    const auto hidden = pushes_of_a_typist(std::chrono::minutes(1));
    CHECK(hidden.size() == 9);
    for (const std::int64_t ms : hidden) CHECK(ms % 60'000 == 0);
}
