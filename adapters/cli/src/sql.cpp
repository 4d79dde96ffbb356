// SPDX-License-Identifier: MIT
#include "sql.hpp"

#include <sqlite3.h>

namespace casasync::cli {

void sql_file::closer::operator()(sqlite3* db) const noexcept {
    sqlite3_close_v2(db);
}

error sql_file::failure() const {
    switch (sqlite3_errcode(db_.get()) & 0xFF) {
        case SQLITE_NOTADB:
            return errc::not_a_database;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return errc::store_busy;
        case SQLITE_FULL:
            return errc::store_full;
        case SQLITE_CORRUPT:
            return errc::store_failed;
        default:
            return {errc::io_failed, std::string("SQLite says: ") + sqlite3_errmsg(db_.get()) +
                                         ". Nothing was changed. Check the file and the disk."};
    }
}

result<sql_file> sql_file::open(const std::string& path, access how) {
    sqlite3* db = nullptr;
    const int flags =
        how == access::read ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    const int failed = sqlite3_open_v2(path.c_str(), &db, flags, nullptr);
    sql_file file(db);
    if (failed != SQLITE_OK) return file.failure();
    sqlite3_busy_timeout(db, 5000);
    if (how == access::read)
        if (auto ok = file.run("PRAGMA query_only=1"); !ok) return ok.failure();
    return file;
}

result<void> sql_file::run(const std::string& sql) {
    if (sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) return failure();
    return {};
}

result<void> sql_file::each(const std::string& sql, const std::vector<std::string>& arguments,
                            const std::function<bool(const std::vector<std::string>&)>& row) {
    sqlite3_stmt* raw = nullptr;
    if (sqlite3_prepare_v2(db_.get(), sql.c_str(), -1, &raw, nullptr) != SQLITE_OK) return failure();
    const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement(raw, sqlite3_finalize);
    for (std::size_t i = 0; i < arguments.size(); ++i)
        sqlite3_bind_text64(raw, static_cast<int>(i) + 1, arguments[i].data(), arguments[i].size(),
                            SQLITE_STATIC, SQLITE_UTF8);
    std::vector<std::string> columns(static_cast<std::size_t>(sqlite3_column_count(raw)));
    int step = SQLITE_ROW;
    while ((step = sqlite3_step(raw)) == SQLITE_ROW) {
        for (std::size_t i = 0; i < columns.size(); ++i) {
            const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(raw, static_cast<int>(i)));
            const auto size = static_cast<std::size_t>(sqlite3_column_bytes(raw, static_cast<int>(i)));
            columns[i] = text == nullptr ? std::string() : std::string(text, size);
        }
        if (!row(columns)) return {};
    }
    if (step != SQLITE_DONE) return failure();
    return {};
}

std::string quoted_name(std::string_view name) {
    std::string out = "\"";
    for (const char c : name) {
        out += c;
        if (c == '"') out += c;
    }
    return out + "\"";
}

}  // namespace casasync::cli
