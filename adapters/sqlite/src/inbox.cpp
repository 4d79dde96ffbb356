// SPDX-License-Identifier: MIT
/// What came from the relay: kept until it may be merged, and merged.
///
///     casasync_inbox(device, seq, part, parts, pos, payload, why, writes)
///         why     what a changeset waits for
///         writes  how many are in it, as far as can be read
///     casasync_link(device, seq, link)
///         link of a part (part_front.hpp); here of the last one that came from each other device
#include "column_defaults.hpp"
#include "vault_state.hpp"

#include <casasync/codec.hpp>
#include <casasync/inbox.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

namespace casasync::sqlite {

result<void> vault::accept(std::span<const inbound_part> parts, const cursor& at,
                           const std::optional<digest256>& own) {
    return state_->write([&]() -> result<void> {
        auto seen = state_->read_frontier();
        if (!seen) return seen.failure();
        for (const inbound_part& p : parts) {
            if (p.seq <= seen->of(p.device)) continue;
            auto s = state_->db->prepare(
                "INSERT OR IGNORE INTO casasync_inbox(device, seq, part, parts, pos, payload) VALUES(?1, ?2, "
                "?3, ?4, ?5, ?6)");
            if (!s) return s.failure();
            s->bind_all(p.device.view(), static_cast<std::int64_t>(p.seq), std::int64_t{p.part},
                        std::int64_t{p.parts}, static_cast<std::int64_t>(p.pos), p.payload);
            if (auto ok = s->run(); !ok) return ok;
        }
        if (auto ok = state_->keep_links(parts); !ok) return ok;
        settings& self = state_->self;
        if (at.generation != self.at.generation || at.pos < self.at.pos) self.read_back = 0;  // another log
        state_->go_to(at);
        if (!own) return {};
        const auto seq =
            state_->db->query_value("SELECT seq FROM casasync_made WHERE digest = ?1", bytes_view(*own));
        if (!seq) return seq.failure();
        if (*seq) self.read_back = static_cast<std::uint64_t>((**seq).integer());
        return {};
    });
}

/// Moves the cursor.
void vault::state::go_to(const cursor& to) noexcept {
    // Another log lacks something: nothing tells it after a crash.
    if (!self.at.generation.is_zero() && to.generation != self.at.generation) self.relay_owed = true;
    self.at = to;
}

/// Keeps the link of each device's last part.
result<void> vault::state::keep_links(std::span<const inbound_part> parts) {
    std::map<device_id, const inbound_part*> last;
    for (const inbound_part& p : parts) {
        const inbound_part*& known = last[p.device];
        if (known == nullptr || p.seq > known->seq) known = &p;
    }
    for (const auto& [device, p] : last) {
        if (p->link == digest256{}) continue;
        const auto seq = static_cast<std::int64_t>(p->seq);
        if (auto ok = db->run("INSERT INTO casasync_link(device, seq, link) SELECT ?1, ?2, ?3 WHERE NOT "
                              "EXISTS(SELECT 1 FROM "
                              "casasync_link WHERE device = ?1 AND seq >= ?2)",
                              device.view(), seq, bytes_view(p->link));
            !ok)
            return ok;
        if (auto ok = db->run("DELETE FROM casasync_link WHERE device = ?1 AND seq < ?2", device.view(), seq);
            !ok)
            return ok;
    }
    return {};
}

result<stream_mark> vault::stream(const device_id& device) {
    return state_->run([&]() -> result<stream_mark> {
        stream_mark out;
        auto s = state_->db->prepare(
            "SELECT max(seq), NULL FROM (SELECT seq FROM casasync_device WHERE id = ?1 UNION ALL SELECT "
            "max(seq) FROM casasync_inbox WHERE device = ?1) UNION ALL SELECT * FROM (SELECT seq, link FROM "
            "casasync_link WHERE device = ?1 ORDER BY seq DESC LIMIT 1)");
        if (!s) return s.failure();
        s->bind_all(device.view());
        for (;;) {
            const auto row = s->step();
            if (!row) return row.failure();
            if (!*row) return out;
            const auto seq = static_cast<std::uint64_t>(s->integer(0));
            if (seq < out.seq) continue;
            out = {seq, {}};
            const bytes_view link = s->blob(1);
            if (link.size() == out.link.size()) std::copy(link.begin(), link.end(), out.link.begin());
        }
    });
}

result<cursor> vault::position() {
    return state_->run([&]() -> result<cursor> { return state_->self.at; });
}

namespace {

using steady = std::chrono::steady_clock;

constexpr const char *waits_for_time = "clock ahead", *waits_for_earlier = "earlier changes";
constexpr std::size_t rows_while_app_writes = 100;    ///< about 5 ms of lock
constexpr std::size_t rows_while_idle = 2'500;        ///< a larger changeset is merged whole all the same
constexpr std::size_t operations_of_a_piece = 1'000;  ///< about 1 MiB of rows in memory
constexpr auto app_is_busy = std::chrono::milliseconds(100);
constexpr auto shortest_gap = std::chrono::milliseconds(10);
/// SQLite's busy handler tries again after 1, 2, 5, .. ms, in the end every 100: whoever waits for the lock
/// finds a gap of this length, whenever it began to wait.
constexpr auto longest_gap = std::chrono::milliseconds(110);
constexpr auto longest_without_gap = std::chrono::milliseconds(500);

/// Leaves the lock to the app now and then. While it writes: after each transaction, for as long as that
/// took, so that a try of its busy handler falls into the gap. While it does not, it may have begun to wait:
/// twice a second at least.
class courtesy {
 public:
    void begin() { began_ = steady::now(); }
    void end(bool app_writes) {
        const auto now = steady::now();
        if (app_writes) return pause(std::clamp<steady::duration>(now - began_, shortest_gap, longest_gap));
        if (now - last_gap_ >= longest_without_gap) pause(longest_gap);
    }

