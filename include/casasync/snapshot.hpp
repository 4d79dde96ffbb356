// SPDX-License-Identifier: MIT
#pragma once

/// A vault's whole state, to join or to catch up: registers, tombstones, live writes, contexts, schema, and
/// every changeset its maker had received but not merged. It is merged, never adopted: absence deletes
/// nothing.
///
/// A snapshot is a series of frames, each at most frame_bytes_max: one header, any number of row and
/// changeset frames in any order, one end. Frames stream: neither side holds the whole.
#include <casasync/causality.hpp>
#include <casasync/codec.hpp>
#include <casasync/detail/hash.hpp>
#include <casasync/result.hpp>
#include <casasync/row_codec.hpp>
#include <casasync/table.hpp>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace casasync {

inline constexpr std::uint8_t snapshot_format = 1;

/// Larger than any single row or changeset part that fits the other limits.
inline constexpr std::size_t snapshot_frame_bytes_max = limits::changeset_bytes_max + (std::size_t{1} << 20);

/// A member of the vault as others know it.
struct known_device {
    device_id id{};
    std::string name{};
    std::vector<replica_id> replicas{};  ///< whose stamps are this device's

    friend bool operator==(const known_device&, const known_device&) = default;
};

/// A table of the vault: how it merges, and the SQL that makes it (table, indexes, triggers), where its store
/// has one.
struct snapshot_table {
    table_traits traits{};
    std::vector<std::vector<std::string>> groups{};  ///< columns that are always stamped together
    std::vector<std::string> schema{};

    friend bool operator==(const snapshot_table&, const snapshot_table&) = default;
};

struct snapshot_header {
    causal_context merged{};
    detail::u128 base{};  ///< digest of the adopted values, fixed when the vault began
    std::vector<known_device> devices{};
    std::vector<snapshot_table> tables{};  ///< rows name them by place
    std::vector<std::string> schema{};     ///< SQL of what is not of the vault: other tables, views
    std::vector<column_default>
        defaults{};  ///< as in a changeset, of every column whose default was ever told

    friend bool operator==(const snapshot_header&, const snapshot_header&) = default;
};

/// One row of a snapshot, with every value.
struct snapshot_row {
    bytes key{};
    row_state row{};

    friend bool operator==(const snapshot_row&, const snapshot_row&) = default;
};

/// A changeset, or a part of one, that the maker had received and not merged.
struct unmerged_part {
    device_id device{};
    std::uint64_t seq = 0;
    std::uint16_t part = 0, parts = 1;
    bytes payload{};

    friend bool operator==(const unmerged_part&, const unmerged_part&) = default;
};

