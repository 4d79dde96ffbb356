// SPDX-License-Identifier: MIT
#include "snapshot_rows.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <vector>

namespace casasync::relay {
namespace {

/// Appends `size` bytes of the body of row `n`, from `offset`, without loading the whole of it.
void append_range(database& db, std::int64_t n, std::uint64_t offset, std::uint64_t size, bytes& out) {
    sqlite3_blob* blob = nullptr;
    int rc = sqlite3_blob_open(db.handle(), "main", "snapshot_part", "body", n, 0, &blob);
    if (rc == SQLITE_OK) {
        const std::size_t at = out.size();
        out.resize(at + size);
        rc = sqlite3_blob_read(blob, &out[at], static_cast<int>(size), static_cast<int>(offset));
    }
    sqlite3_blob_close(blob);
    if (rc != SQLITE_OK) db.fail(rc);
}

/// Returns the numbers in the first column.
std::vector<std::int64_t> numbers_of(rows row) {
    std::vector<std::int64_t> out;
    while (row.next()) out.push_back(row.integer(0));
    return out;
}

constexpr const char* columns_of_vault =
    "SELECT n, id, device, pos, size, part_size, complete, manifest FROM snapshot WHERE vault = ?";

}  // namespace

snapshot_reader::snapshot_reader(database& db)
    : db_(db),
      find_(db, (std::string(columns_of_vault) + " AND id = ?").c_str()),
      latest_(
          db,
          (std::string(columns_of_vault) + " AND complete = 1 ORDER BY pos DESC, n DESC LIMIT 1").c_str()),
      part_(db, "SELECT n FROM snapshot_part WHERE snapshot = ? AND part = ?") {}

snapshot_row snapshot_reader::from(rows& row) {
    snapshot_row out;
    out.row = row.integer(0);
    out.plan = {{row.array<decltype(snapshot_id::octets)>(1)}, row.number(3), row.number(4), row.number(5)};
    out.device_row = row.integer(2);
    out.complete = row.integer(6) != 0;
    const bytes_view manifest = row.blob(7);
    out.manifest.assign(manifest.begin(), manifest.end());
    return out;
}

std::optional<snapshot_row> snapshot_reader::find(std::int64_t vault_row, snapshot_id id) {
    rows row = find_.query(vault_row, id.octets);
    return row.next() ? std::optional(from(row)) : std::nullopt;
}

std::optional<snapshot_row> snapshot_reader::latest(std::int64_t vault_row) {
    rows row = latest_.query(vault_row);
    return row.next() ? std::optional(from(row)) : std::nullopt;
}

std::optional<bytes> snapshot_reader::content(std::int64_t vault_row, snapshot_id id, std::uint64_t offset,
                                              std::uint64_t size) {
    rows held = find_.query(vault_row, id.octets);  // an open read: all below is of the same moment
    if (!held.next()) return std::nullopt;
    const snapshot_row found = from(held);
    const snapshot_plan& plan = found.plan;
    if (!found.complete || offset >= plan.size) return std::nullopt;
    size = std::min(size, plan.size - offset);
    bytes out;
    out.reserve(size);
    while (out.size() < size) {
        const std::uint64_t n = offset / plan.part_size;
        const std::uint64_t inside = offset % plan.part_size;
        const std::uint64_t piece = std::min<std::uint64_t>(size - out.size(), plan.size_of(n) - inside);
        rows part = part_.query(found.row, n);
        if (!part.next()) throw damage("a part of a complete snapshot is missing");
        append_range(db_, part.integer(0), inside, piece, out);
        offset += piece;
    }
    return out;
}

snapshot_writer::snapshot_writer(database& db)
    : read_(db),
      insert_(db,
              "INSERT INTO snapshot(vault, id, device, pos, size, part_size, complete, began, manifest) "
              "VALUES(?, ?, ?, ?, ?, ?, 0, ?, x'')"),
      pending_(db, "SELECT n FROM snapshot WHERE vault = ? AND device = ? AND complete = 0"),
      all_(db, "SELECT n FROM snapshot WHERE vault = ? AND device = ?"),
      delete_parts_(db, "DELETE FROM snapshot_part WHERE snapshot = ?"),
      delete_(db, "DELETE FROM snapshot WHERE n = ?"),
      part_digest_(db, "SELECT digest FROM snapshot_part WHERE snapshot = ? AND part = ?"),
      insert_part_(db, "INSERT INTO snapshot_part(snapshot, part, digest, body) VALUES(?, ?, ?, ?)"),
      count_parts_(db, "SELECT count(*) FROM snapshot_part WHERE snapshot = ?"),
      complete_(db, "UPDATE snapshot SET complete = 1, manifest = ? WHERE n = ?"),
      old_(db,
           "SELECT n FROM snapshot WHERE vault = ? AND complete = 1 ORDER BY pos DESC, n DESC "
           "LIMIT -1 OFFSET 2") {}

bool snapshot_writer::is_older(std::int64_t vault_row, std::uint64_t pos) {
    const auto newest = read_.latest(vault_row);
    return newest && pos < newest->plan.pos;
}

void snapshot_writer::remove(std::int64_t row) {
    delete_parts_.run(row);
    delete_.run(row);
}

void snapshot_writer::give_up(std::int64_t vault_row, std::int64_t device_row) {
    for (const std::int64_t n : numbers_of(pending_.query(vault_row, device_row))) remove(n);
}

void snapshot_writer::forget(std::int64_t vault_row, std::int64_t device_row) {
    for (const std::int64_t n : numbers_of(all_.query(vault_row, device_row))) remove(n);
}

snapshot_writer::verdict snapshot_writer::begin(std::int64_t vault_row, std::int64_t device_row,
                                                const snapshot_plan& plan, std::uint64_t now) {
    if (const auto known = read_.find(vault_row, plan.id)) {
        const snapshot_plan& old = known->plan;
        const bool same = known->device_row == device_row && !known->complete && old.pos == plan.pos &&
                          old.size == plan.size && old.part_size == plan.part_size;
        return same ? verdict::again : verdict::taken;
    }
    if (is_older(vault_row, plan.pos)) return verdict::older;
    give_up(vault_row, device_row);
    insert_.run(vault_row, plan.id.octets, device_row, plan.pos, plan.size, plan.part_size, now);
    return verdict::done;
}

snapshot_writer::verdict snapshot_writer::put(std::int64_t row, std::uint64_t part, const digest256& digest,
                                              bytes_view body) {
    {
        rows known = part_digest_.query(row, part);
        if (known.next()) return known.array<digest256>(0) == digest ? verdict::again : verdict::differs;
    }
    insert_part_.run(row, part, digest, body);
    return verdict::done;
}

snapshot_writer::verdict snapshot_writer::complete(std::int64_t vault_row, const snapshot_row& snapshot,
                                                   bytes_view manifest) {
    if (snapshot.complete)
        return std::equal(manifest.begin(), manifest.end(), snapshot.manifest.begin(),
                          snapshot.manifest.end())
                   ? verdict::again
                   : verdict::taken;
    {
        rows count = count_parts_.query(snapshot.row);
        if (!count.next() || count.number(0) != snapshot.plan.parts()) return verdict::missing;
    }
    if (is_older(vault_row, snapshot.plan.pos)) return verdict::older;
    complete_.run(manifest, snapshot.row);
    for (const std::int64_t n : numbers_of(old_.query(vault_row))) remove(n);
    return verdict::done;
}

}  // namespace casasync::relay
