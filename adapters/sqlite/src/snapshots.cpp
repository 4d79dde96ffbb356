// SPDX-License-Identifier: MIT
/// Snapshots of a vault file: written from one consistent view, merged in one transaction.
#include "brought_rows.hpp"
#include "column_defaults.hpp"
#include "vault_state.hpp"

#include <casasync/key.hpp>

#include <algorithm>
#include <filesystem>
#include <map>
#include <system_error>

namespace casasync::sqlite {

namespace {

std::vector<value> key_of(const vault_table& table, statement& row) {
    std::vector<value> key;
    for (const std::size_t k : table.shape.key) key.push_back(row.cell(static_cast<int>(k)));
    return key;
}

std::string all_columns(const vault_table& table) {
    std::string sql = "SELECT ";
    for (std::size_t i = 0; i < table.shape.columns.size(); ++i)
        sql += (i > 0 ? ", " : "") + (table.shape.columns[i].generated
                                          ? std::string("NULL")
                                          : quote_name(table.shape.columns[i].name));
    return sql + " FROM main." + quote_name(table.shape.name);
}

/// Returns the SQL that makes a table and what belongs to it, without what is casasync's.
result<std::vector<std::string>> schema_of(connection& db, const std::string& table) {
    std::vector<std::string> out;
    auto s = db.prepare(
        "SELECT sql FROM main.sqlite_schema WHERE tbl_name = ?1 AND sql IS NOT NULL AND name NOT LIKE "
        "'casasync\\_%' ESCAPE '\\' "
        "ORDER BY CASE type WHEN 'table' THEN 0 WHEN 'index' THEN 1 ELSE 2 END, rowid");
    if (!s) return s.failure();
    s->bind(1, table);
    for (;;) {
        const auto row = s->step();
        if (!row) return row.failure();
        if (!*row) return out;
        out.emplace_back(s->text(0));
    }
}

/// Returns the SQL that makes what is not of the vault: the app's other tables, search indexes, views.
/// Triggers of the vault's tables need them.
result<std::vector<std::string>> schema_beside(vault::state& v) {
    std::vector<std::string> out;
    auto s = v.db->prepare(
        "SELECT m.tbl_name, m.sql FROM main.sqlite_schema AS m JOIN pragma_table_list AS l ON l.schema = "
        "'main' AND "
        "l.name = m.tbl_name AND l.type <> 'shadow' WHERE m.sql IS NOT NULL AND m.name NOT LIKE 'sqlite\\_%' "
        "ESCAPE "
        "'\\' AND m.tbl_name NOT LIKE 'casasync\\_%' ESCAPE '\\' "
        "ORDER BY CASE m.type WHEN 'table' THEN 0 WHEN 'index' THEN 1 WHEN 'view' THEN 2 ELSE 3 END, "
        "m.rowid");
    if (!s) return s.failure();
    for (;;) {
        const auto row = s->step();
        if (!row) return row.failure();
        if (!*row) return out;
        const vault_table* ours = v.tables.find(s->text(0));
        if (ours == nullptr || !ours->tracked) out.emplace_back(s->text(1));
    }
}

/// The tables of a snapshot in its order: those with integer keys first, because others refer to them.
std::vector<const vault_table*> in_snapshot_order(const catalog& tables) {
    std::vector<const vault_table*> out;
    for (const auto& t : tables.tables()) out.push_back(t.get());
    std::stable_partition(out.begin(), out.end(), [](const vault_table* t) { return t->numbered(); });
    return out;
}

result<snapshot_header> header_of(vault::state& v) {
    snapshot_header h;
    for (const auto& t : v.tables.tables())
        if (t->unfit)
            return error{errc::schema_mismatch,
                         "This file cannot give its data to another device as table " + t->traits.name +
                             " is; another device of the vault can. " + t->unfit->detail};
    auto seen = v.read_frontier();
    if (!seen) return seen.failure();
    h.merged = {v.rows->vector(), std::move(*seen)};
    h.base = v.self.base;
    auto devices = v.list_devices();
    if (!devices) return devices.failure();
    for (const device_info& d : *devices) {
        known_device& k = h.devices.emplace_back();
        k.id = d.id;
        k.name = d.name;
        for (const auto& [replica, when] : h.merged.vector.entries())
            if (v.rows->owner(replica) == d.id) k.replicas.push_back(replica);
    }
    for (const vault_table* t : in_snapshot_order(v.tables)) {
        snapshot_table& s = h.tables.emplace_back();
        s.traits = t->traits;
        for (const auto& group : t->groups) {
            auto& names = s.groups.emplace_back();
            for (const column_no c : group) names.push_back(t->traits.columns[c].name);
        }
        if (!t->tracked) continue;
        auto schema = schema_of(*v.db, t->traits.name);
        if (!schema) return schema.failure();
        s.schema = std::move(*schema);
    }
    auto rest = schema_beside(v);
    if (!rest) return rest.failure();
    h.schema = std::move(*rest);
    auto defaults = known_defaults(*v.db);
    if (!defaults) return defaults.failure();
    h.defaults = std::move(*defaults);
    return h;
}

/// What is too large to travel stays here, where it is listed; elsewhere such a cell is empty.
void leave_large(row_state& row) {
    for (cell& c : row.cells)
        if (!c.what || c.what->size() > limits::value_bytes_max) c.what = value{};
    for (live_write& l : row.live)
        if (l.what.size() > limits::value_bytes_max) l.what = value{};
    std::sort(row.live.begin(), row.live.end());
    row.live.erase(std::unique(row.live.begin(), row.live.end()), row.live.end());
}

/// Adds the rows of one table: those that lie in it, and then those that are hidden or parked.
/// \param sum  what they add to the digest is added to it
result<void> add_rows(vault::state& v, snapshot_writer& out, std::size_t place, const vault_table& table,
                      digest128& sum) {
    if (table.tracked) {
        auto s = v.db->prepare(all_columns(table));
        if (!s) return s.failure();
        for (;;) {
            const auto next = s->step();
            if (!next) return next.failure();
            if (!*next) break;
            const auto key = if_it_travels(v.rows->in_registers(table, key_of(table, *s)));
            if (!key) return key.failure();
            if (!*key) continue;
            auto known = v.rows->record(table.number, **key);
            if (!known) return known.failure();
            row_state row = *known ? std::move(**known) : row_state{};
            if (!*known) {
                if (!table.adopted) continue;
                row = adopted_row(*table.adopted);
            }
            for (cell& c : row.cells) {
                if (c.what) continue;
                c.what =
                    table.holds(c.column) ? s->cell(static_cast<int>(*table.in_shape[c.column])) : value{};
                auto held = v.rows->numbers().to_identity(table.traits.columns[c.column].refers, *c.what);
                if (!held) return held.failure();
                c.what = std::move(*held);
            }
            sum += row_digest(table.traits, **key, row);
            leave_large(row);
            if (auto ok = out.add(place, **key, row); !ok) return ok;
        }
    }
    auto keys = v.db->prepare("SELECT k FROM casasync_m_" + std::to_string(table.number));
    if (!keys) return keys.failure();
    for (;;) {
        const auto next = keys->step();
        if (!next) return next.failure();
        if (!*next) return {};
        const bytes key(keys->blob(0).begin(), keys->blob(0).end());
        auto row = v.rows->record(table.number, key);
        if (!row) return row.failure();
        auto there = v.rows->in_table(table, key);
        if (!there) return there.failure();
        if (*there) continue;
        sum += row_digest(table.traits, key, **row);
        leave_large(**row);
        if (auto ok = out.add(place, key, **row); !ok) return ok;
    }
}

result<void> add_unmerged(vault::state& v, snapshot_writer& out) {
    auto s =
        v.db->prepare("SELECT device, seq, part, parts, payload FROM casasync_inbox ORDER BY device, seq");
    if (!s) return s.failure();
    for (;;) {
        const auto row = s->step();
        if (!row) return row.failure();
        if (!*row) return {};
        unmerged_part p;
        if (const auto id = device_id::from(s->blob(0))) p.device = *id;
        p.seq = static_cast<std::uint64_t>(s->integer(1));
        p.part = static_cast<std::uint16_t>(s->integer(2));
        p.parts = static_cast<std::uint16_t>(s->integer(3));
        p.payload.assign(s->blob(4).begin(), s->blob(4).end());
        if (auto ok = out.add(p); !ok) return ok;
    }
}

/// Tells whether a part in this device's name is another one than this file made. The first one that waits to
/// be sent was sent: its maker had it from the relay.
result<bool> is_foreign(vault::state& v, const unmerged_part& p) {
    if (p.seq > v.self.last_seq) return true;
    auto s = v.db->prepare(
        "SELECT payload = ?2, seq = (SELECT min(seq) FROM casasync_outbox WHERE sent = 0) FROM "
        "casasync_outbox WHERE seq = ?1");
    if (!s) return s.failure();
    s->bind_all(static_cast<std::int64_t>(p.seq), bytes_view(p.payload));
    const auto kept = s->step();
    if (!kept) return kept.failure();
    if (!*kept) return false;  // it was sent long ago
    const bool same = s->integer(0) != 0, waits = s->integer(1) != 0;
    s->reset();
    if (same && waits)
        if (auto ok = v.settle(p.seq); !ok) return ok.failure();
    return !same;
}

/// Merges a snapshot, a batch of rows at a time.
class snapshot_merger {
 public:
    /// \param joining  the file knows nothing of the vault yet
    snapshot_merger(vault::state& v, bool joining) : v_(&v), joining_(joining) {}

