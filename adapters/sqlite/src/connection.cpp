// SPDX-License-Identifier: MIT
#include "connection.hpp"

#include "statement_cache.hpp"

#include <new>
#include <utility>

namespace casasync::sqlite {

statement_cache::~statement_cache() {
    clear();
    if (owned_) sqlite3_close_v2(db_);
}

sqlite3_stmt* statement_cache::take(std::string_view sql) noexcept {
    const auto it = idle_.find(sql);
    if (it == idle_.end() || it->second.empty()) return nullptr;
    sqlite3_stmt* handle = it->second.back();
    it->second.pop_back();
    --idle_count_;
    return handle;
}

void statement_cache::give_back(sqlite3_stmt* handle) noexcept {
    sqlite3_reset(handle);
    if (idle_count_ >= idle_max) {
        sqlite3_finalize(handle);
        return;
    }
    sqlite3_clear_bindings(handle);
    try {
        const std::string_view sql = sqlite3_sql(handle);
        auto it = idle_.find(sql);
        if (it == idle_.end()) it = idle_.emplace(std::string(sql), std::vector<sqlite3_stmt*>{}).first;
        it->second.push_back(handle);
        ++idle_count_;
    } catch (const std::bad_alloc&) {  // it is compiled anew next time
        sqlite3_finalize(handle);
    }
}

void statement_cache::clear() noexcept {
    for (auto& [sql, handles] : idle_)
        for (sqlite3_stmt* handle : handles) sqlite3_finalize(handle);
    idle_.clear();
    idle_count_ = 0;
}

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
    sqlite3_busy_timeout(db, busy_timeout_ms);
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
    sqlite3_stmt* handle = cache_->take(sql);
    if (handle == nullptr) {
        const int rc = sqlite3_prepare_v3(cache_->db(), sql.data(), static_cast<int>(sql.size()),
                                          SQLITE_PREPARE_PERSISTENT, &handle, nullptr);
        if (rc != SQLITE_OK) return to_error(rc, cache_->db());
        if (handle == nullptr)
            return error{errc::invalid_argument, "There is no SQL statement in this text."};
    }
    return statement(*cache_, handle);
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
