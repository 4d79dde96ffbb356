// SPDX-License-Identifier: MIT
#pragma once

/// Makes a failing list of steps as short as it gets.
/// Source: Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002 (delta
/// debugging).
#include <algorithm>
#include <cstddef>
#include <vector>

namespace casasync_test {

/// Returns `steps` without those that `fails` does not need: no single one can be left out.
template <class Step, class Fails>
[[nodiscard]] std::vector<Step> without_needless(std::vector<Step> steps, Fails&& fails) {
    for (std::size_t chunk = std::max<std::size_t>(steps.size() / 2, 1); !steps.empty();) {
        bool shorter = false;
        for (std::size_t at = 0; at < steps.size();) {
            std::vector<Step> rest = steps;
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

}  // namespace casasync_test
