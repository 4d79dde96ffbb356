// SPDX-License-Identifier: MIT
#pragma once

/// Small worlds of writes to one row, and every state a replica of them can be in.
#include <casasync/row.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace laws {

/// A set of writes of a world: bit i is its i-th write.
using write_set = std::uint32_t;

struct known_write {
    casasync::row_operation op{};
    write_set seen = 0;  ///< what its author had merged, its own earlier writes included
};

/// At most 32 writes; each comes after all that its author had seen.
struct world {
    casasync::table_traits table{};
    std::vector<known_write> writes{};

    /// Returns the version vector of a replica that has merged `set`.
    [[nodiscard]] casasync::version_vector vector_of(write_set set) const;
    /// Adds a write by `replica` at `hlc` ticks into the users' band.
    void add(std::uint8_t replica, std::uint64_t hlc, casasync::op_kind kind,
             std::vector<casasync::cell_write> cells, write_set seen, bool blind = false);
};

/// A replica's state: what it has merged, and the row the engine made of it.
struct state {
    write_set merged = 0;
    casasync::version_vector vector{};
    casasync::row_state row{};
};

/// Four columns, one for each thing a rule may do: lww, lww, max, min.
[[nodiscard]] casasync::table_traits four_columns(casasync::delete_policy policy);

/// Nine writers at four instants who know nothing of each other, and of the row at most that it was born: 516
/// sets of their writes are states.
[[nodiscard]] world nine_strangers(casasync::delete_policy policy);

/// Four devices that write what a person could write on them, sometimes blindly, and sometimes hear of each
/// other; the same seed, the same world.
[[nodiscard]] world four_devices(std::uint64_t seed, casasync::delete_policy policy);

/// Returns the sets of writes that a replica can have merged: with a write, all its author had seen. Smaller
/// ones first; empty when there are more than `max`.
[[nodiscard]] std::vector<write_set> reachable_sets(const world& w, std::size_t max);

/// Returns the state after merging `next` into `before`, by the engine.
[[nodiscard]] state after(const world& w, const state& before, std::size_t next);

}  // namespace laws
