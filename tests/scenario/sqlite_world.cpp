// SPDX-License-Identifier: MIT
// Devices with SQLite files, and a relay in memory between them.
#include "sqlite_world.hpp"

#include <casasync/openssl/hash.hpp>

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

class sqlite_world final : public test_world {
 public:
    sqlite_world(std::uint64_t seed, sqlite_schema schema)
        : schema_(std::move(schema)),
          relay_(story_members().vault(), id_of<generation_id>(8), openssl::sha256, [this] { return now_; }),
          network_(seed) {}

    std::unique_ptr<test_device> add(const std::string& name) override {
        const device_id device = numbered_identity(static_cast<std::uint8_t>(devices_.size() + 1)).id();
        const sqlite::identity who{story_members().vault(), device, name, "http://127.0.0.1:1"};
        const std::string path = folder_.file(name + ".db");
        auto way = std::make_unique<loopback::transport>(relay_, network_, device);
        auto clock = std::make_shared<story_clock>(story_clock{&now_, 0});
        const auto options = device_type::options(clock);
        if (!devices_.empty()) devices_.front()->offer();
        auto vault = devices_.empty() ? first_vault(path, who, schema_, options)
                                      : joined_vault(path, who, *way, options);
        auto out = std::make_unique<device_type>(path, schema_, clock, std::move(vault), std::move(way));
        devices_.push_back(out.get());
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
