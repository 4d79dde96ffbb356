// SPDX-License-Identifier: MIT
// How long it takes from a write on one device until another one shows it, through a relay process and its
// live channel, and where that time goes; against the same hops made by hand: three commits that are as
// durable, and two messages. Then the same by agents, which wait for more writes before they send. Times are
// of the wall.
#include "programs.hpp"
#include "relay_process.hpp"
#include "vaults.hpp"

#include <casasync/agent/agent.hpp>
#include <casasync/agent/setup.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>

namespace casasync::bench::end_to_end_program {
namespace {

using steady = std::chrono::steady_clock;
constexpr std::size_t message_bytes = 512;  // about what a changeset of one change is, with its headers
constexpr std::uint64_t rows = 1000;
constexpr std::chrono::seconds patience{60};

double us_between(steady::time_point from, steady::time_point to) {
    return std::chrono::duration<double, std::micro>(to - from).count();
}

/// What is written the `k`-th time: another value each time.
field_update write_number(std::uint64_t k) {
    field_update u = make_update((k * 7 + 4) % (rows * field_names.size()), 11, k);
    u.field = 4, u.is_integer = false, u.text = "note " + std::to_string(k);
    return u;
}
std::string note_of(app& a, const field_update& u) {
    return a.number("SELECT notes = '" + u.text + "' FROM txn WHERE id = '" + u.id + "'") == 1 ? u.text : "";
}

/// Told by one thread, waited for by another.
class signal {
 public:
    void tell() {
        const std::lock_guard lock(guard_);
        told_ = true;
        changed_.notify_all();
    }
    void wait() {
        std::unique_lock lock(guard_);
        if (!changed_.wait_for(lock, patience, [&] { return told_; }))
            throw std::runtime_error("a write did not arrive");
        told_ = false;
    }
    /// Waits for a moment; returns whether it was told, and leaves that to wait() to hear.
    [[nodiscard]] bool told_within(std::chrono::microseconds moment) {
        std::unique_lock lock(guard_);
        return changed_.wait_for(lock, moment, [&] { return told_; });
    }

 private:
    std::mutex guard_;
    std::condition_variable changed_;
    bool told_ = false;
};

/// The hops by hand: device A commits and sends; the relay commits, and hands on; device B commits.
class by_hand {
 public:
    explicit by_hand(const std::string& folder)
        : a_(plain(folder + "/hand-a.db")),
          relay_(plain(folder + "/hand-relay.db")),
          b_(plain(folder + "/hand-b.db")) {
        int one[2], two[2];
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, one) != 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, two) != 0)
            throw std::runtime_error("there are no sockets");
        up_ = {one[0], one[1]}, down_ = {two[0], two[1]};
        passing_ = std::thread([this] {
            while (receive(up_[1])) {
                relay_->update(write_number(at_));
                send(down_[0]);
            }
            shutdown(down_[0], SHUT_RDWR);
        });
        showing_ = std::thread([this] {
            while (receive(down_[1])) {
                b_->update(write_number(at_));
                shown_.tell();
            }
        });
    }
    by_hand(const by_hand&) = delete;
    ~by_hand() {
        shutdown(up_[0], SHUT_RDWR);
        passing_.join();
        showing_.join();
        for (const int fd : {up_[0], up_[1], down_[0], down_[1]}) close(fd);
    }
    void write() {
        ++at_;
        a_->update(write_number(at_));
        send(up_[0]);
        shown_.wait();
    }

 private:
    static std::unique_ptr<app> plain(const std::string& file) {
        remove_database(file);
        auto out = std::make_unique<app>(file);
        out->run("PRAGMA synchronous = FULL");
        out->run(create_txn);
        write_all(*out, made_workload(rows).rows);
        return out;
    }
    static void send(int fd) {
        const std::array<char, message_bytes> message{};
        if (::write(fd, message.data(), message.size()) != static_cast<ssize_t>(message.size()))
            throw std::runtime_error("a message cannot be sent");
    }
    static bool receive(int fd) {
        std::array<char, message_bytes> message{};
        return recv(fd, message.data(), message.size(), MSG_WAITALL) == static_cast<ssize_t>(message.size());
    }

    std::unique_ptr<app> a_, relay_, b_;
    std::array<int, 2> up_{}, down_{};
    std::atomic<std::uint64_t> at_{0};
    signal shown_{};
    std::thread passing_, showing_;
};

