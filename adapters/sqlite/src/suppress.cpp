// SPDX-License-Identifier: MIT
#include "suppress.hpp"

#include "trigger_text.hpp"

#include <string>
#include <string_view>

namespace casasync::sqlite {
namespace {

bool starts_with(const char* text, std::string_view prefix) noexcept {
    return text != nullptr && std::string_view(text).substr(0, prefix.size()) == prefix;
}

/// Ignores INSERTs of our own triggers into our own tables, and what other triggers write to tracked ones;
/// SQLite then compiles that to nothing. \param trigger  the innermost trigger the statement stands in
int ignore_triggers(void* tables, int action, const char* table, const char*, const char* database,
                    const char* trigger) noexcept {
    if (trigger == nullptr || table == nullptr || (action != SQLITE_INSERT && action != SQLITE_UPDATE))
        return SQLITE_OK;
    if (starts_with(trigger, own_prefix))
        return action == SQLITE_INSERT && starts_with(table, own_prefix) ? SQLITE_IGNORE : SQLITE_OK;
    const vault_table* known = static_cast<const catalog*>(tables)->find(std::string_view(table));
    const bool tracked = known != nullptr && known->tracked && std::string_view(database) == "main";
    return tracked ? SQLITE_IGNORE : SQLITE_OK;
}

int allow_all(void*, int, const char*, const char*, const char*, const char*) noexcept {
    return SQLITE_OK;
}

}  // namespace

suppress_capture::suppress_capture(connection& db, const catalog& tables) noexcept : db_(db.handle()) {
    // SQLite takes the pointer as a plain one and gives it back.
    sqlite3_set_authorizer(db_, ignore_triggers, const_cast<catalog*>(&tables));
}

suppress_capture::~suppress_capture() {
    // Taking an authorizer away leaves compiled statements as they are, without the bodies of our triggers;
    // setting one has them compiled anew.
    sqlite3_set_authorizer(db_, allow_all, nullptr);
    sqlite3_set_authorizer(db_, nullptr, nullptr);
}

result<capture_mark> capture_mark::set(connection& db, std::span<const table_number> tables) {
    capture_mark out;
    const auto last = db.query_integer("SELECT max(rowid) FROM casasync_log");
    if (!last) return last.failure();
    out.log_ = *last;
    for (const table_number number : tables) {
        const auto buried = db.query_integer("SELECT max(rowid) FROM " + grave_table(number));
        if (!buried) return buried.failure();
        out.graves_.emplace_back(number, *buried);
    }
    return out;
}

result<void> capture_mark::discard(connection& db) const {
    const auto cleared = db.run("DELETE FROM casasync_log WHERE rowid > ?1", log_);
    if (!cleared) return cleared;
    for (const auto& [number, last] : graves_) {
        const auto drained = db.run("DELETE FROM " + grave_table(number) + " WHERE rowid > ?1", last);
        if (!drained) return drained;
    }
    return {};
}

}  // namespace casasync::sqlite
