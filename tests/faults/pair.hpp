// SPDX-License-Identifier: MIT
#pragma once

/// Two devices, a relay, and what must hold between them after whatever happened.
#include "device.hpp"

#include <casasync/loopback/relay.hpp>

#include <string>

namespace casasync_test {

/// A pair as it lies on disks and at the relay: where a thousand runs begin.
struct pair_image {
    disk_image a{}, b{};
    std::uint8_t number_of_a = 1;
    casasync::loopback::relay relay;
    casasync::unix_ms now = 0;
};

class device_pair {
 public:
    /// \param journal  "wal" or "delete": what the files are in once they are vaults
    explicit device_pair(std::string journal);

    static const char* const schema;  ///< what the app makes before there is a vault

    device a{"a", 1}, b{"b", 2};

    [[nodiscard]] casasync::loopback::relay& relay() noexcept { return relay_; }
    [[nodiscard]] casasync::loopback::transport way(const device& d) {
        return {relay_, network_, d.who().device};
    }
    /// The network between the devices and the relay.
    [[nodiscard]] casasync::loopback::network& network() noexcept { return network_; }
    void forget_relay();
    [[nodiscard]] const std::string& journal() const noexcept { return journal_; }
    /// Lets time pass, the devices' and the relay's.
    void minutes_pass(int minutes);

    // The following return what went wrong; "" when nothing did.
    /// Makes a vault of two devices with rows, a parked row and an open conflict.
    [[nodiscard]] std::string begin();
    [[nodiscard]] std::string sync(device& d);
    /// Both devices sync until they have heard of each other.
    [[nodiscard]] std::string settle();
    /// Both agree: digests, rows, no open ends; what is kept of them adds up; the files are whole; no stamp
    /// was given twice.
    [[nodiscard]] std::string agree();
    /// A write of `d` reaches both.
    [[nodiscard]] std::string fresh_write(device& d);

    /// The rows a person sees.
    [[nodiscard]] std::string rows(device& d);
    [[nodiscard]] pair_image image();
    void load(const pair_image& from);

 private:
    [[nodiscard]] std::string repeated_stamp();

    std::string journal_;
    casasync::loopback::relay relay_;
    casasync::loopback::network network_{1};
};

/// Returns "what: why" for a failure, "" for a value.
template <class T>
[[nodiscard]] std::string problem(const std::string& what, const casasync::result<T>& r) {
    return r ? std::string() : what + ": " + std::string(name_of(r.code())) + ", " + r.failure().text();
}
[[nodiscard]] inline std::string problem(const std::string& what, bool fine) {
    return fine ? "" : what;
}

}  // namespace casasync_test
