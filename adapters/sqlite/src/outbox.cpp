// SPDX-License-Identifier: MIT
/// What this device has sealed, on its way to the relay: kept until the relay has confirmed it, and for a
/// while after that, for a relay that loses data.
///
///     casasync_outbox(seq, part, parts, hour, was, sent, payload, envelope)
///         was   up to where the replica that stamps it was merged before
///         sent  when the relay confirmed this part, unix seconds; 0: not yet
///     casasync_made(digest, seq)
///         of every envelope this device ever had in its outbox
///         seq   0: what was in it has another form since, and nobody was to have the first
///     casasync_link(device, seq, link)
///         link of a part (part_front.hpp); here this device's, of the parts in the outbox and the one before
#include "vault_state.hpp"

#include <algorithm>

namespace casasync::sqlite {

static constexpr std::int64_t sent_kept_s = std::int64_t{30} * 86'400;

result<std::size_t> vault::seal() {
    const auto pending = state_->anything_to_seal();
    if (!pending) return pending.failure();
    if (!*pending) return std::size_t{0};
    return state_->write([&] { return state_->seal_log(); });
}

result<bool> vault::state::anything_to_seal() {
    const auto look = [&]() -> result<bool> {
        const auto any = db->query_integer("SELECT EXISTS(SELECT 1 FROM casasync_log)");
        if (any && *any != 0) return true;  // what else there is to know is read in the transaction
        if (auto ok = refresh(); !ok) return ok.failure();
        if (!any) return any.failure();
        auto changed = changed_tables();
        if (!changed) return changed.failure();
        return !changed->empty();
    };
    return value_of(look, &state::on_connection);
}

result<std::vector<outbound_part>> vault::outbox(std::size_t bytes_max) {
    return state_->run([&]() -> result<std::vector<outbound_part>> {
        std::vector<outbound_part> out;
        auto s = state_->db->prepare(
            "SELECT o.seq, part, parts, hour, payload, envelope, link FROM casasync_outbox o LEFT JOIN "
            "casasync_link l ON l.device = ?1 AND l.seq = o.seq - 1 WHERE sent = 0 ORDER BY o.seq");
        if (!s) return s.failure();
        s->bind_all(state_->self.device.view());
        for (std::size_t size = 0;;) {
            const auto row = s->step();
            if (!row) return row.failure();
            if (!*row) return out;
            size += s->blob(4).size();
            if (!out.empty() && size > bytes_max) return out;
            outbound_part& p = out.emplace_back();
            p.seq = static_cast<std::uint64_t>(s->integer(0));
            p.part = static_cast<std::uint16_t>(s->integer(1));
            p.parts = static_cast<std::uint16_t>(s->integer(2));
            p.max_hour = static_cast<std::uint32_t>(s->integer(3));
            const bytes_view payload = s->blob(4), envelope = s->blob(5);
            p.payload.assign(payload.begin(), payload.end());
            p.envelope.assign(envelope.begin(), envelope.end());
            if (const bytes_view link = s->blob(6); link.size() == p.link.size())
                std::copy(link.begin(), link.end(), p.link.begin());
        }
    });
}

result<void> vault::keep_envelope(std::uint64_t seq, bytes_view envelope, const digest256& digest,
                                  const digest256& link) {
    return state_->write([&]() -> result<void> {
        if (auto ok = state_->db->run("UPDATE casasync_outbox SET envelope = ?2 WHERE seq = ?1",
                                      static_cast<std::int64_t>(seq), envelope);
            !ok)
            return ok;
        if (auto ok =
                state_->db->run("INSERT OR REPLACE INTO casasync_link(device, seq, link) VALUES(?1, ?2, ?3)",
                                state_->self.device.view(), static_cast<std::int64_t>(seq), bytes_view(link));
            !ok)
            return ok;
        return state_->db->run("INSERT OR IGNORE INTO casasync_made(digest, seq) VALUES(?1, ?2)",
                               bytes_view(digest), static_cast<std::int64_t>(seq));
    });
}

result<void> vault::state::settle(std::uint64_t seq) {
    return db->run("UPDATE casasync_outbox SET sent = ?2, envelope = NULL WHERE seq = ?1 AND sent = 0",
                   static_cast<std::int64_t>(seq), std::max<std::int64_t>(1, own_now() / 1000));
}

result<void> vault::settle(std::uint64_t seq, std::uint64_t relay_head) {
    return state_->write([&] {
        // Whoever crashes now knows later that the relay had it.
        state_->self.relay_head = std::max(state_->self.relay_head, relay_head);
        return state_->settle(seq);
    });
}

result<bool> vault::settle(const digest256& envelope, std::uint64_t relay_head) {
    bool known = false;
    std::optional<std::uint64_t> waiting;
    auto looked = state_->run([&]() -> result<void> {
        auto s = state_->db->prepare(
            "SELECT m.seq, o.sent FROM casasync_made m LEFT JOIN casasync_outbox o ON o.seq = m.seq WHERE "
            "m.digest = ?1 AND m.seq > 0");
        if (!s) return s.failure();
        s->bind_all(bytes_view(envelope));
        const auto row = s->step();
        if (!row) return row.failure();
        known = *row;
        if (known && !s->is_null(1) && s->integer(1) == 0)
            waiting = static_cast<std::uint64_t>(s->integer(0));
        return {};
    });
    if (!looked) return looked.failure();
    if (waiting)
        if (auto ok = settle(*waiting, relay_head); !ok) return ok.failure();
    return known;
}

result<bool> vault::made(const digest256& envelope) {
    return state_->run([&]() -> result<bool> {
        auto s = state_->db->prepare("SELECT 1 FROM casasync_made WHERE digest = ?1");
        if (!s) return s.failure();
        s->bind_all(bytes_view(envelope));
        return s->step();
    });
}

result<bool> vault::send_again(std::uint64_t after) {
    return state_->write([&]() -> result<bool> {
        const auto at = static_cast<std::int64_t>(after);
        const std::uint64_t last = state_->self.last_seq;
        const auto kept =
            state_->db->query_integer("SELECT count(*) FROM casasync_outbox WHERE seq > ?1", at);
        if (!kept) return kept.failure();
        if (after < last && static_cast<std::uint64_t>(*kept) != last - after) return false;
        if (auto ok = state_->db->run("UPDATE casasync_outbox SET sent = 0 WHERE seq > ?1", at); !ok)
            return ok.failure();
        return true;
    });
}

result<void> vault::state::prune_sent() {
    if (auto ok =
            db->run("DELETE FROM casasync_outbox WHERE sent BETWEEN 1 AND ?1 AND NOT EXISTS(SELECT 1 FROM "
                    "casasync_outbox WHERE sent = 0)",
                    own_now() / 1000 - sent_kept_s);
        !ok)
        return ok;
    return db->run(
        "DELETE FROM casasync_link WHERE device = ?1 AND seq < (SELECT COALESCE(min(seq) - 1, ?2) FROM "
        "casasync_outbox)",
        self.device.view(), static_cast<std::int64_t>(self.last_seq));
}

}  // namespace casasync::sqlite
