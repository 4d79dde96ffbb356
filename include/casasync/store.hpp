// SPDX-License-Identifier: MIT
#pragma once

/// Where a device keeps its rows, its registers, what it has to send and what it has received.
/// adapters/sqlite keeps them in the app's own database; memory_store.hpp is the same without a file.
#include <casasync/bytes.hpp>
#include <casasync/cursor.hpp>
#include <casasync/envelope.hpp>
#include <casasync/environment.hpp>
#include <casasync/ids.hpp>
#include <casasync/part_front.hpp>
#include <casasync/result.hpp>
#include <casasync/snapshot.hpp>

#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace casasync {

/// A sealed changeset, or a part of one, on its way to the relay.
struct outbound_part {
    std::uint64_t seq = 0;
    std::uint16_t part = 0, parts = 1;
    envelope_kind kind = envelope_kind::changeset;
    std::uint32_t max_hour = 0;
    bytes payload{};
    digest256 link{};  ///< of the part before; zeros for the first, or when it is not known
    bytes envelope{};  ///< empty until keep_envelope() was called; then what that was given last
};

/// A changeset, or a part of one, that came from the relay, opened.
struct inbound_part {
    std::uint64_t pos = 0;
    device_id device{};
    std::uint64_t seq = 0;
    std::uint16_t part = 0, parts = 1;
    bytes payload{};
    digest256 link{};  ///< of this part; zeros: not known
};

/// A device that asks for a snapshot: of another device that has merged this changeset of it.
struct snapshot_ask {
    device_id by{};
    std::uint64_t seq = 0;

    friend bool operator==(const snapshot_ask&, const snapshot_ask&) = default;
};
/// Of this device and of another one, as long as they are open.
struct snapshot_asks {
    std::optional<snapshot_ask> own{}, other{};
};

/// What merge_inbox() did.
struct merge_report {
    std::size_t changesets = 0;  ///< merged now
    std::size_t rows = 0;        ///< rows they touched
    std::size_t duplicates = 0;  ///< writes that lost to another one under their own stamp: a copied device
    bool more = false;           ///< it stopped to let others write; call again
    /// A device that had merged the same as this one, and has another state. This one asks for a snapshot.
    std::optional<device_id> differs{};
};

/// The compiler checks the names; a model also promises:
///  - every call is one transaction: all of it is durable when it returns a value, none of it when it returns
///  an error
///    (merge_inbox() is one transaction a changeset, and may stop between two);
///  - seal() turns everything captured so far into changesets in the outbox, and returns the number of their
///  operations;
///  - outbox() returns what was not settled, in order of seq, up to about `bytes_max` of payload, at least
///  one if any;
///  - keep_envelope() is called before an envelope is first sent; another one takes its place when the vault
///  has
///    a new key, and the relay does not have the first;
///  - settle() takes out of the outbox what the relay has, by seq or by the digest of an envelope that it
///  ever had; by digest it also tells whether that envelope was made here, with what this store has under its
///  number: of one that was not, another copy of this store is the author; it keeps the head of the log that
///  the relay told with it (0: unknown), which tells later whether the relay has lost this;
///  - it keeps the link of that part, and settled parts' as long as a later one may need it;
///  - accept() stores parts and moves the cursor, to none when the log is another one; parts that are there,
///  or merged, are dropped; what is stored is
///    acknowledged, merged or not; of each device the link of the last part is kept; `own` is the last of the
///    store's own envelopes that the log has up to the cursor, where this page had one;
///  - stream() tells how far the parts of another device came here, merged or not, and that link;
///  - merge_inbox() merges what inbox.hpp admits, seals first, and leaves the rest;
///  - merge_snapshot() merges, moves the cursor to `at`, and keeps the outbox.
/// `relay_now` is the relay's time in ms, 0 when unknown.
template <class S>
concept change_store = requires(S& store, const S& view, std::uint64_t seq, std::size_t bytes_max,
                                bytes_view envelope, const digest256& digest,
                                std::span<const inbound_part> parts, const cursor& at,
                                const std::optional<digest256>& own, unix_ms relay_now,
                                const snapshot_sink& sink, const snapshot_source& source) {
    { view.id() } -> std::same_as<vault_id>;
    { view.device() } -> std::same_as<device_id>;
    { store.seal() } -> std::same_as<result<std::size_t>>;
    { store.outbox(bytes_max) } -> std::same_as<result<std::vector<outbound_part>>>;
    { store.keep_envelope(seq, envelope, digest, digest) } -> std::same_as<result<void>>;
    { store.settle(seq, seq) } -> std::same_as<result<void>>;
    { store.settle(digest, seq) } -> std::same_as<result<bool>>;
    { store.position() } -> std::same_as<result<cursor>>;
    { store.accept(parts, at, own) } -> std::same_as<result<void>>;
    { store.stream(view.device()) } -> std::same_as<result<stream_mark>>;
    { store.merge_inbox(relay_now) } -> std::same_as<result<merge_report>>;
    { store.write_snapshot(sink) } -> std::same_as<result<causal_context>>;
    { store.merge_snapshot(source, at) } -> std::same_as<result<void>>;
};

}  // namespace casasync
