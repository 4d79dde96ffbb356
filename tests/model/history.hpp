// SPDX-License-Identifier: MIT
#pragma once

/// Two devices that each write a few times, and everything that may differ between two such histories.
#include "reference.hpp"
#include "replica.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace interleaving {

inline constexpr std::size_t devices = 2;
inline constexpr std::size_t writes_max = 3;  ///< of one device

/// How the clocks of the two devices stand to each other, write by write.
enum class clocks : std::uint8_t { equal, half_a_step_apart, far_apart };
inline constexpr std::size_t clock_relations = 3;

/// For each device and each of its writes: how many of the other's writes it had merged when it wrote.
using knowledge = std::array<std::array<std::uint8_t, writes_max>, devices>;

/// The table, and how it begins.
struct setting {
    casasync::table_traits table{};
    bool row_there = false;  ///< both devices begin with the row, or the table is empty
};

struct plan {
    std::size_t writes = 0;  ///< of each device
    std::array<std::array<kind, writes_max>, devices> does{};
    clocks time = clocks::equal;
    knowledge knows{};

    [[nodiscard]] std::string text() const;
};

/// Sets of writes: bit d * writes + i is the i-th of device d.
using write_set = std::uint32_t;

/// What came of a plan.
struct history {
    history(const setting& where, const plan& what);

    replica beginning;               ///< knows what there was before the writes, and can be a third device
    std::vector<sealed> writes{};    ///< by number, as in a write_set
    std::vector<write_set> seen{};   ///< what the author of each had merged, but for the other's empty ones
    std::vector<replica> authors{};  ///< as they were after their last write
    std::array<reference::history, keys> told{};  ///< every operation, by key; changeset 0 is the beginning

    /// Returns the operations on a key that a device which merged `merged` has.
    [[nodiscard]] reference::history told_of(std::size_t key, write_set merged) const;

 private:
    void write(std::size_t device, std::size_t n, const plan& what);
    void tell(const sealed& s, std::size_t changeset, const reference::changeset_set& seen);
};

/// Returns every knowledge that two devices of `writes` writes can have.
[[nodiscard]] std::vector<knowledge> all_knowledge(std::size_t writes);

}  // namespace interleaving
