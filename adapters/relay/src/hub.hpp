// SPDX-License-Identifier: MIT
#pragma once

/// Tells those who wait that something was committed: a long poll costs an entry here, not a thread.
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <utility>

namespace casasync::relay {

/// What one may wait for: news of a vault or of a mailbox, by its id.
using topic = std::array<std::uint8_t, 16>;

class hub {
 public:
    using ticket = std::uint64_t;

    /// Calls `wake` after each notify() of `what`, until remove(). It is called under the hub's lock from any
    /// thread, so all it may do is post. Whoever waits adds itself before it looks, or it may miss a commit.
    [[nodiscard]] ticket add(const topic& what, std::function<void()> wake);
    /// The same, for who takes the place of all that wait for `what` now: they are woken once more.
    [[nodiscard]] ticket replace(const topic& what, std::function<void()> wake);
    void remove(const topic& what, ticket mine);
    void notify(const topic& what);

 private:
    [[nodiscard]] ticket add_locked(const topic& what, std::function<void()> wake);
    void notify_locked(const topic& what);

    std::mutex mutex_{};
    ticket last_ = 0;
    std::map<std::pair<topic, ticket>, std::function<void()>> waiting_{};
};

}  // namespace casasync::relay
