// SPDX-License-Identifier: MIT
#pragma once

/// A household's finance vault to try things on: its schema, a generator of any size, and random edits.
/// The same seed makes the same rows on every platform; nothing here knows casasync's tables or triggers.
/// Thread rule: the connection belongs to the calling thread during a call.
#include <casasync/result.hpp>

#include <cstdint>
#include <string_view>

struct sqlite3;

namespace casasync::examples {

/// Returns the text of schema.sql.
[[nodiscard]] std::string_view vault_schema() noexcept;

struct vault_options {
    std::int64_t transactions = 5000;  ///< rows of txn, exactly; the other tables follow from it
    std::uint64_t seed = 1;
};

/// Rows in each table.
struct vault_counts {
    std::int64_t accounts = 0;
    std::int64_t categories = 0;
    std::int64_t payees = 0;
    std::int64_t transactions = 0;
    std::int64_t splits = 0;
    std::int64_t rules = 0;
    std::int64_t tags = 0;
    std::int64_t transaction_tags = 0;

    friend bool operator==(const vault_counts&, const vault_counts&) = default;
};

/// Makes the tables in an empty database and fills them, in one transaction.
///
/// Transactions cover at most twelve years up to 2025-06-30, about three a day if they are few: a salary,
/// a rent and subscriptions each month, purchases with skewed amounts, some of them abroad in another
/// currency, some split, some tagged, some with notes.
/// \errors invalid_argument (a negative count), store_failed (with SQLite's words; the database is unchanged)
/// \cost   about 2 s for 100,000 transactions
[[nodiscard]] result<vault_counts> make_vault(sqlite3* db, const vault_options& options);

struct edit_options {
    std::int64_t edits = 100;
    std::uint64_t seed = 1;
};

/// What was done, by statement; rows that foreign keys changed in passing are not counted.
struct edit_counts {
    std::int64_t edits = 0;  ///< transactions
    std::int64_t inserted = 0;
    std::int64_t updated = 0;
    std::int64_t deleted = 0;
};

/// Edits a vault as a person at an app would: recategorises, corrects, enters, splits, tags, deletes, now and
/// then many rows at once. Each edit is a transaction of its own (BEGIN IMMEDIATE) and keeps every foreign
/// key; `foreign_keys` is switched on for the connection. New tags come from a short list of names, so that
/// two devices sooner or later make the same one.
///
/// The choices depend on the seed and on the rows: the same seed on equal vaults does the same, ids included.
/// \errors invalid_argument (a negative count), store_failed (SQLite's words; the edits before it stay)
[[nodiscard]] result<edit_counts> edit_vault(sqlite3* db, const edit_options& options);

}  // namespace casasync::examples
