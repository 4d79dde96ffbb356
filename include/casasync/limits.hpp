// SPDX-License-Identifier: MIT
#pragma once

/// Named limits, enforced where bytes are written and again where they are read.
/// A local write never fails because of one: what is too large stays on its device and is listed as such.
#include <cstddef>
#include <cstdint>

namespace casasync::limits {

inline constexpr std::size_t value_bytes_max = std::size_t{16} << 20;  ///< one cell
inline constexpr std::size_t row_columns_max = 2000;                   ///< columns of a table
inline constexpr std::size_t defaults_max = 100'000;  ///< columns' defaults a changeset or snapshot may tell
inline constexpr std::size_t default_bytes_max = 4096;              ///< one of them
inline constexpr std::size_t tables_max = 1000;                     ///< tables one changeset may name
inline constexpr std::size_t key_bytes_max = std::size_t{4} << 10;  ///< canonical key of a row
inline constexpr std::size_t name_bytes_max = 1000;                 ///< a table, column, vault or device name
inline constexpr std::size_t devices_max = 16;                      ///< active devices of a vault
inline constexpr std::size_t member_entries_max = 1024;             ///< entries of a vault's list of devices
inline constexpr std::size_t members_bytes_max = std::size_t{256} << 10;  ///< all of them together
inline constexpr std::size_t context_entries_max = 65536;  ///< replicas or devices in one causal context
inline constexpr std::size_t changeset_cells_max = std::size_t{1}
                                                   << 22;    ///< cells of one changeset, NULLs included
inline constexpr std::size_t changeset_ops_max = 2'000'000;  ///< row operations of one changeset
/// Values of one operation together; a larger write becomes several (capture.hpp), so that a changeset with
/// it fits into its parts.
inline constexpr std::size_t operation_bytes_max = std::size_t{32} << 20;
inline constexpr std::size_t envelope_payload_bytes_max =
    (std::size_t{1008} << 10) - 132;  ///< with length, signature and padding it fits into one envelope
inline constexpr std::size_t part_front_bytes = 68;  ///< of a payload: part_front.hpp
/// What one envelope carries of a changeset.
inline constexpr std::size_t part_payload_bytes_max = envelope_payload_bytes_max - part_front_bytes;
inline constexpr std::size_t group_parts_max = 64;  ///< envelopes that carry one changeset
inline constexpr std::size_t changeset_bytes_max = part_payload_bytes_max * group_parts_max;
/// Keys and texts of one changeset together: what is written short takes no more than this in memory.
inline constexpr std::size_t changeset_content_bytes_max = 2 * changeset_bytes_max;
inline constexpr std::size_t envelope_bytes_max = std::size_t{1} << 20;  ///< one sealed envelope
inline constexpr std::size_t request_bytes_max = std::size_t{4} << 20;   ///< one push
inline constexpr std::size_t request_envelopes_max = 64;                 ///< envelopes of one push
inline constexpr std::size_t page_bytes_max = std::size_t{4} << 20;      ///< one pull
inline constexpr std::size_t page_records_max = 500;                     ///< records of one pull
inline constexpr std::size_t snapshot_part_bytes = std::size_t{8}
                                                   << 20;  ///< every part of a snapshot but the last
inline constexpr std::uint64_t snapshot_bytes_max = std::uint64_t{2} << 30;
inline constexpr std::size_t manifest_bytes_max = std::size_t{64} << 10;
inline constexpr std::uint32_t wait_s_max = 25;  ///< how long a question for news may stay open
inline constexpr std::size_t mailbox_message_bytes_max = std::size_t{4} << 10;

/// A changeset whose greatest stamp is more than this ahead of relay time is held; exactly this much is
/// accepted.
inline constexpr std::int64_t drift_ms_max = 5LL * 60 * 1000;
/// Relay time corrects the stamping clock by at most this; a larger difference is reported, not obeyed.
inline constexpr std::int64_t correction_ms_max = 24LL * 3600 * 1000;
/// How far the stamping clock may run ahead of relay time.
inline constexpr std::int64_t ahead_of_relay_ms_max = 60LL * 1000;

}  // namespace casasync::limits
