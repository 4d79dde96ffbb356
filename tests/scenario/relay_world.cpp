// SPDX-License-Identifier: MIT
// Devices with SQLite files, and a real relay: casasync-relay as a process, spoken to by the Beast client. In
// bad weather requests and answers are lost, calls come twice, and the relay is killed and started again.
#include "sqlite_device.hpp"

#include <casasync/beast/client.hpp>
#include <casasync/beast/relay.hpp>
#include <casasync_test/relay_process.hpp>

#include <chrono>
#include <csignal>
#include <random>

namespace casasync_test {
namespace {

using namespace casasync;

template <class Id>
Id id_of(std::uint8_t n) {
    Id id;
    id.octets.fill(n);
    return id;
}

/// The relay's process, which may be killed.
class killable_relay {
 public:
    explicit killable_relay(std::string data) : data_(std::move(data)) { start("127.0.0.1:0"); }
    ~killable_relay() { stop(); }

    [[nodiscard]] const std::string& address() const noexcept { return process_->address(); }
    void kill_and_start() {
        const std::string where = "127.0.0.1:" + std::to_string(process_->port());
        stop();
        start(where);
    }

 private:
    void start(const std::string& listen) {
        const std::vector<std::string> arguments{"--listen", listen, "--data", data_};
        process_ = std::make_unique<relay_process>(CASASYNC_RELAY_PROGRAM, arguments);
        REQUIRE_FALSE(process_->address().empty());
    }
    void stop() {
        process_->signal(SIGKILL);
        process_->wait();
    }

    std::string data_;
    std::unique_ptr<relay_process> process_;
};

/// What all devices of a story share of the weather.
struct sky {
    bool bad = false;
    std::mt19937 dice;
    killable_relay* relay = nullptr;

    [[nodiscard]] bool happens(unsigned percent) { return bad && dice() % 100 < percent; }
};

/// A device's client, with weather in front of it.
class weathered_client {
 public:
    weathered_client(beast::client client, sky& above) : client_(std::move(client)), sky_(&above) {}

    void cut(bool off) noexcept { cut_ = off; }

    result<push_answer> push(std::span<const bytes> e) {
        return through([&] { return client_.push(e); });
    }
    result<page> pull(const pull_request& r) {
        return through([&] { return client_.pull(r); });
    }
    result<void> acknowledge(std::uint64_t pos) {
        return through([&] { return client_.acknowledge(pos); });
    }
    result<std::optional<snapshot_info>> latest_snapshot() {
        return through([&] { return client_.latest_snapshot(); });
    }
    result<bytes> read_snapshot(const snapshot_info& i, std::uint64_t offset, std::uint32_t size) {
        return through([&] { return client_.read_snapshot(i, offset, size); });
    }
    result<void> begin_snapshot(const snapshot_info& i) {
        return through([&] { return client_.begin_snapshot(i); });
    }
    result<void> write_snapshot(const snapshot_info& i, std::uint64_t offset, bytes_view part) {
        return through([&] { return client_.write_snapshot(i, offset, part); });
    }
    result<void> complete_snapshot(const snapshot_info& i) {
        return through([&] { return client_.complete_snapshot(i); });
    }

 private:
    template <class Call>
    auto through(Call&& call) -> decltype(call()) {
        if (cut_ || sky_->happens(15)) return errc::offline;
        if (sky_->happens(4)) sky_->relay->kill_and_start();
        if (sky_->happens(15)) static_cast<void>(call());
        auto answer = call();
        if (sky_->happens(15)) return errc::offline;
        return answer;
    }

    beast::client client_;
    sky* sky_;
    bool cut_ = false;
};
static_assert(transport<weathered_client>);

using device_type = sqlite_device<weathered_client>;

/// The relay's clock is the real one: stories are told in the past, where no stamp is ahead of it.
unix_ms some_months_ago() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count() -
           unix_ms{150} * 24 * 3600 * 1000;
}

class relay_world final : public test_world {
 public:
    explicit relay_world(const world_options& o)
        : options_(o), now_(some_months_ago()), relay_(folder_.file("relay")) {
        sky_.dice.seed(static_cast<unsigned>(o.seed));
        sky_.relay = &relay_;
    }

    std::unique_ptr<test_device> add(const std::string& name) override {
        const device_id device = numbered_identity(static_cast<std::uint8_t>(devices_.size() + 1)).id();
        const sqlite::identity who{story_members().vault(), device, name, relay_.address()};
        auto way = std::make_unique<weathered_client>(enter(who), sky_);
        const std::string path = folder_.file(name + ".db");
        auto clock = std::make_shared<story_clock>(story_clock{&now_, 0});
        const auto options = device_type::options(clock);
        const sqlite_schema schema = txn_schema(options_.policy);
        if (!devices_.empty()) devices_.front()->offer();
        auto vault = devices_.empty() ? first_vault(path, who, schema, options)
                                      : joined_vault(path, who, *way, options);
        auto out = std::make_unique<device_type>(path, schema, clock, std::move(vault), std::move(way));
        devices_.push_back(out.get());
        return out;
    }
    void set_time(unix_ms now) override {
        for (device_type* d : devices_) d->seal();
        now_ = now;
    }
    unix_ms time() const override { return now_; }
    void weather(bool bad) override { sky_.bad = bad; }

 private:
    /// Makes the device known at the relay; the first one makes the vault.
    beast::client enter(const sqlite::identity& who) {
        beast::client_options options;
        options.relay.url = relay_.address();
        options.vault = who.vault;
        options.device = who.device;
        const auto in =
            beast::attach(options.relay, who.vault, identity_with(who.device), story_members().entries());
        INFO((in ? std::string() : in.failure().text()));
        REQUIRE(in.ok());
        options.device_key = in->device_key;
        auto client = beast::client::make(options);
        REQUIRE(client.ok());
        return std::move(*client);
    }

    world_options options_;
    unix_ms now_;
    scratch_folder folder_;
    killable_relay relay_;
    sky sky_;
    std::vector<device_type*> devices_;
};

}  // namespace

world_traits traits_of_world() {
    return {10, false, false};
}
std::unique_ptr<test_world> make_world(const world_options& options) {
    return std::make_unique<relay_world>(options);
}

}  // namespace casasync_test
