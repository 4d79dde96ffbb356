// SPDX-License-Identifier: MIT
// Tests that are built without exceptions (scripts/coverage) ask for this; Catch2's library, which is built with them, lacks it.
#include <cstdio>
#include <cstdlib>
#include <exception>

namespace Catch {

[[noreturn]] void throw_exception(const std::exception& e);

void throw_exception(const std::exception& e) {
    std::fprintf(stderr, "Catch2: %s\n", e.what());
    std::abort();
}

}  // namespace Catch
