// SPDX-License-Identifier: MIT
#pragma once

/// One device of the simulation: a machine with a disk, a network and a clock of its own, its app and its
/// vault.
#include "app_writes.hpp"
#include "device.hpp"
#include "ledger.hpp"

#include <casasync/loopback/transport.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace simulation {

class party {
 public:
    party(std::size_t number, casasync::loopback::relay& relay, std::uint64_t seed);
    party(const party&) = delete;
    party& operator=(const party&) = delete;

    casasync_test::device machine;
    casasync::loopback::network network;
    casasync::loopback::transport way;

    const std::size_t number;
    std::int64_t clock_error = 0;  ///< milliseconds its clock is ahead
    bool joined = false;
    bool upgraded = false;
    /// Its rows, when nothing but its app can have changed them since: a power loss must not, either.
    std::optional<picture> expected{};

    /// Opens app and vault if they are not. \returns false when the vault does not open
    [[nodiscard]] casasync::result<void> open();
    /// The rows the app sees; nothing of an unhappy disk stands in the way.
    [[nodiscard]] picture rows();
    /// What somebody at this device can know. \param whole_rows  as far as it matters to one who writes or
    /// deletes whole rows; this seals
    [[nodiscard]] knowledge know(bool whole_rows);
    /// The values of rows that are parked, as if they were shown.
    void add_parked(picture& to);
    [[nodiscard]] losers open_conflicts();

 private:
    /// Adds what others wrote to columns this device's app does not have yet: it overwrites that with the
    /// row.
    void add_unknown(picture& to);
};

/// Returns a value as SQL text.
[[nodiscard]] std::string text_of(const casasync::value& v);
[[nodiscard]] row_name row_of(const std::string& table, const std::vector<casasync::value>& key);

}  // namespace simulation
