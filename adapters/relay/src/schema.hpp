// SPDX-License-Identifier: MIT
#pragma once

/// The relay's database: its tables, and the check that a file is one.
#include "database.hpp"

#include <casasync/result.hpp>

#include <string>

namespace casasync::relay {

/// Which of the files a relay's vaults are spread over one is.
struct shard_place {
    unsigned index = 0;  ///< 0: the first, which has the pairings, too
    unsigned count = 1;

    friend bool operator==(const shard_place&, const shard_place&) = default;
};

/// Checks that a file is a relay's, of this version. Returns which of its files it is.
/// \errors not_a_database, unknown_format_version, with a sentence that names `path`
/// \throws database_error
[[nodiscard]] result<shard_place> check_schema(database& db, const std::string& path);

/// Tells whether a file has no tables yet. \throws database_error
[[nodiscard]] bool is_new(database& db);

/// Makes the tables in a new file, and notes which one it is. \throws database_error
void make_schema(database& db, shard_place place);

/// Settings of the one connection that writes: an answer leaves only when its commit survives a power cut.
void configure_writer(database& db);

}  // namespace casasync::relay
