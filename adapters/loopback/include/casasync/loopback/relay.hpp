// SPDX-License-Identifier: MIT
#pragma once

/// A relay of one vault in memory, with the rules of docs/WIRE.md: the log, its order, its refusals, its
/// snapshots.
#include <casasync/bytes.hpp>
#include <casasync/cursor.hpp>
#include <casasync/environment.hpp>
#include <casasync/limits.hpp>
#include <casasync/result.hpp>
#include <casasync/transport.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

namespace casasync::loopback {

/// SHA-256, or what a test has instead.
using hash_function = std::function<digest256(bytes_view)>;

/// A page as it travels: the bytes of page.hpp, and what the answer's header fields say.
struct page_bytes {
    relay_state relay{};
    bytes body{};
    bool more = false;
};

struct stored_record {
    device_id device{};
    std::uint64_t seq = 0;
    std::uint64_t received_at = 0;  ///< unix seconds
    digest256 digest{};
    digest256 log{};  ///< running hash, this record included
    bytes envelope{};
};

/// One thread. Refusals are atomic: nothing of a refused call is stored.
class relay {
 public:
    relay(vault_id vault, generation_id generation, hash_function hash, std::function<unix_ms()> now)
        : vault_(vault), generation_(generation), hash_(std::move(hash)), now_(std::move(now)) {}

    /// From here on only devices that attached are answered; the others: unauthenticated.
    void require_attach() noexcept { strict_ = true; }
    /// \errors unauthenticated, device_revoked: what every call of such a device fails with
    [[nodiscard]] result<void> admit(const device_id& device) const;
    /// Makes a device known, for which `signer` speaks: itself, or the one it began as a copy of.
    /// \param last_seq  where its stream goes on when it is new here \errors device_revoked for either
    [[nodiscard]] result<void> attach(const device_id& signer, const device_id& device,
                                      std::uint64_t last_seq);
    /// Removes a device: it is answered device_revoked from here on, also by a relay that was wiped.
    void revoke(const device_id& device) { revoked_.insert(device); }
    [[nodiscard]] bool is_revoked(const device_id& device) const { return revoked_.contains(device); }
    /// The last of a device's changesets; 0 when there is none.
    [[nodiscard]] result<std::uint64_t> last_seq(const device_id& reader, const device_id& of) const;

    /// \errors seq_conflict, seq_gap, stamp_ahead, quota_exceeded; malformed_envelope for what no device of
    /// this vault sends; those of admit()
    [[nodiscard]] result<push_answer> push(const device_id& from, std::span<const bytes> envelopes);
    /// \errors log_mismatch, history_compacted
    [[nodiscard]] result<page_bytes> pull(const device_id& reader, const pull_request& request) const;
    /// The page of one record, whole, whoever's it is. \errors not_found, history_compacted
    [[nodiscard]] result<page_bytes> record(const device_id& reader, std::uint64_t pos) const;
    /// \errors log_mismatch above head
    [[nodiscard]] result<void> acknowledge(const device_id& from, std::uint64_t pos);
    [[nodiscard]] std::uint64_t acknowledged(const device_id& device) const;

    [[nodiscard]] std::optional<snapshot_info> latest_snapshot() const;
    [[nodiscard]] result<bytes> read_snapshot(const snapshot_id& id, std::uint64_t offset,
                                              std::size_t size) const;
    [[nodiscard]] result<void> begin_snapshot(const snapshot_info& info);
    [[nodiscard]] result<void> write_snapshot(const snapshot_id& id, std::uint64_t offset, bytes_view part);
    [[nodiscard]] result<void> complete_snapshot(const snapshot_info& info);

    /// Serves nothing up to `pos` any more, and cannot compare what an author has read back of it.
    void compact(std::uint64_t pos);
    /// Forgets everything and begins another life of the log.
    void wipe(generation_id generation);
    /// Goes back to its first `pos` records, as a relay does that was restored from a backup.
    void roll_back(std::uint64_t pos, generation_id generation);
    /// Becomes what it was when `backup` was copied from it, with its own clock. Who was removed since stays
    /// so, as devices tell it. \param generation  the next life of the log; none: the operator forgot to
    /// begin one
    void restore(const relay& backup, std::optional<generation_id> generation);
    /// Bytes of envelopes the vault may take.
    void limit_bytes(std::uint64_t bytes_max) { bytes_max_ = bytes_max; }

    [[nodiscard]] relay_state state() const { return {generation_, records_.size(), floor_, now_()}; }
    [[nodiscard]] const digest256& log_at(std::uint64_t pos) const;
    /// The log itself: what a hostile or damaged relay would change.
    [[nodiscard]] std::vector<stored_record>& records() noexcept { return records_; }
    /// Makes digests and log fit the records again, as a relay that means to deceive would.
    void recompute_log();
    [[nodiscard]] const hash_function& hash() const noexcept { return hash_; }

 private:
    struct kept_snapshot {
        snapshot_info info{};
        bytes content{};
        std::uint64_t written = 0;
        bool complete = false;
    };

    /// What its author sent. What came before `base` another life of the log had.
    struct stream {
        std::uint64_t base = 0;
        std::vector<std::uint64_t> positions{};  ///< by seq - base - 1

        [[nodiscard]] std::uint64_t last_seq() const noexcept { return base + positions.size(); }
        /// Returns 0 for what is not here.
        [[nodiscard]] std::uint64_t position_of(std::uint64_t seq) const noexcept {
            return seq > base && seq <= last_seq() ? positions[seq - base - 1] : 0;
        }
    };

    [[nodiscard]] result<std::vector<envelope_header>> headers(const device_id& from,
                                                               std::span<const bytes> envelopes) const;

    vault_id vault_;
    generation_id generation_;
    hash_function hash_;
    std::function<unix_ms()> now_;
    std::uint64_t floor_ = 0;
    std::uint64_t bytes_ = 0, bytes_max_ = std::uint64_t{1} << 40;
    std::vector<stored_record> records_;  ///< position is index + 1
    std::map<device_id, stream> streams_;
    std::set<device_id> revoked_;
    bool strict_ = false;
    std::map<device_id, std::uint64_t> acknowledged_;
    std::vector<kept_snapshot> snapshots_;
};

}  // namespace casasync::loopback
