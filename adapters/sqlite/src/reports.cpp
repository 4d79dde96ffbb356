// SPDX-License-Identifier: MIT
/// What a vault can be asked.
#include "vault_state.hpp"

#include <casasync/clock.hpp>
#include <casasync/digest.hpp>
#include <casasync/key.hpp>
#include <casasync/number_claims.hpp>

#include <algorithm>
#include <cstdlib>

namespace casasync::sqlite {

/// What casasync_inbox has as the reason, as a sentence.
static std::string explain_wait(std::string_view why) {
    if (why == "clock ahead")
        return "It is dated ahead of the time here, and is merged when that has come. Set the clock of the "
               "device that wrote it";
    if (why == "earlier changes")
        return "It follows changes that have not come yet; sync the devices that wrote those";
    if (why == "newer casasync") return "A newer casasync wrote it; update casasync on this device";
    if (why == "damaged") return "It is damaged, and cannot be read";
    return std::string(why);
}

result<author> vault::state::author_of(const stamp& s) {
    author a;
    if (!s.exists() || s == band::adopted) return a;
    if (s.when > band::adopt) a.at = s.when.ms();
    const auto device = rows->owner(s.replica);
    if (!device) return a;
    a.device = *device;
    const auto name = db->query_value("SELECT name FROM casasync_device WHERE id = ?1", device->view());
    if (!name) return name.failure();
    if (*name && (**name).kind() == value_kind::text) a.device_name = (**name).text();
    return a;
}

/// Returns the key a row has in the file, or would have if it were there. A row of another shape of the table
/// is kept, but never shown.
result<std::vector<value>> vault::state::key_in_file(const vault_table& table, bytes_view key) {
    auto shown_as = rows->numbers().in_table(table, key);
    if (!shown_as) return shown_as.failure();
    if (*shown_as) return std::move(**shown_as);
    if (!table.numbered())
        return error{errc::schema_mismatch, "the key of this row does not fit table " + table.traits.name +
                                                " in this file; nothing was changed"};
    return free_number(table, key);
}

/// Tells whether a row has this number in the table.
result<bool> vault::state::has_number(const vault_table& table, std::int64_t number) {
    if (!table.tracked) return false;
    const auto found = db->query_integer("SELECT EXISTS(SELECT 1 FROM main." + quote_name(table.shape.name) +
                                             " WHERE " + quote_name(table.traits.number) + " = ?1)",
                                         number);
    return found ? result<bool>(*found != 0) : result<bool>(found.failure());
}

/// Returns the number under which a deleted row can come back: its own while that is free.
result<std::vector<value>> vault::state::free_number(const vault_table& table, bytes_view key) {
    const auto asked = rows->numbers().asked_by(table, key);
    if (!asked) return asked.failure();
    std::int64_t number = *asked ? **asked : derived_number(key, 1);
    for (std::uint64_t attempt = 1;; ++attempt) {
        const auto taken = has_number(table, number);
        if (!taken) return taken.failure();
        if (!*taken) return std::vector<value>{value(number)};
        number = derived_number(key, attempt);
    }
}

/// The key as people know it: of a row with an integer key the number it has, or asks for.
result<shown_key> vault::state::key_for_people(const vault_table& table, bytes_view key) {
    auto shown_as = rows->numbers().in_table(table, key);
    if (!shown_as) return shown_as.failure();
    if (*shown_as) return shown_key{std::move(**shown_as)};
    if (table.numbered()) {
        const auto asked = rows->numbers().asked_by(table, key);
        if (!asked) return asked.failure();
        if (*asked) {
            const auto taken = has_number(table, **asked);
            if (!taken) return taken.failure();
            return shown_key{{value(**asked)}, *taken};
        }
    }
    auto out = decode_key(key);
    return shown_key{out ? std::move(*out) : std::vector<value>{}};
}

result<conflict_info> vault::state::describe(const audit_entry& e) {
    const table_traits& table = tables.find(e.table)->traits;
    conflict_info c;
    c.id = e.id;
    c.table = table.name;
    auto key = key_for_people(*tables.find(e.table), e.key);
    if (!key) return key.failure();
    c.key = std::move(key->key);
    c.key_taken = key->taken;
    if (e.lost.column) c.column = table.columns[*e.lost.column].name;
    const auto as_shown = [&](const value& what) -> result<value> {
        if (!e.lost.column) return what;
        auto there = rows->numbers().to_number(table.columns[*e.lost.column].refers, what);
        return there ? result<value>(std::move(there->what)) : result<value>(there.failure());
    };
    auto lost = as_shown(e.lost.what), instead = as_shown(e.shown);
    if (!lost) return lost.failure();
    if (!instead) return instead.failure();
    c.loser = std::move(*lost);
    auto loser = author_of(e.lost.loser), winner = author_of(e.lost.winner);
    if (!loser) return loser.failure();
    if (!winner) return winner.failure();
    c.loser_by = std::move(*loser);
    c.winner = std::move(*instead);
    c.winner_by = std::move(*winner);
    c.reason = e.lost.why;
    c.open = e.open;
    c.noticed_at = e.opened_at;
    c.closed_at = e.closed_at;
    return c;
}

detail::u128 vault::state::state_digest() const {
    bytes all;
    detail::writer w(all);
    for (const detail::u128* d : {&self.digest, &self.open_digest, &self.base}) {
        w.u64(d->high);
        w.u64(d->low);
    }
    return detail::hash128(all);
}

std::string vault::state::digest_text() const {
    const detail::u128 sum = state_digest();
    bytes out;
    detail::writer o(out);
    o.u64(sum.high);
    o.u64(sum.low);
    return to_hex(out);
}

result<std::vector<device_info>> vault::state::list_devices() {
    std::vector<device_info> out;
    auto s = db->prepare("SELECT id, name, seq FROM casasync_device ORDER BY id");
    if (!s) return s.failure();
    for (;;) {
        const auto row = s->step();
        if (!row) return row.failure();
        if (!*row) break;
        device_info& d = out.emplace_back();
        if (const auto id = device_id::from(s->blob(0))) d.id = *id;
        d.name = s->text(1);
        d.last_seq = static_cast<std::uint64_t>(s->integer(2));
        d.self = d.id == self.device;
        if (d.self) d.last_seq = self.last_seq;
    }
    for (device_info& d : out)
        for (const auto& [replica, when] : rows->vector().entries())
            if (rows->owner(replica) == d.id && when > band::adopt)
                d.last_write = std::max(d.last_write, when.ms());
    return out;
}

result<std::vector<held_back>> vault::state::list_held_back() {
    std::vector<held_back> out;
    auto s = db->prepare(
        "SELECT i.device, coalesce(d.name, ''), count(*), i.why FROM casasync_inbox AS i LEFT JOIN "
        "casasync_device AS d ON d.id = i.device WHERE i.why IS NOT NULL GROUP BY i.device, i.why ORDER BY "
        "i.device, min(i.seq)");
    if (!s) return s.failure();
    for (;;) {
        const auto row = s->step();
        if (!row) return row.failure();
        if (!*row) return out;
        held_back& held = out.emplace_back();
        if (const auto id = device_id::from(s->blob(0))) held.device = *id;
        held.device_name = s->text(1);
        held.changesets = static_cast<std::size_t>(s->integer(2));
        held.reason = explain_wait(s->text(3));
    }
}

/// Returns which row a person means by a key: of several that asked for a number, the one that has it, or the
/// one that was written last.
result<bytes> vault::state::key_typed(const vault_table& table, std::span<const value> key) {
    if (!table.numbered() || key[0].kind() != value_kind::integer) return rows->in_registers(table, key);
    auto holder = rows->numbers().identity_of(table, key[0].integer());
    if (!holder) return holder.failure();
    if (*holder) return std::move(**holder);
    auto asking = rows->numbers().asking_for(table, key[0].integer());
    if (!asking) return asking.failure();
    bytes last;
    stamp written;
    for (bytes& identity : *asking) {
        auto row = rows->record(table.number, identity);
        if (!row) return row.failure();
        if (!*row || ((*row)->touched < written && !last.empty())) continue;
        written = (*row)->touched;
        last = std::move(identity);
    }
    return last.empty() ? rows->in_registers(table, key) : result<bytes>(std::move(last));
}

/// Shows the rows of `table` under another delete policy; digests and conflicts follow.
result<void> vault::state::change_policy(const vault_table& table, delete_policy policy) {
    merge_plan plan;
    table_traits traits = table.traits;
    traits.policy = policy;
    const resolved_table now{table.number, &traits, {}};
    auto keys = all_keys(table);
    if (!keys) return keys.failure();
    std::vector<merged_row> changed;
    for (bytes& key : *keys) {
        auto row = rows->load(table.number, key, true);
        if (!row) return row.failure();
        merge_plan before;
        const bool was = is_visible(*row, table.traits.policy);
        if (was == is_visible(*row, policy)) continue;
        const resolved_table old{table.number, &table.traits, {}};
        merged_row gone = detail::compare_states(before, old, key, row_state{}, *row, {});
        merged_row r = detail::compare_states(plan, now, std::move(key), row_state{}, *row, {});
        plan.digest -= before.digest;
        plan.open_digest -= before.open_digest;
        plan.counts -= before.counts;
        r.was_visible = was;
        r.closed = detail::without(gone.opened, r.opened);
        r.opened = detail::without(r.opened, gone.opened);
        changed.push_back(std::move(r));
    }
    if (auto ok = db->run("UPDATE casasync_table SET policy = ?2 WHERE t = ?1", std::int64_t{table.number},
                          static_cast<std::int64_t>(policy));
        !ok)
        return ok;
    if (auto ok = tables.read(*db); !ok) return ok;
    std::optional<suppress_capture> hush;
    if (!options.run_on_app) hush.emplace(*db, tables);
    if (auto ok = shown->show(changed, own_now()); !ok) return ok;
    plan.rows = std::move(changed);
    return conclude(plan);
}

/// Before a table is left alone: its values go beside its registers, which stay whole without it.
result<void> vault::state::take_values_along(const vault_table& table) {
    auto keys = all_keys(table);
    if (!keys) return keys.failure();
    for (const bytes& key : *keys) {
        auto row = rows->load(table.number, key, true);
        if (!row) return row.failure();
        if (auto ok = rows->save(table.number, key, *row, false); !ok) return ok;
    }
    return {};
}

result<bool> vault::state::is_written(const vault_table& table, column_no column) {
    if (table.adopted && column < *table.adopted) return true;
    auto keys = all_keys(table);
    if (!keys) return keys.failure();
    for (const bytes& key : *keys) {
        const auto row = rows->record(table.number, key);
        if (!row) return row.failure();
        if (*row && (*row)->find(column) != nullptr) return true;
    }
    return false;
}

/// Under max and min the value before a write decides, so rows that were there get a record.
result<void> vault::state::record_rows(const vault_table& table) {
    auto keys = all_keys(table);
    if (!keys) return keys.failure();
    for (const bytes& key : *keys) {
        auto row = rows->load(table.number, key, true);
        if (!row) return row.failure();
        if (auto ok = rows->save(table.number, key, *row, true); !ok) return ok;
    }
    return {};
}

/// The keys of every row of a table, with a record or in an adopted table; sorted, no duplicates.
result<std::vector<bytes>> vault::state::all_keys(const vault_table& table) {
    std::vector<bytes> out;
    {
        auto s = db->prepare("SELECT k FROM casasync_m_" + std::to_string(table.number));
        if (!s) return s.failure();
        for (;;) {
            const auto row = s->step();
            if (!row) return row.failure();
            if (!*row) break;
            out.emplace_back(s->blob(0).begin(), s->blob(0).end());
        }
    }
    if (table.tracked && table.adopted) {
        std::string sql = "SELECT ";
        for (std::size_t i = 0; i < table.shape.key.size(); ++i)
            sql += (i > 0 ? ", " : "") + quote_name(table.shape.columns[table.shape.key[i]].name);
        auto s = db->prepare(sql + " FROM main." + quote_name(table.shape.name));
        if (!s) return s.failure();
        for (;;) {
            const auto row = s->step();
            if (!row) return row.failure();
            if (!*row) break;
            auto encoded = if_it_travels(rows->in_registers(table, s->cells()));
            if (!encoded) return encoded.failure();
            if (*encoded) out.push_back(std::move(**encoded));
        }
    }
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

result<vault_status> vault::status() {
    return state_->run([&]() -> result<vault_status> {
        vault_status out;
        state& v = *state_;
        result<void> failed;
        const auto count = [&](const char* sql) -> std::size_t {
            const auto n = v.db->query_integer(sql);
            if (n) return static_cast<std::size_t>(*n);
            failed = n.failure();
            return 0;
        };
        out.vault = v.self.vault;
        out.device = v.self.device;
        out.device_name = v.self.device_name;
        out.relay = v.self.relay;
        out.captured = count("SELECT count(*) FROM casasync_log");
        out.pending_out = count("SELECT count(DISTINCT seq - part) FROM casasync_outbox WHERE sent = 0");
        const std::size_t waiting = count("SELECT count(*) FROM casasync_inbox WHERE part = 0");
        out.held = count("SELECT count(*) FROM casasync_inbox WHERE why IS NOT NULL");
        out.cursor = v.self.at.pos;
        out.head = std::max(v.self.relay_head, v.self.at.pos);
        out.pending_in = waiting + static_cast<std::size_t>(out.head - out.cursor);
        out.parked = count("SELECT count(*) FROM casasync_parked");
        out.too_large = count("SELECT count(*) FROM casasync_large");
        out.open_conflicts = count("SELECT count(*) FROM casasync_conflict WHERE open = 1");
        auto ops = v.accounting();
        if (!ops) return ops.failure();
        out.ops = *ops;
        out.digest = v.digest_text();
        out.last_synced_at = v.self.last_synced_at;
        out.last_error = v.self.last_error;
        out.hydrated = v.self.hydrated;
        out.copied = v.self.copied;
        out.succeeded = v.self.succeeded;
        out.suspect = v.self.suspect;
        out.in_sync = out.captured == 0 && out.pending_out == 0 && out.pending_in == 0 &&
                      out.last_error.empty() && out.last_synced_at > 0;
        out.clock_disagrees =
            v.self.relay_heard && clock_disagrees({v.own_now(), v.self.relay_offset, {}, 0});
        auto devices = v.list_devices();
        if (!devices) return devices.failure();
        out.devices = std::move(*devices);
        auto held_back = v.list_held_back();
        if (!held_back) return held_back.failure();
        out.waiting = std::move(*held_back);
        auto differences = v.schema_differences();
        if (!differences) return differences.failure();
        out.schema = std::move(*differences);
        if (!failed) return failed.failure();
        return out;
    });
}

result<std::string> vault::digest() {
    if (auto n = seal(); !n) return n.failure();
    return state_->run([&]() -> result<std::string> { return state_->digest_text(); });
}

result<std::vector<device_info>> vault::devices() {
    return state_->run([&] { return state_->list_devices(); });
}

result<std::vector<conflict_info>> vault::conflicts(bool open_only) {
    if (auto n = seal(); !n) return n.failure();
    return state_->run([&]() -> result<std::vector<conflict_info>> {
        std::vector<conflict_info> out;
        auto entries = state_->audit->entries(open_only);
        if (!entries) return entries.failure();
        for (const audit_entry& e : *entries) {
            auto told = state_->describe(e);
            if (!told) return told.failure();
            out.push_back(std::move(*told));
        }
        return out;
    });
}

result<std::vector<renumbered_row>> vault::state::read_renumbered() {
    // Who gives a number up comes before who gets it: numbers given in exchange are negative.
    auto s =
        db->prepare("SELECT t, was, number, at FROM casasync_renumbered WHERE was <> number ORDER BY number");
    if (!s) return s.failure();
    std::vector<renumbered_row> out;
    for (;;) {
        const auto row = s->step();
        if (!row) return row.failure();
        if (!*row) return out;
        const vault_table* table = tables.find(static_cast<table_no>(s->integer(0)));
        if (table != nullptr)
            out.push_back({table->traits.name, s->integer(1), s->integer(2), s->integer(3)});
    }
}

result<std::vector<renumbered_row>> vault::renumbered() {
    return state_->run([&] { return state_->read_renumbered(); });
}

result<std::vector<renumbered_row>> vault::take_renumbered() {
    if (auto any = renumbered(); !any || any->empty()) return any;
    return state_->write([&]() -> result<std::vector<renumbered_row>> {
        auto rows = state_->read_renumbered();
        if (!rows) return rows;
        if (auto ok = state_->db->run("DELETE FROM casasync_renumbered"); !ok) return ok.failure();
        return rows;
    });
}

result<std::vector<parked_info>> vault::integrity() {
    return state_->run([&]() -> result<std::vector<parked_info>> {
        std::vector<parked_info> out;
        auto parked = state_->shown->parked();
        if (!parked) return parked.failure();
        for (parked_row& p : *parked) {
            parked_info& info = out.emplace_back();
            info.table = state_->tables.find(p.table)->traits.name;
            auto key = state_->key_for_people(*state_->tables.find(p.table), p.key);
            if (!key) return key.failure();
            info.key = std::move(key->key);
            info.key_taken = key->taken;
            info.reason = std::move(p.reason);
            info.detail = std::move(p.detail);
        }
        return out;
    });
}

namespace {

/// A key value as a person types it: an integer key column takes digits, the others text.
value typed_key(const column_shape& column, const std::string& text) {
    const bool number = column.kept_as == affinity::integer || column.kept_as == affinity::numeric;
    char* end = nullptr;
    const long long n = number ? std::strtoll(text.c_str(), &end, 10) : 0;
    if (number && end != nullptr && !text.empty() && *end == '\0') return value(std::int64_t{n});
    return value(text);
}

}  // namespace

static cell_history* cell_of(row_history& row, const std::string& column) {
    for (cell_history& h : row.cells)
        if (h.column == column) return &h;
    return nullptr;
}

result<row_history> vault::why(const std::string& name, std::span<const std::string> typed) {
    if (auto n = seal(); !n) return n.failure();
    return state_->run([&]() -> result<row_history> {
        row_history out;
        state& v = *state_;
        const vault_table* table = v.tables.find(name);
        if (table == nullptr || !table->tracked)
            return error{errc::not_found, "table " + name + " is not tracked in this vault"};
        if (typed.size() != table->shape.key.size())
            return error{errc::invalid_argument, "the key of table " + name + " has " +
                                                     std::to_string(table->shape.key.size()) + " column(s)"};
        std::vector<value> key;
        for (std::size_t i = 0; i < typed.size(); ++i)
            key.push_back(typed_key(table->shape.columns[table->shape.key[i]], typed[i]));
        auto encoded = v.key_typed(*table, key);
        if (!encoded) return encoded.failure();
        auto row = v.rows->load(table->number, *encoded, true);
        if (!row) return row.failure();
        if (row->empty())
            return error{errc::not_found,
                         "there is no such row in table " + name + ", and there never was one"};
        out.visible = is_visible(*row, table->traits.policy);
        auto born = v.author_of(row->born), deleted = v.author_of(row->dead);
        if (!born) return born.failure();
        if (!deleted) return deleted.failure();
        out.born = std::move(*born);
        out.deleted = std::move(*deleted);
        auto lost = v.audit->entries_of(table->number, *encoded);
        if (!lost) return lost.failure();
        for (const cell& c : row->cells) {
            cell_history& h = out.cells.emplace_back();
            h.column = table->traits.columns[c.column].name;
            const column_traits& column = table->traits.columns[c.column];
            if (out.visible && is_shown(*row, c, column.rule) && c.what) {
                auto there = v.rows->numbers().to_number(column.refers, *c.what);
                if (!there) return there.failure();
                h.shown = std::move(there->what);
            }
            auto by = v.author_of(c.when);
            if (!by) return by.failure();
            h.by = std::move(*by);
        }
        for (const audit_entry& e : *lost) {
            auto told = v.describe(e);
            if (!told) return told.failure();
            if (!e.lost.column)
                out.lost_deletes.push_back(std::move(*told));
            else if (cell_history* h = cell_of(out, *told->column))
                h->lost.push_back(std::move(*told));
        }
        auto kept = v.past->entries(table->number, *encoded, 0);
        if (!kept) return kept.failure();
        for (const history_entry& e : *kept) {
            auto told = v.describe(e);
            if (!told) return told.failure();
            if (!e.column)
                out.row_writes.push_back(std::move(*told));
            else if (cell_history* h = cell_of(out, *told->column))
                h->writes.push_back(std::move(*told));
        }
        return out;
    });
}

}  // namespace casasync::sqlite
