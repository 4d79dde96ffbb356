// SPDX-License-Identifier: MIT
#include "vault_state.hpp"

#include <casasync/clock.hpp>

#include <iterator>
#include <new>

namespace casasync::sqlite {

unix_ms vault::state::own_now() const {
    if (options.now) return options.now();
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

void vault::state::hear_time(unix_ms relay_now) {
    if (relay_now <= 0) return;
    self.relay_offset = relay_now - own_now();
    self.relay_heard = true;
}

unix_ms vault::state::stamping_now() const {
    const std::optional<std::int64_t> offset =
        self.relay_heard ? std::optional(self.relay_offset) : std::nullopt;
    return stamping_time({own_now(), offset, self.clock, options.built_at});
}

result<void> vault::state::connect(open_mode mode) {
    if (options.run_on_app) return {};
    auto opened = connection::open(path, mode, options.busy_timeout_ms);
    if (!opened) return opened.failure();
    db.emplace(std::move(*opened));
    // What is acknowledged is durable, and a cascade is never ours. EXTRA is FULL for a WAL; with a rollback
    // journal, it also makes durable that the journal is gone: one that comes back undoes the commit.
    return db->execute("PRAGMA synchronous = EXTRA; PRAGMA foreign_keys = OFF; PRAGMA cache_size = -65536;");
}

namespace {

/// Runs `work`; no memory for it is an error like any other.
template <class Work>
result<void> with_memory(const Work& work) {
    try {
        return work();
    } catch (const std::bad_alloc&) {
        return error{errc::io_failed, "out of memory"};  // short enough to need none
    }
}

/// While it lives, a connection of the app's syncs its commits as the engine's own does, whatever the app
/// wants of its own: what others have received must not be undone by a power loss. What the app committed
/// before is in the same log, and becomes durable with it.
class synced_commits {
 public:
    explicit synced_commits(connection& db) : db_(&db) {}
    synced_commits(const synced_commits&) = delete;
    synced_commits& operator=(const synced_commits&) = delete;
    ~synced_commits() {
        if (was_ == nullptr) return;
        (void)with_memory([this] { return db_->execute(was_); });
    }
    [[nodiscard]] result<void> begin() {
        constexpr const char* less[] = {"PRAGMA synchronous = OFF", "PRAGMA synchronous = NORMAL",
                                        "PRAGMA synchronous = FULL"};
        const auto now = db_->query_integer("PRAGMA synchronous");
        if (!now) return now.failure();
        if (*now < 0 || *now >= static_cast<std::int64_t>(std::size(less))) return {};
        if (auto ok = db_->execute("PRAGMA synchronous = EXTRA"); !ok) return ok;
        was_ = less[*now];
        return {};
    }

 private:
    connection* db_;
    const char* was_ = nullptr;
};

}  // namespace

/// Puts the parts together on the current connection.
result<void> vault::state::on_connection(const std::function<result<void>()>& work) {
    const auto with_parts = [&]() -> result<void> {
        if (auto ok = db->finish_rollback(); !ok) return ok;
        if (!audit) {  // the last of them
            record.clear();
            rows.emplace(*db, tables);
            shown.emplace(*db, tables, *rows);
            past.emplace(*db, tables);
            audit.emplace(*db, tables, *rows);
            stale = true;
        }
        return work();
    };
    // What could not be undone may be undone now that memory was given back: nobody else can write before.
    const auto whole = [&]() -> result<void> {
        auto done = with_memory(with_parts);
        (void)with_memory([&] { return db->finish_rollback(); });
        return done;
    };
    if (!options.run_on_app) return whole();
    return options.run_on_app([&](sqlite3* app) -> result<void> {
        const auto lend = [&]() -> result<void> {
            if (db && db->handle() == app) return {};
            audit.reset(), past.reset(), shown.reset(), rows.reset();
            db.emplace(connection::borrow(app));
            return {};
        };
        if (auto ok = with_memory(lend); !ok) return ok;
        stale = true;  // a connection opened anew may sit at the same address
        auto done = whole();
        db->forget_statements();  // the app can close its connection whenever none of our work runs
        return done;
    });
}

/// Takes in what other connections did to the file: another process of ours, or a change of the schema.
result<void> vault::state::refresh() {
    const auto version = db->query_integer("PRAGMA data_version");
    if (!version) return version.failure();
    if (*version != seen_version) {
        if (seen_version >= 0) app_wrote = std::chrono::steady_clock::now();
        seen_version = *version;
        stale = true;
    }
    const auto schema = db->query_integer("PRAGMA schema_version");
    if (!schema) return schema.failure();
    if (!stale && *schema == schema_version) return {};
    auto now = read_record(*db);
    if (!now) return now.failure();
    if (*now != record) {  // an app's commits leave it as it is
        auto read = decode_settings(*now);
        if (!read) return read.failure();
        record.clear();
        self = std::move(*read);
        if (auto ok = rows->read(); !ok) return ok;
        record = std::move(*now);
    }
    if (*schema != schema_version)
        if (auto ok = tables.read(*db); !ok) return ok;
    schema_version = *schema;
    stale = false;
    return {};
}

result<void> vault::state::run(const std::function<result<void>()>& work) {
    return on_connection([&]() -> result<void> {
        if (auto ok = refresh(); !ok) return ok;
        return work();
    });
}

result<void> vault::state::set_mark() {
    if (!options.run_on_app) return {};
    std::vector<table_number> numbers;
    for (const auto& t : tables.tables())
        if (t->tracked) numbers.push_back(t->number);
    auto set = capture_mark::set(*db, numbers);
    if (!set) return set.failure();
    mark.emplace(std::move(*set));
    return {};
}

result<void> vault::state::drop_captured() {
    return mark ? mark->discard(*db) : result<void>{};
}

result<void> vault::state::transact(const std::function<result<void>()>& begin,
                                    const std::function<result<void>()>& work, bool captured) {
    return on_connection([&]() -> result<void> {
        synced_commits synced(*db);
        if (options.run_on_app)
            if (auto ok = synced.begin(); !ok) return ok;
        auto tx = transaction::begin(*db);
        if (!tx) return tx.failure();
        // Whatever ends this but a commit, an exception too: what is in memory is read again before it is
        // used.
        struct undo {
            state& s;
            bool committed = false;
            ~undo() {
                s.mark.reset();
                if (s.rows) s.rows->forget();
                if (committed) return;
                s.stale = true;
                s.record.clear();
                s.schema_version = s.captured_schema = -1;
            }
        } ending{*this};
        auto done = begin();
        if (done) done = refresh();
        if (done && !captured) done = set_mark();
        const settings before = self;
        if (done) done = work();
        if (done) done = drop_captured();
        if (done) self.replicas = rows->digest();
        if (done && self != before) {
            record = encode_settings(self);
            done = write_record(*db, record);
        }
        if (done) done = tx->commit();
        ending.committed = done.ok();
        return done;
    });
}

result<void> vault::state::write(const std::function<result<void>()>& work) {
    if (!options.run_on_app && db && !quiet) quiet.emplace(*db, tables);
    return transact([] { return result<void>{}; }, work, false);
}

result<void> vault::state::write_captured(const std::function<result<void>()>& work) {
    quiet.reset();
    return transact([] { return result<void>{}; }, work, true);
}

result<void> vault::state::uncaptured(const std::function<result<void>()>& work) {
    struct ending {
        state& s;
        bool was_quiet, was_marked;
        ~ending() {
            if (!was_quiet) s.quiet.reset();
            if (!was_marked) s.mark.reset();
        }
    } at_end{*this, quiet.has_value(), mark.has_value()};
    if (!options.run_on_app && !quiet) quiet.emplace(*db, tables);
    if (!mark)
        if (auto ok = set_mark(); !ok) return ok;
    if (auto ok = work(); !ok) return ok;
    return at_end.was_marked ? result<void>{} : drop_captured();
}

result<frontier> vault::state::read_frontier() {
    frontier seen;
    if (self.last_seq > 0) seen.raise(self.device, self.last_seq);
    auto s = db->prepare("SELECT id, seq FROM casasync_device WHERE seq > 0");
    if (!s) return s.failure();
    for (;;) {
        const auto row = s->step();
        if (!row) return row.failure();
        if (!*row) return seen;
        if (const auto id = device_id::from(s->blob(0)))
            seen.raise(*id, static_cast<std::uint64_t>(s->integer(1)));
    }
}

result<void> vault::state::raise_frontier(const frontier& to) {
    for (const auto& [device, seq] : to.entries()) {
        if (device == self.device) continue;
        if (auto ok = db->run("INSERT INTO casasync_device(id, name, seq) VALUES(?1, '', ?2) "
                              "ON CONFLICT(id) DO UPDATE SET seq = max(seq, excluded.seq)",
                              device.view(), static_cast<std::int64_t>(seq));
            !ok)
            return ok;
    }
    return {};
}

result<void> vault::state::name_device(const device_id& device, const std::string& name) {
    if (name.empty()) return {};
    return db->run(
        "INSERT INTO casasync_device(id, name, seq) VALUES(?1, ?2, 0) ON CONFLICT(id) DO UPDATE SET name = "
        "excluded.name",
        device.view(), name);
}

/// Cells that were written again, or are shown no more, are not too large any longer.
result<void> vault::state::unlist_large(const merge_plan& plan) {
    const auto any = db->query_integer("SELECT EXISTS(SELECT 1 FROM casasync_large)");
    if (!any) return any.failure();
    if (*any == 0) return {};
    for (const merged_row& row : plan.rows) {
        const std::int64_t table = row.table;
        if (!row.is_visible)
            if (auto ok = db->run("DELETE FROM casasync_large WHERE t = ?1 AND k = ?2", table, row.key); !ok)
                return ok;
        for (const column_no c : row.written)
            if (auto ok = db->run("DELETE FROM casasync_large WHERE t = ?1 AND k = ?2 AND c = ?3", table,
                                  row.key, std::int64_t{c});
                !ok)
                return ok;
    }
    return {};
}

result<void> vault::state::conclude(const merge_plan& plan) {
    if (auto ok = unlist_large(plan); !ok) return ok;
    if (auto ok = audit->note(plan.rows, own_now()); !ok) return ok;
    if (auto ok = rows->raise(plan.merged.vector); !ok) return ok;
    if (auto ok = raise_frontier(plan.merged.seen); !ok) return ok;
    self.digest += plan.digest;
    self.open_digest += plan.open_digest;
    self.counts += plan.counts;
    self.clock = observe(self.clock, plan.greatest);
    return {};
}

}  // namespace casasync::sqlite
