// SPDX-License-Identifier: MIT
#pragma once

/// What is kept beyond the present: decided conflicts, and with history `all` every write merged here.
/// Nothing of it decides anything; it is this device's own memory, and goes away by age.
///
///     casasync_history(id, t, k, c, kind, value, hlc, replica, at)
///         c: the column, NULL for a DELETE or an INSERT of a key alone   kind: op_kind
///         value: 1 byte kind, content   at: when it was merged here
#include "catalog.hpp"
#include "connection.hpp"

#include <casasync/changeset.hpp>
#include <casasync/environment.hpp>
#include <casasync/merge.hpp>
#include <casasync/result.hpp>
#include <casasync/sqlite/vault.hpp>

#include <cstdint>
#include <optional>
#include <vector>

namespace casasync::sqlite {

/// A write that was kept.
struct history_entry {
    table_no table = 0;
    bytes key{};
    std::optional<column_no> column{};
    op_kind kind = op_kind::update;
    value what{};
    stamp when{};
    unix_ms merged_at = 0;
};

class history_log {
 public:
    static constexpr std::int64_t pruned_at_once =
        500;  ///< entries a transaction drops at most, of each kind

    history_log(connection& db, catalog& tables) noexcept : db_(&db), tables_(&tables) {}

    [[nodiscard]] static result<void> create(connection& db);

    /// Keeps every write of a changeset. Inside the caller's transaction.
    [[nodiscard]] result<void> keep(const changeset& c, unix_ms now);
    /// Returns what was kept, in order of the stamps; of one table, of one row of it, merged since a time.
    [[nodiscard]] result<std::vector<history_entry>> entries(std::optional<table_no> table, bytes_view key,
                                                             unix_ms since);
    [[nodiscard]] result<std::int64_t> count();

    /// Drops what the policy no longer keeps, as much as one transaction may; open conflicts never.
    /// \returns how many entries it dropped
    [[nodiscard]] result<std::int64_t> prune(const history_policy& policy, unix_ms now);

 private:
    [[nodiscard]] result<void> keep_operation(const resolved_table& table, const row_change& change,
                                              unix_ms now);

    connection* db_;
    catalog* tables_;
};

}  // namespace casasync::sqlite
