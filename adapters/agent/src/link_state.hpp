// SPDX-License-Identifier: MIT
#pragma once

/// What a link holds, and what it is made of.
#include "membership.hpp"

#include <casasync/agent/link.hpp>
#include <casasync/snapshot_transfer.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace casasync::agent {

struct link::state {
    sqlite::vault vault;
    std::string path;
    membership members;
    beast::client relay;
    progress_sink progress;
    std::atomic<bool> canceled{false};
    std::size_t changes = 0;                              ///< sealed since the last snapshot
    std::chrono::steady_clock::time_point offer_again{};  ///< not before, after one that failed
    std::optional<std::uint32_t> told_kit{};              ///< entry of the kit that was told of last

    // link.cpp
    /// Takes over what another process learned, or became.
    [[nodiscard]] result<void> reread();
    /// Syncs until nothing is left.
    [[nodiscard]] result<sync_report> sessions(relay_state& heard);
    /// The same; what the relay refused because this device's clock was far ahead is dated anew once it is
    /// right.
    [[nodiscard]] result<sync_report> sync_rounds(relay_state& heard);
    /// Returns the name of a device, or its id.
    [[nodiscard]] std::string name_of(const device_id& device);
    /// Returns the relay's time as it was heard, unix seconds; this device's where it was not.
    [[nodiscard]] std::uint64_t relay_time(const relay_state& heard) const;
    /// Returns what a person is told of a deletion that was shown.
    [[nodiscard]] error vault_was_deleted(const device_id& by);
    [[nodiscard]] result<void> note(const result<sync_report>& done, const relay_state& heard);
    [[nodiscard]] result<void> offer();
    /// Offers a snapshot where the relay asks for one, or this device has made many changes. The device that
    /// sent something last comes first; in need, any. Returns whether it did.
    [[nodiscard]] result<bool> offer_if_wanted(const result<sync_report>& done, relay_state heard);

    // Models syncing_device.
    [[nodiscard]] sqlite::vault& store() noexcept { return vault; }
    [[nodiscard]] unix_ms now() const;
    [[nodiscard]] result<page> pull(const pull_request& request) { return relay.pull(request); }
    [[nodiscard]] result<page> record(std::uint64_t pos) { return relay.record(pos); }
    [[nodiscard]] result<bytes> open(bytes_view envelope) { return members.cipher().open(envelope); }
    [[nodiscard]] result<void> catch_up() { return members.catch_up(relay); }
    [[nodiscard]] result<std::uint64_t> last_seq_at_relay();
    /// Tells whether another file goes on as this device, or this one has begun to be another.
    [[nodiscard]] result<bool> is_copy();
    [[nodiscard]] result<void> become_new_device();
    [[nodiscard]] result<void> attach_again();
    [[nodiscard]] result<bool> give_members(const relay_state& heard);
    [[nodiscard]] result<std::optional<snapshot_origin>> newest_snapshot();
    [[nodiscard]] result<void> merge_newest_snapshot();

    // link_members.cpp
    /// Returns which of a device and its copies are members, without this one.
    [[nodiscard]] std::vector<device_id> to_remove(device_id device, bool with_copies) const;
    /// Ends the epoch without these devices. False: the vault changed meanwhile. \param at unix seconds
    [[nodiscard]] result<bool> rotate(std::vector<device_id> gone, std::uint64_t at);
    /// Returns the recovery kits but one; `own_only`: those that this device may withdraw.
    [[nodiscard]] std::vector<device_id> kits_but(device_id kept, bool own_only) const;
    /// Takes the recovery kits out that another one has stood beside for long enough. \param at unix seconds,
    /// the relay's clock
    void retire_kits(std::uint64_t at);
    /// Returns what a person is told of a new recovery kit, once; nothing when there is none, it replaces
    /// none, or this device made it. \param known entries of the list before the sync
    [[nodiscard]] std::optional<std::string> news_of_kit(std::size_t known);
    /// Offers a snapshot in place of one whose maker is no member any more, where the log alone does not do.
    [[nodiscard]] result<void> replace_snapshot();
};

}  // namespace casasync::agent
