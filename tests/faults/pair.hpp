// SPDX-License-Identifier: MIT
#pragma once

/// Two devices, a relay, and what must hold between them after whatever happened.
#include "device.hpp"

#include <casasync/loopback/relay.hpp>

#include <string>
#include <vector>

namespace casasync_test {

/// What an app keeps, and what both devices do with it.
struct app_story {
    struct table {
        const char* name;
        casasync::sqlite::track_options how{};
    };

    std::string name;           ///< told apart by
    const char* schema;         ///< what the app makes before there is a vault
    std::vector<table> tables;  ///< those that are tracked, in this order
    const char* a_begins;       ///< `a` and `b` write this not knowing of each other: rows that exclude each
    const char* b_begins;       ///< other, and one cell
    const char* a_writes;       ///< `a` can write it twice
    const char* b_writes;       ///< `b` knows nothing of that,
    const char* b_writes_more;  ///< nor now
    const char* fresh;          ///< one row more
    const char* next_version;  ///< of the schema: a table rebuilt with a column more, rows changed on the way
    std::vector<const char*> shown;  ///< queries: what a person sees, the same on both devices
};

/// Accounts and transactions whose keys are text: a taken name parks a row.
[[nodiscard]] const app_story& text_keys();
/// Shops and visits whose keys are numbers that both devices give out, in references and in a key, too.
[[nodiscard]] const app_story& integer_keys();

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
    explicit device_pair(std::string journal, const app_story& story = text_keys());

    device a{"a", 1}, b{"b", 2};

    [[nodiscard]] casasync::loopback::relay& relay() noexcept { return relay_; }
    [[nodiscard]] casasync::loopback::transport way(const device& d) {
        return {relay_, network_, d.who().device};
    }
    /// The network between the devices and the relay.
    [[nodiscard]] casasync::loopback::network& network() noexcept { return network_; }
    void forget_relay();
    [[nodiscard]] const std::string& journal() const noexcept { return journal_; }
    [[nodiscard]] const app_story& story() const noexcept { return story_; }
    [[nodiscard]] casasync::result<void> track_all(device& d);
    /// Lets time pass, the devices' and the relay's.
    void minutes_pass(int minutes);

    // The following return what went wrong; "" when nothing did.
    /// Makes a vault of two devices with rows, a parked or renumbered one and an open conflict.
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
    const app_story& story_;
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
