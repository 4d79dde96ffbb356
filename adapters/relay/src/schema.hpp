// SPDX-License-Identifier: MIT
#pragma once

/// The relay's database: its tables, and the check that a file is one.
#include "database.hpp"

#include <casasync/result.hpp>

#include <string>

namespace casasync::relay {

/// Checks that a file is a relay's, of this version.
/// \errors not_a_database, unknown_format_version, with a sentence that names `path`
/// \throws database_error
[[nodiscard]] result<void> check_schema(database& db, const std::string& path);

/// Makes the tables in a new file, or checks that an existing one is a relay's and brings it to this version.
/// \errors not_a_database, unknown_format_version, with a sentence that names `path`
/// \throws database_error
[[nodiscard]] result<void> prepare_schema(database& db, const std::string& path);

/// Settings of the one connection that writes: an answer leaves only when its commit survives a power cut.
void configure_writer(database& db);

}  // namespace casasync::relay
