// SPDX-License-Identifier: MIT
#pragma once

/// Causal delivery: when a received changeset may be merged. What may not yet stays stored and blocks nobody
/// else.
#include <casasync/causality.hpp>
#include <casasync/codec.hpp>
#include <casasync/environment.hpp>
#include <casasync/limits.hpp>

#include <cstdint>

namespace casasync {

enum class admission : std::uint8_t {
    ready,      ///< merge it now
    duplicate,  ///< merged before: drop it
    waiting,    ///< earlier changesets of its author, or others its author had merged, are missing here
    held,       ///< its clock is too far ahead; it is released by time alone
};

/// Returns whether a changeset may be merged by a replica that has merged `merged`.
///
/// \param  now  relay time, or the own time when that is unknown; exactly drift_ms_max ahead is accepted
/// \cost   O(context), no allocation. Thread-safe: pure.
[[nodiscard]] inline admission admit(const changeset_head& head, const causal_context& merged,
                                     unix_ms now) noexcept {
    const std::uint64_t last = merged.seen.of(head.device);
    if (head.seq <= last) return admission::duplicate;
    if (head.greatest.ms() - now > limits::drift_ms_max) return admission::held;
    if (head.seq != last + 1) return admission::waiting;
    return merged.vector.covers(head.context.vector) ? admission::ready : admission::waiting;
}

}  // namespace casasync
