// SPDX-License-Identifier: MIT
#pragma once

/// Devices with SQLite files of any schema, and a relay in memory between them.
#include "sqlite_device.hpp"

#include <casasync/loopback/transport.hpp>

namespace casasync_test {

using file_device = sqlite_device<casasync::loopback::transport>;

[[nodiscard]] std::unique_ptr<test_world> make_sqlite_world(std::uint64_t seed, sqlite_schema schema);

}  // namespace casasync_test
