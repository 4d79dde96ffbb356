// SPDX-License-Identifier: MIT
#include "schema.hpp"

#include <cstdint>

namespace casasync::relay {
namespace {

constexpr std::int64_t application_id = 0x63735259;  // "csRY"
constexpr std::int64_t whole_version = 5;            // all vaults in one file
constexpr std::int64_t shard_version =
    6;  // the same and the table shard, so that an older relay leaves it alone

/// Bodies come last in their rows, so that reading what is before them does not touch their pages. `head` is
/// a counter in the row of the vault: a position is given out in the transaction that stores the changeset.
/// `floor`, and what follows it in that row, is explained in retention_rows.hpp.
constexpr const char* tables = R"sql(
CREATE TABLE vault(
  n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, generation BLOB NOT NULL, epoch INTEGER NOT NULL,
  members INTEGER NOT NULL, head INTEGER NOT NULL, log BLOB NOT NULL, bytes INTEGER NOT NULL,
  created INTEGER NOT NULL, floor INTEGER NOT NULL DEFAULT 0, floor_log BLOB NOT NULL DEFAULT (zeroblob(32)),
  newest INTEGER NOT NULL DEFAULT 0, covered INTEGER NOT NULL DEFAULT 0, fresh INTEGER NOT NULL DEFAULT 0,
  purge_at INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE INDEX vault_purge ON vault(purge_at) WHERE purge_at > 0;
CREATE TABLE deletion(
  vault INTEGER PRIMARY KEY, device BLOB NOT NULL, created INTEGER NOT NULL, nonce BLOB NOT NULL,
  signature BLOB NOT NULL) STRICT;
CREATE TABLE device(
  n INTEGER PRIMARY KEY, vault INTEGER NOT NULL, id BLOB NOT NULL, created INTEGER NOT NULL,
  revoked INTEGER NOT NULL, ack INTEGER NOT NULL, last_seq INTEGER NOT NULL, last_seen INTEGER NOT NULL,
  UNIQUE(vault, id)) STRICT;
CREATE TABLE member(
  vault INTEGER NOT NULL, n INTEGER NOT NULL, entry BLOB NOT NULL, PRIMARY KEY(vault, n)) STRICT;
CREATE TABLE attach_nonce(nonce BLOB PRIMARY KEY, expires INTEGER NOT NULL) STRICT;
CREATE TABLE changeset(
  vault INTEGER NOT NULL, pos INTEGER NOT NULL, device INTEGER NOT NULL, seq INTEGER NOT NULL,
  received_at INTEGER NOT NULL, digest BLOB NOT NULL, log BLOB NOT NULL, body BLOB NOT NULL) STRICT;
CREATE UNIQUE INDEX changeset_pos ON changeset(vault, pos);
CREATE UNIQUE INDEX changeset_seq ON changeset(device, seq);
CREATE TABLE snapshot(
  n INTEGER PRIMARY KEY, vault INTEGER NOT NULL, id BLOB NOT NULL, device INTEGER NOT NULL,
  pos INTEGER NOT NULL, size INTEGER NOT NULL, part_size INTEGER NOT NULL, complete INTEGER NOT NULL,
  began INTEGER NOT NULL, manifest BLOB NOT NULL, UNIQUE(vault, id)) STRICT;
CREATE TABLE snapshot_part(
  n INTEGER PRIMARY KEY, snapshot INTEGER NOT NULL, part INTEGER NOT NULL, digest BLOB NOT NULL,
  body BLOB NOT NULL, UNIQUE(snapshot, part)) STRICT;
CREATE TABLE pairing(
  slot INTEGER PRIMARY KEY, mailbox BLOB NOT NULL UNIQUE, token_a BLOB NOT NULL, token_b BLOB NOT NULL,
  expires INTEGER NOT NULL, burnt INTEGER NOT NULL) STRICT;
CREATE TABLE mail(
  mailbox BLOB NOT NULL, side INTEGER NOT NULL, n INTEGER NOT NULL, body BLOB NOT NULL,
  PRIMARY KEY(mailbox, side, n)) STRICT;
)sql";

/// Which of how many files this is.
constexpr const char* shard_table =
    "CREATE TABLE shard(n INTEGER PRIMARY KEY, count INTEGER NOT NULL) STRICT;";

bool is_empty(database& db) {
    prepared any(db, "SELECT 1 FROM sqlite_schema LIMIT 1");
    rows row = any.query();
    return !row.next();
}

shard_place place_of(database& db) {
    prepared place(db, "SELECT n, count FROM shard");
    rows row = place.query();
    if (!row.next()) throw damage("a shard does not say which one it is");
    return {static_cast<unsigned>(row.integer(0)), static_cast<unsigned>(row.integer(1))};
}

}  // namespace

result<shard_place> check_schema(database& db, const std::string& path) {
    const std::int64_t version = db.pragma("user_version");
    if (db.pragma("application_id") != application_id)
        return error{errc::not_a_database,
                     path +
                         " is not the database of a casasync relay. Nothing was changed; "
                         "give another data directory."};
    if (version != whole_version && version != shard_version)
        return error{errc::unknown_format_version, path + " was written by " +
                                                       (version > shard_version ? "a newer" : "an older") +
                                                       " casasync-relay (version " + std::to_string(version) +
                                                       ", this one knows " + std::to_string(whole_version) +
                                                       "). Nothing was changed; start the relay that fits."};
    return version == whole_version ? shard_place{} : place_of(db);
}

bool is_new(database& db) {
    return db.pragma("application_id") == 0 && db.pragma("user_version") == 0 && is_empty(db);
}

void make_schema(database& db, shard_place place) {
    std::string script = "PRAGMA page_size=8192; PRAGMA journal_mode=WAL; BEGIN IMMEDIATE;";
    script += tables;
    if (place.count > 1)
        script += std::string(shard_table) + "INSERT INTO shard VALUES(" + std::to_string(place.index) +
                  ", " + std::to_string(place.count) + ");";
    db.execute(script + "PRAGMA application_id=" + std::to_string(application_id) + "; PRAGMA user_version=" +
               std::to_string(place.count > 1 ? shard_version : whole_version) + "; COMMIT");
}

void configure_writer(database& db) {
    db.execute(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=OFF; "
        "PRAGMA wal_autocheckpoint=2000; PRAGMA journal_size_limit=67108864");
}

}  // namespace casasync::relay
