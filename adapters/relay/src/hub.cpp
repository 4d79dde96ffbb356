// SPDX-License-Identifier: MIT
#include "hub.hpp"

namespace casasync::relay {

hub::ticket hub::add(const topic& what, std::function<void()> wake) {
    const std::lock_guard lock(mutex_);
    return add_locked(what, std::move(wake));
}

hub::ticket hub::replace(const topic& what, std::function<void()> wake) {
    const std::lock_guard lock(mutex_);
    notify_locked(what);
    return add_locked(what, std::move(wake));
}

void hub::remove(const topic& what, ticket mine) {
    const std::lock_guard lock(mutex_);
    waiting_.erase({what, mine});
}

void hub::notify(const topic& what) {
    const std::lock_guard lock(mutex_);
    notify_locked(what);
}

hub::ticket hub::add_locked(const topic& what, std::function<void()> wake) {
    waiting_.emplace(std::pair(what, ++last_), std::move(wake));
    return last_;
}

void hub::notify_locked(const topic& what) {
    for (auto it = waiting_.lower_bound({what, 0}); it != waiting_.end() && it->first.first == what; ++it)
        it->second();
}

}  // namespace casasync::relay
