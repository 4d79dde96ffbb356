// SPDX-License-Identifier: MIT
#pragma once

/// How many tries of pairing codes the relay takes from all addresses together. Each address has a limit of
/// its own before that; this one is for many addresses that try at once.
#include "core.hpp"
#include "exchange.hpp"

namespace casasync::relay {

/// Counts a try. Returns in how many seconds this address may try: 0, but where there are too many and it has
/// failed within the hour. So those who guess wait first, and cannot stop the pairing of others.
[[nodiscard]] unsigned crowd_wait_s(core& shared, const peer& from);

/// Notes that an address tried a code that is none, or that another had tried.
void note_failed_claim(core& shared, const peer& from);

}  // namespace casasync::relay
