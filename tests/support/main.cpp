// SPDX-License-Identifier: MIT
// The one place where Catch2's main is compiled.
#if CASASYNC_CATCH_MAJOR == 2
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif
