// SPDX-License-Identifier: MIT
#pragma once

/// Makes a failing list of steps as short as it gets, and its numbers as small.
#include "script.hpp"

#include <casasync_test/delta_debugging.hpp>

#include <vector>

namespace property {

/// Returns the shortest list found that still fails, its numbers as small as they can be one by one.
template <class Fails>
[[nodiscard]] std::vector<step> shrink(std::vector<step> steps, Fails&& fails) {
    using casasync_test::without_needless;
    steps = without_needless(std::move(steps), fails);
    for (std::size_t i = 0; i < steps.size(); ++i)
        for (std::uint8_t step::*number : {&step::device, &step::other, &step::key, &step::a, &step::b})
            for (std::uint8_t smaller = 0; smaller < steps[i].*number; ++smaller) {
                std::vector<step> simpler = steps;
                simpler[i].*number = smaller;
                if (!fails(simpler)) continue;
                steps = std::move(simpler);
                break;
            }
    return without_needless(std::move(steps), fails);
}

}  // namespace property
