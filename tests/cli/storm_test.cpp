// SPDX-License-Identifier: MIT
// Real programs are killed at random moments, many times, while everybody writes.
#include "household.hpp"

#include <casasync_test/catch.hpp>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

using casasync_test::household;
using casasync_test::outcome;
using casasync_test::process;

namespace {

unsigned from_environment(const char* name, unsigned otherwise) {
    const char* const text = std::getenv(name);
    return text == nullptr ? otherwise : static_cast<unsigned>(std::strtoul(text, nullptr, 10));
}

struct device {
    std::string db;
    std::unique_ptr<process> running{};    ///< casasync sync, once or watching
    std::set<std::string> acknowledged{};  ///< rows whose INSERT came back
    unsigned tries = 0;
};

/// Three devices that write and sync, a relay, and kill -9 for any of them.
class storm {
 public:
    explicit storm(unsigned seed) : dice_(seed) {
        devices_.push_back({home_.make_vault("0.db")});
        for (const char* name : {"1.db", "2.db"})
            devices_.push_back({home_.add_device(devices_.front().db, name)});
    }

    /// Everybody writes and works for a moment; then any of them are killed, and start again. \returns how
    /// many
    unsigned strike() {
        for (device& d : devices_) {
            if (!d.running)
                d.running =
                    home_.casasync_beside(roll(2) == 0 ? std::vector<std::string>{"sync", d.db}
                                                       : std::vector<std::string>{"sync", d.db, "--watch"});
            if (roll(2) == 0) write(d);
        }
        std::this_thread::sleep_for(std::chrono::microseconds{roll(60'000)});
        unsigned killed = 0;
        for (device& d : devices_) {
            if (roll(3) == 0) continue;
            d.running->signal(SIGKILL);
            killed += d.running->wait().signal == SIGKILL ? 1 : 0;  // or it had ended by itself
            d.running = nullptr;
        }
        if (roll(3) == 0) {
            home_.kill_relay();
            home_.start_relay();
            ++killed;
        }
        return killed;
    }

    /// Ends what runs; then everybody syncs, twice as nobody knows who is first.
    void calm_down() {
        for (device& d : devices_) d.running = nullptr;
        for (int round = 0; round < 2; ++round) everybody_syncs();
    }
    void everybody_syncs() {
        for (const device& d : devices_) {
            const outcome done = home_.casasync({"sync", d.db});
            INFO(done.err);
            REQUIRE(done.exit == 0);
        }
    }

    void check() {
        const std::string names = tags(devices_.front());
        for (device& d : devices_) {
            CHECK(home_.sql(d.db, "PRAGMA integrity_check") == "ok");
            CHECK(tags(d) == names);
            for (const std::string& row : d.acknowledged) {
                INFO("a write that came back is gone: " << row);
                CHECK(names.find("'" + row + "'") != std::string::npos);
            }
            const outcome same = home_.casasync({"verify", devices_.front().db, d.db});
            INFO(same.out << same.err);
            if (&d != &devices_.front()) CHECK(same.exit == 0);
        }
    }

    /// A write of each reaches all.
    void check_fresh_writes() {
        for (device& d : devices_) {
            home_.sql(d.db, insert(d));
            d.acknowledged.insert(newest(d));
        }
        for (int round = 0; round < 2; ++round) everybody_syncs();
        check();
    }

    std::size_t acknowledged() const {
        std::size_t all = 0;
        for (const device& d : devices_) all += d.acknowledged.size();
        return all;
    }

 private:
    unsigned roll(unsigned sides) { return static_cast<unsigned>(dice_() % sides); }
    std::string newest(const device& d) const {
        return std::to_string(&d - devices_.data()) + "-" + std::to_string(d.tries);
    }
    std::string insert(device& d) {
        ++d.tries;
        const std::string row = newest(d);
        return "BEGIN IMMEDIATE; INSERT INTO tag VALUES('" + row + "', '" + row +
               "'); UPDATE txn SET amount = amount - 1, note = '" + row + "' WHERE id = 'coffee'; COMMIT";
    }
    /// The app writes, and may be killed as well: then the write may be there or not.
    void write(device& d) {
        auto writing = home_.sql_beside(d.db, insert(d));
        if (roll(4) == 0) {
            std::this_thread::sleep_for(std::chrono::microseconds{roll(4'000)});
            writing->signal(SIGKILL);
        }
        if (writing->wait().exit == 0) d.acknowledged.insert(newest(d));
    }
    std::string tags(const device& d) const {
        return home_.sql(d.db, "SELECT group_concat(quote(id)) FROM (SELECT id FROM tag ORDER BY id)");
    }

    household home_{};
    std::mt19937 dice_;
    std::vector<device> devices_{};
};

}  // namespace

TEST_CASE("S36_kill_storm: agents, syncs, apps and the relay are killed at random, and nothing is lost",
          "[cli][crash][storm][scenario]") {
    const unsigned seed = from_environment("CASASYNC_SEED", 7);
    const unsigned wanted = from_environment("CASASYNC_KILLS", 200);
    INFO("CASASYNC_SEED=" << seed << " CASASYNC_KILLS=" << wanted);
    storm s(seed);
    unsigned killed = 0;
    while (killed < wanted) killed += s.strike();
    s.calm_down();
    s.check();
    s.check_fresh_writes();
    std::cout << killed << " processes killed, " << s.acknowledged() << " writes acknowledged\n";
    CHECK(s.acknowledged() > wanted / 8);
}
