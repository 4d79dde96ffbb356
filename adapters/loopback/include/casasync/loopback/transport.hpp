// SPDX-License-Identifier: MIT
#pragma once

/// A device's way to a loopback relay, through weather that comes from one seed.
#include <casasync/loopback/relay.hpp>

#include <array>
#include <cstdint>
#include <deque>
#include <functional>

namespace casasync::loopback {

/// How often something goes wrong, in percent of calls.
struct weather {
    unsigned drop_request = 0;  ///< the relay never hears of it
    unsigned drop_answer = 0;   ///< the relay did it, the device does not know
    unsigned duplicate = 0;     ///< it arrives twice
    unsigned delay = 0;  ///< given up by the device, it arrives later, in any order among other such calls
    unsigned page_records_max = 0;  ///< pages are cut at random, at most this long; 0: as asked
};

/// What happened so far.
struct fault_counts {
    std::size_t calls = 0, dropped_requests = 0, dropped_answers = 0, duplicates = 0, delayed = 0,
                delivered_late = 0;
};

/// The network between all devices of a test and their relay. The same seed and calls give the same faults.
/// One thread.
class network {
 public:
    explicit network(std::uint64_t seed, weather w = {}) : state_(seed), weather_(w) {}

    void set(const weather& w) noexcept { weather_ = w; }
    [[nodiscard]] const weather& conditions() const noexcept { return weather_; }
    [[nodiscard]] const fault_counts& counts() const noexcept { return counts_; }
    /// Returns a number below `n`.
    [[nodiscard]] std::uint64_t below(std::uint64_t n) noexcept;
    /// Delivers what was delayed, all of it, in random order.
    void calm();

    /// What becomes of the next call; for transports of another kind than the one below.
    enum class fate : std::uint8_t { fine, request_lost, answer_lost, twice, late };
    [[nodiscard]] fate next_call();
    /// Keeps a call whose fate is `late`. What it needs must live until calm().
    void postpone(std::function<void()> call);

 private:
    [[nodiscard]] bool happens(unsigned percent) noexcept { return below(100) < percent; }
    void deliver_one();

    std::uint64_t state_;
    weather weather_;
    fault_counts counts_;
    std::deque<std::function<void()>> late_;
};

/// Models casasync::transport. Relay and network must outlive it.
class transport {
 public:
    transport(relay& to, network& by, const device_id& device)
        : relay_(&to), network_(&by), device_(device) {}

    /// Speaks for another device from here on.
    void sign_as(const device_id& device) noexcept { device_ = device; }
    [[nodiscard]] const device_id& device() const noexcept { return device_; }
    /// See relay::attach() and relay::last_seq().
    [[nodiscard]] result<void> attach(const device_id& device, std::uint64_t last_seq);
    [[nodiscard]] result<std::uint64_t> last_seq(const device_id& of);

    /// Cuts the device off, or connects it again.
    void cut(bool is_cut) noexcept { cut_ = is_cut; }

    [[nodiscard]] result<push_answer> push(std::span<const bytes> envelopes);
    [[nodiscard]] result<page> pull(const pull_request& request);
    /// The page of one record, whole, also an own one.
    [[nodiscard]] result<page> record(std::uint64_t pos);
    [[nodiscard]] result<void> acknowledge(std::uint64_t pos);
    [[nodiscard]] result<std::optional<snapshot_info>> latest_snapshot();
    [[nodiscard]] result<bytes> read_snapshot(const snapshot_info& info, std::uint64_t offset,
                                              std::uint32_t size);
    [[nodiscard]] result<void> begin_snapshot(const snapshot_info& info);
    [[nodiscard]] result<void> write_snapshot(const snapshot_info& info, std::uint64_t offset,
                                              bytes_view part);
    [[nodiscard]] result<void> complete_snapshot(const snapshot_info& info);

    /// Called with every page's bytes before the device reads them: where a test alters them.
    std::function<void(page_bytes&)> on_page{};

 private:
    template <class Answer>
    [[nodiscard]] result<Answer> call(std::function<result<Answer>(relay&)> what);
    [[nodiscard]] result<page> decoded(result<page_bytes> got, std::uint64_t after);

    relay* relay_;
    network* network_;
    device_id device_;
    bool cut_ = false;
};

static_assert(casasync::transport<transport>);

}  // namespace casasync::loopback
