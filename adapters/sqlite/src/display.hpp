// SPDX-License-Identifier: MIT
#pragma once

/// What of the registers can be shown: brings the application's tables in line with the registers, and keeps
/// what cannot be shown *parked*, with its reason. Decided in this order, each step a function of the
/// registers: visible rows -> CHECK, NOT NULL and type, row by row -> UNIQUE, greedily by (seniority, key)
/// over all rows that passed -> foreign keys: the greatest set whose parents are in it. A dangling nullable
/// reference with ON DELETE SET NULL is shown as NULL.
///
/// See parked_list.hpp for the list of what is parked, display_pass.hpp for the way there.
#include "catalog.hpp"
#include "connection.hpp"
#include "parked_list.hpp"
#include "row_store.hpp"

#include <casasync/environment.hpp>
#include <casasync/merge.hpp>
#include <casasync/result.hpp>

#include <set>
#include <span>
#include <vector>

namespace casasync::sqlite {

class display {
 public:
    display(connection& db, catalog& tables, row_store& rows) noexcept
        : db_(&db), tables_(&tables), rows_(&rows) {}

    [[nodiscard]] static result<void> create(connection& db);

    /// Saves the registers of `changed` and shows what can be shown; rows parked before are looked at again
    /// when something they depend on may have changed. Inside the caller's transaction, with capture
    /// suppressed.
    [[nodiscard]] result<void> show(std::span<const merged_row> changed, unix_ms now);

    /// After a seal: the registers of `changed` are saved; the table has the rows already. Rows parked before
    /// are looked at again.
    [[nodiscard]] result<void> keep(std::span<const merged_row> changed, unix_ms now);

    /// Rows parked before are looked at again, as when rows of these tables had changed.
    [[nodiscard]] result<void> look_again(const std::set<table_no>& touched, unix_ms now);

    /// True when what becomes of a row of these changes does not depend on other rows: then show() and keep()
    /// may get them piece by piece.
    [[nodiscard]] result<bool> stand_alone(const changeset& c, unix_ms now);

    [[nodiscard]] result<std::vector<parked_row>> parked();
    [[nodiscard]] result<bool> any_parked();
    [[nodiscard]] result<bool> is_parked(table_no table, bytes_view key);

 private:
    connection* db_;
    catalog* tables_;
    row_store* rows_;
};

}  // namespace casasync::sqlite
