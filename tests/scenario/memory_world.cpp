// SPDX-License-Identifier: MIT
// Devices in memory, and a relay in memory between them.
#include <casasync/loopback/transport.hpp>
#include <casasync/memory_store.hpp>
#include <casasync_test/catch.hpp>
#include <casasync_test/plain_cipher.hpp>
#include <casasync_test/world.hpp>

#include <algorithm>
#include <tuple>

namespace casasync_test {
namespace {

using namespace casasync;

constexpr unix_ms first_morning = 1'800'000'000'000;

struct device_clock {
    const unix_ms* story = nullptr;
    unix_ms ahead = 0;
    [[nodiscard]] unix_ms now() const noexcept { return *story + ahead; }
};
using store_type = memory_store<device_clock>;

template <class Id>
Id id_of(std::uint8_t n) {
    Id id;
    id.octets.fill(n);
    return id;
}

table_traits txn(delete_policy policy) {
    return {"txn", policy, {{"amount", merge_rule::lww}, {"note", merge_rule::lww}}};
}

class memory_device final : public test_device {
 public:
    memory_device(const memory_identity& who, const unix_ms& story, loopback::relay& relay,
                  loopback::network& by)
        : clock_{&story, 0}, store_(who, clock_), way_(relay, by, who.device) {}

    void write(const std::string& id, const cells& what) override {
        REQUIRE(store_.write("txn", key_of(id), what).ok());
    }
    void erase(const std::string& id) override { REQUIRE(store_.erase("txn", key_of(id)).ok()); }
    void rename(const std::string& id, const std::string& to) override {
        const cells all = row(id);
        erase(id);
        write(to, all);
    }
    std::map<std::string, cells> rows() override {
        std::map<std::string, cells> out;
        const memory_table& t = store_.tables().front();
        for (const auto& [key, values] : t.shown()) {
            cells& row = out[name_of(key)];
            for (std::size_t c = 0; c < values.size(); ++c) row[t.traits.columns[c].name] = values[c];
        }
        return out;
    }
    std::vector<lost_write> conflicts() override {
        std::vector<lost_write> out;
        for (const memory_conflict& c : store_.conflicts()) out.push_back(tell(c));
        std::sort(out.begin(), out.end(), [](const lost_write& a, const lost_write& b) {
            return std::tie(a.key, a.column, a.loser) < std::tie(b.key, b.column, b.loser);
        });
        return out;
    }
    void restore(const lost_write& which) override { REQUIRE(store_.restore(find(which)).ok()); }
    void keep(const lost_write& which) override { REQUIRE(store_.keep(find(which)).ok()); }
    std::string digest() override {
        const vault_digest d = store_.digest();
        std::string out;
        for (const digest128& sum : {d.rows, d.open})
            out += std::to_string(sum.high) + ":" + std::to_string(sum.low) + " ";
        return out;
    }
    result<sync_report> sync() override { return casasync::sync<plain_opener>(store_, cipher_, way_); }
    std::size_t pending() override { return store_.pending_out() + store_.pending_in(); }
    std::vector<inbound_part> sealed() override {
        REQUIRE(store_.seal().ok());
        std::vector<inbound_part> out;
        const auto parts = store_.outbox(limits::changeset_bytes_max);
        for (const outbound_part& p : *parts)
            out.push_back({0, store_.device(), p.seq, p.part, p.parts, p.payload});
        return out;
    }
    merge_report deliver(std::span<const inbound_part> parts) override {
        REQUIRE(store_.accept(parts, *store_.position()).ok());
        const auto merged = store_.merge_inbox(0);
        REQUIRE(merged.ok());
        return *merged;
    }
    void cut(bool off) override { way_.cut(off); }
    void skew(unix_ms ahead) override { clock_.ahead = ahead; }

    void begin(delete_policy policy) { REQUIRE(store_.create_table(txn(policy)).ok()); }
    void join() {
        const auto merged = merge_latest_snapshot<plain_opener>(store_, cipher_, way_);
        REQUIRE(merged.ok());
        REQUIRE(merged->has_value());
    }
    template <class Random>
    void offer(Random& random) {
        REQUIRE(sync().ok());
        memory_spool spool;
        REQUIRE(offer_snapshot<plain_sealer>(store_, cipher_, way_, spool, random).ok());
    }

 private:
    static std::vector<value> key_of(const std::string& id) { return {value(id)}; }
    static std::string name_of(const bytes& key) { return decode_key(key)->front().text(); }

    lost_write tell(const memory_conflict& c) {
        lost_write out{name_of(c.key), {}, c.what.what, {}, c.what.why};
        if (!c.what.column) return out;
        out.column = store_.tables().front().traits.columns[*c.what.column].name;
        if (const auto shown = store_.read("txn", key_of(out.key))) out.shown = (*shown)[*c.what.column];
        return out;
    }
    memory_conflict find(const lost_write& which) {
        for (const memory_conflict& c : store_.conflicts())
            if (tell(c) == which) return c;
        FAIL("no such conflict is open");
        return {};
    }

    device_clock clock_;
    store_type store_;
    plain_cipher cipher_;
    loopback::transport way_;
};

class memory_world final : public test_world {
 public:
    explicit memory_world(const world_options& o)
        : options_(o),
          relay_(id_of<vault_id>(7), id_of<generation_id>(8), quick_digest, [this] { return now_; }),
          network_(o.seed) {}

    std::unique_ptr<test_device> add(const std::string& name) override {
        const auto n = static_cast<std::uint8_t>(++count_);
        const auto rank = static_cast<std::uint8_t>(options_.ranks_reversed ? 200 - n : n);
        auto device = std::make_unique<memory_device>(
            memory_identity{id_of<vault_id>(7), id_of<device_id>(n), id_of<replica_id>(rank), name}, now_,
            relay_, network_);
        if (first_ == nullptr) {
            first_ = device.get();
            device->begin(options_.policy);
        } else {
            first_->offer(*this);
            device->join();
        }
        return device;
    }
    void set_time(unix_ms now) override { now_ = now; }
    unix_ms time() const override { return now_; }
    void weather(bool bad) override {
        network_.set(bad ? loopback::weather{15, 15, 20, 15, 4} : loopback::weather{});
        if (!bad) network_.calm();
    }
    /// random_source: for snapshots.
    void fill(std::span<std::uint8_t> out) {
        for (std::uint8_t& b : out) b = static_cast<std::uint8_t>(network_.below(256));
    }

 private:
    world_options options_;
    unix_ms now_ = first_morning;
    loopback::relay relay_;
    loopback::network network_;
    std::size_t count_ = 0;
    memory_device* first_ = nullptr;
};

}  // namespace

world_traits traits_of_world() {
    return {100, true, true};
}
std::unique_ptr<test_world> make_world(const world_options& options) {
    return std::make_unique<memory_world>(options);
}

}  // namespace casasync_test
