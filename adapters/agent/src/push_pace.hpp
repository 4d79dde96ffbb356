// SPDX-License-Identifier: MIT
#pragma once

/// When what was written here goes out: soon after the last of several writes, or, where the relay is not to
/// see when a person types, with what else was written until the next of ticks that do not depend on it.
#include <chrono>
#include <optional>

namespace casasync::agent {

class push_pace {
 public:
    using clock = std::chrono::steady_clock;
    struct options {
        std::chrono::milliseconds debounce{}, debounce_most{};
        std::chrono::milliseconds batch{};  ///< between two ticks; 0: none
    };

    push_pace(options how, clock::time_point start) : how_(how), start_(start) {}

    /// Something was written by now.
    void wrote(clock::time_point now) {
        last_ = now;
        if (!first_) first_ = now;
    }
    /// Tells whether to send it now.
    [[nodiscard]] bool due(clock::time_point now) const {
        if (!first_) return false;
        if (how_.batch.count() > 0) return now >= tick_after(*first_);
        return now - last_ >= how_.debounce || now - *first_ >= how_.debounce_most;
    }
    /// What was written so far is sent.
    void sent() { first_.reset(); }

 private:
    [[nodiscard]] clock::time_point tick_after(clock::time_point at) const {
        return start_ + ((at - start_) / how_.batch + 1) * how_.batch;
    }

    options how_;
    clock::time_point start_;
    std::optional<clock::time_point> first_{};
    clock::time_point last_{};
};

}  // namespace casasync::agent
