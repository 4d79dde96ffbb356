// SPDX-License-Identifier: MIT
#include "database.hpp"

#include <sqlite3.h>

#include <algorithm>

namespace casasync::relay {
namespace {

constexpr int busy_timeout_ms = 10'000;  // a backup by another program may hold the file for a moment

}  // namespace

bool database_error::is_foreign() const noexcept {
    return code == SQLITE_NOTADB;
}

database_error damage(const std::string& text) {
    return {SQLITE_CORRUPT, text};
}

database::database(const std::string& path, mode how) {
    const int flags =
        how == mode::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    const int rc = sqlite3_open_v2(path.c_str(), &db_, flags | SQLITE_OPEN_NOMUTEX, nullptr);
    if (rc != SQLITE_OK) {
        const std::string text = db_ != nullptr ? sqlite3_errmsg(db_) : sqlite3_errstr(rc);
        sqlite3_close_v2(db_);
        throw database_error(rc & 0xFF, text);
    }
    sqlite3_busy_timeout(db_, busy_timeout_ms);
}

database::~database() {
    sqlite3_close_v2(db_);
}

void database::execute(const std::string& script) {
    if (const int rc = sqlite3_exec(db_, script.c_str(), nullptr, nullptr, nullptr); rc != SQLITE_OK)
        fail(rc);
}

std::int64_t database::pragma(const std::string& name) {
    prepared one(*this, ("PRAGMA " + name).c_str());
    rows row = one.query();
    return row.next() ? row.integer(0) : 0;
}

bool database::in_transaction() const noexcept {
    return sqlite3_get_autocommit(db_) == 0;
}

std::int64_t database::last_row() const noexcept {
    return sqlite3_last_insert_rowid(db_);
}

void database::fail(int result_code) const {
    throw database_error(result_code & 0xFF, sqlite3_errmsg(db_));
}

rows::~rows() {
    sqlite3_reset(handle_);
    sqlite3_clear_bindings(handle_);
}

bool rows::next() {
    const int rc = sqlite3_step(handle_);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) db_.fail(rc);
    return rc == SQLITE_ROW;
}

std::int64_t rows::integer(int column) const noexcept {
    return sqlite3_column_int64(handle_, column);
}

bool rows::is_null(int column) const noexcept {
    return sqlite3_column_type(handle_, column) == SQLITE_NULL;
}

bytes_view rows::blob(int column) const noexcept {
    const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(handle_, column));
    return {data, data == nullptr ? 0 : static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
}

void rows::copy_exactly(int column, std::uint8_t* to, std::size_t size) const {
    const bytes_view from = blob(column);
    if (from.size() != size) throw damage("a stored id or hash has a wrong length");
    std::copy(from.begin(), from.end(), to);
}

prepared::prepared(database& db, const char* sql) : db_(db) {
    const int rc = sqlite3_prepare_v3(db.handle(), sql, -1, SQLITE_PREPARE_PERSISTENT, &handle_, nullptr);
    if (rc != SQLITE_OK) db.fail(rc);
}

prepared::~prepared() {
    sqlite3_finalize(handle_);
}

void prepared::bind(int index, std::int64_t value) {
    if (const int rc = sqlite3_bind_int64(handle_, index, value); rc != SQLITE_OK) db_.fail(rc);
}

void prepared::bind(int index, bytes_view value) {
    static constexpr std::uint8_t nothing = 0;  // a null pointer would bind NULL, not an empty blob
    const std::uint8_t* data = value.empty() ? &nothing : value.data();
    const int rc = sqlite3_bind_blob64(handle_, index, data, value.size(), SQLITE_STATIC);
    if (rc != SQLITE_OK) db_.fail(rc);
}

}  // namespace casasync::relay
