// SPDX-License-Identifier: MIT
#pragma once

/// A party and its way to the relay: what the agent is with keys and HTTP. When a file is a copy and when the
/// relay has lost something is decided by casasync/device_sync.hpp, here as there.
#include "party_way.hpp"

#include <casasync/device_sync.hpp>

namespace simulation {

/// Models syncing_device. The party must outlive it.
class party_link {
 public:
    explicit party_link(party& p) noexcept : party_(&p) {}

    [[nodiscard]] casasync::sqlite::vault& store() noexcept { return party_->machine.vault(); }
    [[nodiscard]] casasync::unix_ms now() const { return casasync_test::vfs_time(); }
    [[nodiscard]] casasync::result<casasync::page> pull(const casasync::pull_request& request) {
        return party_way(*party_).pull(request);
    }
    [[nodiscard]] casasync::result<casasync::page> record(std::uint64_t pos) {
        return party_way(*party_).record(pos);
    }
    [[nodiscard]] casasync::result<casasync::bytes> open(casasync::bytes_view envelope) {
        return party_->machine.keys().open(envelope);
    }
    [[nodiscard]] casasync::result<std::uint64_t> last_seq_at_relay() {
        return party_way(*party_).last_seq(store().device());
    }
    [[nodiscard]] casasync::result<casasync::sync_report> sync_rounds(casasync::relay_state& heard);
    [[nodiscard]] casasync::result<bool> is_copy();
    /// There is no list of devices here: the relay knows who was removed.
    [[nodiscard]] casasync::result<void> catch_up() { return {}; }
    [[nodiscard]] casasync::result<void> become_new_device();
    [[nodiscard]] casasync::result<void> attach_again();
    [[nodiscard]] casasync::result<bool> give_members(const casasync::relay_state&) { return false; }
    [[nodiscard]] casasync::result<void> offer() {
        party_way way(*party_);
        return casasync_test::offer_snapshot(party_->machine, way);
    }
    [[nodiscard]] casasync::result<std::optional<casasync::snapshot_origin>> newest_snapshot();
    [[nodiscard]] casasync::result<void> merge_newest_snapshot();

 private:
    party* party_;
};

/// Syncs a party like the agent does, and notes how it ended.
[[nodiscard]] casasync::result<casasync::sync_report> sync(party& p);

}  // namespace simulation
