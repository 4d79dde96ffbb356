// SPDX-License-Identifier: MIT
/// What was written while the clock was far ahead gets times that others take, once the clock is right.
///
/// Nobody else has these writes, so their stamps are replaced wherever this file has them: in changesets that
/// are sealed anew under the same numbers, in registers, in the audit log. What is shown stays as it is:
/// the order of stamps does.
#include "unsent.hpp"
#include "vault_state.hpp"

#include <casasync/codec.hpp>
#include <casasync/restamp.hpp>

#include <algorithm>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace casasync::sqlite {

namespace {

/// Changesets that nobody else has, from the first with a stamp that is far ahead.
struct early_changesets {
    std::vector<changeset> all{};
    hlc was{};  ///< the stamps of their replica that others may have
};

result<early_changesets> read_early(connection& db, unix_ms now) {
    const auto waiting = read_unsent(db);
    if (!waiting) return waiting.failure();
    early_changesets out;
    for (const unsent& u : *waiting) {
        auto c = decode(u.payload);
        if (!c) return c.failure();
        if (out.all.empty() && !is_far_ahead(greatest_stamp(*c).when, now)) continue;
        if (out.all.empty()) out.was = u.was;
        c->state.reset();  // that of other stamps
        out.all.push_back(std::move(*c));
    }
    return out;
}

/// Returns the greatest of the merged stamps that stay.
hlc greatest_but(const version_vector& merged, const replica_id& replica, hlc kept) {
    hlc out = kept;
    for (const auto& [id, when] : merged.entries())
        if (id != replica) out = std::max(out, when);
    return out;
}

/// Returns a frontier whose last of this device's changesets is `seq`.
frontier after(const frontier& seen, const device_id& self, std::uint64_t seq) {
    frontier out;
    for (const auto& [device, last] : seen.entries())
        if (device != self || seq > 0) out.raise(device, device == self ? seq : last);
    return out;
}

/// Returns the changesets with their new stamps. Blind operations cover what their replica wrote, also where
/// that has another id by now.
std::vector<changeset> in_pieces(const std::vector<changeset>& all, const restamping& fresh) {
    std::vector<changeset> out;
    for (const changeset& whole : all)
        for (const changeset& old : cut_where_blind(whole)) {
            changeset& c = out.emplace_back(fresh(old));
            if (!is_blind(old)) continue;
            c.context.vector = {};
            if (fresh.kept() != hlc{}) c.context.vector.raise(fresh.old_replica(), fresh.kept());
            for (table_changes& t : c.tables)
                for (row_change& r : t.rows) r.op.blind = false;
        }
    return out;
}

/// Puts one pair of columns of a table right that hold stamps.
result<void> restamp_column(connection& db, const restamping& fresh, const std::string& table,
                            const std::string& time, const std::string& replica) {
    std::vector<std::pair<std::int64_t, stamp>> found;
    auto s = db.prepare("SELECT rowid, " + time + " FROM " + table + " WHERE " + replica + " = ?1 AND " +
                        time + " > ?2");
    if (!s) return s.failure();
    s->bind_all(fresh.old_replica().view(), static_cast<std::int64_t>(fresh.kept().packed));
    for (;;) {
        const auto row = s->step();
        if (!row) return row.failure();
        if (!*row) break;
        const hlc when{static_cast<std::uint64_t>(s->integer(1))};
        found.emplace_back(s->integer(0), fresh(stamp{when, fresh.old_replica()}));
    }
    for (const auto& [id, now] : found)
        if (auto ok =
                db.run("UPDATE " + table + " SET " + time + " = ?2, " + replica + " = ?3 WHERE rowid = ?1",
                       id, static_cast<std::int64_t>(now.when.packed), now.replica.view());
            !ok)
            return ok;
    return {};
}

result<void> restamp_log(connection& db, const restamping& fresh) {
    // Open ones are listed anew, under the id that everybody will have for them.
    if (auto ok = db.run("DELETE FROM casasync_conflict WHERE open = 1 AND replica = ?1 AND hlc > ?2",
                         fresh.old_replica().view(), static_cast<std::int64_t>(fresh.kept().packed));
        !ok)
        return ok;
    for (const auto& [table, time, replica] : {std::tuple{"casasync_conflict", "hlc", "replica"},
                                               std::tuple{"casasync_conflict", "won_hlc", "won_replica"},
                                               std::tuple{"casasync_history", "hlc", "replica"}})
        if (auto ok = restamp_column(db, fresh, table, time, replica); !ok) return ok;
    return {};
}

/// Adds what becomes of one row to a plan.
result<void> restamp_row(merge_plan& plan, const resolved_table& table, const bytes& key, row_store& rows,
                         const restamping& fresh) {
    auto before = rows.load(table.table, key, true);
    if (!before) return before.failure();
    row_state after = fresh(*before);
    plan.rows.push_back(detail::compare_states(plan, table, key, *before, std::move(after), {}));
    return {};
}

/// Returns what becomes of the rows that the changesets write.
result<merge_plan> restamp_rows(row_store& rows, const std::vector<changeset>& all, const restamping& fresh) {
    merge_plan plan;
    std::set<std::pair<table_no, bytes>> done;
    for (const changeset& c : all)
        for (const table_changes& t : c.tables) {
            const auto table = rows.resolve(t.table);
            if (!table) return table.failure();
            for (const row_change& r : t.rows)
                if (done.emplace(table->table, r.key).second)
                    if (auto ok = restamp_row(plan, *table, bytes(r.key), rows, fresh); !ok)
                        return ok.failure();
        }
    return plan;
}

/// Lowers what this file has merged of itself to what others may have.
result<void> lower(connection& db, const device_id& self, std::uint64_t sent, const restamping& fresh) {
    if (auto ok = db.run("UPDATE casasync_replica SET hlc = ?2 WHERE id = ?1", fresh.old_replica().view(),
                         static_cast<std::int64_t>(fresh.kept().packed));
        !ok)
        return ok;
    if (auto ok = db.run("DELETE FROM casasync_link WHERE device = ?1 AND seq > ?2", self.view(),
                         static_cast<std::int64_t>(sent));
        !ok)
        return ok;
    // A relay that has one of these all the same has what this file does not: see session.hpp, copied().
    if (auto ok = db.run("UPDATE casasync_made SET seq = 0 WHERE seq > ?1", static_cast<std::int64_t>(sent));
        !ok)
        return ok;
    return db.run("DELETE FROM casasync_outbox WHERE seq > ?1", static_cast<std::int64_t>(sent));
}

}  // namespace

