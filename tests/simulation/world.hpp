// SPDX-License-Identifier: MIT
#pragma once

/// Plays a scene: a few devices, a relay and a network in one thread, with every clock, every random number,
/// every disk and every message from the scene. After the last event the weather clears, and then all must be
/// well: within three rounds of syncs all devices agree, a fourth writes and sends nothing, the books add up,
/// and no stamp stands for two writes.
#include "party_link.hpp"
#include "scene.hpp"

#include <casasync/loopback/relay.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace simulation {

/// What came of a scene.
struct outcome {
    std::string problem{};             ///< empty: nothing is wrong
    std::uint64_t trace = 0;           ///< a hash of everything that happened
    std::vector<std::string> lines{};  ///< the trace in words
};

/// How often things happened, over many scenes: what never happens is not tested.
struct tally {
    std::uint64_t scenes = 0, writes = 0, refused_writes = 0, syncs = 0, failed_syncs = 0, restarts = 0,
                  power_losses = 0, io_errors = 0, joins = 0, compactions = 0, altered = 0, decided = 0,
                  open_conflicts = 0, parked = 0, held = 0, merged_snapshots = 0, upgrades = 0, starved = 0,
                  starved_of_new = 0, restored = 0, clones = 0, successions = 0, revoked = 0,
                  relay_losses = 0, fed = 0, asked = 0, spared = 0, undeleted = 0;
};

/// What is there when a scene begins: devices of one vault, each with its file closed, and their relay.
struct household_image {
    std::vector<party_image> parties{};
    casasync::loopback::relay relay;
};

class world {
 public:
    world(const scene& s, tally& counts);

    /// Plays the scene. \param start  what it begins with; null: its household is made
    [[nodiscard]] outcome play(const household_image* start);
    /// Makes the household of the scene, and plays nothing.
    [[nodiscard]] household_image make();

 private:
    struct failed : std::runtime_error {
        using std::runtime_error::runtime_error;
    };
    static constexpr casasync::unix_ms beginning = 1'800'000'000'000;
    static constexpr unsigned rounds_max = 3;

    void begin(const household_image& start);
    void make_household();
    void happen(const event& e);
    void heal();
    void converge();
    void be_silent();
    void check_books();

    void write(party& p, const event& e);
    bool sync(party& p);
    void note_alarms(const party& p, const casasync::sync_report& done, bool became_another);
    void resolve(party& p, const event& e);
    void undelete(party& p, const event& e);
    void offer(party& p);
    void compact();
    void join(party& p);
    void upgrade(party& p);
    void set_weather(party& p, std::uint32_t dice);
    void alter(party& p, std::uint32_t dice);
    void break_disk(party& p, const event& e);
    void restart(party& p);

    // world_troubles.cpp
    /// Syncs, perhaps without memory.
    [[nodiscard]] casasync::result<casasync::sync_report> sync_party(party& p);
    /// Whether it was removed: the device that it is, or the one that it is about to become.
    [[nodiscard]] bool is_removed(const party& p) const;
    /// Those who are devices of the vault now.
    [[nodiscard]] std::vector<party*> members();
    /// True when no two files are one device, as far as they know.
    [[nodiscard]] bool is_told_apart();
    /// What the files of members have, but for these.
    [[nodiscard]] holdings in_files(const std::set<const party*>& but);
    /// What the relay has, or had before it lost it: what it lost may be unconfirmed to its author by now.
    [[nodiscard]] const last_seqs& ever_at_relay();
    /// Whether nothing is gone for good when a file, or all of a device, or the relay, becomes what it was.
    [[nodiscard]] bool may_restore(party& p);
    [[nodiscard]] bool may_revoke(party& p);
    [[nodiscard]] bool may_lose(const holdings& rest);
    void spare();
    [[nodiscard]] bool back_up(party& p);  ///< \returns whether there is a new copy of its files
    void restore(party& p, std::uint32_t dice);
    /// True for a device whose relay lost what it had of it: copies are recognised too late (README, Backups
    /// and copies).
    [[nodiscard]] bool owes_relay(party& p);
    void clone(party& p);
    void revoke(party& p);
    /// \param rest  what the relay still has then
    void lose(const holdings& rest, const std::function<void(casasync::generation_id)>& how);
    void restore_relay(std::uint32_t dice);
    void wipe_relay();
    [[nodiscard]] ledger& books(const party& p);
    void check_stamps();

    /// The machine starts again when its power went.
    void power_up(party& p);

    /// SQLite's clock becomes that of `p`. \returns false when its vault does not open
    [[nodiscard]] bool at(party& p);
    /// Returns why the devices do not agree; "" when they do.
    [[nodiscard]] std::string disagreement();
    void say(const std::string& line);
    void must(bool fine, const std::string& what);

    const scene& scene_;
    tally& counts_;
    casasync::unix_ms now_ = beginning;
    casasync::unix_ms furthest_ = beginning;  ///< the latest time any clock has shown
    casasync::unix_ms behind_ = 0;            ///< how late the clock was that was most so
    casasync::loopback::relay relay_;
    std::optional<casasync::loopback::relay> saved_relay_{};
    std::size_t relay_losses_ = 0;
    last_seqs sent_{};       ///< see ever_at_relay()
    bool upgrades_ = false;  ///< there is a next version of the app, which everybody has in the end
    std::vector<std::unique_ptr<party>> parties_;
    ledger books_;
    ledger others_books_;  ///< of devices that were removed: the vault never hears of it
    outcome out_;
};

/// Different random numbers that households are made with.
inline constexpr std::uint64_t households = 16;
/// Makes the household that scenes like this one begin with: of as many devices, with this journal, and
/// random numbers of one of so many kinds. The same whatever was played before.
[[nodiscard]] household_image make_like(const scene& s);

/// Plays a scene. \returns what came of it, in the same bytes every time
[[nodiscard]] outcome play(const scene& s, tally& counts);

}  // namespace simulation