/// A desktop and a phone of one vault, and their relay.
struct household {
    explicit household(const std::string& folder)
        : desktop_file(folder + "/desktop.db"), phone_file(folder + "/phone.db"), relay(folder + "/relay") {
        {
            app a(desktop_file);
            a.run(create_txn);
            write_all(a, made_workload(rows).rows);
        }
        const auto track = [](sqlite::vault& v) { return v.track("txn"); };
        desktop.emplace(need(agent::init_vault({desktop_file, relay.address(), "desktop", "", track})));
        auto invitation = need(agent::invitation::make(*desktop));
        std::promise<std::string> digits;
        auto admitted = std::async(std::launch::async, [&]() -> result<void> {
            if (const auto met = invitation.meet(); !met) return met.failure();
            return invitation.admit(digits.get_future().get());
        });
        agent::join_options join;
        join.path = phone_file, join.relay = relay.address(), join.code = invitation.code();
        join.device_name = "phone";
        join.show_check = [&](const std::string& shown) { digits.set_value(shown); };
        phone.emplace(need(agent::join_vault(join)));
        need(admitted.get());
        (void)need(desktop->sync());
        (void)need(phone->sync());
    }

    std::string desktop_file, phone_file;
    relay_process relay;
    std::optional<agent::link> desktop{}, phone{};
    std::uint64_t written = 0;
};

/// The steps of an agent without its pauses: seal, push; be told, pull, merge.
class in_steps {
 public:
    explicit in_steps(household& home)
        : home_(&home),
          writer_(home.desktop_file),
          reader_(home.phone_file),
          looking_(home.phone_file),
          scout_(need(agent::make_client(home.phone->keys()))) {
        need(scout_.open_live());
        (void)need(scout_.next_hint());
        listening_ = std::thread([this] { listen(); });
    }
    in_steps(const in_steps&) = delete;
    ~in_steps() {
        scout_.cancel();
        listening_.join();
    }
    void write() {
        const field_update u = write_number(++home_->written);
        const auto begin = steady::now();
        expected_ = home_->written;
        writer_.update(u);
        const auto committed = steady::now();
        need(home_->desktop->vault().seal());
        const auto sealed = steady::now();
        (void)need(home_->desktop->sync());
        while (note_of(looking_, u) != u.text && !shown_.told_within(std::chrono::microseconds(200))) {
        }
        const auto end = steady::now();
        shown_.wait();  // the other device's sync is over, too
        if (!failure_.empty()) throw std::runtime_error(failure_);
        parts[0].us.push_back(us_between(begin, committed));
        parts[1].us.push_back(us_between(committed, sealed));
        parts[2].us.push_back(us_between(sealed, heard_));
        parts[3].us.push_back(us_between(heard_, end));
        parts[4].us.push_back(us_between(begin, end));
    }

    std::vector<waits> parts{{"the app's commit", {}},
                             {"seal", {}},
                             {"encrypt, push, commit of the relay, hint", {}},
                             {"pull, decrypt, merge, shown", {}},
                             {"in all", {}}};

 private:
    void listen() {
        try {
            for (;;) {
                const auto hint = scout_.next_hint();
                if (!hint) return;  // canceled
                heard_ = steady::now();
                (void)need(home_->phone->sync());
                const field_update u = write_number(expected_);
                if (note_of(reader_, u) == u.text) shown_.tell();
            }
        } catch (const std::exception& e) {
            failure_ = e.what();
            shown_.tell();
        }
    }

    household* home_;
    app writer_, reader_, looking_;  ///< the second and third on the other device, for a thread each
    beast::client scout_;
    std::atomic<std::uint64_t> expected_{0};
    steady::time_point heard_{};  ///< read after shown_
    std::string failure_{};
    signal shown_{};
    std::thread listening_{};
};

