// SPDX-License-Identifier: MIT
#include "holdings.hpp"

#include <casasync/envelope.hpp>
#include <casasync/snapshot_transfer.hpp>

namespace simulation {

using namespace casasync;

holdings below(const frontier& seen) {
    holdings out;
    for (const auto& [device, last] : seen.entries())
        for (std::uint64_t seq = 1; seq <= last; ++seq) out.emplace(device, seq);
    return out;
}

holdings at_relay(loopback::relay& relay, const casasync_test::plain_cipher& keys) {
    holdings out;
    if (const auto newest = relay.latest_snapshot())
        if (const auto opened = keys.open(newest->manifest))
            if (const auto manifest = decode_manifest(*opened)) out = below(manifest->merged.seen);
    for (std::size_t i = relay.state().floor; i < relay.records().size(); ++i)
        out.emplace(relay.records()[i].device, relay.records()[i].seq);
    return out;
}

}  // namespace simulation
