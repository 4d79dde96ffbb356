// SPDX-License-Identifier: MIT
#pragma once

/// Changesets that are wrong in a well-formed way: what bytes choose is done to an operation, a column, a
/// table or the context, never to the encoding.
#include "harness.hpp"

#include <casasync/changeset.hpp>

#include <cstdint>

namespace casasync_fuzz {

/// Returns a sample changeset as if `device` had made it, under replicas of its own, after up to 15 changes
/// that `in` chooses. It is well formed: it encodes, and decodes to itself.
[[nodiscard]] casasync::changeset mutated(source& in, std::uint8_t device);

}  // namespace casasync_fuzz
