// SPDX-License-Identifier: MIT
#pragma once

/// Vaults, their devices and their log of changesets, as rows. What reads is `log_reader`, on any connection;
/// what writes is `log_writer`, on the writer's, inside its transaction. Times are unix seconds.
#include "database.hpp"

#include <casasync/cursor.hpp>
#include <casasync/envelope.hpp>
#include <casasync/ids.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace casasync::relay {

/// What the complete snapshots of a vault stand for.
struct snapshot_cover {
    std::uint64_t newest = 0;   ///< position of the newest; 0: there is none
    std::uint64_t covered = 0;  ///< so much of the log may be forgotten
    std::uint64_t fresh = 0;    ///< bytes of changesets behind the newest
};

/// A device as a signed request finds it, and the log it belongs to.
struct member {
    vault_id vault{};
    device_id device{};
    std::int64_t vault_row = 0;
    std::int64_t device_row = 0;
    std::uint64_t created = 0;  ///< of the device's row; a part of its key
    bool revoked = false;
    std::uint64_t ack = 0;
    std::uint64_t last_seen = 0;
    generation_id generation{};
    std::uint64_t head = 0;
    std::uint32_t epoch = 0;    ///< of the vault key in use
    std::uint64_t members = 0;  ///< entries of the list of devices
    std::uint64_t bytes = 0;    ///< that the vault's changesets take
    std::uint64_t floor = 0;    ///< the log up to here is forgotten
    snapshot_cover cover{};
    std::uint64_t purge_at = 0;  ///< the vault was deleted, and what it holds goes then; 0: it was not
};

struct device_row {
    device_id id{};
    bool revoked = false;
    std::uint64_t ack = 0;
    std::uint64_t last_seq = 0;
    std::uint64_t last_seen = 0;
};

struct page_query {
    std::uint64_t after = 0;
    bytes log{};  ///< the first 16 bytes of the reader's log value; empty with after = 0
    std::size_t records_max = 0;
    std::size_t bytes_max = 0;
};

struct page_answer {
    bool mismatch = false;   ///< the reader's position is not one of this log
    bool forgotten = false;  ///< the log no longer goes back to it
    bool more = false;
    std::uint64_t head = 0;
    std::uint64_t last = 0;
    bytes body{};  ///< as in page.hpp; empty when there are no records
};

class log_reader {
 public:
    explicit log_reader(database& db);

    [[nodiscard]] std::optional<member> find(vault_id vault, device_id device);
    [[nodiscard]] std::vector<device_row> devices(std::int64_t vault_row);
    /// Returns a page for `reader`, in one read transaction: own records as digests, at least one record
    /// however large. \param now for the page's end
    [[nodiscard]] page_answer page(const member& reader, const page_query& q, std::uint64_t now);
    /// Returns the page of one record, whole, whoever's it is. Without a body it was not there or is
    /// forgotten.
    [[nodiscard]] page_answer record(const member& reader, std::uint64_t pos, std::uint64_t now);

 private:
    /// Where a log begins and ends.
    struct extent {
        std::uint64_t head = 0;
        std::uint64_t floor = 0;
        digest256 floor_log{};
    };
    [[nodiscard]] extent extent_of(std::int64_t vault_row);
    /// Returns the running hash at `pos`, which is not below the floor.
    [[nodiscard]] digest256 log_at(std::int64_t vault_row, const extent& log, std::uint64_t pos);
    /// \param digests_of  the device whose records come as digests; 0: none
    void append_records(page_answer& out, std::int64_t vault_row, std::int64_t digests_of,
                        const page_query& q);

    database& db_;
    prepared find_, devices_, ends_, log_at_, records_;
};

/// One envelope of a push; views into the request's body.
struct pushed {
    std::uint64_t seq = 0;
    std::uint32_t epoch = 0;
    std::uint32_t max_hour = 0;
    digest256 digest{};
    bytes_view envelope{};
};

struct receipt {
    std::uint64_t seq = 0;
    std::uint64_t pos = 0;
    bool duplicate = false;
};

/// Why a push is refused; docs/WIRE.md, "Push".
struct push_refusal {
    enum class reason { conflict, gap, stale_epoch, stamp_ahead, full } why{};
    std::uint64_t seq = 0;  ///< the one that is refused; of a gap the one that is expected
    std::uint64_t last_seq = 0;
    bool compacted =
        false;  ///< of a conflict: what is under this number is forgotten, and cannot be compared
    std::uint64_t used = 0;   ///< bytes the vault holds
    std::uint32_t epoch = 0;  ///< of the vault
};

struct push_receipts {
    std::vector<receipt> all{};
    std::uint64_t head = 0;
    bool anything_new = false;
};

class log_writer {
 public:
    explicit log_writer(database& db);

    /// Makes a vault without devices. Returns its row.
    [[nodiscard]] std::int64_t create(vault_id vault, generation_id generation, std::uint64_t now);
    /// Makes the device's row if there is none. \param last_seq  of its changesets before
    void enter(std::int64_t vault_row, device_id device, std::uint64_t now, std::uint64_t last_seq = 0);
    [[nodiscard]] std::optional<std::int64_t> device_row(std::int64_t vault_row, device_id device);
    [[nodiscard]] std::uint64_t last_seq(std::int64_t device_row);
    void revoke(std::int64_t device_row);
    [[nodiscard]] bool is_revoked(std::int64_t device_row);

    /// Notes that the device was here and has everything up to `ack`; never goes back.
    void touch(std::int64_t device_row, std::uint64_t ack, std::uint64_t now);

    /// Stores what is new of `envelopes` of a device that is not revoked. After a refusal the caller rolls
    /// back.
    [[nodiscard]] std::variant<push_receipts, push_refusal> push(const member& from,
                                                                 const std::vector<pushed>& envelopes,
                                                                 std::uint64_t now, std::uint64_t bytes_max);

 private:
    /// What a push of `from` goes on from.
    struct stream {
        std::uint64_t last_seq = 0;
        std::uint64_t head = 0;
        digest256 log{};
        std::uint64_t bytes = 0;
        std::uint32_t epoch = 0;
    };
    [[nodiscard]] stream stream_of(const member& from);
    /// What is stored under the number of an envelope.
    struct stored_at {
        bool known = false;
        bool same = false;
        std::uint64_t pos = 0;
    };
    [[nodiscard]] stored_at stored(std::int64_t device_row, const pushed& p);

    database& db_;
    prepared insert_vault_, device_, insert_device_, revoke_, touch_;
    prepared device_state_, vault_state_, stored_, insert_, set_vault_, set_device_;
};

}  // namespace casasync::relay
