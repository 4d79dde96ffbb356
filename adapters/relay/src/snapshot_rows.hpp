// SPDX-License-Identifier: MIT
#pragma once

/// Snapshots as rows: parts come in any order, and only a completed one can be read. A vault keeps its two
/// newest complete ones, so that whoever reads the older can finish; each device has one upload at a time.
#include "database.hpp"

#include <casasync/envelope.hpp>
#include <casasync/ids.hpp>

#include <cstdint>
#include <optional>

namespace casasync::relay {

/// What a device announces before it uploads.
struct snapshot_plan {
    snapshot_id id{};
    std::uint64_t pos = 0;
    std::uint64_t size = 0;
    std::uint64_t part_size = 0;

    [[nodiscard]] std::uint64_t parts() const noexcept { return (size + part_size - 1) / part_size; }
    /// Bytes of part `n`, which is below parts().
    [[nodiscard]] std::uint64_t size_of(std::uint64_t n) const noexcept {
        return n + 1 < parts() ? part_size : size - n * part_size;
    }
};

struct snapshot_row {
    std::int64_t row = 0;
    std::int64_t device_row = 0;
    bool complete = false;
    snapshot_plan plan{};
    bytes manifest{};
};

class snapshot_reader {
 public:
    explicit snapshot_reader(database& db);

    [[nodiscard]] std::optional<snapshot_row> find(std::int64_t vault_row, snapshot_id id);
    /// Returns the complete one with the greatest position.
    [[nodiscard]] std::optional<snapshot_row> latest(std::int64_t vault_row);
    /// Returns up to `size` bytes of a complete snapshot's content, from `offset`, which is inside it.
    /// Nothing when it was removed meanwhile.
    [[nodiscard]] std::optional<bytes> content(std::int64_t vault_row, snapshot_id id, std::uint64_t offset,
                                               std::uint64_t size);

 private:
    [[nodiscard]] static snapshot_row from(rows& row);

    database& db_;
    prepared find_, latest_, part_;
};

class snapshot_writer {
 public:
    explicit snapshot_writer(database& db);

    enum class verdict { done, again, taken, older, missing, differs };

    /// Forgets all of a device that was removed: nobody opens its snapshots any more.
    void forget(std::int64_t vault_row, std::int64_t device_row);
    /// Starts an upload, which replaces an unfinished one of the same device.
    /// \return done, again (the same plan came before), taken (another plan has the id), older
    [[nodiscard]] verdict begin(std::int64_t vault_row, std::int64_t device_row, const snapshot_plan& plan,
                                std::uint64_t now);
    /// \return done, again, differs (other bytes are stored there)
    [[nodiscard]] verdict put(std::int64_t row, std::uint64_t part, const digest256& digest, bytes_view body);
    /// Makes the snapshot visible and forgets all complete ones but the newest two.
    /// \return done, again, taken (completed with another manifest), older, missing (parts)
    [[nodiscard]] verdict complete(std::int64_t vault_row, const snapshot_row& snapshot, bytes_view manifest);

    [[nodiscard]] std::optional<snapshot_row> find(std::int64_t vault_row, snapshot_id id) {
        return read_.find(vault_row, id);
    }

 private:
    /// Tells whether a newer one is complete.
    [[nodiscard]] bool is_older(std::int64_t vault_row, std::uint64_t pos);
    void remove(std::int64_t row);
    /// Forgets what a device has begun to upload and not completed.
    void give_up(std::int64_t vault_row, std::int64_t device_row);

    snapshot_reader read_;
    prepared insert_, pending_, all_, delete_parts_, delete_, part_digest_, insert_part_, count_parts_,
        complete_, old_;
};

}  // namespace casasync::relay
