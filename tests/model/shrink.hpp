// SPDX-License-Identifier: MIT
#pragma once

/// Makes a failing list of steps as short as it gets.
/// Source: Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002 (delta
/// debugging).
#include "script.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace property {

/// Returns `steps` without those that `fails` does not need: no single one can be left out.
template <class Fails>
[[nodiscard]] std::vector<step> without_needless(std::vector<step> steps, Fails&& fails) {
    for (std::size_t chunk = std::max<std::size_t>(steps.size() / 2, 1); !steps.empty();) {
        bool shorter = false;
        for (std::size_t at = 0; at < steps.size();) {
            std::vector<step> rest = steps;
            const auto first = rest.begin() + static_cast<std::ptrdiff_t>(at);
            rest.erase(first, first + static_cast<std::ptrdiff_t>(std::min(chunk, steps.size() - at)));
            if (fails(rest)) {
                steps = std::move(rest);
                shorter = true;
            } else {
                at += chunk;
            }
        }
        if (chunk == 1 && !shorter) break;
        chunk = std::max<std::size_t>(std::min(chunk / 2, steps.size()), 1);
    }
    return steps;
}

/// Returns the shortest list found that still fails, its numbers as small as they can be one by one.
template <class Fails>
[[nodiscard]] std::vector<step> shrink(std::vector<step> steps, Fails&& fails) {
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
