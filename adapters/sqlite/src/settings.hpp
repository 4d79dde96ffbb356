// SPDX-License-Identifier: MIT
#pragma once

/// What a vault remembers of itself, in casasync_meta: one record, read at open and written in the
/// transaction that changed it. A record of the same bytes says that nothing of the file changed that a vault
/// keeps in memory, its schema aside.
#include "connection.hpp"

#include <casasync/accounts.hpp>
#include <casasync/cursor.hpp>
#include <casasync/detail/hash.hpp>
#include <casasync/environment.hpp>
#include <casasync/hlc.hpp>
#include <casasync/ids.hpp>
#include <casasync/result.hpp>
#include <casasync/sqlite/vault.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace casasync::sqlite {

struct settings {
    vault_id vault{};
    device_id device{};
    replica_id replica{};
    std::string device_name{};
    bool name_said = false;       ///< a changeset with the name is in the outbox or sent
    std::string relay{};          ///< origin of the relay, as the person gave it
    std::uint64_t last_seq = 0;   ///< of this device's stream
    std::uint64_t read_back = 0;  ///< see relay_memory
    hlc clock{};
    cursor at{};
    detail::u128 digest{}, open_digest{}, base{};
    detail::u128 replicas{};  ///< digest of the list of replicas: row_store::digest()
    bool adopting = true;     ///< one device, no snapshot yet: existing rows are taken as they are
    bool write_time = true;
    /// Since it joined, this device has merged what it pulled. What was inserted before may be what the app
    /// makes by itself.
    bool hydrated = true;
    replica_id seeds{};  ///< stamps what was inserted before
    hlc seed_clock{};
    std::int64_t relay_offset = 0;  ///< relay time minus own time, ms, when last heard
    bool relay_heard = false;
    std::uint64_t relay_head = 0;
    std::int64_t last_synced_at = 0;  ///< unix seconds
    std::string last_error{};
    accounts counts{};          ///< of every write merged here
    std::uint64_t refused = 0;  ///< changesets that did not open at the last sync
    history_policy history{};
    unix_ms relay_fed_at = 0;  ///< when this device last gave the relay again what it had lost
    bool relay_owed = false;   ///< it has lost something that it was not given again
    bool copied =
        false;  ///< this file is an older state or a copy of another that goes on: see succession.cpp
    std::optional<succession_info> succeeded{};  ///< the last time it was, and took new ids
    std::optional<suspicion> suspect{};
    unix_ms asked_at = 0;                 ///< when this device last asked for a snapshot, own clock
    std::optional<snapshot_ask> asked{};  ///< by another device, and not answered yet

    friend bool operator==(const settings&, const settings&) = default;
};

/// Creates casasync_meta. \param s  what a new vault begins with
[[nodiscard]] result<void> create_settings(connection& db, const settings& s);
/// Returns the record. \errors not_a_vault when the file has none
[[nodiscard]] result<bytes> read_record(connection& db);
[[nodiscard]] result<void> write_record(connection& db, bytes_view record);
[[nodiscard]] bytes encode_settings(const settings& s);
/// \errors unknown_format_version when a newer casasync wrote it; store_failed when it is damaged
[[nodiscard]] result<settings> decode_settings(bytes_view record);

}  // namespace casasync::sqlite
