// SPDX-License-Identifier: MIT
// What a device may be in with its relay, and what it does about it: the cases of device_sync_test.
#pragma once

#include "scripted_device.hpp"

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sync_stories {

using namespace casasync;
using casasync_test::scripted_device;
using casasync_test::today;

inline digest256 digest_of(std::uint8_t n) {
    digest256 out{};
    out[0] = n;
    return out;
}
inline bytes envelope_by(std::uint8_t device, std::uint64_t seq, std::uint8_t vault = 0) {
    envelope_header h;
    h.vault.octets[0] = vault;
    h.device = scripted_device::device_of(device);
    h.seq = seq;
    const auto head = encode_header(h);
    bytes out(head.begin(), head.end());
    out.resize(envelope_overhead_bytes);
    return out;
}
inline page page_with(std::vector<log_record> records, bool more = false) {
    page out;
    out.records = std::move(records);
    out.more = more;
    return out;
}
/// A changeset in this device's name that this file did not send.
inline page foreign() {
    return page_with({{6, 0, envelope_by(1, 3), digest_of(3)}});
}
inline snapshot_origin snapshot_by(std::uint8_t maker, std::uint64_t has_of_me, std::uint64_t at = 0) {
    snapshot_origin out;
    out.maker = scripted_device::device_of(maker);
    out.merged.seen.raise(scripted_device::device_of(1), has_of_me);
    out.at.pos = at;
    return out;
}
inline result<sync_report> with_snapshot() {
    sync_report out;
    out.snapshot_merged = true;
    return out;
}

/// What a device is in, and what it does about it.
struct story {
    std::string name;
    std::function<void(scripted_device&)> given;
    std::optional<errc> fails{};
    std::vector<std::string> does{}, never{};
    std::string tells{};  ///< the beginning of an alarm
};

using device = scripted_device;  ///< as the stories call it

inline const std::string copied = "This file was restored", fed = "The relay had lost",
                         twice = "The relay has lost something", mended = "What this device may have lacked",
                         unmended = "Two devices of the vault differ",
                         filled = "Changes waited for earlier ones",
                         unfilled = "Changes wait for earlier ones that the relay does not have, and",
                         unasked = "Changes wait for earlier ones that the relay does not have any more";

[[nodiscard]] std::vector<story> about_copies();
[[nodiscard]] std::vector<story> about_losses();

}  // namespace sync_stories
