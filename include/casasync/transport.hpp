// SPDX-License-Identifier: MIT
#pragma once

/// The way to a relay and back: a blind, append-only log of envelopes for each vault, read by position.
/// docs/WIRE.md has the bytes; adapters/beast speaks them, adapters/loopback is the same in memory.
#include <casasync/bytes.hpp>
#include <casasync/cursor.hpp>
#include <casasync/envelope.hpp>
#include <casasync/environment.hpp>
#include <casasync/ids.hpp>
#include <casasync/result.hpp>

#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace casasync {

/// How much a relay would like to have a newer snapshot: without one it can forget nothing.
enum class snapshot_need : std::uint8_t { none, low, high };

/// What every answer of a relay says of the vault's log.
struct relay_state {
    generation_id generation{};  ///< one life of the log: a wiped relay has another
    std::uint64_t head = 0;      ///< the last position given out
    std::uint64_t floor = 0;     ///< positions up to this one are no longer served
    unix_ms time = 0;            ///< the relay's clock; 0: unknown
    std::uint64_t members = 0;   ///< entries of the vault's list of devices that it has
    snapshot_need wanted = snapshot_need::none;
};

/// The relay's word for one pushed envelope: stored durably at `pos`.
struct push_receipt {
    std::uint64_t seq = 0;
    std::uint64_t pos = 0;
    bool duplicate = false;  ///< the same bytes were there already
};

struct push_answer {
    relay_state relay{};
    std::vector<push_receipt> receipts{};  ///< one an envelope, in the order of the request
};

/// One record of the log. The caller's own envelopes come as their digest alone, unless it asks for them.
struct log_record {
    std::uint64_t pos = 0;
    std::uint64_t received_at = 0;  ///< unix seconds, relay's clock
    bytes envelope{};               ///< empty for an own record
    digest256 digest{};  ///< SHA-256 of the envelope; filled by the reader for other devices' records
};

/// A page of the log, from a cursor on, in order of position, without holes.
struct page {
    relay_state relay{};
    std::vector<log_record> records{};
    std::uint64_t last = 0;  ///< position of the last record; the cursor's own if there are none
    digest256 log{};         ///< the relay's running hash at `last`
    bool more = false;       ///< another page is ready now
};

struct pull_request {
    cursor from{};
    std::uint32_t records_max = limits::page_records_max;
    std::uint32_t wait_s = 0;  ///< how long the relay may wait for news when there are none: 0 .. 25
};

/// What a relay tells of a complete snapshot.
struct snapshot_info {
    snapshot_id id{};
    std::uint64_t pos = 0;
    std::uint64_t size = 0;  ///< bytes of the encrypted content
    bytes manifest{};        ///< a sealed envelope of kind snapshot_manifest
};

/// The compiler checks the names; a model also promises: push is atomic and idempotent by (device, seq,
/// bytes), pull has no side effect, an answer is what the relay said or an error. It may repeat, delay and
/// reorder calls' effects, never alter them. Every call may fail with `offline`, `relay_unavailable`,
/// `too_many_requests`, `unauthenticated`, `malformed_answer`; push also with `seq_gap`, `seq_conflict`,
/// `stale_epoch`, `stamp_ahead`, `quota_exceeded`; pull also with `log_mismatch`, `history_compacted`.
/// Snapshot content is read and written in ranges so that neither side holds it whole.
template <class T>
concept transport = requires(T& t, std::span<const bytes> envelopes, const pull_request& request,
                             std::uint64_t pos, const snapshot_info& info, std::uint64_t offset,
                             std::uint32_t size, bytes_view part) {
    { t.push(envelopes) } -> std::same_as<result<push_answer>>;
    { t.pull(request) } -> std::same_as<result<page>>;
    { t.acknowledge(pos) } -> std::same_as<result<void>>;
    { t.latest_snapshot() } -> std::same_as<result<std::optional<snapshot_info>>>;
    { t.read_snapshot(info, offset, size) } -> std::same_as<result<bytes>>;
    { t.begin_snapshot(info) } -> std::same_as<result<void>>;
    { t.write_snapshot(info, offset, part) } -> std::same_as<result<void>>;
    { t.complete_snapshot(info) } -> std::same_as<result<void>>;
};

}  // namespace casasync
