// SPDX-License-Identifier: MIT
#include "sql.hpp"

namespace casasync::examples {

int parameter::bind(sqlite3_stmt* statement, int index) const noexcept {
    if (const auto* text = std::get_if<std::string>(&value_))
        return sqlite3_bind_text64(statement, index, text->data(), text->size(), SQLITE_TRANSIENT,
                                   SQLITE_UTF8);
    if (const auto* number = std::get_if<std::int64_t>(&value_))
        return sqlite3_bind_int64(statement, index, *number);
    return sqlite3_bind_null(statement, index);
}

sql::~sql() {
    for (auto& [text, statement] : statements_) sqlite3_finalize(statement);
}

void sql::execute(const std::string& script) {
    if (!ok()) return;
    const int rc = sqlite3_exec(db_, script.c_str(), nullptr, nullptr, nullptr);
    if (rc != SQLITE_OK) keep_failure(rc);
}

std::int64_t sql::run(std::string_view text, parameters values) {
    sqlite3_stmt* statement = ready(text, values);
    while (step(statement)) {
    }
    return ok() ? sqlite3_changes64(db_) : 0;
}

std::optional<std::string> sql::text(std::string_view query, parameters values) {
    sqlite3_stmt* statement = ready(query, values);
    std::optional<std::string> out;
    if (!step(statement)) return out;
    if (sqlite3_column_type(statement, 0) != SQLITE_NULL)
        out = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
    sqlite3_reset(statement);
    return out;
}

std::int64_t sql::integer(std::string_view query, parameters values) {
    sqlite3_stmt* statement = ready(query, values);
    if (!step(statement)) return 0;
    const std::int64_t out = sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    return out;
}

void sql::finish_transaction() {
    if (ok()) run("COMMIT");
    if (!ok() && sqlite3_get_autocommit(db_) == 0) sqlite3_exec(db_, "ROLLBACK", nullptr, nullptr, nullptr);
}

sqlite3_stmt* sql::compiled(std::string_view text) {
    if (const auto it = statements_.find(text); it != statements_.end()) return it->second;
    sqlite3_stmt* statement = nullptr;
    const int rc = sqlite3_prepare_v3(db_, text.data(), static_cast<int>(text.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (rc != SQLITE_OK) {
        keep_failure(rc);
        return nullptr;
    }
    statements_.emplace(text, statement);
    return statement;
}

sqlite3_stmt* sql::ready(std::string_view text, parameters values) {
    sqlite3_stmt* statement = ok() ? compiled(text) : nullptr;
    if (statement == nullptr) return nullptr;
    int index = 0;
    for (const parameter& value : values)
        if (const int rc = value.bind(statement, ++index); rc != SQLITE_OK) {
            keep_failure(rc);
            return nullptr;
        }
    return statement;
}

bool sql::step(sqlite3_stmt* statement) {
    if (statement == nullptr) return false;
    const int rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW) return true;
    if (rc != SQLITE_DONE) keep_failure(rc);
    sqlite3_reset(statement);
    return false;
}

void sql::keep_failure(int result_code) {
    const bool busy = (result_code & 0xFF) == SQLITE_BUSY;
    failure_ = error{busy ? errc::store_busy : errc::store_failed,
                     std::string("SQLite refused a statement: ") + sqlite3_errmsg(db_) + "."};
}

}  // namespace casasync::examples
