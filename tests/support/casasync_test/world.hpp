// SPDX-License-Identifier: MIT
#pragma once

/// What a story needs of devices and their relay, whatever they are made of. A test program links one
/// make_world(): in memory, with SQLite files, or with a relay process.
#include <casasync/bytes.hpp>
#include <casasync/conflict.hpp>
#include <casasync/environment.hpp>
#include <casasync/hlc.hpp>
#include <casasync/result.hpp>
#include <casasync/session.hpp>
#include <casasync/store.hpp>
#include <casasync/table.hpp>
#include <casasync/value.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace casasync_test {

using cells = std::map<std::string, casasync::value>;

/// A value as a test prints it.
[[nodiscard]] inline std::string text_of(const casasync::value& v) {
    switch (v.kind()) {
        case casasync::value_kind::null:
            return "NULL";
        case casasync::value_kind::integer:
            return std::to_string(v.integer());
        case casasync::value_kind::real:
            return std::to_string(v.real()) + " (real)";
        case casasync::value_kind::text:
            return '"' + v.text() + '"';
        case casasync::value_kind::blob:
            return "x'" + casasync::to_hex(v.blob()) + "'";
    }
    return {};
}

/// An open conflict as a person sees it.
struct lost_write {
    std::string key{};
    std::string column{};  ///< empty: the lost write is a DELETE
    casasync::value loser{};
    casasync::value shown{};  ///< NULL when the row is not shown
    casasync::conflict_reason why{};

    friend bool operator==(const lost_write&, const lost_write&) = default;
};

/// A device with one table, txn(id, amount, note). Errors of local work fail the test at once.
class test_device {
 public:
    virtual ~test_device() = default;

    virtual void write(const std::string& id, const cells& what) = 0;
    virtual void erase(const std::string& id) = 0;
    virtual void rename(const std::string& id, const std::string& to) = 0;  ///< changes a row's primary key
    [[nodiscard]] virtual std::map<std::string, cells> rows() = 0;
    [[nodiscard]] virtual std::vector<lost_write> conflicts() = 0;  ///< sorted by key, column, loser
    virtual void restore(const lost_write& which) = 0;
    virtual void keep(const lost_write& which) = 0;
    [[nodiscard]] virtual std::string digest() = 0;  ///< of rows and of open conflicts

    [[nodiscard]] virtual casasync::result<casasync::sync_report> sync() = 0;
    [[nodiscard]] virtual std::size_t pending() = 0;  ///< to be sent, or received and not merged
    /// Seals, and returns everything not confirmed yet as another device would receive it.
    [[nodiscard]] virtual std::vector<casasync::inbound_part> sealed() = 0;
    /// Stores and merges parts that came in some other way than by the relay.
    virtual casasync::merge_report deliver(std::span<const casasync::inbound_part> parts) = 0;

    /// Takes the device off the network, or puts it back.
    virtual void cut(bool off) = 0;
    /// Sets how far the device's clock is ahead of the story's.
    virtual void skew(casasync::unix_ms ahead) = 0;

    [[nodiscard]] cells row(const std::string& id) {
        const auto all = rows();
        const auto it = all.find(id);
        return it == all.end() ? cells{} : it->second;
    }
    [[nodiscard]] bool has(const std::string& id) { return rows().contains(id); }
};

struct world_options {
    std::uint64_t seed = 0;
    casasync::delete_policy policy = casasync::delete_policy::later_wins;
    bool ranks_reversed = false;  ///< replica ids fall in the order the devices are added, instead of rising
};

class test_world {
 public:
    virtual ~test_world() = default;
    /// The first device makes the vault; a later one joins it through a snapshot at the relay.
    [[nodiscard]] virtual std::unique_ptr<test_device> add(const std::string& name) = 0;
    /// The devices that a story begins with, added one after the other.
    [[nodiscard]] virtual std::vector<std::unique_ptr<test_device>> begin(
        const std::vector<std::string>& names) {
        std::vector<std::unique_ptr<test_device>> out;
        for (const std::string& name : names) out.push_back(add(name));
        return out;
    }
    virtual void set_time(casasync::unix_ms now) = 0;
    [[nodiscard]] virtual casasync::unix_ms time() const = 0;
    /// Bad weather: calls are lost, repeated, delayed, reordered, pages cut; fair: they are not, and what was
    /// delayed arrives.
    virtual void weather(bool bad) = 0;
};

struct world_traits {
    int foul_stories = 100;    ///< how often each story is told in bad weather
    bool quick = false;        ///< thousands of worlds take seconds
    bool ranks_known = false;  ///< world_options::ranks_reversed is obeyed
};

[[nodiscard]] world_traits traits_of_world();
[[nodiscard]] std::unique_ptr<test_world> make_world(const world_options& options);

}  // namespace casasync_test
