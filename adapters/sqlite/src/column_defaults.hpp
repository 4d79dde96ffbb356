// SPDX-License-Identifier: MIT
#pragma once

/// What columns hold in rows in which nobody wrote them: the DEFAULT of each. Registers say nothing of it, so
/// that two devices whose apps declare different ones would show different values without a word. Each tells
/// its own in the next changeset, and compares what others tell.
///
///     casasync_default(name, column_name, own, told, heard)   a value as its bytes, NULL for none
///         own     what this file declares, as far as it is constant
///         told    what this device said last
///         heard   what another device said last
#include "connection.hpp"
#include "table_shape.hpp"

#include <casasync/changeset.hpp>
#include <casasync/result.hpp>

#include <string>
#include <vector>

namespace casasync::sqlite {

[[nodiscard]] result<void> create_column_defaults(connection& db);

/// Takes in what a table declares. Columns it does not have any more are forgotten, but for what others say.
[[nodiscard]] result<void> know_defaults(connection& db, const table_shape& shape);

/// Returns the places of columns whose default is not the one that was taken in.
[[nodiscard]] result<std::vector<std::size_t>> changed_defaults(connection& db, const table_shape& shape);

/// Returns some of what the other devices are to be told, and counts it as told.
[[nodiscard]] result<std::vector<column_default>> tell_defaults(connection& db);

/// True when the others were told something else before: that does not wait for the next changeset.
[[nodiscard]] result<bool> any_default_to_correct(connection& db);

/// Returns what a device that joins is to know, at most limits::defaults_max.
[[nodiscard]] result<std::vector<column_default>> known_defaults(connection& db);

/// Keeps what another device says.
[[nodiscard]] result<void> hear_defaults(connection& db, const std::vector<column_default>& all);

/// A column that shows one value here and another one elsewhere, where nobody wrote it.
struct differing_default {
    std::string column{};
    std::string here{}, elsewhere{};  ///< as SQL
};

[[nodiscard]] result<std::vector<differing_default>> differing_defaults(connection& db,
                                                                        const std::string& table);

}  // namespace casasync::sqlite
