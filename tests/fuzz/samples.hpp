// SPDX-License-Identifier: MIT
#pragma once

/// Changesets of varied content: what mutations begin with, and what every truncation and bit flip is tried
/// on.
#include <casasync/changeset.hpp>

#include <cstddef>
#include <vector>

namespace casasync_fuzz {

/// Returns well-formed changesets of device 1, each seq 1, stamped within a second after `band::adopt`. The
/// first nine are of one table, "txn", with columns amount, note, rate, high (max) and low (min).
[[nodiscard]] const std::vector<casasync::changeset>& sample_changesets();

}  // namespace casasync_fuzz
