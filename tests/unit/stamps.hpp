// SPDX-License-Identifier: MIT
// Devices and times as tests name them.
#pragma once

#include <casasync/hlc.hpp>
#include <casasync/ids.hpp>
#include <casasync/stamp.hpp>

#include <cstdint>

namespace casasync_test {

inline casasync::replica_id replica(unsigned n) {
    casasync::replica_id id;
    id.octets[0] = static_cast<std::uint8_t>(n);
    return id;
}

/// The n-th tick after the band of adopted rows, on a device.
inline casasync::stamp at(std::uint64_t n, unsigned who = 1) {
    return {casasync::hlc{casasync::band::adopt.packed + n}, replica(who)};
}

}  // namespace casasync_test
