// SPDX-License-Identifier: MIT
// Devices with SQLite files, and a relay in memory between them.
#include "sqlite_world.hpp"

#include <casasync/openssl/hash.hpp>

#include <list>

namespace casasync_test {
namespace {

using namespace casasync;
using device_type = file_device;

constexpr unix_ms first_morning = 1'800'000'000'000;

template <class Id>
Id id_of(std::uint8_t n) {
    Id id;
    id.octets.fill(n);
    return id;
}

loopback::relay new_relay(std::function<unix_ms()> clock) {
    return {story_members().vault(), id_of<generation_id>(8), openssl::sha256, std::move(clock)};
}

/// What a story begins with: the devices' files, closed, and what the relay has.
struct beginning {
    sqlite_schema schema{};
    std::vector<std::string> names{};
    scratch_folder folder{};
    loopback::relay relay = new_relay([] { return first_morning; });
};

bool alike(const tracked_table& a, const tracked_table& b) {
    const auto parts = [](const tracked_table& t) {
        const auto& [policy, rules, groups, natural, references] = t.how;
        return std::tie(t.name, policy, rules, groups, natural, references);
    };
    return parts(a) == parts(b);
}

class sqlite_world final : public test_world {
 public:
    sqlite_world(std::uint64_t seed, sqlite_schema schema)
        : schema_(std::move(schema)), relay_(new_relay([this] { return now_; })), network_(seed) {}

    std::unique_ptr<test_device> add(const std::string& name) override {
        if (!devices_.empty()) devices_.front()->offer();
        return enter(name, [&](const std::string& path, const auto& options, auto& way) {
            const sqlite::identity who{story_members().vault(), way.device(), name, "http://127.0.0.1:1"};
            return devices_.empty() ? first_vault(path, who, schema_, options)
                                    : joined_vault(path, who, way, options);
        });
    }
    /// Made once for all stories that begin alike, and copied: making it takes longer than telling most of
    /// them.
    std::vector<std::unique_ptr<test_device>> begin(const std::vector<std::string>& names) override {
        const beginning& from = begun(names);
        relay_.restore(from.relay, std::nullopt);
        std::vector<std::unique_ptr<test_device>> out;
        for (const std::string& name : names)
            out.push_back(enter(name, [&](const std::string& path, const auto& options, auto&) {
                std::filesystem::copy_file(from.folder.file(name), path);
                auto vault = sqlite::vault::open(path, options);
                REQUIRE(vault.ok());
                return std::move(*vault);
            }));
        return out;
    }
    void set_time(unix_ms now) override {
        for (device_type* d : devices_) d->seal();
        now_ = now;
    }
    unix_ms time() const override { return now_; }
    void weather(bool bad) override {
        network_.set(bad ? loopback::weather{15, 15, 20, 15, 4} : loopback::weather{});
        if (!bad) network_.calm();
    }

 private:
    /// `vault_at` makes or opens the device's file.
    template <class VaultAt>
    std::unique_ptr<test_device> enter(const std::string& name, VaultAt&& vault_at) {
        const device_id device = numbered_identity(static_cast<std::uint8_t>(devices_.size() + 1)).id();
        const std::string path = folder_.file(name + ".db");
        auto way = std::make_unique<loopback::transport>(relay_, network_, device);
        auto clock = std::make_shared<story_clock>(story_clock{&now_, 0});
        auto vault = vault_at(path, device_type::options(clock), *way);
        auto out = std::make_unique<device_type>(path, schema_, clock, std::move(vault), std::move(way));
        devices_.push_back(out.get());
        return out;
    }
    const beginning& begun(const std::vector<std::string>& names) {
        static std::list<beginning> all;
        for (const beginning& one : all)
            if (one.names == names && one.schema.statements == schema_.statements &&
                std::equal(one.schema.tables.begin(), one.schema.tables.end(), schema_.tables.begin(),
                           schema_.tables.end(), alike))
                return one;
        sqlite_world world(0, schema_);
        static_cast<void>(world.test_world::begin(names));  // closes the files, too
        beginning& made = all.emplace_back();
        made.schema = schema_;
        made.names = names;
        for (const std::string& name : names)
            std::filesystem::copy_file(world.folder_.file(name + ".db"), made.folder.file(name));
        made.relay.restore(world.relay_, std::nullopt);
        return made;
    }

    sqlite_schema schema_;
    unix_ms now_ = first_morning;
    scratch_folder folder_;
    loopback::relay relay_;
    loopback::network network_;
    std::vector<device_type*> devices_;
};

}  // namespace

world_traits traits_of_world() {
    return {100, false, false};
}
std::unique_ptr<test_world> make_world(const world_options& options) {
    return make_sqlite_world(options.seed, txn_schema(options.policy));
}
std::unique_ptr<test_world> make_sqlite_world(std::uint64_t seed, sqlite_schema schema) {
    return std::make_unique<sqlite_world>(seed, std::move(schema));
}

}  // namespace casasync_test
