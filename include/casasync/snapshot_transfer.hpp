// SPDX-License-Identifier: MIT
#pragma once

/// A snapshot on its way to a relay and back: sealed in chunks under a key of its own, which a manifest (a
/// sealed envelope) carries. Neither side holds the whole: what is made goes to a spool, what comes goes
/// straight into the store.
#include <casasync/bytes.hpp>
#include <casasync/cipher.hpp>
#include <casasync/codec.hpp>
#include <casasync/cursor.hpp>
#include <casasync/environment.hpp>
#include <casasync/limits.hpp>
#include <casasync/snapshot.hpp>
#include <casasync/store.hpp>
#include <casasync/transport.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace casasync {

inline constexpr std::size_t snapshot_chunk_bytes = std::size_t{64}
                                                    << 10;        ///< content of every chunk but the last
inline constexpr std::size_t snapshot_chunk_overhead_bytes = 40;  ///< nonce and tag
inline constexpr std::uint8_t snapshot_manifest_format = 1;

/// The key of one snapshot.
using snapshot_key = std::array<std::uint8_t, 32>;

/// Seals or opens the content of one snapshot in order, chunk by chunk: made from the snapshot's key and id.
/// A model promises that a chunk that is moved, repeated, altered, left out or cut off does not open.
template <class C>
concept snapshot_chunks = std::constructible_from<C, const snapshot_key&, snapshot_id> &&
    requires(C& c, bytes_view data, bool last) {
    { c.chunk(data, last) } -> std::same_as<result<bytes>>;
};

/// Where a sealed snapshot waits until its size is known: read() returns exactly what was appended there.
template <class S>
concept snapshot_spool = requires(S& spool, bytes_view data, std::uint64_t offset, std::size_t size) {
    { spool.append(data) } -> std::same_as<result<void>>;
    { spool.read(offset, size) } -> std::same_as<result<bytes>>;
};

/// A spool for snapshots that fit into memory.
class memory_spool {
 public:
    [[nodiscard]] result<void> append(bytes_view data) {
        data_.insert(data_.end(), data.begin(), data.end());
        return {};
    }
    [[nodiscard]] result<bytes> read(std::uint64_t offset, std::size_t size) const {
        if (offset > data_.size() || size > data_.size() - offset) return errc::io_failed;
        const auto first = data_.begin() + static_cast<std::ptrdiff_t>(offset);
        return bytes(first, first + static_cast<std::ptrdiff_t>(size));
    }

 private:
    bytes data_;
};
static_assert(snapshot_spool<memory_spool>);

/// What a member of the vault needs to know of a snapshot; its relay sees only the sealed form.
struct snapshot_manifest {
    snapshot_id id{};
    snapshot_key key{};
    std::uint64_t plain_bytes = 0, sealed_bytes = 0;
    cursor at{};              ///< everything up to here is in the snapshot
    causal_context merged{};  ///< what its maker had merged

    friend bool operator==(const snapshot_manifest&, const snapshot_manifest&) = default;
};

/// Returns how many bytes `plain` bytes of content become. Empty content has one empty chunk.
[[nodiscard]] constexpr std::uint64_t sealed_snapshot_bytes(std::uint64_t plain) noexcept {
    const std::uint64_t chunks = plain == 0 ? 1 : (plain - 1) / snapshot_chunk_bytes + 1;
    return plain + chunks * snapshot_chunk_overhead_bytes;
}

[[nodiscard]] inline bytes encode(const snapshot_manifest& m) {
    bytes out;
    detail::writer w(out);
    w.raw(as_bytes("CSM"));
    w.u8(snapshot_manifest_format);
    w.raw(m.id.octets);
    w.raw(m.key);
    w.u64(m.plain_bytes);
    w.u64(m.sealed_bytes);
    w.raw(m.at.generation.octets);
    w.u64(m.at.pos);
    w.raw(m.at.log);
    detail::put_context(w, m.merged);
    return out;
}

/// Returns the manifest in `data`. \errors malformed_snapshot, unknown_format_version.
[[nodiscard]] inline result<snapshot_manifest> decode_manifest(bytes_view data) {
    detail::reader r(data);
    const bytes_view magic = r.raw(3);
    if (!r.ok() || magic[0] != 'C' || magic[1] != 'S' || magic[2] != 'M') return errc::malformed_snapshot;
    if (r.u8() != snapshot_manifest_format)
        return r.ok() ? errc::unknown_format_version : errc::malformed_snapshot;
    const auto fill = [&r](auto& out) {
        const bytes_view v = r.raw(out.size());
        if (r.ok()) std::copy(v.begin(), v.end(), out.begin());
    };
    snapshot_manifest m;
    fill(m.id.octets);
    fill(m.key);
    m.plain_bytes = r.u64();
    m.sealed_bytes = r.u64();
    fill(m.at.generation.octets);
    m.at.pos = r.u64();
    fill(m.at.log);
    m.merged = detail::get_context(r);
    if (!r.done() || m.plain_bytes > limits::snapshot_bytes_max ||
        m.sealed_bytes != sealed_snapshot_bytes(m.plain_bytes))
        return errc::malformed_snapshot;
    return m;
}

