// SPDX-License-Identifier: MIT
#include "retention_rows.hpp"

#include <algorithm>

namespace casasync::relay {
namespace {

constexpr std::uint64_t chunk_records = 10'000;
constexpr std::uint64_t day_s = std::uint64_t{24} * 3600;
constexpr std::uint64_t dormant_s = 90 * day_s;
constexpr std::uint64_t low_records = 5'000, low_bytes = std::uint64_t{8} << 20;
constexpr std::uint64_t high_records = 50'000, high_bytes = std::uint64_t{64} << 20;

}  // namespace

bool is_nearly_full(std::uint64_t bytes, std::uint64_t vault_bytes_max) noexcept {
    return bytes > vault_bytes_max / 5 * 4;
}

std::uint64_t dormant_before(std::uint64_t now) noexcept {
    return now - std::min(now, dormant_s);
}

bool is_awake(std::uint64_t last_seen, std::uint64_t now) noexcept {
    return last_seen > dormant_before(now);
}

std::string_view snapshot_wanted(const member& who, std::uint64_t vault_bytes_max) noexcept {
    const snapshot_cover& c = who.cover;
    const std::uint64_t records = who.head - std::min(who.head, std::max(c.newest, who.floor));
    if (c.newest < who.floor) return "high";  // whoever comes new would find nothing
    // While it is full: once for each sixteenth that could be gained, twice because two have to cover it.
    if (is_nearly_full(who.bytes, vault_bytes_max) &&
        (c.fresh > vault_bytes_max / 16 || c.covered < c.newest))
        return "high";
    if (records >= high_records || c.fresh >= high_bytes) return "high";
    return records >= low_records || c.fresh >= low_bytes ? "low" : "";
}

retention_writer::retention_writer(database& db)
    : vault_(db, "SELECT floor, covered, bytes FROM vault WHERE n = ?"),
      ack_(db, "SELECT ack, last_seen FROM device WHERE vault = ? AND id = ?"),
      young_(db,
             "SELECT min(pos) FROM changeset WHERE vault = ? AND pos > ? AND pos <= ? AND received_at > ?"),
      sizes_(db,
             "SELECT count(*), sum(length(body)), max(log) FILTER (WHERE pos = ?3) FROM changeset "
             "WHERE vault = ?1 AND pos > ?2 AND pos <= ?3"),
      empty_(db,
             "UPDATE changeset SET body = x'' WHERE vault = ? AND pos > ? AND pos <= ? AND "
             "pos > (SELECT ack FROM device d WHERE d.n = device AND revoked = 0)"),
      delete_(db, "DELETE FROM changeset WHERE vault = ? AND pos > ? AND pos <= ? AND body <> x''"),
      delete_empty_(db,
                    "DELETE FROM changeset WHERE vault = ? AND pos <= ? AND "
                    "(SELECT revoked = 1 OR ack >= pos FROM device d WHERE d.n = device)"),
      set_floor_(db, "UPDATE vault SET floor = ?, floor_log = ?, bytes = bytes - ? WHERE n = ?"),
      snapshots_(
          db, "SELECT pos FROM snapshot WHERE vault = ? AND complete = 1 ORDER BY pos DESC, n DESC LIMIT 2"),
      fresh_(db, "SELECT coalesce(sum(length(body)), 0) FROM changeset WHERE vault = ? AND pos > ?"),
      set_cover_(db, "UPDATE vault SET newest = ?, covered = ?, fresh = ? WHERE n = ?"),
      old_parts_(db,
                 "DELETE FROM snapshot_part WHERE snapshot IN "
                 "(SELECT n FROM snapshot WHERE complete = 0 AND began < ?)"),
      old_uploads_(db, "DELETE FROM snapshot WHERE complete = 0 AND began < ?"),
      count_old_(db, "SELECT count(*) FROM snapshot WHERE complete = 0 AND began < ?"),
      vaults_(db, "SELECT n FROM vault WHERE n > ? AND head > 0 ORDER BY n LIMIT 100") {}

std::vector<device_id> holders_of(const member_list& list) {
    std::vector<device_id> out;
    for (const auto& [id, m] : list.devices())
        if (m.active() && !m.kit) out.push_back(id);
    return out;
}

/// Returns how far all have acknowledged that were seen since a time. One that never came has nothing.
std::uint64_t retention_writer::acknowledged_by_all(std::int64_t vault_row,
                                                    const std::vector<device_id>& holders,
                                                    std::uint64_t seen_since) {
    std::uint64_t least = std::uint64_t{1} << 53;
    for (const device_id& d : holders) {
        rows row = ack_.query(vault_row, d.octets);
        if (!row.next()) return 0;
        if (row.number(1) >= seen_since) least = std::min(least, row.number(0));
    }
    return least;
}

/// Returns how far all records behind the floor came before a time.
std::uint64_t retention_writer::old_enough(std::int64_t vault_row, std::uint64_t floor, std::uint64_t to,
                                           std::uint64_t before) {
    rows row = young_.query(vault_row, floor, to, before);
    return row.next() && !row.is_null(0) ? row.number(0) - 1 : to;
}

retention_writer::report retention_writer::forget(std::int64_t vault_row,
                                                  const std::vector<device_id>& holders, const policy& how,
                                                  std::uint64_t now) {
    std::uint64_t floor = 0, covered = 0, bytes = 0;
    {
        rows row = vault_.query(vault_row);
        if (!row.next()) return {};
        floor = row.number(0), covered = row.number(1), bytes = row.number(2);
    }
    delete_empty_.run(vault_row, floor);
    const std::uint64_t seen_since =
        how.dormant_expire_s == 0 ? 0 : now - std::min(now, how.dormant_expire_s);
    const std::uint64_t most = std::min(covered, acknowledged_by_all(vault_row, holders, seen_since));
    if (most <= floor) return {};
    std::uint64_t to = std::min(most, floor + chunk_records);
    if (!is_nearly_full(bytes, how.vault_bytes_max))
        to = old_enough(vault_row, floor, to, now - std::min(now, how.keep_s));
    if (to <= floor) return {};
    report out;
    digest256 log{};
    {
        rows row = sizes_.query(vault_row, floor, to);
        if (!row.next() || row.is_null(2)) throw damage("a position of the log is missing");
        out = {row.number(0), row.number(1), to < most && to == floor + chunk_records};
        log = row.array<digest256>(2);
    }
    set_floor_.run(to, log, out.bytes, vault_row);
    empty_.run(vault_row, floor, to);
    delete_.run(vault_row, floor, to);
    return out;
}

void retention_writer::note_snapshots(std::int64_t vault_row, std::size_t holders) {
    std::vector<std::uint64_t> at;
    {
        rows row = snapshots_.query(vault_row);
        while (row.next()) at.push_back(row.number(0));
    }
    const std::uint64_t newest = at.empty() ? 0 : at.front();
    const std::uint64_t covered = holders < 2 ? newest : at.size() < 2 ? 0 : at.back();
    std::uint64_t fresh = 0;
    {
        rows row = fresh_.query(vault_row, newest);
        if (row.next()) fresh = row.number(0);
    }
    set_cover_.run(newest, covered, fresh, vault_row);
}

std::size_t retention_writer::drop_unfinished(std::uint64_t now) {
    const std::uint64_t before = now - std::min(now, day_s);
    std::size_t count = 0;
    {
        rows row = count_old_.query(before);
        if (row.next()) count = static_cast<std::size_t>(row.number(0));
    }
    if (count == 0) return 0;
    old_parts_.run(before);
    old_uploads_.run(before);
    return count;
}

std::vector<std::int64_t> retention_writer::vaults_after(std::int64_t vault_row) {
    std::vector<std::int64_t> out;
    rows row = vaults_.query(vault_row);
    while (row.next()) out.push_back(row.integer(0));
    return out;
}

}  // namespace casasync::relay
