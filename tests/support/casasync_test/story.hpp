// SPDX-License-Identifier: MIT
#pragma once

/// Stories of devices that share a vault: who writes what and when, who meets whom, and what all of them then
/// show. The same seed tells the same story.
#include <casasync_test/catch.hpp>
#include <casasync_test/world.hpp>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace casasync_test {

/// Seeds 0 and 1 are told in fair weather: the first device syncs first, or the last one. Every other seed
/// has weather of its own.
inline constexpr int fair_stories = 2;
[[nodiscard]] inline int stories() {
    return fair_stories + traits_of_world().foul_stories;
}

/// Which variants of a story a seed tells: all of them in fair weather, one of them in bad.
template <class Variant>
[[nodiscard]] std::vector<Variant> variants(int seed, std::vector<Variant> all) {
    if (seed < fair_stories) return all;
    return {all[static_cast<std::size_t>(seed) / 2 % all.size()]};
}

class story {
 public:
    struct options {
        int seed = 0;
        std::vector<std::string> devices{"desktop", "phone"};
        casasync::delete_policy policy = casasync::delete_policy::later_wins;
        bool ranks_reversed = false;
    };

    explicit story(const options& o)
        : story(o, make_world({static_cast<std::uint64_t>(o.seed), o.policy, o.ranks_reversed})) {}
    /// The same in a world that is there already.
    story(const options& o, std::unique_ptr<test_world> world)
        : fair_(o.seed < fair_stories),
          reversed_(o.seed % 2 == 1),
          rng_(static_cast<std::uint64_t>(o.seed)),
          world_(std::move(world)) {
        start_ = world_->time();
        auto devices = world_->begin(o.devices);
        for (std::size_t i = 0; i < devices.size(); ++i) takes_part(o.devices[i], std::move(devices[i]));
    }

    /// A new device joins through a snapshot that the first one offers.
    void joins(const std::string& name) { takes_part(name, world_->add(name)); }

    [[nodiscard]] test_device& operator[](const std::string& name) { return *devices_.at(name); }

    /// Sets the wall time, in ms since the story began.
    void at(casasync::unix_ms ms) { world_->set_time(start_ + ms); }
    void minutes_pass(int n) { world_->set_time(world_->time() + casasync::unix_ms{n} * 60'000); }

    /// Everyone syncs until nothing moves. In bad weather they try for a while; once it is fair, three rounds
    /// must do, and the one after that moves nothing.
    void everyone_syncs() {
        meet(names_);
        for (const auto& [name, device] : devices_) CHECK(device->pending() == 0);
    }

    /// The same, while all others are off the network.
    void meet(const std::vector<std::string>& who) {
        for (const auto& [name, device] : devices_)
            device->cut(std::find(who.begin(), who.end(), name) == who.end());
        if (!fair_) {
            world_->weather(true);
            for (std::uint64_t tries = 1 + rng_() % (2 * who.size()); tries > 0; --tries)
                static_cast<void>(devices_.at(who[rng_() % who.size()])->sync());
            world_->weather(false);
        }
        for (int round = 0; round < 3; ++round) one_round(who);
        CHECK(one_round(who) == 0);
        for (const auto& [name, device] : devices_) device->cut(false);
    }

    /// True when all devices have the same digests, rows and open conflicts.
    [[nodiscard]] bool all_agree() {
        const std::string first = tell(*devices_.at(names_[0]));
        for (const std::string& name : names_) {
            const std::string other = tell(*devices_.at(name));
            if (other == first) continue;
            UNSCOPED_INFO(names_[0] << ":\n" << first << "\n" << name << ":\n" << other);
            return false;
        }
        return true;
    }

    /// Returns the open conflicts, after checking that they are the same everywhere.
    [[nodiscard]] std::vector<lost_write> conflicts() {
        CHECK(all_agree());
        return devices_.at(names_[0])->conflicts();
    }
    [[nodiscard]] std::mt19937_64& random() noexcept { return rng_; }
    [[nodiscard]] casasync::unix_ms now() const { return world_->time(); }

 private:
    void takes_part(const std::string& name, std::unique_ptr<test_device> device) {
        devices_[name] = std::move(device);
        names_.push_back(name);
    }

    /// Each of them syncs once. Returns how many envelopes and changesets moved.
    std::size_t one_round(std::vector<std::string> order) {
        if (reversed_) std::reverse(order.begin(), order.end());
        if (!fair_) std::shuffle(order.begin(), order.end(), rng_);
        std::size_t moved = 0;
        for (const std::string& name : order) {
            const auto report = devices_.at(name)->sync();
            INFO(name << ": " << (report ? "" : report.failure().text()));
            REQUIRE(report.ok());
            CHECK(report->refused == 0);
            moved += report->sealed + report->pushed + report->received + report->merged;
        }
        return moved;
    }

    [[nodiscard]] static std::string tell(test_device& device) {
        std::ostringstream out;
        out << "digest " << device.digest() << "\n";
        for (const auto& [id, row] : device.rows()) {
            out << id;
            for (const auto& [column, what] : row) out << " " << column << "=" << text_of(what);
            out << "\n";
        }
        for (const lost_write& c : device.conflicts())
            out << "open: " << c.key << "." << c.column << " lost " << text_of(c.loser) << " to "
                << text_of(c.shown) << ", " << name_of(c.why) << "\n";
        return out.str();
    }

    std::vector<std::string> names_;
    bool fair_, reversed_;
    std::mt19937_64 rng_;
    std::unique_ptr<test_world> world_;
    casasync::unix_ms start_ = 0;
    std::map<std::string, std::unique_ptr<test_device>> devices_;
};

}  // namespace casasync_test
