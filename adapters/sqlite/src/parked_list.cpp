// SPDX-License-Identifier: MIT
#include "parked_list.hpp"

namespace casasync::sqlite {
namespace {

parked_row read_row(const statement& s) {
    const bytes_view key = s.blob(1);
    return {static_cast<table_no>(s.integer(0)), bytes(key.begin(), key.end()), std::string(s.text(2)),
            std::string(s.text(3))};
}

result<std::vector<parked_row>> read_rows(statement& s) {
    std::vector<parked_row> out;
    while (true) {
        const auto row = s.step();
        if (!row) return row.failure();
        if (!*row) return out;
        out.push_back(read_row(s));
    }
}

}  // namespace

result<void> parked_list::create(connection& db) {
    return db.execute(
        "CREATE TABLE IF NOT EXISTS casasync_parked(t INTEGER NOT NULL, k BLOB NOT NULL, reason TEXT NOT "
        "NULL, detail TEXT NOT NULL, since INTEGER NOT NULL, PRIMARY KEY(t, k)) WITHOUT ROWID, STRICT");
}

result<bool> parked_list::any() {
    const auto found = db_->query_integer("SELECT EXISTS(SELECT 1 FROM casasync_parked)");
    if (!found) return found.failure();
    return *found != 0;
}

result<bool> parked_list::any(table_no table) {
    const auto found =
        db_->query_integer("SELECT EXISTS(SELECT 1 FROM casasync_parked WHERE t = ?1)", std::int64_t{table});
    if (!found) return found.failure();
    return *found != 0;
}

result<std::optional<parked_row>> parked_list::find(table_no table, bytes_view key) {
    auto s = db_->prepare("SELECT t, k, reason, detail FROM casasync_parked WHERE t = ?1 AND k = ?2");
    if (!s) return s.failure();
    const auto row = s->bind_all(std::int64_t{table}, key).step();
    if (!row) return row.failure();
    return *row ? std::optional(read_row(*s)) : std::nullopt;
}

result<std::vector<parked_row>> parked_list::all() {
    auto s = db_->prepare("SELECT t, k, reason, detail FROM casasync_parked ORDER BY t, k");
    if (!s) return s.failure();
    return read_rows(*s);
}

result<std::vector<parked_row>> parked_list::of(table_no table) {
    auto s = db_->prepare("SELECT t, k, reason, detail FROM casasync_parked WHERE t = ?1 ORDER BY k");
    if (!s) return s.failure();
    return read_rows(s->bind(1, std::int64_t{table}));
}

result<void> parked_list::put(const parked_row& row, unix_ms now) {
    return db_->run(
        "INSERT INTO casasync_parked(t, k, reason, detail, since) VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT DO "
        "UPDATE SET since = iif(reason = excluded.reason, since, excluded.since), reason = excluded.reason, "
        "detail = excluded.detail",
        std::int64_t{row.table}, row.key, row.reason, row.detail, std::int64_t{now});
}

result<void> parked_list::remove(table_no table, bytes_view key) {
    return db_->run("DELETE FROM casasync_parked WHERE t = ?1 AND k = ?2", std::int64_t{table}, key);
}

}  // namespace casasync::sqlite