 private:
    void pause(steady::duration gap) {
        std::this_thread::sleep_for(gap);
        last_gap_ = steady::now();
    }

    steady::time_point began_{}, last_gap_ = steady::now();
};

/// One changeset of the inbox, its parts put together.
struct waiting_changeset {
    device_id device{};
    std::uint64_t first = 0, last = 0;
    bytes payload{};
};

/// Returns the device's changeset that begins at `seq`; nothing while a part is missing.
result<std::optional<waiting_changeset>> assemble(connection& db, const device_id& device,
                                                  std::uint64_t seq) {
    auto s = db.prepare(
        "SELECT seq, part, parts, payload FROM casasync_inbox WHERE device = ?1 AND seq >= ?2 ORDER BY seq "
        "LIMIT ?3");
    if (!s) return s.failure();
    s->bind_all(device.view(), static_cast<std::int64_t>(seq),
                static_cast<std::int64_t>(limits::group_parts_max));
    waiting_changeset c{device, seq, seq, {}};
    std::int64_t parts = 0;
    for (std::uint64_t want = seq;; ++want) {
        const auto row = s->step();
        if (!row) return row.failure();
        const bool next = *row && s->integer(0) == static_cast<std::int64_t>(want) &&
                          s->integer(1) == static_cast<std::int64_t>(want - seq) &&
                          (want == seq || s->integer(2) == parts);
        if (!next) return std::optional<waiting_changeset>{};
        parts = s->integer(2);
        const bytes_view slice = s->blob(3);
        c.payload.insert(c.payload.end(), slice.begin(), slice.end());
        c.last = want;
        if (static_cast<std::int64_t>(want - seq) + 1 == parts) return std::optional(std::move(c));
    }
}

result<std::vector<device_id>> senders(connection& db) {
    std::vector<device_id> out;
    auto s = db.prepare("SELECT device FROM casasync_inbox GROUP BY device ORDER BY min(pos)");
    if (!s) return s.failure();
    for (;;) {
        const auto row = s->step();
        if (!row) return row.failure();
        if (!*row) return out;
        if (const auto id = device_id::from(s->blob(0))) out.push_back(*id);
    }
}

/// \param writes  how many wait; 1 for what cannot be read
result<void> note_why(connection& db, const waiting_changeset& c, const std::string& why,
                      std::int64_t writes) {
    return db.run(
        "UPDATE casasync_inbox SET why = ?3, writes = ?4 WHERE device = ?1 AND seq = ?2 AND "
        "(why, writes) IS NOT (?3, ?4)",
        c.device.view(), static_cast<std::int64_t>(c.first), why, writes);
}

/// Takes in tables and columns that are new here.
result<void> resolve_tables(row_store& rows, const changeset& c) {
    for (const table_changes& t : c.tables)
        if (const auto table = rows.resolve(t.table); !table) return table.failure();
    return {};
}

}  // namespace

result<bool> vault::state::merge_next(unix_ms relay_now, merge_report& done) {
    auto devices = senders(*db);
    if (!devices) return devices.failure();
    auto seen = read_frontier();
    if (!seen) return seen.failure();
    for (const device_id& device : *devices) {
        if (auto ok = db->run("DELETE FROM casasync_inbox WHERE device = ?1 AND seq <= ?2", device.view(),
                              static_cast<std::int64_t>(seen->of(device)));
            !ok)
            return ok.failure();
        auto whole = assemble(*db, device, seen->of(device) + 1);
        if (!whole) return whole.failure();
        if (!*whole) continue;
        const auto head = decode_head((*whole)->payload);
        const bool own = head && head->device == device && head->seq == (*whole)->first;
        auto incoming = head && own
                            ? decode((*whole)->payload)
                            : result<changeset>{head ? error{errc::malformed_changeset} : head.failure()};
        if (!incoming) {
            const bool newer = incoming.code() == errc::unknown_format_version;
            if (auto ok = note_why(*db, **whole, newer ? "newer casasync" : "damaged", 1); !ok)
                return ok.failure();
            continue;
        }
        // Somebody merged more of this device than this file ever sealed.
        if (head->context.seen.of(self.device) > self.last_seq) self.copied = true;
        const admission verdict =
            admit(*head, {rows->vector(), *seen}, relay_now > 0 ? relay_now : own_now());
        if (verdict != admission::ready) {
            if (auto ok =
                    note_why(*db, **whole, verdict == admission::held ? waits_for_time : waits_for_earlier,
                             count_writes(*incoming));
                !ok)
                return ok.failure();
            continue;
        }
        incoming->last_seq = (*whole)->last;
        self.adopting = false;
        const auto fits = resolve_tables(*rows, *incoming);
        if (!fits && fits.code() == errc::schema_mismatch) {
            if (auto ok = note_why(*db, **whole, fits.failure().detail, count_writes(*incoming)); !ok)
                return ok.failure();
            continue;
        }
        if (!fits) return fits.failure();
        for (const table_changes& t : incoming->tables)
            if (auto ok = tables.hear_policy(*db, t.table); !ok) return ok.failure();
        for (const replica_id& replica : head->replicas)
            if (auto ok = rows->own(replica, device); !ok) return ok.failure();
        if (auto ok = name_device(device, head->device_name); !ok) return ok.failure();
        if (auto ok = hear_defaults(*db, incoming->defaults); !ok) return ok.failure();
        compare_state(*incoming);
        auto pieces = pieces_of(std::move(*incoming));
        if (!pieces) return pieces.failure();
        while (auto piece = pieces->next())
            if (auto ok = merge_piece(std::move(*piece), done); !ok) return ok.failure();
        if (auto ok = db->run("DELETE FROM casasync_inbox WHERE device = ?1 AND seq <= ?2", device.view(),
                              static_cast<std::int64_t>((*whole)->last));
            !ok)
            return ok.failure();
        return true;
    }
    return false;
}

result<changeset_pieces> vault::state::pieces_of(changeset c) {
    std::size_t most = limits::changeset_ops_max;
    if (count_operations(c) > operations_of_a_piece) {
        const auto cut = shown->stand_alone(c, own_now());
        if (!cut) return cut.failure();
        if (*cut) most = operations_of_a_piece;
    }
    return changeset_pieces(std::move(c), most);
}

result<void> vault::state::merge_piece(changeset c, merge_report& done) {
    if (auto ok = keep_writes(c); !ok) return ok;
    if (count_operations(c) >= row_store::many_rows)
        for (const table_changes& t : c.tables) {
            const auto table = rows->resolve(t.table);
            if (!table) return table.failure();
            if (auto ok = rows->expect_many(table->table); !ok) return ok;
        }
    auto plan = merge(std::move(c), *rows);
    rows->expect_few();
    if (!plan) return plan.failure();
    if (auto ok = shown->show(plan->rows, own_now()); !ok) return ok;
    rows->numbers().forget();
    if (auto ok = conclude(*plan); !ok) return ok;
    done.rows += plan->rows.size();
    done.duplicates += plan->duplicates;
    return {};
}

result<merge_report> vault::merge_inbox(unix_ms relay_now) {
    merge_report report;
    courtesy gaps;
    const bool lent = static_cast<bool>(state_->options.run_on_app);  // then nobody waits for a lock of ours
    for (bool more = true; more;) {
        if (auto looked = state_->run([] { return result<void>{}; }); !looked) return looked.failure();
        const bool busy = !lent && steady::now() - state_->app_wrote < app_is_busy;
        gaps.begin();
        const auto suspected = state_->self.suspect;
        const std::size_t budget = busy ? rows_while_app_writes : rows_while_idle;
        merge_report done;
        auto ok = state_->write([&]() -> result<void> {
            done = {};
            if (auto sealed = state_->seal_log(); !sealed) return sealed.failure();
            do {
                auto next = state_->merge_next(relay_now, done);
                if (!next) return next.failure();
                more = *next;
                done.changesets += more ? 1 : 0;
            } while (more && done.rows < budget);
            if (more) return {};
            state_->self.hydrated = true;
            if (!state_->self.suspect) return {};
            const auto asked = state_->ask_for_snapshot();
            if (!asked) return asked.failure();
            if (*asked) state_->self.suspect->asked = state_->self.last_seq;
            return {};
        });
        if (!ok) return ok.failure();
        if (const auto& now = state_->self.suspect; now && !suspected) report.differs = now->device;
        report.changesets += done.changesets;
        report.rows += done.rows;
        report.duplicates += done.duplicates;
        if (more && !lent) gaps.end(busy);
    }
    return report;
}

result<bool> vault::waits() {
    return state_->run([&]() -> result<bool> {
        const auto any = [this](std::string_view why) {
            return state_->db->query_integer("SELECT EXISTS(SELECT 1 FROM casasync_inbox WHERE why = ?1)",
                                             why);
        };
        const auto earlier = any(waits_for_earlier), time = any(waits_for_time);
        if (!earlier) return earlier.failure();
        if (!time) return time.failure();
        return *earlier != 0 && *time == 0;
    });
}

}  // namespace casasync::sqlite
