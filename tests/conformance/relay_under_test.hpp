// SPDX-License-Identifier: MIT
#pragma once

/// The relay that is judged, and devices that nobody has seen before.
#include "device_client.hpp"

#include <casasync_test/relay_process.hpp>
#include <casasync_test/temporary_directory.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace casasync_test {

/// Makes devices at a relay. Device `n` of one maker is the same each time; another maker has others, so that
/// tests share a relay and nothing else.
class device_maker {
 public:
    device_maker();
    virtual ~device_maker() = default;

    [[nodiscard]] virtual endpoint at() const = 0;
    /// The relay's time.
    [[nodiscard]] virtual std::uint64_t now_s() const = 0;

    [[nodiscard]] casasync::openssl::device_identity who(std::uint8_t n) const;
    /// Creates the vault of device `n`.
    [[nodiscard]] device_client vault(std::uint8_t n = 1) const { return make_vault(at(), now_s(), who(n)); }
    /// Adds device `n` to a vault.
    device_client enrol(const device_client& member, std::uint8_t n) const {
        return casasync_test::enrol(member, who(n));
    }
    /// Device `n` of the vault that device `maker` makes; it is no member anywhere yet.
    [[nodiscard]] device_client nobody(std::uint8_t n, std::uint8_t maker) const {
        return casasync_test::nobody(at(), now_s(), who(n), who(maker));
    }
    /// Calls without a signature.
    [[nodiscard]] reply call(const std::string& method, const std::string& target,
                             header_fields fields = {}) const;

 private:
    std::array<std::uint8_t, 32> seed_{};
};

/// The relay that CASASYNC_RELAY_URL names; else one that is started for all tests together.
class relay_under_test : public device_maker {
 public:
    relay_under_test();
    [[nodiscard]] endpoint at() const override;
    [[nodiscard]] std::uint64_t now_s() const override;
};

/// A relay that a test starts for itself: it sets the clock, which stands still, and may kill it. README.md
/// says what such a program has to understand.
class own_relay : public device_maker {
 public:
    /// \param arguments  behind those that name its data
    explicit own_relay(std::vector<std::string> arguments = {});

    [[nodiscard]] endpoint at() const override { return endpoint(program_->port()); }
    [[nodiscard]] std::uint64_t now_s() const override { return static_cast<std::uint64_t>(now_ms_) / 1000; }
    [[nodiscard]] std::int64_t now_ms() const noexcept { return now_ms_; }

    void pass(std::int64_t ms) { set_clock(now_ms_ + ms); }
    void set_clock(std::int64_t unix_ms);
    /// It forgets what may be forgotten.
    void tidy() { hook("tidy"); }
    /// kill -9
    void kill();
    void start();
    void restart() {
        kill();
        start();
    }

 private:
    void hook(const std::string& line);

    temporary_directory directory_{};
    std::vector<std::string> arguments_{};
    std::unique_ptr<relay_process> program_{};
    std::int64_t now_ms_ = 1'800'000'000'000;
};

}  // namespace casasync_test
