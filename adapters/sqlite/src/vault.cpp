// SPDX-License-Identifier: MIT
/// Making, opening and tracking. Sealing is in seal.cpp, what goes out and comes in in outbox.cpp and
/// inbox.cpp, snapshots in snapshots.cpp, questions in reports.cpp.
#include "brought_rows.hpp"
#include "vault_state.hpp"

#include <casasync/detail/hash.hpp>
#include <casasync/detail/wire.hpp>
#include <casasync/digest.hpp>
#include <casasync/key.hpp>

namespace casasync::sqlite {

namespace {

tracking tracking_of(const track_options& o) {
    return {o.policy, o.rules, o.groups, o.references, o.natural_integer_key, false};
}

/// The sum over the cells of a table's rows of hash(table, key, column, value): what the vault began with.
/// Lists cells that are too large to travel.
result<detail::u128> digest_of_rows(connection& db, const vault_table& table, row_numbers& numbers) {
    std::string sql = "SELECT ";
    for (std::size_t i = 0; i < table.shape.columns.size(); ++i)
        sql += (i > 0 ? ", " : "") + (table.shape.columns[i].generated
                                          ? std::string("NULL")
                                          : quote_name(table.shape.columns[i].name));
    auto s = db.prepare(sql + " FROM main." + quote_name(table.shape.name));
    if (!s) return s.failure();
    detail::u128 sum;
    bytes cell;
    for (;;) {
        const auto row = s->step();
        if (!row) return row.failure();
        if (!*row) return sum;
        std::vector<value> key, in_shape = s->cells();
        for (const std::size_t k : table.shape.key) key.push_back(in_shape[k]);
        const auto encoded = if_it_travels(numbers.translate(table, key));
        if (!encoded) return encoded.failure();
        if (!*encoded) continue;
        if (auto ok = numbers.to_registers(table, in_shape); !ok) return ok.failure();
        const detail::u128 seed = detail::row_seed(table.traits, **encoded);
        for (std::size_t i = 0; i < table.of_shape.size(); ++i) {
            if (!table.of_shape[i]) continue;
            const value& what = in_shape[i];
            if (what.size() > limits::value_bytes_max)
                if (auto ok = list_large(db, table, **encoded, *table.of_shape[i]); !ok) return ok.failure();
            cell.clear();
            detail::writer w(cell);
            w.counted(table.shape.columns[i].name);
            detail::put_value(w, what);
            sum += detail::hash128(cell, seed);
        }
    }
}

result<void> create_tables(connection& db) {
    if (auto ok = create_log(db); !ok) return ok;
    if (auto ok = catalog::create(db); !ok) return ok;
    if (auto ok = row_store::create(db); !ok) return ok;
    if (auto ok = display::create(db); !ok) return ok;
    if (auto ok = audit_log::create(db); !ok) return ok;
    if (auto ok = history_log::create(db); !ok) return ok;
    return db.execute(
        "CREATE TABLE IF NOT EXISTS casasync_device(id BLOB PRIMARY KEY NOT NULL, name TEXT NOT NULL, seq "
        "INTEGER NOT NULL) STRICT;"
        "CREATE TABLE IF NOT EXISTS casasync_large(t INTEGER NOT NULL, k BLOB NOT NULL, c INTEGER NOT NULL, "
        "PRIMARY KEY(t, k, c)) WITHOUT "
        "ROWID, STRICT;"
        "CREATE TABLE IF NOT EXISTS casasync_outbox(seq INTEGER PRIMARY KEY, part INTEGER NOT NULL, parts "
        "INTEGER NOT NULL, hour INTEGER NOT NULL, was INTEGER NOT NULL, sent INTEGER NOT NULL DEFAULT 0, "
        "payload BLOB NOT NULL, envelope BLOB) STRICT;"
        "CREATE INDEX IF NOT EXISTS casasync_outbox_unsent ON casasync_outbox(seq) WHERE sent = 0;"
        "CREATE TABLE IF NOT EXISTS casasync_made(digest BLOB PRIMARY KEY NOT NULL, seq INTEGER NOT "
        "NULL) WITHOUT ROWID, STRICT;"
        "CREATE TABLE IF NOT EXISTS casasync_link(device BLOB NOT NULL, seq INTEGER NOT NULL, link BLOB NOT "
        "NULL, PRIMARY KEY(device, seq)) WITHOUT ROWID, STRICT;"
        "CREATE TABLE IF NOT EXISTS casasync_inbox(device BLOB NOT NULL, seq INTEGER NOT NULL, part INTEGER "
        "NOT NULL, parts INTEGER NOT NULL, "
        "pos INTEGER NOT NULL, payload BLOB NOT NULL, why TEXT, writes INTEGER NOT NULL DEFAULT 0, PRIMARY "
        "KEY(device, seq)) STRICT;");
}

}  // namespace

result<void> check_device_name(const std::string& name) {
    if (name.size() <= limits::name_bytes_max && name.find('\0') == std::string::npos) return {};
    return error{errc::invalid_argument,
                 "the device's name is longer than 1,000 bytes; nothing was changed. Give a shorter one"};
}

vault::vault(std::unique_ptr<state> s) : state_(std::move(s)) {}
vault::vault(vault&&) noexcept = default;
vault& vault::operator=(vault&&) noexcept = default;
vault::~vault() {
    if (state_) state_->quiet.reset();
}

/// The replica id for what is inserted before the first sync.
static replica_id seeds_of(const replica_id& own) {
    const detail::u128 hash = detail::hash128(own.octets);
    bytes both;
    detail::writer w(both);
    w.u64(hash.high);
    w.u64(hash.low);
    return *replica_id::from(both);
}

/// Writes what a vault of one device without rows begins with, in one transaction.
result<void> vault::state::create(const identity& who, const std::function<result<void>()>& work) {
    settings fresh;
    fresh.vault = who.vault;
    fresh.device = who.device;
    fresh.device_name = who.device_name;
    fresh.relay = who.relay;
    fresh.write_time = options.capture_write_time;
    fresh.clock = band::adopt;
    sqlite3_randomness(16, fresh.replica.octets.data());
    fresh.seeds = seeds_of(fresh.replica);
    const auto begin = [&]() -> result<void> {
        const auto there = read_record(*db);
        if (there) {
            const auto known = decode_settings(*there);
            if (!known) return known.failure();
            return error{
                errc::already_exists,
                "this file is a casasync vault already; nothing was changed. `casasync status` tells of it"};
        }
        if (there.code() != errc::not_a_vault) return there.failure();
        if (auto ok = create_settings(*db, fresh); !ok) return ok;
        if (auto ok = create_tables(*db); !ok) return ok;
        if (auto ok = db->run("INSERT INTO casasync_device(id, name, seq) VALUES(?1, ?2, 0)",
                              who.device.view(), who.device_name);
            !ok)
            return ok;
        // Whoever has the vault has what it began with.
        return db->run("UPDATE casasync_replica SET hlc = ?1 WHERE n = 0",
                       static_cast<std::int64_t>(band::adopt.packed));
    };
    const auto wal = [&]() -> result<void> {
        auto mode = db->query_value("PRAGMA journal_mode = WAL");  // in memory it stays as it is
        return mode ? result<void>{} : result<void>{mode.failure()};
    };
    if (auto ok = on_connection(wal); !ok) return ok;
    return transact(begin, work, true);
}

result<vault> vault::create(const std::string& path, const identity& who, vault_options options) {
    if (auto ok = check_device_name(who.device_name); !ok) return ok.failure();
    auto s = std::make_unique<state>(path, std::move(options));
    if (auto ok = s->connect(open_mode::create); !ok) return ok.failure();
    if (auto ok = s->create(who, [] { return result<void>{}; }); !ok) return ok.failure();
    return vault(std::move(s));
}

result<vault> vault::open(const std::string& path, vault_options options) {
    auto s = std::make_unique<state>(path, std::move(options));
    if (auto ok = s->connect(open_mode::read_write); !ok) return ok.failure();
    const auto changed = s->run([&] { return s->changed_tables(); });
    if (!changed) return changed.failure();
    if (!changed->empty())
        if (auto mended = s->write([&] { return s->seal_log(); }); !mended) return mended.failure();
    return vault(std::move(s));
}

vault_id vault::id() const {
    return state_->self.vault;
}
device_id vault::device() const {
    return state_->self.device;
}

result<std::vector<std::string>> vault::tables() {
    return state_->run([&] { return application_tables(*state_->db); });
}

result<std::vector<std::string>> vault::tracked() {
    return state_->run([&]() -> result<std::vector<std::string>> {
        std::vector<std::string> out;
        for (const auto& t : state_->tables.tables())
            if (t->tracked) out.push_back(t->traits.name);
        return out;
    });
}

result<std::vector<untrackable>> vault::check(std::span<const std::string> names) {
    return state_->run([&]() -> result<std::vector<untrackable>> {
        std::vector<untrackable> out;
        for (const std::string& name : names) {
            auto shape = read_shape(*state_->db, name);
            if (!shape && shape.code() != errc::not_found) return shape.failure();
            auto fine = shape ? check_trackable(*shape) : result<void>{shape.failure()};
            const vault_table* known = shape ? state_->tables.find(shape->name) : nullptr;
            if (fine && (known == nullptr || !known->tracked)) fine = check_key_lengths(*state_->db, *shape);
            if (!fine && fine.code() != errc::not_trackable && fine.code() != errc::not_found)
                return fine.failure();
            if (!fine) out.push_back({name, fine.failure().text()});
        }
        return out;
    });
}

result<void> vault::track(const std::string& table, const track_options& how) {
    return state_->write_captured([&]() -> result<void> {
        state& v = *state_;
        if (auto n = v.seal_log(); !n) return n.failure();
        auto shape = read_shape(*v.db, table);
        if (!shape) return shape.failure();
        const vault_table* before = v.tables.find(shape->name);
        const bool again = before != nullptr && before->tracked;
        tracking wanted = tracking_of(how);
        const bool begins = v.self.adopting && before == nullptr;
        if (begins) {  // a table without rows has nothing to adopt: every row will have a record
            const auto any =
                v.db->query_integer("SELECT EXISTS(SELECT 1 FROM main." + quote_name(shape->name) + ")");
            if (!any) return any.failure();
            wanted.adopt = *any != 0;
        }
        const delete_policy old_policy = before != nullptr ? before->traits.policy : how.policy;
        if (before != nullptr && old_policy != how.policy)
            if (auto ok = v.change_policy(*before, how.policy); !ok) return ok;
        for (const auto& [column, rule] : wanted.rules) {
            const auto c = before != nullptr ? before->traits.column(column) : std::nullopt;
            if (!c || before->traits.columns[*c].rule == rule) continue;
            const auto written = v.is_written(*before, *c);
            if (!written) return written.failure();
            if (*written) continue;  // refused below
            if (auto ok = v.tables.set_rule(*v.db, *before, *c, rule); !ok) return ok;
        }
        own_rows own(v, brought_numbers::other_rows);
        const bool met = before != nullptr && !again;  // others have it: ours are compared with theirs
        if (met)
            if (auto ok = own.set_aside(std::span(&shape->name, 1)); !ok) return ok;
        auto tracked = v.tables.track(*v.db, table, wanted, {v.self.write_time});
        if (!tracked) return tracked.failure();
        if (again) return {};
        if (auto ok = check_key_lengths(*v.db, (**tracked).shape); !ok) return ok;
        if (begins) {
            auto base = digest_of_rows(*v.db, **tracked, v.rows->numbers());
            if (!base) return base.failure();
            v.self.base += *base;
            return how.rules.empty() ? result<void>{} : v.record_rows(**tracked, true);
        }
        std::optional<suppress_capture> quiet;
        if (!v.options.run_on_app) quiet.emplace(*v.db, v.tables);
        if (!met) return v.bring_along(**tracked);
        if (auto ok = v.show_unseen(**tracked); !ok) return ok;
        return own.bring();
    });
}

result<void> vault::untrack(const std::string& table) {
    return state_->write([&]() -> result<void> {
        state& v = *state_;
        if (auto n = v.seal_log(); !n) return n.failure();
        const vault_table* t = v.tables.find(table);
        if (t != nullptr && t->tracked)
            if (auto ok = v.record_rows(*t, false); !ok) return ok;
        if (auto ok = v.tables.untrack(*v.db, table); !ok) return ok;
        return v.tables.read(*v.db);
    });
}

result<std::int64_t> vault::data_version() {
    std::int64_t version = 0;
    auto ok = state_->on_connection([&]() -> result<void> {
        auto v = state_->db->query_integer("PRAGMA data_version");
        if (!v) return v.failure();
        version = *v;
        return {};
    });
    if (!ok) return ok.failure();
    return version;
}

result<void> vault::rename(const std::string& name) {
    if (auto ok = check_device_name(name); !ok) return ok;
    return state_->write([&]() -> result<void> {
        state& s = *state_;
        if (name.empty() || name == s.self.device_name) return {};
        s.self.device_name = name;
        s.self.name_said = false;
        if (auto ok = s.name_device(s.self.device, name); !ok) return ok;
        // A changeset that changes nothing takes the name along, so that it does not wait for the next write.
        auto known = s.context();
        if (!known) return known.failure();
        changeset c;
        c.context = std::move(*known);
        auto merged = s.publish(c, *s.rows);
        return merged ? result<void>() : merged.failure();
    });
}

result<void> vault::note_sync(std::uint64_t head, unix_ms relay_now, const std::string& failure,
                              std::optional<std::size_t> refused) {
    return state_->write([&]() -> result<void> {
        settings& s = state_->self;
        if (head > 0) s.relay_head = head;
        state_->hear_time(relay_now);
        if (refused) s.refused = *refused;
        s.last_error = failure.substr(0, 4000);
        if (failure.empty()) s.last_synced_at = state_->own_now() / 1000;
        if (auto ok = state_->prune_sent(); !ok) return ok;
        return state_->prune_history();
    });
}

}  // namespace casasync::sqlite
