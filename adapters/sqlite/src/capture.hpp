// SPDX-License-Identifier: MIT
#pragma once

/// Capture: plain-SQL triggers that write every change of a tracked table into an append-only log, in the
/// writer's own transaction. Whoever writes - the application, an ORM, the sqlite3 shell - needs no casasync
/// code, and a committed row without its captured change cannot exist.
///
///     casasync_log(t, m, at, k0, k1, ...)   no constraint and no INTEGER PRIMARY KEY, so that a statement is
///                                           never aborted here and needs no statement journal for it
///         t   number of the table
///         m   NULL: inserted | -1: may have been displaced by REPLACE | -2: deleted
///             else updated: number of the column group << 56 | one bit a changed column of the 56 in the
///             group
///         at  julianday('now') of the write, or NULL
///         k   the key; NULL past the last key column
///     casasync_grave_<t>(l, c0, c1, ...)    rows as they were before a DELETE, a key change or a REPLACE;
///                                           l: position in the log, c<n>: column n, NULL where generated
///
/// Log order is not the order of effects when triggers nest: what happened to a row is decided by whether it
/// is there now and by the set of its entries.
///
/// Not captured, because no trigger fires: incremental blob I/O; connections with triggers switched off; a
/// table rebuilt by copy and rename; a row displaced because a statement sets the hidden rowid of a table
/// whose key is something else.
#include "connection.hpp"
#include "table_shape.hpp"

#include <casasync/result.hpp>
#include <casasync/value.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace casasync::sqlite {

/// Our number of a table: names the triggers and the graveyard, and stands in the log.
using table_number = std::int64_t;

struct capture_options {
    bool write_time = true;     ///< keep when a change was made; costs about a tenth of an INSERT
    bool number_reuse = false;  ///< also log when an integer key is written over one that is there
};

/// Creates the log where it is missing. Inside the caller's transaction.
[[nodiscard]] result<void> create_log(connection& db);

/// Installs the triggers and the graveyard of a table, or repairs them: ours before every change are made
/// older than the application's triggers (they fire last), ours after it newer (they fire first); the
/// application's are re-created verbatim in between. All or nothing. What the graveyard holds is kept.
/// Not under suppress_capture, where the check that SQLite can compile the triggers would see nothing of
/// them. \errors not_trackable when SQLite cannot compile the triggers; invalid_argument when columns were
/// removed
///         while the graveyard is not drained; as to_error()
[[nodiscard]] result<void> install(connection& db, table_number number, const table_shape& table,
                                   const capture_options& options);

/// Gives the graveyard, if there is one, the columns the table has gained since: the application can change
/// its schema while changes wait in the log. Columns that were removed are left to install().
[[nodiscard]] result<void> widen_grave(connection& db, table_number number, const table_shape& table);

/// Removes the triggers only: for a change of the schema, after which install() follows.
[[nodiscard]] result<void> remove_triggers(connection& db, table_number number);

/// Removes triggers, graveyard and log entries of a table; the table itself stays.
[[nodiscard]] result<void> remove(connection& db, table_number number);

/// Returns true when all triggers of `table` are there with the text of this version and in the right order,
/// and SQLite fires triggers in the order we count on. install() repairs what is not.
[[nodiscard]] result<bool> check_installed(connection& db, table_number number, const table_shape& table,
                                           const capture_options& options);

/// A set of columns, by their index in table_shape::columns. No allocation for the first 56.
class column_set {
 public:
    static constexpr std::size_t group_columns = 56;

    [[nodiscard]] bool contains(std::size_t column) const noexcept;
    [[nodiscard]] bool empty() const noexcept;
    void add(std::size_t column);
    /// Adds 56 columns at once. \param mask bit n stands for column group * 56 + n
    void add_group(std::size_t group, std::uint64_t mask);
    void add(const column_set& other);

    friend bool operator==(const column_set&, const column_set&) = default;

 private:
    std::uint64_t first_ = 0;
    std::vector<std::uint64_t> rest_{};
};

enum class change_kind : std::uint8_t {
    insert,
    update,
    erase,
    displaced,  ///< REPLACE may have removed the row: it counts only when the row is gone
};

/// True for what leaves a copy of the row in the graveyard.
[[nodiscard]] constexpr bool buries(change_kind k) noexcept {
    return k == change_kind::erase || k == change_kind::displaced;
}

struct log_entry {
    std::int64_t position = 0;  ///< place in the log, ascending; of the last log row for a wide table
    change_kind kind = change_kind::update;
    column_set columns{};              ///< of an update; empty when it changed nothing the trigger knows
    std::optional<std::int64_t> at{};  ///< Unix milliseconds, UTC
};

/// All entries of one row, in log order.
struct row_log {
    table_number table = 0;
    std::vector<value> key{};
    std::vector<log_entry> entries{};
};

struct log_chunk {
    std::vector<row_log> rows{};  ///< sorted by table and key (type, then exact bytes), no duplicates
    std::int64_t last = 0;        ///< position to clear up to; 0 when the log is empty
    bool complete = true;         ///< nothing is left in the log after `last`
};

/// Returns the first entries of the log, about `limit` log rows, grouped by row. Keys are as the writer's
/// table held them: whoever looks such a row up compares type and bytes, because SQL finds 1 also as 1.0.
/// \cost  O(n log n) in the entries read
/// \param left  tables whose entries stay in the log
[[nodiscard]] result<log_chunk> read_log(connection& db, std::size_t limit,
                                         std::span<const table_number> left = {});

/// Positions in the log, the first one not included.
struct log_range {
    std::int64_t after = 0, last = std::numeric_limits<std::int64_t>::max();
};

/// Returns the rows that were removed under `key`, oldest first: one value a column of `table`, NULL where
/// generated or added since. A displaced row is there even if it was not removed after all.
/// \cost  O(log n) in the graveyard
[[nodiscard]] result<std::vector<std::vector<value>>> read_grave(connection& db, table_number number,
                                                                 const table_shape& table,
                                                                 std::span<const value> key,
                                                                 log_range range = {});

/// Adds what no trigger wrote: that a row was written or deleted now. \param m  as a trigger writes it: NULL
/// for an INSERT, -2 for a DELETE, else the columns of an UPDATE
[[nodiscard]] result<void> log_by_hand(connection& db, table_number table, std::span<const value> key,
                                       const value& m);

/// Forgets the log up to `last` and what the graveyards of `tables` hold of it: all tables that lost a row by
/// an entry up to there. Inside the caller's transaction.
[[nodiscard]] result<void> clear_log(connection& db, std::int64_t last, std::span<const table_number> tables,
                                     std::span<const table_number> left = {});

}  // namespace casasync::sqlite
