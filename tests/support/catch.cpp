// SPDX-License-Identifier: MIT
// Asked for by tests without exceptions (scripts/coverage); Catch2, which is built with them, lacks it.
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
