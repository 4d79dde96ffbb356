// SPDX-License-Identifier: MIT
#pragma once

/// Lists of names, as they are typed and told.
#include <casasync/sqlite/vault.hpp>

#include <boost/json/array.hpp>

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace casasync::cli {

/// Returns the names in "a,b,c", without empty ones.
[[nodiscard]] std::vector<std::string> split_at_commas(std::string_view text);
/// Which columns hold integer keys of other tables: table -> column -> table.
using reference_map = std::map<std::string, std::map<std::string, std::string>>;

/// Reads "TABLE.COLUMN=PARENT" texts. \errors invalid_argument for what does not read so
[[nodiscard]] result<reference_map> references_of(std::span<const std::string> texts);
/// Sorts tables that others refer to before the others, and leaves the order as it is otherwise.
void put_parents_first(std::vector<std::string>& tables, const reference_map& references);

/// Returns "a, b, c", or "nothing".
[[nodiscard]] std::string joined(std::span<const std::string> names);
[[nodiscard]] boost::json::array json_of_names(std::span<const std::string> names);

/// Returns the error that names each table with its reason and fix, a line a table.
[[nodiscard]] error untrackable_error(std::span<const sqlite::untrackable> refused);

/// Returns this machine's name, as the name of a device that was given none.
[[nodiscard]] std::string host_name();

}  // namespace casasync::cli
