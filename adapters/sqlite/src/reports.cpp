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
