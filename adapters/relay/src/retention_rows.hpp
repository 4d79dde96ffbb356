// SPDX-License-Identifier: MIT
#pragma once

/// What a relay may forget of a vault's log, and what devices are asked for so that it can. Times are unix
/// seconds.
///
/// The log up to `floor` is gone. It may go up to where every device has acknowledged it and complete
/// snapshots cover it: so whoever has everything needs no snapshot, and whoever comes new finds one.
/// `covered` is the position of the older of the two newest snapshots, so that one may turn out to be bad; a
/// vault of one device has nobody else to check, and there it is the newest. A position and the running hash
/// there (`floor_log`) stay known, and so do the digests of changesets whose author has not read them back:
/// when it sends one again, it is told that it is there.
#include "log_rows.hpp"

#include <casasync/members.hpp>
#include <casasync/relay/server.hpp>

#include <cstdint>
#include <string_view>
#include <vector>

namespace casasync::relay {

/// Returns "high" or "low" when a device ought to make a snapshot of its vault, or nothing.
[[nodiscard]] std::string_view snapshot_wanted(const member& who, std::uint64_t vault_bytes_max) noexcept;

/// Tells whether a vault is so full that what may be forgotten is forgotten at any age.
[[nodiscard]] bool is_nearly_full(std::uint64_t bytes, std::uint64_t vault_bytes_max) noexcept;

/// Returns the time before which a device was last seen that is said to be dormant.
[[nodiscard]] std::uint64_t dormant_before(std::uint64_t now) noexcept;
/// \return false: a device that has not been seen for so long is said to be dormant
[[nodiscard]] bool is_awake(std::uint64_t last_seen, std::uint64_t now) noexcept;

/// Returns whose acknowledgements count: the devices of a vault, and not its recovery kits.
[[nodiscard]] std::vector<device_id> holders_of(const member_list& list);

/// Writes inside the writer's transaction.
class retention_writer {
 public:
    explicit retention_writer(database& db);

    /// How much log is kept.
    struct policy {
        std::uint64_t keep_s = 0;  ///< nothing younger is forgotten, unless the vault is nearly full
        std::uint64_t dormant_expire_s = 0;  ///< a device not seen for so long holds nothing back; 0: it does
        std::uint64_t vault_bytes_max = 0;
    };
    /// What was forgotten.
    struct report {
        std::uint64_t records = 0;
        std::uint64_t bytes = 0;
        bool more = false;  ///< there is more that may be forgotten: call again
    };
    /// Forgets what may be forgotten, at most 10,000 records. \param holders of the vault,
    /// whether they have come to this relay or not
    report forget(std::int64_t vault_row, const std::vector<device_id>& holders, const policy& how,
                  std::uint64_t now);
    /// Notes what the vault's snapshots cover: after one was completed, and after a device came or went.
    void note_snapshots(std::int64_t vault_row, std::size_t holders);
    /// Removes uploads that nobody has completed within a day. Returns how many.
    std::size_t drop_unfinished(std::uint64_t now);
    /// Returns up to 100 vaults after this row that have a log, in order.
    [[nodiscard]] std::vector<std::int64_t> vaults_after(std::int64_t vault_row);

 private:
    [[nodiscard]] std::uint64_t acknowledged_by_all(std::int64_t vault_row,
                                                    const std::vector<device_id>& holders,
                                                    std::uint64_t seen_since);
    [[nodiscard]] std::uint64_t old_enough(std::int64_t vault_row, std::uint64_t floor, std::uint64_t to,
                                           std::uint64_t before);

    prepared vault_, ack_, young_, sizes_, empty_, delete_, delete_empty_, set_floor_;
    prepared snapshots_, fresh_, set_cover_, old_parts_, old_uploads_, count_old_, vaults_;
};

}  // namespace casasync::relay
