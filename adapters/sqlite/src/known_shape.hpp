// SPDX-License-Identifier: MIT
#pragma once

/// The shape a table had when casasync last took it in. What is recorded of its rows relies on it: values lie
/// in the table only, under its key. Where the app has changed it by itself so that it does not fit any more,
/// the table is left alone until it fits again, and status says so.
///
///     casasync_shape(t, name, kept_as, k, lost)   one a column that travels or is of the key
///         kept_as   its affinity
///         k         place in the key from 1; 0: not of it; -1: INTEGER PRIMARY KEY
///         lost      1: it was seen to be gone, and its values with it
#include "capture.hpp"
#include "connection.hpp"
#include "table_shape.hpp"

#include <casasync/result.hpp>

#include <optional>
#include <string>

namespace casasync::sqlite {

/// Why a table cannot be taken as it is, and what to do.
struct misfit {
    std::string column{};  ///< empty: the whole table
    std::string detail{};
    bool lost = false;  ///< the column is gone, and triggers that name it would make the app's writes fail
};

[[nodiscard]] result<void> create_known_shapes(connection& db);

/// Relies on a shape from now on.
[[nodiscard]] result<void> know_shape(connection& db, table_number number, const table_shape& shape);

/// Returns the columns that are not relied on yet: those the table has gained, and those of another default.
[[nodiscard]] result<column_set> gained_columns(connection& db, table_number number, const table_shape& now);

/// Relies on nothing any more.
[[nodiscard]] result<void> forget_shape(connection& db, table_number number);

/// Compares what a table is now with the shape that is relied on; nothing when it fits.
/// \param now  null when the file has no such table
[[nodiscard]] result<std::optional<misfit>> find_misfit(connection& db, table_number number,
                                                        const table_shape* now);

}  // namespace casasync::sqlite