/// Two agents.
class by_agents {
 public:
    by_agents(household& home, std::chrono::milliseconds poll, std::chrono::milliseconds debounce)
        : home_(&home), writer_(home.desktop_file), reader_(home.phone_file) {
        home.desktop.reset();
        home.phone.reset();
        agent::agent_options a, b;
        a.path = home.desktop_file, b.path = home.phone_file;
        a.poll = b.poll = poll, a.debounce = b.debounce = debounce;
        b.on_event = [this](const std::string& url) {
            if (url.find("changeset-received") != std::string::npos) came_.tell();
        };
        desktop_.emplace(need(agent::agent::start(a)));
        phone_.emplace(need(agent::agent::start(b)));
        for (int i = 0; i < 20; ++i) write();  // until the channel is open and all is in memory
        total.us.clear();
    }
    void write() {
        const field_update u = write_number(++home_->written);
        const auto begin = steady::now();
        writer_.update(u);
        while (note_of(reader_, u) != u.text) came_.wait();
        total.us.push_back(us_between(begin, steady::now()));
    }

    waits total{"until the other device shows it", {}};

 private:
    household* home_;
    app writer_, reader_;
    signal came_{};
    std::optional<agent::agent> desktop_{}, phone_{};
};

struct givens {
    std::string folder{};
    std::unique_ptr<by_hand> hand{};
    std::unique_ptr<household> home{};
    std::unique_ptr<in_steps> steps{};
    std::unique_ptr<by_agents> agents{};
};

question common(const std::shared_ptr<givens>& g, std::uint64_t count) {
    question q;
    q.unit = "write";
    q.count = q.steps = count;
    q.wall = true;
    q.same_work = false;
    q.reference = {"three commits and two messages by hand",
                   [=] {
                       if (!g->home) g->home = std::make_unique<household>(g->folder);
                       if (!g->hand) g->hand = std::make_unique<by_hand>(g->folder);
                   },
                   [=](std::size_t) { g->hand->write(); },
                   {}};
    q.ours.checksum = [] { return std::uint64_t{0}; };  // each write was seen to arrive
    return q;
}

question by_steps(const std::shared_ptr<givens>& g, std::uint64_t count) {
    question q = common(g, count);
    q.name = "from device to device, without an agent's pauses";
    q.ours.name = "seal, push, hint, pull, merge";
    q.ours.prepare = [=] {
        if (!g->steps) g->steps = std::make_unique<in_steps>(*g->home);
    };
    q.ours.work = [=](std::size_t) { g->steps->write(); };
    q.latencies = [=] {
        std::vector<waits> parts = std::move(g->steps->parts);
        g->steps.reset();
        return parts;
    };
    q.p50_ms_max = 20, q.p99_ms_max = 100;
    return q;
}

question of_agents(const std::shared_ptr<givens>& g, std::uint64_t count, int poll_ms, int debounce_ms) {
    question q = common(g, count);
    q.name = "from device to device by agents, poll " + std::to_string(poll_ms) + " ms, debounce " +
             std::to_string(debounce_ms) + " ms";
    q.ours.name = "agents";
    q.ours.prepare = [=] {
        if (!g->agents)
            g->agents = std::make_unique<by_agents>(*g->home, std::chrono::milliseconds(poll_ms),
                                                    std::chrono::milliseconds(debounce_ms));
    };
    q.ours.before = [=](std::size_t step) {  // at any time between two looks at the file
        std::this_thread::sleep_for(std::chrono::microseconds(mix64(step) % 50'000));
    };
    q.ours.work = [=](std::size_t) { g->agents->write(); };
    q.latencies = [=] {
        const waits total = g->agents->total;
        g->agents.reset();
        return std::vector<waits>{total};
    };
    return q;
}

}  // namespace

std::vector<question> questions(const run_options& o) {
    const auto g = std::make_shared<givens>();
    g->folder = o.folder;
    const agent::agent_options usual{};
    const std::uint64_t by_agents_count = std::max<std::uint64_t>(1, o.rows / 4000);
    question eager = of_agents(g, by_agents_count, 5, 5);
    eager.p50_ms_max = 20, eager.p99_ms_max = 100;
    return {by_steps(g, o.rows / 1000), eager,
            of_agents(g, by_agents_count, static_cast<int>(usual.poll.count()),
                      static_cast<int>(usual.debounce.count()))};
}

}  // namespace casasync::bench::end_to_end_program
