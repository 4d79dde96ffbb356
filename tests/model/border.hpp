// SPDX-License-Identifier: MIT
#pragma once

/// The border between the engine and the reference model: the only place that knows both. It translates, and
/// decides nothing. Replica ids are told by their first byte.
#include "reference.hpp"

#include <casasync/accounts.hpp>
#include <casasync/conflict.hpp>
#include <casasync/row.hpp>

#include <vector>

namespace border {

[[nodiscard]] reference::value tell(const casasync::value& v);
[[nodiscard]] reference::stamp tell(const casasync::stamp& s);
[[nodiscard]] reference::table tell(const casasync::table_traits& t);

/// Tells an operation whose column numbers are places in `columns`.
[[nodiscard]] reference::operation tell(const casasync::row_operation& op,
                                        const std::vector<casasync::column_traits>& columns,
                                        std::size_t changeset, const reference::changeset_set& seen);

/// Tells what the engine makes of its registers.
[[nodiscard]] reference::row_view tell(const casasync::row_state& row, const casasync::table_traits& table);

/// Tells the open conflicts, in the model's order.
[[nodiscard]] std::vector<reference::lost_write> tell(const std::vector<casasync::conflict>& open,
                                                      const casasync::table_traits& table);

/// Tells what the engine has counted.
[[nodiscard]] reference::accounts tell(const casasync::accounts& counts);

}  // namespace border
