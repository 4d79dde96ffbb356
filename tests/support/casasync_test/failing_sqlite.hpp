// SPDX-License-Identifier: MIT
#pragma once

/// Calls of SQLite that fail; in a program that links failing_sqlite.cpp.
#include <cstdint>

namespace casasync_test {

enum class call_kind : std::uint8_t { any, of_sqlite, of_a_file, of_a_connection };

/// From here on this thread's calls that open, prepare, step or execute count from 1, and the `at`-th does
/// nothing but fail with `code`; all after it too when `sticky`. Undoing a transaction does not count: it
/// needs nothing that could be missing. \param only  other calls neither count nor fail
void plan_calls(std::uint64_t at, bool sticky, int code, call_kind only = call_kind::any) noexcept;
struct call_report {
    std::uint64_t calls = 0;
    bool failed = false;
};
/// They work again. \returns what happened since plan_calls()
call_report repair_calls() noexcept;
/// Counts a call of something else than SQLite, unless SQLite makes it. \returns whether it is to fail
[[nodiscard]] bool next_call_fails(call_kind kind) noexcept;

}  // namespace casasync_test
