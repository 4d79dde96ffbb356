// SPDX-License-Identifier: MIT
#include "history.hpp"

#include "audit.hpp"

#include <casasync/row_codec.hpp>

#include <limits>

namespace casasync::sqlite {

namespace {

constexpr unix_ms day_ms = 86'400'000;

}  // namespace

result<void> history_log::create(connection& db) {
    return db.execute(
        "CREATE TABLE IF NOT EXISTS casasync_history(id INTEGER PRIMARY KEY, t INTEGER NOT NULL, k BLOB NOT "
        "NULL, c INTEGER, kind INTEGER NOT NULL, value BLOB NOT NULL, hlc INTEGER NOT NULL, replica BLOB NOT "
        "NULL, at INTEGER NOT NULL) STRICT;"
        "CREATE INDEX IF NOT EXISTS casasync_history_row ON casasync_history(t, k);"
        "CREATE INDEX IF NOT EXISTS casasync_history_at ON casasync_history(at);");
}

result<void> history_log::keep_operation(const resolved_table& table, const row_change& change, unix_ms now) {
    const row_operation& op = change.op;
    const auto put = [&](const value& column, const value& what) {
        return db_->run(
            "INSERT INTO casasync_history(t, k, c, kind, value, hlc, replica, at) VALUES(?1, ?2, ?3, ?4, ?5, "
            "?6, ?7, ?8)",
            std::int64_t{table.table}, change.key, column, static_cast<std::int64_t>(op.kind),
            stored_value(what), static_cast<std::int64_t>(op.when.when.packed), op.when.replica.view(), now);
    };
    if (op.cells.empty()) return put(value{}, value{});
    for (const cell_write& w : op.cells)
        if (auto ok = put(value(std::int64_t{table.columns[w.column]}), w.what); !ok) return ok;
    return {};
}

result<void> history_log::keep(const changeset& c, unix_ms now) {
    for (const table_changes& changes : c.tables) {
        auto table = tables_->resolve(*db_, changes.table);
        if (!table) return table.failure();
        for (const row_change& change : changes.rows)
            if (auto ok = keep_operation(*table, change, now); !ok) return ok;
    }
    return {};
}

result<std::vector<history_entry>> history_log::entries(std::optional<table_no> table, bytes_view key,
                                                        unix_ms since) {
    std::string sql = "SELECT t, k, c, kind, value, hlc, replica, at FROM casasync_history WHERE at >= ?1";
    if (table) sql += " AND t = ?2";
    if (table && !key.empty()) sql += " AND k = ?3";
    auto s = db_->prepare(sql + " ORDER BY hlc, replica, id");
    if (!s) return s.failure();
    s->bind(1, since);
    if (table) s->bind(2, std::int64_t{*table});
    if (table && !key.empty()) s->bind(3, key);
    std::vector<history_entry> out;
    for (;;) {
        const auto row = s->step();
        if (!row) return row.failure();
        if (!*row) return out;
        history_entry& e = out.emplace_back();
        e.table = static_cast<table_no>(s->integer(0));
        e.key.assign(s->blob(1).begin(), s->blob(1).end());
        if (!s->is_null(2)) e.column = static_cast<column_no>(s->integer(2));
        e.kind = static_cast<op_kind>(s->integer(3));
        detail::reader r(s->blob(4));
        e.what = detail::get_value(r, std::numeric_limits<std::size_t>::max());
        e.when.when = hlc{static_cast<std::uint64_t>(s->integer(5))};
        const auto replica = replica_id::from(s->blob(6));
        if (replica) e.when.replica = *replica;
        e.merged_at = s->integer(7);
        const vault_table* const known = tables_->find(e.table);
        if (!r.done() || !replica || known == nullptr ||
            (e.column && *e.column >= known->traits.columns.size()))
            return error{
                errc::store_failed,
                "an entry of the history is damaged; the rows are not touched. Restore the file from "
                "a backup, or join it anew"};
    }
}

result<std::int64_t> history_log::count() {
    return db_->query_integer("SELECT count(*) FROM casasync_history");
}

result<std::int64_t> history_log::prune(const history_policy& policy, unix_ms now) {
    const unix_ms oldest = policy.days > 0 ? now - std::int64_t{policy.days} * day_ms : 0;
    const bool none = policy.keep == history_kept::conflicts;
    std::int64_t dropped = 0;
    if (none || policy.days > 0) {
        if (auto ok = db_->run("DELETE FROM casasync_history WHERE id IN (SELECT id FROM casasync_history "
                               "WHERE at < ?1 ORDER BY at LIMIT ?2)",
                               none ? std::numeric_limits<std::int64_t>::max() : oldest, pruned_at_once);
            !ok)
            return ok.failure();
        dropped += db_->changes();
    }
    if (policy.days > 0) {
        if (auto ok = db_->run("DELETE FROM casasync_conflict WHERE id IN (SELECT id FROM casasync_conflict "
                               "WHERE open = 0 AND closed < ?1 ORDER BY closed LIMIT ?2)",
                               oldest, pruned_at_once);
            !ok)
            return ok.failure();
        dropped += db_->changes();
    }
    return dropped;
}

}  // namespace casasync::sqlite
