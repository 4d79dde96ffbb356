// SPDX-License-Identifier: MIT
#include "audit.hpp"

#include <casasync/digest.hpp>
#include <casasync/row_codec.hpp>

#include <limits>
#include <utility>
#include <vector>

namespace casasync::sqlite {

namespace {

constexpr const char* columns =
    "SELECT id, t, k, c, value, hlc, replica, open, opened, closed, won, won_hlc, won_replica, why FROM "
    "casasync_conflict ";

/// What a row shows in a column; NULL where that is nobody's write: in a hidden row, or after it was inserted
/// anew by somebody who does not have the column.
value shown_in(const row_state& row, bool is_visible, const table_traits& table,
               const std::optional<column_no>& column) {
    const cell* const now = column && is_visible ? row.find(*column) : nullptr;
    const bool shown = now != nullptr && now->what && is_shown(row, *now, table.columns[*column].rule);
    return shown ? *now->what : value{};
}

constexpr std::size_t opened_at_once = 20, values_of_one = 12;

/// The statement that lists so many conflicts as open.
std::string insert_text(std::size_t count) {
    std::string text =
        "INSERT INTO casasync_conflict(id, t, k, c, value, hlc, replica, opened, won, won_hlc, won_replica, "
        "why, "
        "open, closed) VALUES";
    for (std::size_t i = 0; i < count; ++i)
        text += std::string(i == 0 ? "" : ", ") + "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, 0)";
    return text +
           " ON CONFLICT(id) DO UPDATE SET open = 1, closed = 0, won = excluded.won, won_hlc = "
           "excluded.won_hlc, won_replica = excluded.won_replica, why = excluded.why";
}

}  // namespace

bytes stored_value(const value& v) {
    bytes out;
    detail::writer w(out);
    detail::put_value(w, v);
    return out;
}

std::string audit_id(const table_traits& table, bytes_view key, const conflict& lost) {
    bytes all(key.begin(), key.end());
    detail::writer w(all);
    w.counted(table.name);
    w.counted(lost.column ? std::string_view(table.columns[*lost.column].name) : std::string_view{});
    w.u64(lost.loser.when.packed);
    w.raw(lost.loser.replica.octets);
    detail::put_value(w, lost.what);
    const detail::u128 hash = detail::hash128(all);
    bytes eight;
    detail::writer(eight).u64(hash.high);
    return to_hex(bytes_view(eight).first(6));
}

result<void> audit_log::create(connection& db) {
    return db.execute(
        "CREATE TABLE IF NOT EXISTS casasync_conflict(id TEXT PRIMARY KEY NOT NULL, t INTEGER NOT NULL, k "
        "BLOB NOT NULL, c INTEGER, value BLOB "
        "NOT NULL, hlc INTEGER NOT NULL, replica BLOB NOT NULL, open INTEGER NOT NULL, opened INTEGER NOT "
        "NULL, closed INTEGER NOT NULL, won BLOB NOT NULL, won_hlc INTEGER NOT NULL, won_replica BLOB NOT "
        "NULL, "
        "why INTEGER NOT NULL) STRICT;"
        "CREATE INDEX IF NOT EXISTS casasync_conflict_row ON casasync_conflict(t, k);"
        "CREATE INDEX IF NOT EXISTS casasync_conflict_open ON casasync_conflict(open) WHERE open = 1;"
        "CREATE INDEX IF NOT EXISTS casasync_conflict_closed ON casasync_conflict(closed) WHERE open = 0;");
}

result<void> audit_log::note(std::span<const merged_row> changed, unix_ms now) {
    std::vector<std::pair<const merged_row*, const conflict*>> opened;
    for (const merged_row& row : changed) {
        for (const conflict& c : row.closed)
            if (auto ok = db_->run("UPDATE casasync_conflict SET open = 0, closed = ?2 WHERE id = ?1",
                                   audit_id(tables_->find(row.table)->traits, row.key, c), now);
                !ok)
                return ok;
        for (const conflict& c : row.opened) opened.emplace_back(&row, &c);
    }
    const bool many =
        opened.size() >= opened_at_once && db_->takes_parameters(opened_at_once * values_of_one);
    const std::string of_one = opened.empty() ? "" : insert_text(1),
                      of_many = many ? insert_text(opened_at_once) : "";
    for (std::size_t i = 0; i < opened.size();) {
        const std::size_t n = many && opened.size() - i >= opened_at_once ? opened_at_once : 1;
        auto s = db_->prepare(n == 1 ? of_one : of_many);
        if (!s) return s.failure();
        int at = 0;
        const auto bind = [&](const auto&... values) { (s->bind(++at, values), ...); };
        for (const std::size_t end = i + n; i < end; ++i) {
            const merged_row& row = *opened[i].first;
            const conflict& c = *opened[i].second;
            const table_traits& table = tables_->find(row.table)->traits;
            bind(audit_id(table, row.key, c), std::int64_t{row.table}, row.key,
                 c.column ? value(std::int64_t{*c.column}) : value{}, stored_value(c.what),
                 static_cast<std::int64_t>(c.loser.when.packed), c.loser.replica.view(), now,
                 stored_value(shown_in(row.after, row.is_visible, table, c.column)),
                 static_cast<std::int64_t>(c.winner.when.packed), c.winner.replica.view(),
                 static_cast<std::int64_t>(c.why));
        }
        if (auto ok = s->run(); !ok) return ok;
    }
    return {};
}

result<audit_entry> audit_log::read_entry(statement& row) {
    audit_entry e;
    e.id = row.text(0);
    e.table = static_cast<table_no>(row.integer(1));
    const bytes_view key = row.blob(2);
    e.key.assign(key.begin(), key.end());
    const vault_table* const table = tables_->find(e.table);
    bool whole = table != nullptr;
    if (whole && !row.is_null(3)) {
        whole =
            row.integer(3) >= 0 && static_cast<std::uint64_t>(row.integer(3)) < table->traits.columns.size();
        e.lost.column = static_cast<column_no>(row.integer(3));
    }
    detail::reader r(row.blob(4));
    e.lost.what = detail::get_value(r, std::numeric_limits<std::size_t>::max());
    e.lost.loser.when = hlc{static_cast<std::uint64_t>(row.integer(5))};
    const auto replica = replica_id::from(row.blob(6)), winner = replica_id::from(row.blob(12));
    detail::reader won(row.blob(10));
    e.shown = detail::get_value(won, std::numeric_limits<std::size_t>::max());
    if (!whole || !r.done() || !won.done() || !replica || !winner)
        return error{errc::store_failed,
                     "an entry of the audit log is damaged; the rows are not touched. Restore the file from "
                     "a backup, or join it anew"};
    e.lost.loser.replica = *replica;
    e.open = row.integer(7) != 0;
    e.opened_at = row.integer(8);
    e.closed_at = row.integer(9);
    e.lost.winner = {hlc{static_cast<std::uint64_t>(row.integer(11))}, *winner};
    e.lost.why = static_cast<conflict_reason>(row.integer(13));
    return e;
}

/// Fills in what is shown now instead of a write that is open, and why.
result<void> audit_log::refresh(audit_entry& e) {
    if (!e.open) return {};
    auto row = rows_->load(e.table, e.key, true);
    if (!row) return row.failure();
    const table_traits& table = tables_->find(e.table)->traits;
    for (const conflict& c : open_conflicts(*row, table))
        if (c.column == e.lost.column && c.loser == e.lost.loser && c.what == e.lost.what) e.lost = c;
    e.shown = shown_in(*row, is_visible(*row, table.policy), table, e.lost.column);
    return {};
}

result<std::vector<audit_entry>> audit_log::entries(bool open_only) {
    std::vector<audit_entry> out;
    auto s =
        db_->prepare(columns + std::string(open_only ? "WHERE open = 1 " : "") + "ORDER BY opened DESC, id");
    if (!s) return s.failure();
    for (;;) {
        const auto row = s->step();
        if (!row) return row.failure();
        if (!*row) break;
        auto e = read_entry(*s);
        if (!e) return e.failure();
        out.push_back(std::move(*e));
    }
    for (audit_entry& e : out)
        if (auto ok = refresh(e); !ok) return ok.failure();
    return out;
}

result<std::vector<audit_entry>> audit_log::entries_of(table_no table, bytes_view key) {
    std::vector<audit_entry> out;
    auto s = db_->prepare(columns + std::string("WHERE t = ?1 AND k = ?2 ORDER BY hlc"));
    if (!s) return s.failure();
    s->bind_all(std::int64_t{table}, key);
    for (;;) {
        const auto row = s->step();
        if (!row) return row.failure();
        if (!*row) break;
        auto e = read_entry(*s);
        if (!e) return e.failure();
        out.push_back(std::move(*e));
    }
    for (audit_entry& e : out)
        if (auto ok = refresh(e); !ok) return ok.failure();
    return out;
}

result<audit_entry> audit_log::find(const std::string& id) {
    if (id.size() < 4)
        return error{errc::invalid_argument,
                     "a conflict id has at least 4 digits; `casasync conflicts` lists them"};
    auto s = db_->prepare(columns + std::string("WHERE id >= ?1 AND id < ?1 || 'g' LIMIT 2"));
    if (!s) return s.failure();
    s->bind(1, id);
    auto row = s->step();
    if (!row) return row.failure();
    if (!*row)
        return error{errc::not_found,
                     "there is no conflict " + id + " in this vault; `casasync conflicts` lists them"};
    auto e = read_entry(*s);
    if (!e) return e;
    row = s->step();
    if (!row) return row.failure();
    if (*row)
        return error{errc::invalid_argument, "several conflicts begin with " + id + "; give more digits"};
    s->reset();
    if (auto ok = refresh(*e); !ok) return ok.failure();
    return e;
}

result<std::int64_t> audit_log::count_open() {
    return db_->query_integer("SELECT count(*) FROM casasync_conflict WHERE open = 1");
}

}  // namespace casasync::sqlite
