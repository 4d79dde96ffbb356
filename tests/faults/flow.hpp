// SPDX-License-Identifier: MIT
#pragma once

/// The flows that are interrupted: what device `a` of a pair does, step by step, from the same beginning
/// every time.
#include "pair.hpp"

#include <functional>
#include <string>
#include <vector>

namespace casasync_test {

/// One call of the product, or one transaction of the app.
struct flow_step {
    std::string name{};
    std::function<casasync::result<void>(device_pair&)> run{};
    bool atomic = true;          ///< all of it, or nothing, is in the file afterwards
    bool can_fail_late = false;  ///< when it fails, all of it can be there: what comes last only reads
};

struct flow {
    std::string name{};
    /// Brings a fresh pair to where the flow begins. \returns what went wrong
    std::function<std::string(device_pair&)> prepare{};
    std::vector<flow_step> steps{};
    bool opens_itself = false;  ///< the steps open, make or join the vault
    bool any_journal = true;    ///< false: the flow puts the file into WAL mode itself, or WAL mode is enough
    /// What is left to do, undisturbed, before both devices can agree.
    std::function<std::string(device_pair&)> finish{};
    bool changes_relay = false;  ///< which is in the same process, and has its own memory otherwise
    const app_story* story = &text_keys();
    bool reads = false;  ///< it differs from another flow in what it reads, not in how it writes: memory can
                         ///< run out elsewhere, the disk cannot
    bool calls_alone = false;  ///< nor can memory: only calls of SQLite fail
};

[[nodiscard]] const std::vector<flow>& all_flows();

}  // namespace casasync_test
