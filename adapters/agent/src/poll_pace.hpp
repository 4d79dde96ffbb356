// SPDX-License-Identifier: MIT
#pragma once

/// Keeps long polls, and live channels, apart that are answered at once and with nothing: by a relay, or
/// something on the way, that does not let them wait, or refuses every other one. Otherwise asking again
/// would be asking without end.
#include <casasync/backoff.hpp>
#include <casasync/environment.hpp>

#include <chrono>
#include <cstdint>

namespace casasync::agent {

class poll_pace {
 public:
    /// A poll is sent now.
    void begin() { asked_ = clock::now(); }

    /// Returns how long to wait before the next one. \param news  the answer had something
    template <random_source Random>
    [[nodiscard]] std::chrono::milliseconds after_answer(bool news, Random& random) {
        if (news || clock::now() - asked_ >= waited_enough) {
            pauses_.reset();
            return {};
        }
        return after_failure(random, 0);
    }
    /// Returns how long to wait before a channel that ended is opened again: never at once, for all who had
    /// one come back. \param at_least_s  what the relay asked for
    template <random_source Random>
    [[nodiscard]] std::chrono::milliseconds after_channel(Random& random, std::uint32_t at_least_s) {
        if (clock::now() - asked_ >= lived_enough) pauses_.reset();
        return after_failure(random, at_least_s);
    }
    /// \param at_least_s  what the relay asked for
    template <random_source Random>
    [[nodiscard]] std::chrono::milliseconds after_failure(Random& random, std::uint32_t at_least_s) {
        return std::chrono::milliseconds(pauses_.next(random, std::int64_t{at_least_s} * 1000));
    }

 private:
    using clock = std::chrono::steady_clock;
    static constexpr std::chrono::seconds waited_enough{1};
    static constexpr std::chrono::seconds lived_enough{30};

    clock::time_point asked_{};
    backoff pauses_{};
};

}  // namespace casasync::agent
