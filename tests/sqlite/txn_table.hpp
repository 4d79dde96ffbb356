// SPDX-License-Identifier: MIT
#pragma once

/// A small table of transactions, and all that is in it.
namespace vault_test {

inline constexpr const char* txn =
    "CREATE TABLE txn(id TEXT PRIMARY KEY NOT NULL, amount INTEGER, note TEXT DEFAULT 'none')";
inline constexpr const char* all_txn = "SELECT id, amount, note FROM txn ORDER BY id";

}  // namespace vault_test
