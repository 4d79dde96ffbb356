// SPDX-License-Identifier: MIT
#include <casasync/casasync.hpp>

int main() {
    const auto earlier = casasync::hlc::at(1'750'000'000'000);
    const auto later = casasync::tick(earlier, earlier.ms());
    return later > earlier ? 0 : 1;
}
