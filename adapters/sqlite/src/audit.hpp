// SPDX-License-Identifier: MIT
#pragma once

/// The audit log: every write that lost unseen, open until somebody who saw it writes the cell again, and
/// kept afterwards.
///
///     casasync_conflict(id, t, k, c, value, hlc, replica, open, opened, closed, won, won_hlc, won_replica,
///     why)
///         id: 12 hexadecimal digits, the same on every device   c: column, NULL for a lost DELETE   value: 1
///         byte kind, content   won: what it lost against, when that was noticed
#include "catalog.hpp"
#include "connection.hpp"
#include "row_store.hpp"

#include <casasync/conflict.hpp>
#include <casasync/environment.hpp>
#include <casasync/merge.hpp>
#include <casasync/result.hpp>

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace casasync::sqlite {

/// One entry, as it stands now.
struct audit_entry {
    std::string id{};
    table_no table = 0;
    bytes key{};
    conflict lost{};  ///< winner and reason: those of now while open, then those it was noticed with
    value shown{};    ///< what is shown instead, or was; NULL for a hidden row
    bool open = false;
    unix_ms opened_at = 0;  ///< when this device noticed
    unix_ms closed_at = 0;  ///< 0 while open
};

class audit_log {
 public:
    audit_log(connection& db, catalog& tables, row_store& rows) noexcept
        : db_(&db), tables_(&tables), rows_(&rows) {}

    [[nodiscard]] static result<void> create(connection& db);

    /// Writes down what a merge opened and closed. Inside the caller's transaction.
    [[nodiscard]] result<void> note(std::span<const merged_row> changed, unix_ms now);
    /// Returns entries, newest first. \param open_only  without those that are closed
    [[nodiscard]] result<std::vector<audit_entry>> entries(bool open_only);
    /// Returns the entries of one row, closed ones too.
    [[nodiscard]] result<std::vector<audit_entry>> entries_of(table_no table, bytes_view key);
    /// Returns the entry whose id begins with `id` (at least 4 digits). \errors not_found, invalid_argument
    /// when several do
    [[nodiscard]] result<audit_entry> find(const std::string& id);
    [[nodiscard]] result<std::int64_t> count_open();

 private:
    [[nodiscard]] result<audit_entry> read_entry(statement& row);
    [[nodiscard]] result<void> refresh(audit_entry& entry);

    connection* db_;
    catalog* tables_;
    row_store* rows_;
};

/// Returns a value as casasync_conflict and casasync_history hold it: 1 byte kind, content.
[[nodiscard]] bytes stored_value(const value& v);

/// Returns the id of a lost write: 12 hexadecimal digits, the same on every device.
[[nodiscard]] std::string audit_id(const table_traits& table, bytes_view key, const conflict& lost);

}  // namespace casasync::sqlite