namespace detail {

enum class frame : std::uint8_t { header = 1, rows = 2, unmerged = 3, end = 4 };

inline void put_texts(writer& w, const std::vector<std::string>& texts) {
    w.varint(texts.size());
    for (const std::string& t : texts) w.counted(t);
}
inline std::vector<std::string> get_texts(reader& r) {
    std::vector<std::string> out(r.count(100'000));
    for (std::string& t : out) t = r.counted_text(std::size_t{1} << 20);
    return out;
}

inline void put_snapshot_header(writer& w, const snapshot_header& h) {
    w.raw(as_bytes("CSS"));
    w.u8(snapshot_format);
    put_context(w, h.merged);
    w.u64(h.base.high);
    w.u64(h.base.low);
    w.varint(h.devices.size());
    for (const known_device& d : h.devices) {
        w.raw(d.id.octets);
        w.counted(d.name);
        w.varint(d.replicas.size());
        for (const replica_id& r : d.replicas) w.raw(r.octets);
    }
    w.varint(h.tables.size());
    for (const snapshot_table& t : h.tables) {
        put_traits(w, t.traits);
        w.varint(t.groups.size());
        for (const auto& group : t.groups) put_texts(w, group);
        put_texts(w, t.schema);
    }
    put_texts(w, h.schema);
    put_defaults(w, h.defaults);
}

inline result<snapshot_header> get_snapshot_header(reader& r) {
    snapshot_header h;
    const bytes_view magic = r.raw(3);
    if (!r.ok() || magic[0] != 'C' || magic[1] != 'S' || magic[2] != 'S') return errc::malformed_snapshot;
    if (r.u8() != snapshot_format) return errc::unknown_format_version;
    h.merged = get_context(r);
    h.base.high = r.u64();
    h.base.low = r.u64();
    h.devices.resize(r.count(limits::context_entries_max, 18));
    for (known_device& d : h.devices) {
        d.id = r.id<device_id>();
        d.name = r.counted_text(limits::name_bytes_max);
        d.replicas.resize(r.count(limits::context_entries_max, 16));
        for (replica_id& replica : d.replicas) replica = r.id<replica_id>();
    }
    h.tables.resize(r.count(limits::tables_max, 4));
    for (snapshot_table& t : h.tables) {
        t.traits = get_traits(r);
        t.groups.resize(r.count(limits::row_columns_max));
        for (auto& group : t.groups) group = get_texts(r);
        t.schema = get_texts(r);
    }
    h.schema = get_texts(r);
    h.defaults = get_defaults(r);
    if (!r.done()) return errc::malformed_snapshot;
    return h;
}

}  // namespace detail

/// Receives the bytes of a snapshot in order.
using snapshot_sink = std::function<result<void>(bytes_view)>;
/// Returns the next bytes of a snapshot, however many; none at its end.
using snapshot_source = std::function<result<bytes>()>;

/// Writes a snapshot, frame by frame. Row frames are cut at about 60 KiB. \cost O(bytes), one frame of
/// memory.
class snapshot_writer {
 public:
    explicit snapshot_writer(snapshot_sink sink) : sink_(std::move(sink)) {}

    [[nodiscard]] result<void> begin(const snapshot_header& header) {
        open(detail::frame::header);
        detail::writer w(frame_);
        detail::put_snapshot_header(w, header);
        return close();
    }
    /// Adds a row of table `place` (in the header); every cell's value must be loaded.
    [[nodiscard]] result<void> add(std::size_t place, bytes_view key, const row_state& row) {
        if (!frame_.empty() && (place != place_ || frame_.size() > row_frame_bytes))
            if (auto ok = close(); !ok) return ok;
        detail::writer w(frame_);
        if (frame_.empty()) {
            open(detail::frame::rows);
            replicas_.clear();
            place_ = place;
            w.varint(place);
        }
        w.counted(key);
        const auto number = [&](const replica_id& id) { return intern(id); };
        bytes row_bytes, names;
        detail::writer row_writer(row_bytes);
        const std::size_t before = replicas_.size();
        put_registers(row_writer, row, number);
        put_contents(row_writer, row, number, [](const cell&) { return true; });
        w.varint(replicas_.size() - before);  // replicas this row names for the first time in the frame
        for (std::size_t n = before; n < replicas_.size(); ++n)
            for (const auto& [id, at] : replicas_)
                if (at == n) w.raw(id.octets);
        w.raw(row_bytes);
        return {};
    }
    [[nodiscard]] result<void> add(const unmerged_part& part) {
        if (!frame_.empty())
            if (auto ok = close(); !ok) return ok;
        open(detail::frame::unmerged);
        detail::writer w(frame_);
        w.raw(part.device.octets);
        w.varint(part.seq);
        w.varint(part.part);
        w.varint(part.parts);
        w.counted(part.payload);
        return close();
    }
    [[nodiscard]] result<void> end() {
        if (!frame_.empty())
            if (auto ok = close(); !ok) return ok;
        open(detail::frame::end);
        return close();
    }

 private:
    static constexpr std::size_t row_frame_bytes = std::size_t{60} * 1024;

    void open(detail::frame kind) { frame_.assign(1, static_cast<std::uint8_t>(kind)); }
    [[nodiscard]] result<void> close() {
        bytes length;
        detail::writer(length).varint(frame_.size());
        if (auto ok = sink_(length); !ok) return ok;
        auto ok = sink_(frame_);
        frame_.clear();
        return ok;
    }
    std::uint64_t intern(const replica_id& id) {
        return replicas_.emplace(id, replicas_.size()).first->second;
    }

    snapshot_sink sink_;
    bytes frame_;
    std::size_t place_ = 0;
    std::map<replica_id, std::uint64_t> replicas_;
};

/// What a snapshot is read into. Return an error to stop.
struct snapshot_visitor {
    std::function<result<void>(snapshot_header)> header;
    std::function<result<void>(std::size_t place, snapshot_row)> row;
    std::function<result<void>(unmerged_part)> unmerged;
};

namespace detail {

/// Cuts a stream of bytes into frames.
class frame_reader {
 public:
    explicit frame_reader(const snapshot_source& source) : source_(source) {}

    /// Returns the next frame, kind first. \errors malformed_snapshot when the stream ends inside one.
    [[nodiscard]] result<bytes> next() {
        std::uint64_t size = 0;
        for (unsigned shift = 0;; shift += 7) {
            if (auto ok = fill(1); !ok) return ok.failure();
            const std::uint8_t b = buffer_[at_++];
            if (shift > 28) return errc::malformed_snapshot;
            size |= std::uint64_t{b & 0x7FU} << shift;
            if (b < 0x80) break;
        }
        if (size < 1 || size > snapshot_frame_bytes_max) return errc::malformed_snapshot;
        if (auto ok = fill(static_cast<std::size_t>(size)); !ok) return ok.failure();
        const auto first = buffer_.begin() + static_cast<std::ptrdiff_t>(at_);
        at_ += static_cast<std::size_t>(size);
        return bytes(first, first + static_cast<std::ptrdiff_t>(size));
    }
    /// True when the stream is used up.
    [[nodiscard]] result<bool> exhausted() {
        if (at_ < buffer_.size()) return false;
        auto more = source_();
        if (!more) return more.failure();
        return more->empty();
    }

 private:
    [[nodiscard]] result<void> fill(std::size_t n) {
        if (at_ > 0 && buffer_.size() - at_ < n) {
            buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(at_));
            at_ = 0;
        }
        while (buffer_.size() - at_ < n) {
            auto more = source_();
            if (!more) return more.failure();
            if (more->empty()) return errc::malformed_snapshot;
            buffer_.insert(buffer_.end(), more->begin(), more->end());
        }
        return {};
    }
    const snapshot_source& source_;
    bytes buffer_;
    std::size_t at_ = 0;
};

inline result<void> visit_rows(reader& r, const snapshot_header& header, const snapshot_visitor& visitor) {
    const std::uint64_t place = r.varint();
    if (!r.ok() || place >= header.tables.size()) return errc::malformed_snapshot;
    const std::size_t columns = header.tables[static_cast<std::size_t>(place)].traits.columns.size();
    std::vector<replica_id> replicas;
    const auto replica_of = [&replicas](std::uint64_t n) -> std::optional<replica_id> {
        if (n >= replicas.size()) return std::nullopt;
        return replicas[static_cast<std::size_t>(n)];
    };
    while (r.left() > 0) {
        snapshot_row out;
        const bytes_view key = r.counted(limits::key_bytes_max);
        out.key.assign(key.begin(), key.end());
        for (std::size_t n = r.count(limits::context_entries_max, 16); n > 0; --n)
            replicas.push_back(r.id<replica_id>());
        out.row = get_registers(r, replica_of);
        if (r.ok()) get_contents(r, out.row, replica_of);
        if (!r.ok() || out.key.empty() || (!out.row.cells.empty() && out.row.cells.back().column >= columns))
            return errc::malformed_snapshot;
        for (const cell& c : out.row.cells)
            if (!c.what) return errc::malformed_snapshot;
        if (auto ok = visitor.row(static_cast<std::size_t>(place), std::move(out)); !ok) return ok;
    }
    return {};
}

inline result<void> visit_unmerged(reader& r, const snapshot_visitor& visitor) {
    unmerged_part part;
    part.device = r.id<device_id>();
    part.seq = r.varint();
    const std::uint64_t place = r.varint(), parts = r.varint();
    const bytes_view payload = r.counted(limits::part_payload_bytes_max);
    if (!r.done() || parts < 1 || parts > limits::group_parts_max || place >= parts || part.seq == 0)
        return errc::malformed_snapshot;
    part.part = static_cast<std::uint16_t>(place);
    part.parts = static_cast<std::uint16_t>(parts);
    part.payload.assign(payload.begin(), payload.end());
    return visitor.unmerged(std::move(part));
}

}  // namespace detail

/// Reads a snapshot to its end. What was visited before an error counts for nothing: visit inside one
/// transaction. \errors malformed_snapshot, unknown_format_version, and those of source and visitor. \cost
/// O(bytes), one frame of memory.
[[nodiscard]] inline result<void> read_snapshot(const snapshot_source& source,
                                                const snapshot_visitor& visitor) {
    detail::frame_reader frames(source);
    std::optional<snapshot_header> header;
    for (;;) {
        auto frame = frames.next();
        if (!frame) return frame.failure();
        detail::reader r(bytes_view(*frame).subspan(1));
        const auto kind = static_cast<detail::frame>((*frame)[0]);
        if ((kind == detail::frame::header) == header.has_value()) return errc::malformed_snapshot;
        if (kind == detail::frame::header) {
            auto read = detail::get_snapshot_header(r);
            if (!read) return read.failure();
            header = *read;
            if (auto ok = visitor.header(std::move(*read)); !ok) return ok;
        } else if (kind == detail::frame::rows) {
            if (auto ok = detail::visit_rows(r, *header, visitor); !ok) return ok;
        } else if (kind == detail::frame::unmerged) {
            if (auto ok = detail::visit_unmerged(r, visitor); !ok) return ok;
        } else if (kind == detail::frame::end && r.done()) {
            auto over = frames.exhausted();
            if (!over) return over.failure();
            return *over ? result<void>{} : result<void>{errc::malformed_snapshot};
        } else {
            return errc::malformed_snapshot;
        }
    }
}

}  // namespace casasync
