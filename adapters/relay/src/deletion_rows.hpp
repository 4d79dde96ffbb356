// SPDX-License-Identifier: MIT
#pragma once

/// Vaults that a device had deleted, as rows. A deleted vault keeps its row, its list of devices and who
/// deleted it, so that a device that was away hears of it however late; what it holds goes after 30 days.
#include "database.hpp"

#include <casasync/openssl/vault_deletion.hpp>

#include <cstdint>
#include <optional>

namespace casasync::relay {

struct stored_deletion {
    openssl::vault_deletion word{};
    std::uint64_t purge_at = 0;  ///< unix seconds
};

class deletion_reader {
 public:
    explicit deletion_reader(database& db);

    [[nodiscard]] std::optional<stored_deletion> find(std::int64_t vault_row);

 private:
    prepared find_;
};

class deletion_writer {
 public:
    explicit deletion_writer(database& db);

    void store(std::int64_t vault_row, const stored_deletion& d);
    void undo(std::int64_t vault_row);

    /// Removes some of what a vault holds whose time is over. False: there is none.
    [[nodiscard]] bool purge_some(std::uint64_t now);

 private:
    prepared insert_, mark_, forget_, due_, next_record_, next_part_;
    prepared delete_records_, delete_parts_, delete_snapshots_, set_empty_;
};

}  // namespace casasync::relay