    result<void> header(snapshot_header h) {
        header_ = std::move(h);
        // Its rows have the stamp of what was there when the vault began, of which it has merged nothing.
        if (!joining_) before_ = v_->rows->vector();
        for (const snapshot_table& t : header_.tables) {
            auto resolved = v_->rows->resolve(t.traits);
            if (!resolved) return resolved.failure();
            for (std::size_t i = 0; i < t.traits.columns.size(); ++i) {  // registers are of one rule
                const column_traits& ours = resolved->traits->columns[resolved->columns[i]];
                if (ours.rule != t.traits.columns[i].rule)
                    return rule_mismatch(t.traits.name, ours, t.traits.columns[i].rule);
            }
            tables_.push_back(std::move(*resolved));
        }
        v_->self.base = header_.base;
        return hear_defaults(*v_->db, header_.defaults);
    }
    result<void> row(std::size_t place, snapshot_row r) {
        const resolved_table& table = tables_[place];
        for (cell& c : r.row.cells) c.column = table.columns[c.column];
        for (live_write& l : r.row.live) l.column = table.columns[l.column];
        std::sort(r.row.cells.begin(), r.row.cells.end(),
                  [](const cell& a, const cell& b) { return a.column < b.column; });
        std::sort(r.row.live.begin(), r.row.live.end());
        auto before = v_->rows->load(table.table, r.key, true);
        if (!before) return before.failure();
        row_state after = *before;
        merge_state(after, before_, r.row, header_.merged.vector, *table.traits);
        if (after == *before) return {};
        plan_.rows.push_back(
            detail::compare_states(plan_, table, std::move(r.key), *before, std::move(after), {}));
        return plan_.rows.size() < rows_at_once ? result<void>{} : flush();
    }
    result<void> unmerged(const unmerged_part& p) {
        if (p.device == v_->self.device) return own_unmerged(p);
        return v_->db->run(
            "INSERT OR IGNORE INTO casasync_inbox(device, seq, part, parts, pos, payload) VALUES(?1, ?2, ?3, "
            "?4, 0, ?5)",
            p.device.view(), static_cast<std::int64_t>(p.seq), std::int64_t{p.part}, std::int64_t{p.parts},
            p.payload);
    }
    result<void> end() {
        if (copied_) return errc::device_copied;
        plan_.merged = header_.merged;
        for (const auto& [replica, when] : header_.merged.vector.entries())
            plan_.greatest = observe(plan_.greatest, when);
        if (auto ok = flush(); !ok) return ok;
        for (const known_device& d : header_.devices) {
            if (auto ok = v_->raise_frontier([&] {
                    frontier f;
                    f.raise(d.id, 0);
                    return f;
                }());
                !ok)
                return ok;
            if (auto ok = v_->name_device(d.id, d.name); !ok) return ok;
            for (const replica_id& replica : d.replicas)
                if (auto ok = v_->rows->own(replica, d.id); !ok) return ok;
        }
        v_->self.adopting = false;
        return {};
    }

