// SPDX-License-Identifier: MIT
#pragma once

/// A relay's vaults may be spread over several SQLite files, each with a thread that writes: each file waits
/// for the disk by itself. A vault is in one file, whole. How many there are is decided when the data is
/// made, and every file says it: relay.db, and relay-1.db and so on, made before it.
#include "schema.hpp"

#include <casasync/envelope.hpp>
#include <casasync/ids.hpp>
#include <casasync/result.hpp>

#include <cstddef>
#include <string>

namespace casasync::relay {

class data_directory;

inline constexpr unsigned shards_max = 64;

/// Returns the name of file `n` in a data directory.
[[nodiscard]] std::string shard_name(unsigned n);

/// Returns which of `count` files a vault is in. Its id is a hash, so all get alike many.
[[nodiscard]] unsigned shard_of(vault_id vault, std::size_t count) noexcept;

/// Returns how many files the data in a directory has. \errors not_found when there is none; not_a_database,
/// unknown_format_version, io_failed
[[nodiscard]] result<unsigned> count_shards(const std::string& directory);

/// Makes the files, or checks that all are there. Returns how many there are. \param wanted  0: as many as
/// there are, one for new data \errors invalid_argument when there are another number; those of count_shards;
/// io_failed when one is missing or in another's place
[[nodiscard]] result<unsigned> prepare_shards(const data_directory& home, unsigned wanted);

}  // namespace casasync::relay
