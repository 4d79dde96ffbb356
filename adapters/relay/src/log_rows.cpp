// SPDX-License-Identifier: MIT
#include "log_rows.hpp"

#include <casasync/limits.hpp>
#include <casasync/openssl/hash.hpp>
#include <casasync/page.hpp>

#include <algorithm>

namespace casasync::relay {
namespace {

constexpr std::size_t record_head_bytes = 20;
constexpr std::size_t page_end_bytes = 52;
constexpr std::uint64_t hours_ahead_max = 25;  // a stamp 24 h ahead, rounded up to the hour

/// Several reads as of one moment.
class read_moment {
 public:
    explicit read_moment(database& db) : db_(db) { db_.execute("BEGIN"); }
    read_moment(const read_moment&) = delete;
    read_moment& operator=(const read_moment&) = delete;
    ~read_moment() {
        try {
            if (db_.in_transaction()) db_.execute("COMMIT");
        } catch (const database_error&) {
            // A read transaction has nothing to lose; the next BEGIN tells if the connection is broken.
        }
    }

 private:
    database& db_;
};

}  // namespace

log_reader::log_reader(database& db)
    : db_(db),
      find_(db,
            "SELECT v.n, d.n, d.created, d.revoked, d.ack, d.last_seen, v.generation, v.head, "
            "v.epoch, v.members, v.bytes, v.floor, v.newest, v.covered, v.fresh, v.purge_at "
            "FROM vault v JOIN device d ON d.vault = v.n WHERE v.id = ? AND d.id = ?"),
      devices_(db, "SELECT id, revoked, ack, last_seq, last_seen FROM device WHERE vault = ? ORDER BY n"),
      ends_(db, "SELECT head, floor, floor_log FROM vault WHERE n = ?"),
      log_at_(db, "SELECT log FROM changeset WHERE vault = ? AND pos = ?"),
      records_(db,
               "SELECT pos, received_at, device, digest, body FROM changeset "
               "WHERE vault = ? AND pos > ? ORDER BY pos LIMIT ?") {}

std::optional<member> log_reader::find(vault_id vault, device_id device) {
    rows row = find_.query(vault.octets, device.octets);
    if (!row.next()) return std::nullopt;
    member out;
    out.vault = vault;
    out.device = device;
    out.vault_row = row.integer(0);
    out.device_row = row.integer(1);
    out.created = row.number(2);
    out.revoked = row.integer(3) != 0;
    out.ack = row.number(4);
    out.last_seen = row.number(5);
    out.generation.octets = row.array<decltype(out.generation.octets)>(6);
    out.head = row.number(7);
    out.epoch = static_cast<std::uint32_t>(row.number(8));
    out.members = row.number(9);
    out.bytes = row.number(10);
    out.floor = row.number(11);
    out.cover = {row.number(12), row.number(13), row.number(14)};
    out.purge_at = row.number(15);
    return out;
}

std::vector<device_row> log_reader::devices(std::int64_t vault_row) {
    std::vector<device_row> out;
    rows row = devices_.query(vault_row);
    while (row.next())
        out.push_back({{row.array<decltype(device_id::octets)>(0)},
                       row.integer(1) != 0,
                       row.number(2),
                       row.number(3),
                       row.number(4)});
    return out;
}

log_reader::extent log_reader::extent_of(std::int64_t vault_row) {
    rows row = ends_.query(vault_row);
    if (!row.next()) throw damage("a vault is missing");
    return {row.number(0), row.number(1), row.array<digest256>(2)};
}

digest256 log_reader::log_at(std::int64_t vault_row, const extent& log, std::uint64_t pos) {
    if (pos == log.floor) return log.floor_log;
    rows row = log_at_.query(vault_row, pos);
    if (!row.next()) throw damage("a position of the log is missing");
    return row.array<digest256>(0);
}

page_answer log_reader::page(const member& reader, const page_query& q, std::uint64_t now) {
    const read_moment moment(db_);
    page_answer out;
    const extent ends = extent_of(reader.vault_row);
    out.head = ends.head;
    out.last = q.after;
    out.mismatch = q.after > ends.head;
    out.forgotten = q.after < ends.floor;
    if (!out.mismatch && !out.forgotten) {
        const digest256 log = log_at(reader.vault_row, ends, q.after);
        out.mismatch = !std::equal(q.log.begin(), q.log.end(), log.begin());
    }
    if (out.mismatch || out.forgotten || q.after == out.head) return out;
    append_records(out, reader.vault_row, reader.device_row, q);
    append_page_end(out.body, out.last, now, log_at(reader.vault_row, ends, out.last));
    out.more = out.last < out.head;
    return out;
}

page_answer log_reader::record(const member& reader, std::uint64_t pos, std::uint64_t now) {
    const read_moment moment(db_);
    page_answer out;
    const extent ends = extent_of(reader.vault_row);
    out.head = ends.head;
    out.forgotten = pos > 0 && pos <= ends.floor;
    if (pos == 0 || pos > ends.head || out.forgotten) return out;
    append_records(out, reader.vault_row, 0, {pos - 1, {}, 1, 0});
    append_page_end(out.body, out.last, now, log_at(reader.vault_row, ends, pos));
    out.more = pos < ends.head;
    return out;
}

void log_reader::append_records(page_answer& out, std::int64_t vault_row, std::int64_t digests_of,
                                const page_query& q) {
    rows row = records_.query(vault_row, q.after, std::uint64_t{q.records_max});
    while (row.next()) {
        const bool own = row.integer(2) == digests_of;
        const bytes_view content = row.blob(own ? 3 : 4);
        const std::size_t size = record_head_bytes + content.size();
        if (!out.body.empty() && out.body.size() + size + page_end_bytes > q.bytes_max) return;
        append_record(out.body, row.number(0), row.number(1),
                      own ? own_record_length : static_cast<std::uint32_t>(content.size()), content);
        out.last = row.number(0);
    }
}

log_writer::log_writer(database& db)
    : db_(db),
      insert_vault_(db,
                    "INSERT INTO vault(id, generation, epoch, members, head, log, bytes, created) "
                    "VALUES(?, ?, 0, 0, 0, ?, 0, ?)"),
      device_(db, "SELECT n FROM device WHERE vault = ? AND id = ?"),
      insert_device_(db,
                     "INSERT INTO device(vault, id, created, revoked, ack, last_seq, last_seen) "
                     "VALUES(?, ?, ?, 0, 0, ?, ?)"),
      revoke_(db, "UPDATE device SET revoked = 1 WHERE n = ?"),
      touch_(db, "UPDATE device SET ack = max(ack, ?), last_seen = max(last_seen, ?) WHERE n = ?"),
      device_state_(db, "SELECT revoked, last_seq FROM device WHERE n = ?"),
      vault_state_(db, "SELECT head, log, bytes, epoch FROM vault WHERE n = ?"),
      stored_(db, "SELECT pos, digest FROM changeset WHERE device = ? AND seq = ?"),
      insert_(db,
              "INSERT INTO changeset(vault, pos, device, seq, received_at, digest, log, body) "
              "VALUES(?, ?, ?, ?, ?, ?, ?, ?)"),
      set_vault_(db, "UPDATE vault SET head = ?, log = ?, fresh = fresh + ? - bytes, bytes = ? WHERE n = ?"),
      set_device_(db, "UPDATE device SET last_seq = ? WHERE n = ?") {}

std::int64_t log_writer::create(vault_id vault, generation_id generation, std::uint64_t now) {
    insert_vault_.run(vault.octets, generation.octets, digest256{}, now);
    return db_.last_row();
}

void log_writer::enter(std::int64_t vault_row, device_id device, std::uint64_t now, std::uint64_t last_seq) {
    if (!device_row(vault_row, device)) insert_device_.run(vault_row, device.octets, now, last_seq, now);
}

std::optional<std::int64_t> log_writer::device_row(std::int64_t vault_row, device_id device) {
    rows row = device_.query(vault_row, device.octets);
    return row.next() ? std::optional(row.integer(0)) : std::nullopt;
}

std::uint64_t log_writer::last_seq(std::int64_t device_row) {
    rows row = device_state_.query(device_row);
    return row.next() ? row.number(1) : 0;
}

void log_writer::revoke(std::int64_t device_row) {
    revoke_.run(device_row);
}

bool log_writer::is_revoked(std::int64_t device_row) {
    rows row = device_state_.query(device_row);
    return !row.next() || row.integer(0) != 0;
}

void log_writer::touch(std::int64_t device_row, std::uint64_t ack, std::uint64_t now) {
    touch_.run(ack, now, device_row);
}

log_writer::stored_at log_writer::stored(std::int64_t device_row, const pushed& p) {
    rows row = stored_.query(device_row, p.seq);
    if (!row.next()) return {};
    return {true, row.array<digest256>(1) == p.digest, row.number(0)};
}

log_writer::stream log_writer::stream_of(const member& from) {
    rows device = device_state_.query(from.device_row);
    rows vault = vault_state_.query(from.vault_row);
    if (!device.next() || !vault.next()) throw damage("a device or its vault is missing");
    return {device.number(1), vault.number(0), vault.array<digest256>(1), vault.number(2),
            static_cast<std::uint32_t>(vault.number(3))};
}

std::variant<push_receipts, push_refusal> log_writer::push(const member& from,
                                                           const std::vector<pushed>& envelopes,
                                                           std::uint64_t now, std::uint64_t bytes_max) {
    using reason = push_refusal::reason;
    stream s = stream_of(from);
    const std::uint64_t last_seq = s.last_seq;
    const auto refuse = [&](reason why, std::uint64_t seq) {
        return push_refusal{why, seq, last_seq, false, s.bytes, s.epoch};
    };
    push_receipts out;
    for (const pushed& p : envelopes) {
        if (p.seq <= s.last_seq) {
            const stored_at there = stored(from.device_row, p);
            if (!there.same)
                return push_refusal{reason::conflict, p.seq, last_seq, !there.known, s.bytes, s.epoch};
            out.all.push_back({p.seq, there.pos, true});
            continue;
        }
        if (p.seq != s.last_seq + 1) return refuse(reason::gap, s.last_seq + 1);
        if (p.epoch != s.epoch) return refuse(reason::stale_epoch, p.seq);
        if (p.max_hour > now / 3600 + hours_ahead_max) return refuse(reason::stamp_ahead, p.seq);
        if (s.bytes > bytes_max || p.envelope.size() > bytes_max - s.bytes)
            return refuse(reason::full, p.seq);
        s.log = advance_log(s.log, p.digest, openssl::sha256);
        insert_.run(from.vault_row, ++s.head, from.device_row, p.seq, now, p.digest, s.log, p.envelope);
        s.bytes += p.envelope.size();
        s.last_seq = p.seq;
        out.all.push_back({p.seq, s.head, false});
    }
    out.head = s.head;
    out.anything_new = s.last_seq != last_seq;
    if (out.anything_new) {
        set_vault_.run(s.head, s.log, s.bytes, s.bytes, from.vault_row);
        set_device_.run(s.last_seq, from.device_row);
    }
    return out;
}

}  // namespace casasync::relay