namespace detail {

/// Cuts a stream into chunks, seals them and appends them to a spool.
template <snapshot_chunks Sealer, snapshot_spool Spool>
class chunk_spooler {
 public:
    chunk_spooler(const snapshot_manifest& m, Spool& spool) : sealer_(m.key, m.id), spool_(spool) {}

    [[nodiscard]] result<void> append(bytes_view data) {
        plain_bytes_ += data.size();
        if (sealed_snapshot_bytes(plain_bytes_) > limits::snapshot_bytes_max)
            return error{
                errc::limit_exceeded,
                "The vault is larger than a snapshot may be (2 GiB). It stays as it is on this device."};
        pending_.insert(pending_.end(), data.begin(), data.end());
        std::size_t at = 0;  // the last chunk may be full, so a full one waits for another byte
        for (; pending_.size() - at > snapshot_chunk_bytes; at += snapshot_chunk_bytes)
            if (auto ok = put(bytes_view(pending_).subspan(at, snapshot_chunk_bytes), false); !ok) return ok;
        pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(at));
        return {};
    }
    [[nodiscard]] result<void> end() { return put(pending_, true); }
    [[nodiscard]] std::uint64_t plain_bytes() const noexcept { return plain_bytes_; }

 private:
    [[nodiscard]] result<void> put(bytes_view plain, bool last) {
        auto sealed = sealer_.chunk(plain, last);
        return sealed ? spool_.append(*sealed) : result<void>(sealed.failure());
    }

    Sealer sealer_;
    Spool& spool_;
    bytes pending_;
    std::uint64_t plain_bytes_ = 0;
};

template <transport Transport, snapshot_spool Spool>
result<void> upload(Transport& relay, const snapshot_info& info, Spool& spool) {
    if (auto ok = relay.begin_snapshot(info); !ok) return ok;
    for (std::uint64_t at = 0; at < info.size; at += limits::snapshot_part_bytes) {
        const auto size = std::min<std::uint64_t>(limits::snapshot_part_bytes, info.size - at);
        auto part = spool.read(at, static_cast<std::size_t>(size));
        if (!part) return part.failure();
        if (auto ok = relay.write_snapshot(info, at, *part); !ok) return ok;
    }
    return relay.complete_snapshot(info);
}

}  // namespace detail

/// Makes a snapshot of the vault and puts it at the relay, for devices that join and those that fall behind.
/// The store must have pulled once. Returns what was offered.
///
/// \errors those of store, cipher, transport and spool; the relay shows nothing of an unfinished snapshot.
/// \cost   O(vault); one part of 8 MiB in memory
template <snapshot_chunks Sealer, change_store Store, cipher Cipher, transport Transport,
          snapshot_spool Spool, random_source Random>
[[nodiscard]] result<snapshot_manifest> offer_snapshot(Store& store, Cipher& keys, Transport& relay,
                                                       Spool& spool, Random& random) {
    snapshot_manifest m;
    auto at = store.position();  // read first: what is merged meanwhile is in the snapshot as well
    if (!at) return at.failure();
    if (at->generation.is_zero())
        return error{errc::invalid_argument,
                     "This vault has not been synced yet. Sync it once, then try again."};
    m.at = *at;
    m.id = snapshot_id::make(random);
    random.fill(m.key);
    detail::chunk_spooler<Sealer, Spool> chunks(m, spool);
    auto merged = store.write_snapshot([&chunks](bytes_view data) { return chunks.append(data); });
    if (!merged) return merged.failure();
    if (auto ok = chunks.end(); !ok) return ok.failure();
    m.merged = std::move(*merged);
    m.plain_bytes = chunks.plain_bytes();
    m.sealed_bytes = sealed_snapshot_bytes(m.plain_bytes);

    envelope_header head;
    head.kind = envelope_kind::snapshot_manifest;
    head.vault = store.id();
    head.device = store.device();
    auto manifest = keys.seal(head, encode(m));
    if (!manifest) return manifest.failure();
    if (manifest->size() > limits::manifest_bytes_max)
        return error{errc::limit_exceeded,
                     "Too many devices ever wrote to this vault for a snapshot's manifest."};
    const snapshot_info info{m.id, m.at.pos, m.sealed_bytes, std::move(*manifest)};
    if (auto ok = detail::upload(relay, info, spool); !ok) return ok.failure();
    return m;
}

/// A snapshot at a relay whose manifest was opened: its content, as it comes. Move-only; the transport must
/// outlive it and its source.
template <snapshot_chunks Opener, transport Transport>
class snapshot_download {
 public:
    snapshot_download(Transport& relay, snapshot_info info, snapshot_manifest manifest, device_id maker)
        : progress_(std::make_shared<progress>(
              progress{relay, std::move(info), Opener(manifest.key, manifest.id), {}, 0, 0})),
          manifest_(std::move(manifest)),
          maker_(maker) {}

