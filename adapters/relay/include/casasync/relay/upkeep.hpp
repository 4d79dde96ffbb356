// SPDX-License-Identifier: MIT
#pragma once

/// What an operator does with a relay's data directory: back it up, restore it, look at it. Everything but
/// restore() may be done while the relay runs.
#include <casasync/ids.hpp>
#include <casasync/result.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace casasync::relay {

/// Copies `data` into the directory `to`, which is made if missing: each file as it is at one moment,
/// without free pages, and the master key. Both are readable by their owner only; together they are as secret
/// as the original. \cost reads the whole database once \errors already_exists when a relay's data is there;
/// not_found without data to copy; io_failed
[[nodiscard]] result<void> back_up(const std::string& data, const std::string& to);

/// Makes `data`, which must be empty or missing, from a backup. Each vault gets another
/// generation, so that each device notices that the relay went back. \errors already_exists when there is
/// data; not_found without a backup; relay_unavailable while a relay uses `data`; not_a_database,
/// unknown_format_version, io_failed
[[nodiscard]] result<void> restore(const std::string& from, const std::string& data);

/// Makes a new master key, from which devices that attach get their keys from the next start on, and keeps
/// the one before unless told otherwise: devices that have a key of it go on. Returns the number of the new
/// one. \errors not_found; relay_unavailable while a relay uses `data`; io_failed
[[nodiscard]] result<std::uint32_t> rotate_master_key(const std::string& data, bool keep_before = true);

struct vault_summary {
    vault_id id{};
    std::uint64_t created = 0;    ///< unix seconds
    std::uint64_t last_seen = 0;  ///< of any of its devices; unix seconds
    std::uint64_t devices = 0;    ///< that are members
    std::uint64_t dormant = 0;    ///< of these, not seen for 90 days
    std::uint64_t head = 0, floor = 0;
    std::uint64_t bytes = 0;           ///< of changesets
    std::uint64_t snapshot_bytes = 0;  ///< of complete and unfinished ones
};

/// Returns what is known of each vault, the largest first. \param now unix seconds
/// \errors not_found without a relay's data; io_failed, not_a_database, unknown_format_version
[[nodiscard]] result<std::vector<vault_summary>> list_vaults(const std::string& data, std::uint64_t now);

struct data_summary {
    std::uint64_t vaults = 0, devices = 0, dormant = 0;
    std::uint64_t changesets = 0;  ///< that are kept
    std::uint64_t forgotten = 0;   ///< that were stored once
    std::uint64_t changeset_bytes = 0, snapshot_bytes = 0;
    std::uint64_t shards = 0;      ///< files that vaults are spread over
    std::uint64_t file_bytes = 0;  ///< of all of them
    std::uint64_t free_bytes = 0;  ///< of these, for use again
};

/// Returns what all vaults together take. \errors as list_vaults
[[nodiscard]] result<data_summary> summarize(const std::string& data, std::uint64_t now);

}  // namespace casasync::relay
