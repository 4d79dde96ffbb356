// SPDX-License-Identifier: MIT
#pragma once

/// What happens on a person's devices, in an order that a seed or a test decides.
#include "app_schema.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace casasync_test {

/// `what` is SQL that the app of `device` runs, each statement by itself, or one of
///
///     .random N       identities of rows are made from N, and those of one N are the same in each run
///     .settings SQL   of its connection, before anything else
///     .lent           the vault works on the app's connection, before anything else
///     .joins DEVICE   it becomes a device of the vault, from that one's snapshot; the first one makes it
///     .shell SQL      another program writes
///     .seal .push .pull
///     .open           casasync is started again; .restart  the app, too
///     .restore N .keep N .undelete N   of the Nth conflict or deleted row, as often as they go round
///     .wait N         milliseconds pass
///     .meet N         all send and receive, in an order that N decides; then all must agree
struct event {
    std::string device{};
    std::string what{};
};
using history = std::vector<event>;

/// Returns a history of three devices, and one that joins at the end.
[[nodiscard]] history history_of(const app_schema& app, std::uint64_t seed);

/// Reads events: one a line, `device: what`.
[[nodiscard]] history history_from(std::string_view text);

/// Lets it happen. Fails the test where devices that have met differ.
void play(const app_schema& app, const history& events);

/// Plays a history for each of 20 seeds. CASASYNC_RUNS says how many, CASASYNC_SEED names one, and
/// CASASYNC_HISTORY a file with a history; CASASYNC_SAVE is where each is written to before it is played.
void live(const app_schema& app);

}  // namespace casasync_test