result<std::size_t> vault::state::restamp() {
    if (auto sealed = seal_log(); !sealed) return sealed.failure();
    const unix_ms now = stamping_now();
    const auto early = read_early(*db, now);
    if (!early) return early.failure();
    if (early->all.empty()) return std::size_t{0};
    restamping fresh(self.replica, early->was, id_after(self.replica));
    for (const changeset& c : early->all) fresh.take(c);
    fresh.decide(greatest_but(rows->vector(), self.replica, early->was), now);

    auto plan = restamp_rows(*rows, early->all, fresh);
    if (!plan) return plan.failure();
    if (auto ok = restamp_log(*db, fresh); !ok) return ok.failure();
    self.last_seq = early->all.front().seq - 1;
    if (auto ok = lower(*db, self.device, self.last_seq, fresh); !ok) return ok.failure();
    if (auto ok = rows->read(); !ok) return ok.failure();
    self.replica = fresh.next_replica();
    self.clock = std::max(greatest_but(rows->vector(), fresh.next_replica(), {}), fresh.greatest());
    if (auto ok = rows->own(self.replica, self.device); !ok) return ok.failure();

    std::size_t writes = 0;
    for (changeset& c : in_pieces(early->all, fresh)) {
        c.context.seen = after(c.context.seen, self.device, self.last_seq);
        if (auto ok = queue(c); !ok) return ok.failure();
        plan->merged.vector.raise(self.replica, fresh.greatest());
        plan->merged.seen.raise(self.device, c.last_seq);
        writes += count_operations(c);
    }
    if (auto ok = shown->keep(plan->rows, own_now()); !ok) return ok.failure();
    rows->numbers().forget();
    plan->counts = {};  // the same writes, in the same places
    if (auto ok = conclude(*plan); !ok) return ok.failure();
    return writes;
}

result<std::size_t> vault::restamp(unix_ms relay_now) {
    return state_->write([&] {
        state_->hear_time(relay_now);
        return state_->restamp();
    });
}

}  // namespace casasync::sqlite
