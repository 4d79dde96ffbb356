// SPDX-License-Identifier: MIT
#pragma once

/// Memory that runs out: SQLite's, and what `new` gives; in a program that links memory.cpp.
#include <cstdint>

namespace casasync_test {

enum class heap : std::uint8_t { of_sqlite, of_new };

/// Takes SQLite's memory over. Before anything else uses SQLite.
void install_heap();
/// From here on allocations of a heap count from 1, and the `at`-th fails; all after it too when `sticky`.
void plan_allocations(heap which, std::uint64_t at, bool sticky) noexcept;
/// While one lives, allocations do not count and do not fail: somebody else's memory.
class others_memory {
 public:
    others_memory() noexcept;
    others_memory(const others_memory&) = delete;
    others_memory& operator=(const others_memory&) = delete;
    ~others_memory();
};
struct heap_report {
    std::uint64_t calls = 0;
    bool failed = false;
};
/// Memory is there again. \returns what happened since plan_allocations()
heap_report repair_heap() noexcept;

/// Pieces that SQLite took and those that `new` gave, and nobody gave back.
struct heap_use {
    std::int64_t of_sqlite = 0, of_new = 0;
};
[[nodiscard]] heap_use memory_held() noexcept;

}  // namespace casasync_test
