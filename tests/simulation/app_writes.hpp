// SPDX-License-Identifier: MIT
#pragma once

/// The app of the simulation: its schema in two versions, and what it writes.
#include "disk.hpp"
#include "ledger.hpp"

#include <cstdint>
#include <set>
#include <string>

namespace simulation {

/// Accounts with unique names, transactions that reference them, tags with a composite key. `checked` is the
/// greatest of what anybody wrote (rule `max`), so nothing of it can be lost.
extern const char* const first_schema;
/// What the app's next version adds; each of these can be done again.
extern const char* const more_columns;
extern const char* const more_tables;

/// One transaction of the app.
struct app_write {
    std::string sql{};
    std::set<row_name> replaced{};  ///< rows it writes as a whole, also when they are there
    std::set<row_name> named{};     ///< rows it may insert, and take away again

    friend bool operator==(const app_write&, const app_write&) = default;
};

/// Draws a transaction. \param serial  makes values that occur once \param upgraded  the next version is
/// installed \param numbers  most of it is about rows that are known by numbers
[[nodiscard]] app_write draw_write(casasync_test::dice& d, std::uint64_t serial, bool upgraded, bool numbers);

}  // namespace simulation
