// SPDX-License-Identifier: MIT
// What libFuzzer calls. A finding is not caught: the process ends, and libFuzzer writes the input down.
#include "harness.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    return casasync_fuzz::one({data, size});
}
