// SPDX-License-Identifier: MIT
#include "settings.hpp"

#include <casasync/detail/wire.hpp>
#include <casasync/limits.hpp>

namespace casasync::sqlite {

namespace {

constexpr std::uint8_t settings_format = 8;

}  // namespace

bytes encode_settings(const settings& s) {
    bytes out;
    detail::writer w(out);
    w.u8(settings_format);
    w.raw(s.vault.octets);
    w.raw(s.device.octets);
    w.raw(s.replica.octets);
    w.counted(s.device_name);
    w.u8(static_cast<std::uint8_t>((s.name_said ? 1 : 0) | (s.adopting ? 2 : 0) | (s.write_time ? 4 : 0) |
                                   (s.relay_heard ? 8 : 0) | (s.hydrated ? 16 : 0) | (s.copied ? 32 : 0) |
                                   (s.succeeded ? 64 : 0) | (s.relay_owed ? 128 : 0)));
    w.raw(s.seeds.octets);
    w.u64(s.seed_clock.packed);
    w.counted(s.relay);
    w.varint(s.last_seq);
    w.varint(s.read_back);
    w.u64(s.clock.packed);
    w.raw(s.at.generation.octets);
    w.varint(s.at.pos);
    w.raw(s.at.log);
    for (const detail::u128* d : {&s.digest, &s.open_digest, &s.base, &s.replicas}) {
        w.u64(d->high);
        w.u64(d->low);
    }
    w.signed_varint(s.relay_offset);
    w.varint(s.relay_head);
    w.signed_varint(s.last_synced_at);
    w.counted(s.last_error);
    for (const std::int64_t n :
         {s.counts.applied, s.counts.conflicts, s.counts.absorbed, s.counts.superseded})
        w.signed_varint(n);
    w.varint(s.refused);
    w.u8(static_cast<std::uint8_t>(s.history.keep));
    w.varint(s.history.days);
    w.signed_varint(s.relay_fed_at);
    if (s.succeeded) {
        w.raw(s.succeeded->from.octets);
        w.signed_varint(s.succeeded->at);
        w.varint(s.succeeded->sent_again);
    }
    w.u8(static_cast<std::uint8_t>((s.suspect ? 1 : 0) | (s.asked ? 2 : 0)));
    w.signed_varint(s.asked_at);
    if (s.suspect) {
        w.raw(s.suspect->device.octets);
        w.signed_varint(s.suspect->at);
        w.varint(s.suspect->asked);
    }
    if (s.asked) {
        w.raw(s.asked->by.octets);
        w.varint(s.asked->seq);
    }
    return out;
}

result<settings> decode_settings(bytes_view record) {
    detail::reader r(record);
    settings s;
    if (r.u8() != settings_format)
        return error{
            errc::unknown_format_version,
            "this vault was written by another version of casasync; nothing was changed. Use the same "
            "version, the newer one"};
    s.vault = r.id<vault_id>();
    s.device = r.id<device_id>();
    s.replica = r.id<replica_id>();
    s.device_name = r.counted_text(limits::name_bytes_max);
    const std::uint8_t flags = r.u8();
    s.name_said = (flags & 1) != 0;
    s.adopting = (flags & 2) != 0;
    s.write_time = (flags & 4) != 0;
    s.relay_heard = (flags & 8) != 0;
    s.hydrated = (flags & 16) != 0;
    s.copied = (flags & 32) != 0;
    s.relay_owed = (flags & 128) != 0;
    s.seeds = r.id<replica_id>();
    s.seed_clock = hlc{r.u64()};
    s.relay = r.counted_text(2048);
    s.last_seq = r.varint();
    s.read_back = r.varint();
    s.clock = hlc{r.u64()};
    s.at.generation = r.id<generation_id>();
    s.at.pos = r.varint();
    const bytes_view log = r.raw(32);
    if (r.ok()) std::copy(log.begin(), log.end(), s.at.log.begin());
    for (detail::u128* d : {&s.digest, &s.open_digest, &s.base, &s.replicas}) {
        d->high = r.u64();
        d->low = r.u64();
    }
    s.relay_offset = r.signed_varint();
    s.relay_head = r.varint();
    s.last_synced_at = r.signed_varint();
    s.last_error = r.counted_text(std::size_t{1} << 16);
    for (std::int64_t* n : {&s.counts.applied, &s.counts.conflicts, &s.counts.absorbed, &s.counts.superseded})
        *n = r.signed_varint();
    s.refused = r.varint();
    s.history.keep = r.u8() == 1 ? history_kept::all : history_kept::conflicts;
    s.history.days = static_cast<std::uint32_t>(r.varint());
    s.relay_fed_at = r.signed_varint();
    if ((flags & 64) != 0) {
        succession_info& was = s.succeeded.emplace();
        was.from = r.id<device_id>();
        was.at = r.signed_varint();
        was.sent_again = static_cast<std::size_t>(r.varint());
    }
    const std::uint8_t more = r.u8();
    s.asked_at = r.signed_varint();
    if ((more & 1) != 0) {
        suspicion& why = s.suspect.emplace();
        why.device = r.id<device_id>();
        why.at = r.signed_varint();
        why.asked = r.varint();
    }
    if ((more & 2) != 0) {
        snapshot_ask& ask = s.asked.emplace();
        ask.by = r.id<device_id>();
        ask.seq = r.varint();
    }
    if (!r.done())
        return error{errc::store_failed,
                     "casasync's own record in this file is damaged; the rows are not touched. Restore the "
                     "file from a backup, or join it anew"};
    return s;
}

result<void> create_settings(connection& db, const settings& s) {
    if (auto ok = db.execute(
            "CREATE TABLE casasync_meta(one INTEGER PRIMARY KEY CHECK(one = 1), s BLOB NOT NULL) STRICT");
        !ok)
        return ok;
    return db.run("INSERT INTO casasync_meta(one, s) VALUES(1, ?1)", encode_settings(s));
}

result<bytes> read_record(connection& db) {
    auto found = db.query_value("SELECT s FROM main.casasync_meta");
    if (!found) {  // maybe there is no such table
        const auto there =
            db.query_integer("SELECT count(*) FROM main.sqlite_schema WHERE name = 'casasync_meta'");
        if (!there) return there.failure();
        if (*there > 0) return found.failure();
    }
    if (!found || !*found || (**found).kind() != value_kind::blob)
        return error{errc::not_a_vault,
                     "this database is not a casasync vault; nothing was changed. Make it one with `casasync "
                     "init`, or `casasync join` a vault"};
    return (**found).blob();
}

result<void> write_record(connection& db, bytes_view record) {
    return db.run("UPDATE casasync_meta SET s = ?1 WHERE one = 1", record);
}

}  // namespace casasync::sqlite
