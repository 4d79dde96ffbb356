// SPDX-License-Identifier: MIT
#pragma once

/// Devices in memory and a relay in memory, for tests of what lies between them.
#include <casasync/loopback/transport.hpp>
#include <casasync/memory_store.hpp>
#include <casasync/session.hpp>
#include <casasync_test/catch.hpp>
#include <casasync_test/plain_cipher.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace vault_pair {

using namespace casasync;
using casasync_test::plain_cipher;
using casasync_test::plain_opener;
using casasync_test::plain_sealer;

template <class Id>
Id id_of(std::uint8_t n) {
    Id id;
    id.octets.fill(n);
    return id;
}

struct hand_clock {
    unix_ms time = 1'800'000'000'000;
    [[nodiscard]] unix_ms now() const noexcept { return time; }
};

/// random_source: counts.
struct counting_random {
    std::uint8_t last = 0;
    void fill(std::span<std::uint8_t> out) {
        for (std::uint8_t& b : out) b = ++last;
    }
};

/// A relay, its network and a clock that all share.
struct household {
    hand_clock clock{};
    loopback::relay relay{id_of<vault_id>(7), id_of<generation_id>(8), casasync_test::quick_digest,
                          [this] { return clock.time; }};
    loopback::network network{1};
};

constexpr std::size_t amount = 0, note = 1, high = 2, low = 3;  // columns of txn

/// A device with a table txn(id; amount, note, high max, low min), amount and note a group where wanted.
struct device {
    device(household& h, std::uint8_t n, bool grouped = false, vault_id vault = id_of<vault_id>(7))
        : device(h, n, grouped, vault, id_of<replica_id>(n)) {}
    device(household& h, std::uint8_t n, bool grouped, vault_id vault, replica_id replica)
        : store({vault, id_of<device_id>(n), replica, "device " + std::to_string(n)}, h.clock),
          way(h.relay, h.network, id_of<device_id>(n)) {
        const table_traits txn{"txn",
                               delete_policy::later_wins,
                               {{"amount", merge_rule::lww},
                                {"note", merge_rule::lww},
                                {"high", merge_rule::max},
                                {"low", merge_rule::min}}};
        const std::vector<std::vector<std::string>> pair{{"amount", "note"}};
        REQUIRE(store.create_table(txn, grouped ? pair : std::vector<std::vector<std::string>>{}).ok());
    }

    void write(const std::string& id, const std::map<std::string, value>& cells) {
        REQUIRE(store.write("txn", key(id), cells).ok());
    }
    void erase(const std::string& id) { REQUIRE(store.erase("txn", key(id)).ok()); }
    [[nodiscard]] bool has(const std::string& id) { return store.read("txn", key(id)).has_value(); }
    [[nodiscard]] value cell(const std::string& id, std::size_t column) {
        const auto row = store.read("txn", key(id));
        REQUIRE(row.has_value());
        return (*row)[column];
    }
    [[nodiscard]] result<sync_report> sync() { return casasync::sync<plain_opener>(store, keys, way); }
    [[nodiscard]] std::uint64_t position() const { return store.position()->pos; }
    [[nodiscard]] result<snapshot_manifest> offer() {
        memory_spool spool;
        counting_random random;
        return offer_snapshot<plain_sealer>(store, keys, way, spool, random);
    }
    [[nodiscard]] static std::vector<value> key(const std::string& id) { return {value(id)}; }

    memory_store<hand_clock> store;
    plain_cipher keys;
    loopback::transport way;
};

}  // namespace vault_pair
