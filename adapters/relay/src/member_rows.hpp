// SPDX-License-Identifier: MIT
#pragma once

/// The lists of vaults' devices, as rows, and the nonces of those who attached: docs/WIRE.md, "Members".
#include "database.hpp"

#include <casasync/members.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace casasync::relay {

class member_reader {
 public:
    explicit member_reader(database& db);

    [[nodiscard]] std::optional<std::int64_t> vault_row(vault_id vault);
    /// Returns the entries from `after` on.
    [[nodiscard]] std::vector<bytes> entries(std::int64_t vault_row, std::uint64_t after);
    /// Returns the whole list. What is stored was verified; it is not verified again.
    [[nodiscard]] member_list list(std::int64_t vault_row);

 private:
    prepared vault_, entries_;
};

class member_writer {
 public:
    explicit member_writer(database& db);

    /// Stores the entry that `list` ends with.
    void store(std::int64_t vault_row, const member_list& list);

    using nonce = std::array<std::uint8_t, 16>;
    /// Notes that a nonce was used, for `seconds`. False: it was used before.
    [[nodiscard]] bool use(const nonce& once, std::uint64_t now, std::uint64_t seconds);

    /// Notes that a recovery kit came now, and may take another one's place after kit_wait_s.
    void note_kit(device_id kit, std::uint64_t now);
    /// Returns when a kit that came here may take another one's place, unix seconds; 0: it may.
    [[nodiscard]] std::uint64_t kit_waits_until(device_id kit, std::uint64_t now);

 private:
    prepared insert_, set_vault_, forget_, use_, known_, note_kit_;
};

}  // namespace casasync::relay
