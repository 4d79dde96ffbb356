// SPDX-License-Identifier: MIT
#include "deletion_rows.hpp"

namespace casasync::relay {

deletion_reader::deletion_reader(database& db)
    : find_(db,
            "SELECT d.device, d.created, d.nonce, d.signature, v.purge_at FROM deletion d "
            "JOIN vault v ON v.n = d.vault WHERE d.vault = ?") {}

std::optional<stored_deletion> deletion_reader::find(std::int64_t vault_row) {
    rows row = find_.query(vault_row);
    if (!row.next()) return std::nullopt;
    stored_deletion out;
    out.word.device.octets = row.array<decltype(device_id::octets)>(0);
    out.word.created = row.number(1);
    out.word.nonce = row.array<decltype(out.word.nonce)>(2);
    out.word.signature = row.array<signature512>(3);
    out.purge_at = row.number(4);
    return out;
}

deletion_writer::deletion_writer(database& db)
    : insert_(db, "INSERT INTO deletion(vault, device, created, nonce, signature) VALUES(?, ?, ?, ?, ?)"),
      mark_(db, "UPDATE vault SET purge_at = ? WHERE n = ?"),
      forget_(db, "DELETE FROM deletion WHERE vault = ?"),
      due_(db,
           "SELECT n FROM vault v WHERE purge_at BETWEEN 1 AND ? AND (bytes > 0 OR head > floor OR "
           "EXISTS(SELECT 1 FROM snapshot s WHERE s.vault = v.n)) LIMIT 1"),
      next_record_(db, "SELECT 1 FROM changeset WHERE vault = ? LIMIT 1"),
      next_part_(
          db, "SELECT 1 FROM snapshot_part p JOIN snapshot s ON s.n = p.snapshot WHERE s.vault = ? LIMIT 1"),
      delete_records_(db,
                      "DELETE FROM changeset WHERE rowid IN "
                      "(SELECT rowid FROM changeset WHERE vault = ? LIMIT 1000)"),
      delete_parts_(db,
                    "DELETE FROM snapshot_part WHERE n IN (SELECT p.n FROM snapshot_part p "
                    "JOIN snapshot s ON s.n = p.snapshot WHERE s.vault = ? LIMIT 8)"),
      delete_snapshots_(db, "DELETE FROM snapshot WHERE vault = ?"),
      set_empty_(
          db,
          "UPDATE vault SET floor = head, floor_log = log, bytes = 0, newest = 0, covered = 0, fresh = 0 "
          "WHERE n = ?") {}

void deletion_writer::store(std::int64_t vault_row, const stored_deletion& d) {
    insert_.run(vault_row, d.word.device.octets, d.word.created, d.word.nonce, d.word.signature);
    mark_.run(d.purge_at, vault_row);
}

void deletion_writer::undo(std::int64_t vault_row) {
    forget_.run(vault_row);
    mark_.run(0U, vault_row);
}

bool deletion_writer::purge_some(std::uint64_t now) {
    std::int64_t vault_row = 0;
    {
        rows row = due_.query(now);
        if (!row.next()) return false;
        vault_row = row.integer(0);
    }
    const auto any = [&](prepared& p) {
        rows row = p.query(vault_row);
        return row.next();
    };
    if (any(next_record_)) return delete_records_.run(vault_row), true;
    if (any(next_part_)) return delete_parts_.run(vault_row), true;
    delete_snapshots_.run(vault_row);
    set_empty_.run(vault_row);
    return true;
}

}  // namespace casasync::relay
