// SPDX-License-Identifier: MIT
#include "app.hpp"

#include <sstream>

namespace casasync_test {

app::app(const std::string& path) {
    open_ = sqlite3_open(path.c_str(), &db_) == SQLITE_OK;
    sqlite3_busy_timeout(db_, 1000);
    open_ = run("PRAGMA synchronous = EXTRA; PRAGMA foreign_keys = ON") == SQLITE_OK && open_;
}

app::~app() {
    for (const auto& [sql, s] : looks_) sqlite3_finalize(s);
    sqlite3_close(db_);
}

int app::run(const std::string& sql) {
    return sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr);
}

int app::transact(const std::string& sql) {
    if (sqlite3_get_autocommit(db_) == 0) run("ROLLBACK");  // left over when there was no memory for it
    int rc = run("BEGIN IMMEDIATE");
    if (rc == SQLITE_OK) rc = run(sql);
    if (rc == SQLITE_OK) rc = run("COMMIT");
    if (rc != SQLITE_OK && sqlite3_get_autocommit(db_) == 0) run("ROLLBACK");
    return rc;
}

std::string app::rows(const std::string& sql) {
    std::string out;
    sqlite3_stmt*& s = looks_[sql];  // the same looks over and over
    int rc = s != nullptr ? SQLITE_OK : sqlite3_prepare_v2(db_, sql.c_str(), -1, &s, nullptr);
    while (rc == SQLITE_OK || rc == SQLITE_ROW) {
        rc = sqlite3_step(s);
        if (rc != SQLITE_ROW) break;
        for (int i = 0; i < sqlite3_column_count(s); ++i) {
            const int type = sqlite3_column_type(s, i);
            const auto* data = static_cast<const char*>(sqlite3_column_blob(s, i));
            const std::string text(
                data == nullptr ? "" : data,
                data == nullptr ? 0U : static_cast<std::size_t>(sqlite3_column_bytes(s, i)));
            out += std::to_string(type) + ":" + text + "|";
        }
        out += "\n";
    }
    if (rc != SQLITE_DONE) out += "error: " + message() + "\n";
    sqlite3_reset(s);
    return out;
}

std::string app::everything() {
    std::string out = rows("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name");
    std::istringstream names(
        rows("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_stat%' ORDER BY "
             "name"));
    for (std::string line; std::getline(names, line);) {
        const std::string name = line.substr(2, line.size() - 3);
        out += "== " + name + "\n" + rows("SELECT * FROM \"" + name + "\"");
    }
    return out;
}

std::string app::integrity() {
    const std::string found = rows("PRAGMA integrity_check");
    return found == "3:ok|\n" ? "ok" : found;
}

copy_of::copy_of(const disk& d, const std::string& file)
    : disk_(d.image()), mounted_("copy", disk_), app_("copy/" + file) {}

std::string first_difference(const std::string& a, const std::string& b) {
    std::istringstream left(a), right(b);
    std::string part;
    for (std::string l, r;;) {
        const bool more_left = static_cast<bool>(std::getline(left, l));
        const bool more_right = static_cast<bool>(std::getline(right, r));
        if (l.substr(0, 3) == "== ") part = l;
        if (!more_left && !more_right) return "";
        if (!more_left || !more_right || l != r)
            return part + ": <" + (more_left ? l : "end") + "> and <" + (more_right ? r : "end") + ">";
    }
}

}  // namespace casasync_test
