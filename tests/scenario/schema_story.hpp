// SPDX-License-Identifier: MIT
#pragma once

/// Stories of devices whose files have a schema of the story's own, and whose apps write SQL.
#include "sqlite_world.hpp"

#include <casasync_test/story.hpp>

namespace casasync_test {

class schema_story : public story {
 public:
    schema_story(int seed, sqlite_schema schema, std::vector<std::string> devices = {"desktop", "phone"})
        : story({.seed = seed, .devices = std::move(devices)},
                make_sqlite_world(static_cast<std::uint64_t>(seed), std::move(schema))) {}

    [[nodiscard]] file_device& operator[](const std::string& name) {
        return dynamic_cast<file_device&>(story::operator[](name));
    }
};

}  // namespace casasync_test
