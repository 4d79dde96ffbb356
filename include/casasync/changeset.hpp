// SPDX-License-Identifier: MIT
#pragma once

/// A changeset: what one device wrote since it last sealed, with what it had merged by then. The unit that is
/// captured, sealed, sent and merged; a delta of the state.
#include <casasync/causality.hpp>
#include <casasync/detail/hash.hpp>
#include <casasync/ids.hpp>
#include <casasync/key.hpp>
#include <casasync/row.hpp>
#include <casasync/table.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace casasync {

/// One operation and the row it writes.
struct row_change {
    row_key key{};  ///< canonical (key.hpp)
    row_operation op{};

    friend bool operator==(const row_change&, const row_change&) = default;
};

/// The operations on one table. Column numbers are places in `table.columns`, which lists just the columns
/// written.
struct table_changes {
    table_traits table{};  ///< name, policy and rules as the author has them: the table's fingerprint
    std::vector<row_change> rows{};  ///< sorted by key, then by stamp

    friend bool operator==(const table_changes&, const table_changes&) = default;
};

/// What a column holds in rows in which nobody wrote it: the DEFAULT its table declares on the author's
/// device. Merging makes nothing of it; a store compares it with its own, because no register tells of the
/// difference.
struct column_default {
    std::string table{}, column{};
    value what{};

    friend bool operator==(const column_default&, const column_default&) = default;
};

struct changeset {
    device_id device{};                      ///< the author
    std::uint64_t seq = 0;                   ///< of its first part; dense from 1 for each device
    std::uint64_t last_seq = 0;              ///< of its last part; not in the bytes: the envelopes carry it
    std::string device_name{};               ///< said once, and when it changed; empty otherwise
    causal_context context{};                ///< what the author had merged
    std::vector<table_changes> tables{};     ///< no table twice
    std::vector<column_default> defaults{};  ///< said once, and when they changed; sorted by table and column
    /// Digest of its author's state when that was what `context` says: whoever has merged the same compares.
    std::optional<detail::u128> state{};
    bool asks_snapshot = false;  ///< its author, whose state differs from another one's, asks for a snapshot

    friend bool operator==(const changeset&, const changeset&) = default;
};

/// Returns the greatest stamp in `c`; the default if it has no operation. \cost O(operations).
[[nodiscard]] inline stamp greatest_stamp(const changeset& c) noexcept {
    stamp out;
    for (const table_changes& t : c.tables)
        for (const row_change& r : t.rows) out = std::max(out, r.op.when);
    return out;
}

/// Returns the number of operations in `c`. \cost O(tables).
[[nodiscard]] inline std::size_t count_operations(const changeset& c) noexcept {
    std::size_t n = 0;
    for (const table_changes& t : c.tables) n += t.rows.size();
    return n;
}

/// Hands out a changeset piece by piece: merging the pieces in order, in one transaction, is merging the
/// whole, in less memory. Each has the whole's author, number and context; all operations of a row are in one
/// piece.
class changeset_pieces {
 public:
    /// \param operations  that make a piece; the last row of one may bring more
    changeset_pieces(changeset whole, std::size_t operations)
        : whole_(std::move(whole)), operations_(std::max<std::size_t>(operations, 1)) {}

    /// Returns the next piece; nothing after the last one. One of no operations has one piece.
    [[nodiscard]] std::optional<changeset> next() {
        if (done_) return std::nullopt;
        changeset out{
            whole_.device, whole_.seq, whole_.last_seq, whole_.device_name, whole_.context, {}, {}, {}};
        for (std::size_t taken = 0; taken < operations_ && table_ < whole_.tables.size();) {
            std::vector<row_change>& rows = whole_.tables[table_].rows;
            std::size_t end = std::min(rows.size(), row_ + operations_ - taken);
            while (end > row_ && end < rows.size() && rows[end].key == rows[end - 1].key) ++end;
            table_changes& part = out.tables.emplace_back(table_changes{whole_.tables[table_].table, {}});
            part.rows.assign(std::make_move_iterator(rows.begin() + static_cast<std::ptrdiff_t>(row_)),
                             std::make_move_iterator(rows.begin() + static_cast<std::ptrdiff_t>(end)));
            taken += end - row_;
            row_ = end;
            if (row_ < rows.size()) continue;
            row_ = 0;
            ++table_;
        }
        done_ = table_ == whole_.tables.size();
        return out;
    }

 private:
    changeset whole_;
    std::size_t operations_;
    std::size_t table_ = 0, row_ = 0;
    bool done_ = false;
};

}  // namespace casasync
