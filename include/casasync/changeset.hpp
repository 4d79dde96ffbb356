// SPDX-License-Identifier: MIT
#pragma once

/// A changeset: what one device wrote since it last sealed, with what it had merged by then. The unit that is
/// captured, sealed, sent and merged; a delta of the state.
#include <casasync/causality.hpp>
#include <casasync/ids.hpp>
#include <casasync/row.hpp>
#include <casasync/table.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace casasync {

/// One operation and the row it writes.
struct row_change {
    bytes key{};  ///< canonical (key.hpp)
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

struct changeset {
    device_id device{};                   ///< the author
    std::uint64_t seq = 0;                ///< of its first part; dense from 1 for each device
    std::uint64_t last_seq = 0;           ///< of its last part; not in the bytes: the envelopes carry it
    std::string device_name{};            ///< said once, and when it changed; empty otherwise
    causal_context context{};             ///< what the author had merged
    std::vector<table_changes> tables{};  ///< no table twice

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

}  // namespace casasync
