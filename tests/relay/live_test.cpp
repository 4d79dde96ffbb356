// SPDX-License-Identifier: MIT
#include "fixtures.hpp"
#include "live_client.hpp"

#include <casasync_test/catch.hpp>

#include <chrono>
#include <optional>
#include <thread>

using namespace casasync;
using namespace casasync_test;

TEST_CASE("a stopping relay says goodbye", "[relay][live]") {
    relay_fixture f;
    f.start();
    live_client live(make_vault(f.port(), f.now_s()));
    CHECK(live.text() == head_hint(0, live.answer));
    std::thread stopping([&] { f.server->stop(); });
    CHECK(live.text() == goodbye);
    CHECK(live.text() == "close 1012");
    live.send(websocket_kind::close, std::string_view("\x03\xF4", 2));
    CHECK(live.text() == "end");
    stopping.join();
}

TEST_CASE("a channel has a time to live, and a client that is silent none", "[relay][live]") {
    relay_fixture f;
    f.options.patience.live = std::chrono::milliseconds(300);
    f.start();
    const auto a = make_vault(f.port(), f.now_s());
    live_client silent(a);
    CHECK(silent.text() == head_hint(0, silent.answer));
    CHECK(silent.text() == "end");
    f.options.patience.live = std::chrono::milliseconds(60'000);
    f.options.patience.live_life = std::chrono::milliseconds(300);
    f.restart();
    auto again = a;
    again.at = f.port();
    live_client old(again);
    CHECK(old.text() == head_hint(0, old.answer));
    CHECK(old.text() == goodbye);
    CHECK(old.text() == "close 1001");
}

TEST_CASE("a client that pings and does not listen is dropped", "[relay][live]") {
    relay_fixture f;
    f.options.patience.body = std::chrono::milliseconds(500);
    f.start();
    const auto a = make_vault(f.port(), f.now_s());
    {
        live_client deaf(a);
        REQUIRE(deaf.answer.status == 101);
        bytes many;
        const bytes ping = masked(websocket_kind::text, "ping");
        while (many.size() < 1'000'000) many.insert(many.end(), ping.begin(), ping.end());
        bool taken = true;
        for (int i = 0; i < 64 && taken; ++i) taken = deaf.send(many);
        CHECK_FALSE(taken);
    }
    live_client live(a);
    CHECK(live.text() == head_hint(0, live.answer));
}

TEST_CASE("channels count among the connections, and opening them is limited", "[relay][live]") {
    relay_fixture f;
    f.options.connections_max = 2;
    f.options.rates.lives_per_minute = 2;
    f.options.rates.loopback_factor = 1;
    f.start();
    const auto a = make_vault(f.port(), f.now_s());
    const auto b = enrol(a, 2);
    std::optional<live_client> first(a), second(b);
    CHECK(first->text() == head_hint(0, first->answer));
    CHECK(second->text() == head_hint(0, second->answer));
    CHECK(a.send(live_request(a)).status == 503);
    first.reset();
    second.reset();
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    unsigned status = 503;
    while (status == 503 && std::chrono::steady_clock::now() < deadline)
        status = live_client(a).answer.status;
    CHECK(status == 101);
    status = 503;
    while (status == 503 && std::chrono::steady_clock::now() < deadline)
        status = live_client(a).answer.status;
    CHECK(status == 429);
}
