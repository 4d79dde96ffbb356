// SPDX-License-Identifier: MIT
/// A file that was restored from a backup, or copied, becomes a device of its own.
///
/// What it sealed and nobody has got carries stamps that the other copy may use for something else. It is
/// sealed anew: the same operations at the same times, under new replica ids that are greater than the old
/// ones. So each new stamp is greater than the one it stands for, and merging the changeset like any other
/// puts it in its place in every register. What this file had merged of its old self is lowered to what was
/// sent; the rest comes from the relay as another device's.
#include "unsent.hpp"
#include "vault_state.hpp"

#include <casasync/codec.hpp>

#include <map>

namespace casasync::sqlite {

namespace {

/// What the old ids become.
struct new_ids {
    struct replica {
        replica_id next{};
        hlc sent{};  ///< the greatest of the old one's stamps that others may have
    };
    std::map<replica_id, replica> replicas{};
    device_id old{};
    std::uint64_t sent = 0;  ///< the last of the old device's changesets that others may have
};

/// Returns what its author had merged, by the new ids.
/// \param next  the new device, and its last changeset so far
causal_context translate(const causal_context& context, const new_ids& ids, const frontier::entry& next) {
    causal_context out;
    for (const auto& [replica, when] : context.vector.entries()) {
        const auto known = ids.replicas.find(replica);
        const hlc sent = known == ids.replicas.end() ? when : std::min(when, known->second.sent);
        if (sent != hlc{}) out.vector.raise(replica, sent);
        if (sent < when) out.vector.raise(known->second.next, when);
    }
    for (const auto& [device, seq] : context.seen.entries()) {
        const std::uint64_t sent = device == ids.old ? std::min(seq, ids.sent) : seq;
        if (sent > 0) out.seen.raise(device, sent);
        if (sent < seq && next.second > 0) out.seen.raise(next.first, next.second);
    }
    return out;
}

/// Returns the greatest stamps of a changeset, by replica.
version_vector stamps_of(const changeset& c) {
    version_vector out;
    for (const table_changes& t : c.tables)
        for (const row_change& r : t.rows) out.raise(r.op.when.replica, r.op.when.when);
    return out;
}

/// Returns a piece of a changeset in the name of the new device. \param next  as in translate()
changeset in_new_name(const changeset& piece, const new_ids& ids, const frontier::entry& next) {
    changeset c = piece;
    c.context = translate(piece.context, ids, next);
    if (is_blind(c)) c.context.vector = {};
    // It covers what its replica wrote before: seeds, and what is blind, have no context that says so.
    const version_vector stamps = stamps_of(piece);
    for (const auto& [old, when] : stamps.entries())
        if (const hlc sent = ids.replicas.at(old).sent; sent != hlc{}) c.context.vector.raise(old, sent);
    for (table_changes& t : c.tables)
        for (row_change& r : t.rows) {
            r.op.when.replica = ids.replicas.at(r.op.when.replica).next;
            r.op.blind = false;
        }
    return c;
}

/// Seals a piece of a changeset anew, and merges it.
result<void> seal_again(vault::state& v, const changeset& piece, const new_ids& ids) {
    changeset c = in_new_name(piece, ids, {v.self.device, v.self.last_seq});
    const version_vector stamps = stamps_of(piece);
    for (const auto& [old, when] : stamps.entries())
        if (auto ok = v.rows->own(ids.replicas.at(old).next, v.self.device); !ok) return ok;
    if (auto ok = v.queue(c); !ok) return ok;
    // Only this file knows the stamps whose place the new ones take: they give way.
    c.context.vector.raise(stamps);
    auto plan = merge(c, *v.rows);
    if (!plan) return plan.failure();
    if (auto ok = v.shown->show(plan->rows, v.own_now()); !ok) return ok;
    v.rows->numbers().forget();
    return v.conclude(*plan);
}

/// The writes to columns under max and min: merged once more, each is one more that was absorbed.
std::int64_t count_amounts(const changeset& c) {
    std::int64_t out = 0;
    for (const table_changes& t : c.tables)
        for (const row_change& r : t.rows)
            for (const cell_write& w : r.op.cells)
                out += t.table.columns[w.column].rule != merge_rule::lww ? 1 : 0;
    return out;
}

/// Lowers what this file has merged of its old self to what others may have.
result<void> lower(connection& db, const new_ids& ids) {
    if (auto ok = db.run("UPDATE casasync_device SET seq = ?2 WHERE id = ?1", ids.old.view(),
                         static_cast<std::int64_t>(ids.sent));
        !ok)
        return ok;
    for (const auto& [old, id] : ids.replicas)
        if (auto ok = db.run("UPDATE casasync_replica SET hlc = ?2 WHERE id = ?1", old.view(),
                             static_cast<std::int64_t>(id.sent.packed));
            !ok)
            return ok;
    // Of its old self it has what others have, no more: what comes of it is compared with nothing of its own.
    if (auto ok = db.run("DELETE FROM casasync_link WHERE device = ?1", ids.old.view()); !ok) return ok;
    if (auto ok = db.run("DELETE FROM casasync_made"); !ok) return ok;
    return db.run("DELETE FROM casasync_outbox");
}

/// What tells of the old stamps tells of the new ones. What lost for a moment, in between, did not lose.
result<void> rewrite_history(connection& db, const new_ids& ids) {
    for (const auto& [old, id] : ids.replicas) {
        const auto sent = static_cast<std::int64_t>(id.sent.packed);
        for (const char* sql :
             {"UPDATE casasync_history SET replica = ?2 WHERE replica = ?1 AND hlc > ?3",
              "UPDATE casasync_conflict SET won_replica = ?2 WHERE won_replica = ?1 AND won_hlc > ?3",
              "DELETE FROM casasync_conflict WHERE open = 0 AND hlc > ?3 AND replica IN (?1, ?2)"})
            if (auto ok = db.run(sql, old.view(), id.next.view(), sent); !ok) return ok;
    }
    return {};
}

}  // namespace

result<void> vault::state::succeed(const device_id& next) {
    if (auto sealed = seal_log(); !sealed) return sealed.failure();
    const auto waiting = read_unsent(*db);
    if (!waiting) return waiting.failure();
    std::vector<changeset> again;
    new_ids ids{{}, self.device, self.last_seq};
    for (const unsent& u : *waiting) {
        auto c = decode(u.payload);
        if (!c) return c.failure();
        ids.sent = std::min(ids.sent, u.seq - 1);
        const version_vector stamps = stamps_of(*c);
        for (const auto& [own, when] : stamps.entries())
            ids.replicas.try_emplace(own, new_ids::replica{id_after(own), u.was});
        c->state.reset();  // that of another device
        c->asks_snapshot = false;
        again.push_back(std::move(*c));
    }
    // What this file had captured or sealed when it was copied, and the other one has sent since.
    const version_vector common = common_writes(again, put_together(sent_by_copy));
    for (auto& [own, id] : ids.replicas) id.sent = std::max(id.sent, common.of(own));
    for (changeset& c : again) c = without(c, common);
    std::erase_if(again, [](const changeset& c) { return c.tables.empty() && c.defaults.empty(); });
    for (replica_id* const own : {&self.replica, &self.seeds})
        *own = ids.replicas.try_emplace(*own, new_ids::replica{id_after(*own), rows->vector().of(*own)})
                   .first->second.next;
    if (auto ok = lower(*db, ids); !ok) return ok;
    if (auto ok = rows->read(); !ok) return ok;

    self.succeeded = {self.device, own_now(), again.size()};
    self.device = next;
    self.last_seq = self.read_back = 0;
    self.name_said = self.copied = self.adopting = false;
    self.suspect.reset();
    if (auto ok = db->run("INSERT INTO casasync_device(id, name, seq) VALUES(?1, ?2, 0)", next.view(),
                          self.device_name);
        !ok)
        return ok;
    const accounts before = self.counts;
    if (again.empty()) {  // one that says the name
        auto known = context();
        if (!known) return known.failure();
        again.emplace_back().context = std::move(*known);
    }
    for (const changeset& old : again)
        for (const changeset& piece : cut_where_blind(old))
            if (auto ok = seal_again(*this, piece, ids); !ok) return ok;
    // No write was made; what somebody has overwritten who had the old stamp stands again by the new one.
    for (const changeset& c : again) self.counts.absorbed -= count_amounts(c);
    self.counts.superseded += before.total() - self.counts.total();
    sent_by_copy.clear();
    return rewrite_history(*db, ids);
}

result<void> vault::succeed(const device_id& next) {
    return state_->write([&]() -> result<void> {
        return state_->self.device == next ? result<void>() : state_->succeed(next);
    });
}

result<void> vault::note_copied() {
    return state_->write([&] { state_->self.copied = true; });
}

result<relay_memory> vault::known_of_relay() {
    return state_->run([&]() -> result<relay_memory> {
        relay_memory out;
        const auto unsent =
            state_->db->query_integer("SELECT COALESCE(min(seq), 0) FROM casasync_outbox WHERE sent = 0");
        if (!unsent) return unsent.failure();
        const auto kept = state_->db->query_integer("SELECT COALESCE(min(seq), 0) FROM casasync_outbox");
        if (!kept) return kept.failure();
        out.forgotten = *kept > 0 ? static_cast<std::uint64_t>(*kept) - 1 : state_->self.last_seq;
        out.last_sent = *unsent > 0 ? static_cast<std::uint64_t>(*unsent) - 1 : state_->self.last_seq;
        out.read_back = state_->self.read_back;
        out.head = state_->self.relay_head;
        out.owed = state_->self.relay_owed;
        out.fed_at = state_->self.relay_fed_at;
        return out;
    });
}

result<void> vault::note_read_back() {
    const auto known = known_of_relay();
    if (!known) return known.failure();
    return state_->write([&] { state_->self.read_back = known->last_sent; });
}

result<void> vault::note_relay_lost() {
    return state_->write([&] { state_->self.relay_owed = true; });
}

result<void> vault::note_relay_fed() {
    return state_->write([&] {
        state_->self.relay_fed_at = state_->own_now();
        state_->self.relay_head = 0;  // of another log
        state_->self.relay_owed = false;
    });
}

result<bool> vault::copied() {
    return state_->run([&]() -> result<bool> { return state_->self.copied; });
}

result<bool> vault::settle_same(const inbound_part& sent) {
    const auto same = state_->write([&]() -> result<bool> {
        auto s =
            state_->db->prepare("SELECT 1 FROM casasync_outbox WHERE seq = ?1 AND payload = ?2 AND sent = 0");
        if (!s) return s.failure();
        s->bind_all(static_cast<std::int64_t>(sent.seq), bytes_view(sent.payload));
        const auto row = s->step();
        if (!row || !*row) return row;
        s->reset();
        if (auto ok = state_->settle(sent.seq); !ok) return ok.failure();
        return true;
    });
    if (same && !*same) state_->remember(sent);
    return same;
}

void vault::state::remember(const inbound_part& sent) {
    constexpr std::size_t bytes_max = std::size_t{64} << 20;  // beyond it, what both have is sent twice
    std::size_t size = sent.payload.size();
    for (const auto& [seq, p] : sent_by_copy) size += p.payload.size();
    if (size <= bytes_max) sent_by_copy.try_emplace(sent.seq, sent);
}

}  // namespace casasync::sqlite