 private:
    static constexpr std::size_t rows_at_once = 2000;

    /// Its maker had received it, and waited for something; this file has it, or is a copy.
    result<void> own_unmerged(const unmerged_part& p) {
        const auto foreign = is_foreign(*v_, p);
        if (!foreign) return foreign.failure();
        if (!*foreign) return {};
        copied_ = true;
        v_->remember({0, p.device, p.seq, p.part, p.parts, p.payload, {}});
        return {};
    }

    result<void> flush() {
        std::sort(plan_.rows.begin(), plan_.rows.end(), [](const merged_row& a, const merged_row& b) {
            return a.table != b.table ? a.table < b.table : a.key < b.key;
        });
        if (auto ok = v_->shown->show(plan_.rows, v_->own_now()); !ok) return ok;
        v_->rows->numbers().forget();
        if (auto ok = v_->conclude(plan_); !ok) return ok;
        plan_ = {};
        return {};
    }

    vault::state* v_;
    bool joining_ = false, copied_ = false;
    snapshot_header header_;
    version_vector before_;
    std::vector<resolved_table> tables_;
    merge_plan plan_;
};

/// A table that the file has already must be able to hold the vault's rows.
result<void> check_likeness(connection& db, const snapshot_table& theirs) {
    auto mine = read_shape(db, theirs.traits.name);
    if (!mine) return mine.failure();
    auto beside = connection::open(":memory:", open_mode::create, 0);
    if (!beside) return beside.failure();
    if (auto ok = beside->execute(theirs.schema.front()); !ok) return ok;
    const auto vaults = read_shape(*beside, theirs.traits.name);
    if (!vaults) return vaults.failure();
    const auto differs = [&](const std::string& what) {
        return error{
            errc::schema_mismatch,
            "table " + mine->name + " of this file has " + what +
                " than the vault's. Nothing was changed. Join with a new file name, and copy the rows "
                "over afterwards"};
    };
    const auto key_of_shape = [](const table_shape& t) {
        std::vector<std::string> out;
        for (const std::size_t k : t.key) out.push_back(t.columns[k].name);
        return out;
    };
    if (key_of_shape(*mine) != key_of_shape(*vaults) || mine->integer_key != vaults->integer_key)
        return differs("another primary key");
    for (const column_shape& c : mine->columns)
        if (const auto at = vaults->column(c.name); at && (vaults->columns[*at].kept_as != c.kept_as ||
                                                           vaults->columns[*at].generated != c.generated))
            return differs("another type of column " + c.name);
    return {};
}

/// Makes the schema of a snapshot in a file. Rows that are there make room.
result<void> prepare_file(vault::state& v, const snapshot_header& h, own_rows& own) {
    std::vector<std::string> there_before;
    for (const snapshot_table& t : h.tables) {
        if (t.schema.empty()) continue;
        const auto there = v.db->query_integer(
            "SELECT count(*) FROM main.sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE",
            t.traits.name);
        if (!there) return there.failure();
        if (*there != 0) {
            if (auto ok = check_likeness(*v.db, t); !ok) return ok;
            there_before.push_back(t.traits.name);
        }
        for (std::size_t i = 0; *there == 0 && i < t.schema.size(); ++i)
            if (auto ok = v.db->execute(t.schema[i]); !ok)
                return error{ok.code(), "the vault's table " + t.traits.name +
                                            " cannot be made in this file: " + ok.failure().text()};
    }
    for (const std::string& sql : h.schema)
        if (auto ok = v.db->execute(sql); !ok && ok.code() != errc::invalid_argument) return ok;
    return own.set_aside(there_before);
}

result<void> track_all(vault::state& v, const snapshot_header& h) {
    for (const snapshot_table& t : h.tables) {
        if (t.schema.empty()) continue;
        tracking how;
        how.policy = t.traits.policy;
        how.natural_integer_key = t.traits.number.empty();
        auto shape = read_shape(*v.db, t.traits.name);
        if (!shape) return shape.failure();
        for (const column_traits& c : t.traits.columns)
            if (c.rule != merge_rule::lww && shape->column(c.name)) how.rules[c.name] = c.rule;
        how.groups = t.groups;  // with columns that were dropped
        for (auto& group : how.groups)
            std::erase_if(group, [&shape](const std::string& name) { return !shape->column(name); });
        auto tracked = v.tables.track(*v.db, t.traits.name, how, {v.self.write_time});
        if (!tracked) return tracked.failure();
    }
    return {};
}

}  // namespace

result<causal_context> vault::write_snapshot(const snapshot_sink& sink) {
    auto sealed = state_->write([&] {
        state_->self.adopting = false;  // from here on, other devices may have the rows
        return state_->seal_log();
    });
    if (!sealed) return sealed.failure();
    // The write lock keeps registers and tables in step while they are read.
    return state_->write([&]() -> result<causal_context> {
        if (auto n = state_->seal_log(); !n) return n.failure();
        auto header = header_of(*state_);
        if (!header) return header.failure();
        snapshot_writer out(sink);
        if (auto begun = out.begin(*header); !begun) return begun.failure();
        const auto order = in_snapshot_order(state_->tables);
        digest128 sum;
        for (std::size_t place = 0; place < order.size(); ++place)
            if (auto added = add_rows(*state_, out, place, *order[place], sum); !added)
                return added.failure();
        if (sum != state_->self.digest)
            return error{errc::store_failed,
                         "what this file has of its rows is not what it has merged: it was damaged, so that "
                         "it gives no snapshot to others. Nothing was changed. `casasync verify` tells more; "
                         "another device of the vault can give one"};
        if (auto added = add_unmerged(*state_, out); !added) return added.failure();
        if (auto ended = out.end(); !ended) return ended.failure();
        return std::move(header->merged);
    });
}

result<void> vault::merge_snapshot(const snapshot_source& source, const cursor& at) {
    auto done = state_->write([&]() -> result<void> {
        if (auto n = state_->seal_log(); !n) return n.failure();
        snapshot_merger merger(*state_, false);
        const snapshot_visitor visitor{
            [&](snapshot_header h) -> result<void> {
                if (h.merged.seen.of(state_->self.device) > state_->self.last_seq) return errc::device_copied;
                return merger.header(std::move(h));
            },
            [&](std::size_t place, snapshot_row row) { return merger.row(place, std::move(row)); },
            [&](const unmerged_part& p) { return merger.unmerged(p); }};
        if (auto ok = read_snapshot(source, visitor); !ok) return ok;
        if (auto ok = merger.end(); !ok) return ok;
        state_->go_to(at);
        state_->self.read_back = 0;
        state_->self.hydrated = true;
        return {};
    });
    if (done || done.code() != errc::device_copied) return done;
    if (auto noted = note_copied(); !noted) return noted;
    return error{errc::device_copied,
                 "The vault has changes in this device's name that this file does not know: it was restored "
                 "from a backup, or copied. Nothing was changed, and nothing is lost."};
}

result<vault> vault::join(const std::string& path, const identity& who, const snapshot_source& snapshot,
                          const cursor& at, vault_options options, brought_numbers numbers) {
    if (auto ok = check_device_name(who.device_name); !ok) return ok.failure();
    const bool was_there = std::filesystem::exists(path);
    auto s = std::make_unique<state>(path, std::move(options));
    if (auto ok = s->connect(open_mode::create); !ok) return ok.failure();
    state& v = *s;
    // Captured, because installing capture must see its triggers compile; the rows come through show().
    auto ok = v.create(who, [&]() -> result<void> {
        snapshot_merger merger(v, true);
        own_rows own(v, numbers);
        std::optional<suppress_capture> quiet;
        const snapshot_visitor visitor{
            [&](snapshot_header h) -> result<void> {
                if (auto prepared = prepare_file(v, h, own); !prepared) return prepared;
                if (auto tracked = track_all(v, h); !tracked) return tracked;
                quiet.emplace(*v.db, v.tables);
                return merger.header(std::move(h));
            },
            [&](std::size_t place, snapshot_row row) { return merger.row(place, std::move(row)); },
            [&](const unmerged_part& p) { return merger.unmerged(p); }};
        if (auto read = read_snapshot(snapshot, visitor); !read) return read;
        if (auto merged = merger.end(); !merged) return merged;
        v.self.at = at;
        v.self.hydrated = false;
        if (auto brought = own.bring(); !brought) return brought;
        // The first changeset of a new device says its name, though it has nothing else to say.
        changeset hello;
        auto known = v.context();
        if (!known) return known.failure();
        hello.context = std::move(*known);
        hello.state = v.state_digest();
        auto published = v.publish(hello, *v.rows);
        return published ? result<void>{} : result<void>{published.failure()};
    });
    if (ok) return vault(std::move(s));
    s.reset();
    std::error_code ignored;
    for (const char* part : {"", "-wal", "-shm"})
        if (!was_there && !path.empty()) std::filesystem::remove(path + part, ignored);
    return ok.failure();
}

}  // namespace casasync::sqlite
