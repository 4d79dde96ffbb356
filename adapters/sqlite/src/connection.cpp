// SPDX-License-Identifier: MIT
#include "connection.hpp"

#include "statement_cache.hpp"

#include <chrono>
#include <iterator>
#include <new>
#include <thread>
#include <utility>

namespace casasync::sqlite {

statement_cache::~statement_cache() {
    clear();
    if (owned_) sqlite3_close_v2(db_);
}

statement_shelf& statement_cache::shelf_of(std::string_view sql) {
    const auto it = shelves_.find(sql);
    return it != shelves_.end() ? it->second
                                : shelves_.emplace(std::string(sql), statement_shelf{}).first->second;
}

sqlite3_stmt* statement_cache::take(statement_shelf& of) noexcept {
    if (of.idle.empty()) return nullptr;
    sqlite3_stmt* handle = of.idle.back();
    of.idle.pop_back();
    --idle_count_;
    ++of.lent;
    return handle;
}

void statement_cache::give_back(statement_shelf& of, sqlite3_stmt* handle) noexcept {
    --of.lent;
    sqlite3_reset(handle);
    if (idle_count_ >= idle_max) {
        sqlite3_finalize(handle);
        return;
    }
    sqlite3_clear_bindings(handle);
    try {
        of.idle.push_back(handle);
        ++idle_count_;
    } catch (const std::bad_alloc&) {  // it is compiled anew next time
        sqlite3_finalize(handle);
    }
}

void statement_cache::clear() noexcept {
    for (auto it = shelves_.begin(); it != shelves_.end();) {
        for (sqlite3_stmt* handle : it->second.idle) sqlite3_finalize(handle);
        it->second.idle.clear();
        it = it->second.lent == 0 ? shelves_.erase(it) : std::next(it);
    }
    idle_count_ = 0;
}

/// How long a connection waits for another one's lock.
struct lock_wait {
    std::chrono::steady_clock::duration longest{};
    std::chrono::steady_clock::time_point began{};
};

namespace {

/// Tries every millisecond. SQLite's own handler comes to wait 100 ms between two tries, and an app that
/// writes without a pause leaves no gap that it would meet. Source: sqlite3_busy_handler().
int try_again(void* waits, int tries) {
    lock_wait& w = *static_cast<lock_wait*>(waits);
    const auto now = std::chrono::steady_clock::now();
    if (tries == 0) w.began = now;
    if (now - w.began >= w.longest) return 0;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return 1;
}

}  // namespace

connection::connection(sqlite3* db, bool owned) : cache_(std::make_unique<statement_cache>(db, owned)) {}
connection::connection(connection&& other) noexcept = default;
connection& connection::operator=(connection&& other) noexcept = default;
connection::~connection() = default;

result<connection> connection::open(const std::string& path, open_mode mode, int busy_timeout_ms) {
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    switch (mode) {
        case open_mode::read_only:
            flags |= SQLITE_OPEN_READONLY;
            break;
        case open_mode::read_write:
            flags |= SQLITE_OPEN_READWRITE;
            break;
        case open_mode::create:
            flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
            break;
    }
    connection out(nullptr, true);  // whatever comes, SQLite's is closed
    const int rc = sqlite3_open_v2(path.c_str(), out.cache_->opening(), flags, nullptr);
    sqlite3* db = out.handle();
    if (db == nullptr) return to_error(rc, nullptr);
    if (rc != SQLITE_OK) return to_error(rc, db);
    out.wait_ = std::make_unique<lock_wait>(lock_wait{std::chrono::milliseconds(busy_timeout_ms), {}});
    sqlite3_busy_handler(db, try_again, out.wait_.get());
    const auto first_page = out.query_integer("PRAGMA schema_version");  // a foreign file shows itself here
    if (!first_page) return first_page.failure();
    return out;
}

connection connection::borrow(sqlite3* db) {
    return {db, false};
}

sqlite3* connection::handle() const noexcept {
    return cache_->db();
}

result<statement> connection::prepare(std::string_view sql) {
    statement_shelf& shelf = cache_->shelf_of(sql);
    sqlite3_stmt* handle = cache_->take(shelf);
    if (handle == nullptr) {
        const int rc = sqlite3_prepare_v3(cache_->db(), sql.data(), static_cast<int>(sql.size()),
                                          SQLITE_PREPARE_PERSISTENT, &handle, nullptr);
        if (rc != SQLITE_OK) return to_error(rc, cache_->db());
        if (handle == nullptr)
            return error{errc::invalid_argument, "There is no SQL statement in this text."};
        cache_->lend(shelf);
    }
    return statement(*cache_, shelf, handle);
}

result<void> connection::execute(const std::string& script) {
    const int rc = sqlite3_exec(cache_->db(), script.c_str(), nullptr, nullptr, nullptr);
    if (rc != SQLITE_OK) return to_error(rc, cache_->db());
    return {};
}

std::int64_t connection::changes() const noexcept {
    return sqlite3_changes64(cache_->db());
}

bool connection::in_transaction() const noexcept {
    return sqlite3_get_autocommit(cache_->db()) == 0;
}

bool connection::enforces_foreign_keys() const noexcept {
    int on = 0;
    sqlite3_db_config(cache_->db(), SQLITE_DBCONFIG_ENABLE_FKEY, -1, &on);
    return on != 0;
}

bool connection::takes_parameters(std::size_t count) const noexcept {
    return static_cast<std::size_t>(sqlite3_limit(handle(), SQLITE_LIMIT_VARIABLE_NUMBER, -1)) >= count;
}

void connection::forget_statements() noexcept {
    cache_->clear();
}

result<void> connection::finish_rollback() {
    if (!rollback_unfinished_) return {};
    if (in_transaction())
        if (auto done = execute("ROLLBACK"); !done) return done;
    rollback_unfinished_ = false;
    return {};
}

result<transaction> transaction::begin(connection& db) {
    const bool nested = db.in_transaction();
    auto done = db.prepare(nested ? "RELEASE casasync" : "COMMIT");
    if (!done) return done.failure();
    auto undo = db.prepare(nested ? "ROLLBACK TO casasync" : "ROLLBACK");
    if (!undo) return undo.failure();
    const auto begun = db.run(nested ? "SAVEPOINT casasync" : "BEGIN IMMEDIATE");
    if (!begun) return begun.failure();
    return transaction(db, nested, std::move(*done), std::move(*undo));
}

transaction::transaction(connection& db, bool nested, statement done, statement undo) noexcept
    : db_(&db), nested_(nested), done_(std::move(done)), undo_(std::move(undo)) {}

transaction::transaction(transaction&& other) noexcept
    : db_(std::exchange(other.db_, nullptr)),
      nested_(other.nested_),
      done_(std::move(other.done_)),
      undo_(std::move(other.undo_)) {}

transaction::~transaction() {
    rollback();
}

result<void> transaction::commit() {
    CASASYNC_ASSERT(db_ != nullptr);
    const auto done = done_.run();
    if (done) db_ = nullptr;
    return done;
}

bool transaction::rollback() noexcept {
    connection* db = std::exchange(db_, nullptr);
    if (db == nullptr) return true;
    if (!db->in_transaction()) return !nested_;  // SQLite undoes all of it itself after some failures
    bool undone = false;
    try {
        undone = undo_.run().ok();
        if (nested_) undone = done_.run().ok() && undone;
    } catch (const std::bad_alloc&) {  // there was no memory to say what failed
    }
    db->rollback_unfinished_ = !nested_ && db->in_transaction();
    return nested_ ? undone && db->in_transaction() : undone;
}

}  // namespace casasync::sqlite