    [[nodiscard]] const snapshot_manifest& manifest() const noexcept { return manifest_; }
    [[nodiscard]] const device_id& maker() const noexcept { return maker_; }
    /// Returns the content, chunk by chunk, from where it was read to. Its errors are those of the transport
    /// and authentication_failed, malformed_snapshot.
    [[nodiscard]] snapshot_source source() const {
        return [progress = progress_] { return progress->next(); };
    }

 private:
    static constexpr std::size_t sealed_chunk_bytes = snapshot_chunk_bytes + snapshot_chunk_overhead_bytes;
    static constexpr std::size_t range_bytes = 16 * sealed_chunk_bytes;

    struct progress {
        Transport& relay;
        snapshot_info info;
        Opener opener;
        bytes range;  ///< downloaded and not opened yet, from `at` on
        std::size_t at;
        std::uint64_t fetched;  ///< bytes of the content that were downloaded

        result<bytes> next() {
            const std::uint64_t left = info.size - fetched + (range.size() - at);
            if (left == 0) return bytes{};
            const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(sealed_chunk_bytes, left));
            if (auto ok = fill(size); !ok) return ok.failure();
            auto plain = opener.chunk(bytes_view(range).subspan(at, size), size == left);
            if (plain) at += size;
            return plain;
        }
        result<void> fill(std::size_t size) {
            range.erase(range.begin(), range.begin() + static_cast<std::ptrdiff_t>(at));
            at = 0;
            while (range.size() < size) {
                const std::uint64_t wanted = std::min<std::uint64_t>(range_bytes, info.size - fetched);
                auto more = relay.read_snapshot(info, fetched, static_cast<std::uint32_t>(wanted));
                if (!more) return more.failure();
                if (more->empty() || more->size() > wanted) return errc::malformed_answer;
                fetched += more->size();
                range.insert(range.end(), more->begin(), more->end());
            }
            return {};
        }
    };

    std::shared_ptr<progress> progress_;
    snapshot_manifest manifest_;
    device_id maker_;
};

/// Who made a snapshot, what that device had merged, and where it was in the log.
struct snapshot_origin {
    device_id maker{};
    causal_context merged{};
    cursor at{};
};

/// Returns the vault's newest snapshot at the relay, or nothing if there is none.
/// \errors those of the transport; authentication_failed, malformed_snapshot and such when it is not one of
/// this vault's
template <snapshot_chunks Opener, cipher Cipher, transport Transport>
[[nodiscard]] result<std::optional<snapshot_download<Opener, Transport>>> find_snapshot(vault_id vault,
                                                                                        const Cipher& keys,
                                                                                        Transport& relay) {
    auto info = relay.latest_snapshot();
    if (!info) return info.failure();
    if (!*info) return std::optional<snapshot_download<Opener, Transport>>();
    const auto head = decode_header((*info)->manifest);
    if (!head) return head.failure();
    if (head->vault != vault || head->kind != envelope_kind::snapshot_manifest)
        return errc::malformed_snapshot;
    const auto opened = keys.open((*info)->manifest);
    if (!opened) return opened.failure();
    auto m = decode_manifest(*opened);
    if (!m) return m.failure();
    if (m->id != (*info)->id || m->at.pos != (*info)->pos || m->sealed_bytes != (*info)->size)
        return errc::malformed_snapshot;
    return std::optional(
        snapshot_download<Opener, Transport>(relay, std::move(**info), std::move(*m), head->device));
}

/// Returns where the vault's newest snapshot at the relay is from, or nothing if there is none. \errors those
/// of find_snapshot
template <snapshot_chunks Opener, cipher Cipher, transport Transport>
[[nodiscard]] result<std::optional<snapshot_origin>> newest_snapshot(vault_id vault, const Cipher& keys,
                                                                     Transport& relay) {
    auto found = find_snapshot<Opener>(vault, keys, relay);
    if (!found) return found.failure();
    if (!*found) return std::optional<snapshot_origin>();
    return std::optional(
        snapshot_origin{(*found)->maker(), (*found)->manifest().merged, (*found)->manifest().at});
}

/// Merges the vault's newest snapshot into `store`, which keeps its outbox. Returns its place in the relay's
/// log, or nothing if there is none. \errors those of find_snapshot, of its source and of the store; then
/// nothing changed.
template <snapshot_chunks Opener, change_store Store, cipher Cipher, transport Transport>
[[nodiscard]] result<std::optional<cursor>> merge_latest_snapshot(Store& store, const Cipher& keys,
                                                                  Transport& relay) {
    auto found = find_snapshot<Opener>(store.id(), keys, relay);
    if (!found) return found.failure();
    if (!*found) return std::optional<cursor>();
    const cursor at = (*found)->manifest().at;
    if (auto ok = store.merge_snapshot((*found)->source(), at); !ok) return ok.failure();
    return std::optional(at);
}

}  // namespace casasync
