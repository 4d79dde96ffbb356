// SPDX-License-Identifier: MIT
// Compiled with -fno-exceptions -fno-rtti: the whole core needs neither.
#include <casasync/casasync.hpp>
