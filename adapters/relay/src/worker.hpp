// SPDX-License-Identifier: MIT
#pragma once

/// The thread that connections live on. Included by http.cpp alone.
#include "entrance.hpp"
#include "http_message.hpp"
#include "wire.hpp"

#include <casasync/relay/server.hpp>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <unordered_set>
#include <utility>
#include <vector>

namespace casasync::relay {

using steady = std::chrono::steady_clock;

inline constexpr milliseconds sweep_every{100};
inline constexpr milliseconds drain_time{10'000};
inline constexpr milliseconds linger_time{2'000};

/// What lives on a worker's thread, and is looked at by its sweep.
class guest {
 public:
    virtual ~guest() = default;
    /// Called by the sweep: sees to its deadlines.
    virtual void check(steady::time_point now) = 0;
    /// The relay stops: nothing new is begun.
    virtual void drain() = 0;
    virtual void close() = 0;
};

using guest_ptr = std::shared_ptr<guest>;

/// One thread and its connections.
struct worker {
    const server_options& options;
    const entrance& door;
    hub& listeners;
    std::atomic<std::size_t>& open_count;
    std::unique_ptr<service> service_;
    asio::io_context io{1};
    asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
    asio::steady_timer sweeper{io};
    std::unordered_set<guest_ptr> guests{};
    steady::time_point drain_until{};
    bool draining = false;
    bool sweeping = false;
    std::thread thread{};

    worker(const server_options& o, const entrance& e, hub& h, std::atomic<std::size_t>& count,
           std::unique_ptr<service> s)
        : options(o), door(e), listeners(h), open_count(count), service_(std::move(s)) {}

    void add(const guest_ptr& one) {
        guests.insert(one);
        if (!sweeping) sweep();
    }

    void remove(const guest_ptr& one) {
        if (guests.erase(one) > 0) --open_count;
        if (draining && guests.empty()) {
            work.reset();
            sweeper.cancel();
        }
    }

    /// The connection goes on as another kind of guest.
    void replace(const guest_ptr& before, const guest_ptr& after) {
        guests.insert(after);
        guests.erase(before);
    }

    void sweep() {
        sweeping = !guests.empty();
        if (!sweeping) return;
        sweeper.expires_after(sweep_every);
        sweeper.async_wait([this](const error_code& ec) {
            if (ec) return;
            const auto now = steady::now();
            const std::vector<guest_ptr> all(guests.begin(), guests.end());
            for (const auto& one : all) draining&& now >= drain_until ? one->close() : one->check(now);
            sweep();
        });
    }

    void drain() {
        draining = true;
        drain_until = steady::now() + drain_time;
        const std::vector<guest_ptr> all(guests.begin(), guests.end());
        for (const auto& one : all) one->drain();
        if (guests.empty()) work.reset();
    }
};

}  // namespace casasync::relay
