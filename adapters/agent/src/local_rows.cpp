// SPDX-License-Identifier: MIT
#include "local_rows.hpp"

#include <sqlite3.h>

#include <memory>
#include <string_view>
#include <vector>

namespace casasync::agent {
namespace {

struct closer {
    void operator()(sqlite3* db) const noexcept { sqlite3_close(db); }
    void operator()(sqlite3_stmt* s) const noexcept { sqlite3_finalize(s); }
};
using statement = std::unique_ptr<sqlite3_stmt, closer>;

statement prepare(sqlite3* db, const std::string& sql) {
    sqlite3_stmt* raw = nullptr;
    sqlite3_prepare_v2(db, sql.c_str(), -1, &raw, nullptr);
    return statement(raw);
}

std::string quoted_name(std::string_view name) {
    std::string out = "\"";
    for (const char c : name) out += c == '"' ? std::string("\"\"") : std::string(1, c);
    return out + "\"";
}

}  // namespace

std::uint64_t local_rows(const std::string& path) {
    sqlite3* raw = nullptr;
    const int opened = sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READONLY, nullptr);
    const std::unique_ptr<sqlite3, closer> db(raw);
    if (opened != SQLITE_OK) return 0;
    std::vector<std::string> tables;
    const statement names = prepare(db.get(),
                                    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE "
                                    "'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE 'casasync\\_%' ESCAPE '\\'");
    while (names != nullptr && sqlite3_step(names.get()) == SQLITE_ROW)
        tables.emplace_back(reinterpret_cast<const char*>(sqlite3_column_text(names.get(), 0)));
    std::uint64_t rows = 0;
    for (const std::string& table : tables) {
        const statement count = prepare(db.get(), "SELECT count(*) FROM main." + quoted_name(table));
        if (count != nullptr && sqlite3_step(count.get()) == SQLITE_ROW)
            rows += static_cast<std::uint64_t>(sqlite3_column_int64(count.get(), 0));
    }
    return rows;
}

}  // namespace casasync::agent
