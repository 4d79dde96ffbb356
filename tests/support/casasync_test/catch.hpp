// SPDX-License-Identifier: MIT
#pragma once

/// Catch2, whichever major version is installed.
#if CASASYNC_CATCH_MAJOR == 2
#include <catch2/catch.hpp>
#else
#include <catch2/catch_all.hpp>
#endif
