// SPDX-License-Identifier: MIT
#include "migration_script.hpp"

#include <algorithm>
#include <cctype>

namespace casasync::sqlite {
namespace {

constexpr std::string_view unchanged = " Nothing was changed: schema and data are as they were. ";

/// Returns `sql` from its first word on, without the space and comments before it.
std::string_view without_preamble(std::string_view sql) {
    const auto skip_to = [&sql](std::string_view end) {
        const std::size_t at = sql.find(end);
        sql.remove_prefix(at == std::string_view::npos ? sql.size() : at + end.size());
    };
    for (;;) {
        while (!sql.empty() && (std::isspace(static_cast<unsigned char>(sql.front())) != 0 || sql[0] == ';'))
            sql.remove_prefix(1);
        if (sql.substr(0, 2) == "--")
            skip_to("\n");
        else if (sql.substr(0, 2) == "/*")
            skip_to("*/");
        else
            return sql;
    }
}

/// Returns the first word of a statement in capitals.
std::string verb_of(std::string_view statement) {
    std::string out;
    for (const char c : statement) {
        if (std::isalpha(static_cast<unsigned char>(c)) == 0) break;
        out += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
    return out;
}

bool is_one_of(std::string_view verb, std::initializer_list<std::string_view> verbs) {
    return std::find(verbs.begin(), verbs.end(), verb) != verbs.end();
}

error mistake(std::string_view statement, const std::string& why, std::string_view remedy) {
    constexpr std::size_t shown = 80;
    return {errc::invalid_argument, "The migration stopped at \"" + std::string(statement.substr(0, shown)) +
                                        (statement.size() > shown ? "...\": " : "\": ") + why + "." +
                                        std::string(unchanged) + std::string(remedy)};
}

}  // namespace

result<void> migration_script::run(std::string_view sql) {
    for (sql = without_preamble(sql); !sql.empty(); sql = without_preamble(sql)) {
        sqlite3_stmt* compiled = nullptr;
        const char* rest = nullptr;
        const int rc =
            sqlite3_prepare_v2(db_->handle(), sql.data(), static_cast<int>(sql.size()), &compiled, &rest);
        sqlite3_finalize(compiled);
        if (rc == SQLITE_ERROR)
            return mistake(sql, std::string("SQLite says: ") + sqlite3_errmsg(db_->handle()),
                           "Correct it and migrate again.");
        if (rc != SQLITE_OK) return to_error(rc, db_->handle());
        const std::string statement(sql.substr(0, static_cast<std::size_t>(rest - sql.data())));
        sql.remove_prefix(statement.size());
        const std::string verb = verb_of(statement);
        if (is_one_of(verb, {"BEGIN", "COMMIT", "END"})) continue;
        if (is_one_of(verb, {"ROLLBACK", "SAVEPOINT", "RELEASE", "ATTACH", "DETACH", "VACUUM"}))
            return mistake(statement, "a migration is one transaction, and this does not fit into one",
                           "Take it out and run it by itself.");
        writes_rows_ |= is_one_of(verb, {"INSERT", "UPDATE", "DELETE", "REPLACE", "WITH", "DROP"});
        statements_.push_back(statement);
        if (auto ok = run_one(statement, true); !ok) return ok;
    }
    return {};
}

result<void> migration_script::run_again() {
    for (const std::string& statement : statements_)
        if (auto ok = run_one(statement, false); !ok) return ok;
    return {};
}

result<void> migration_script::run_one(const std::string& statement, bool first) {
    const bool alters = first && verb_of(statement) == "ALTER";
    std::vector<std::int64_t> before;
    if (alters) {
        auto now = roots();
        if (!now) return now.failure();
        before = std::move(*now);
    }
    if (auto ok = db_->execute(statement); !ok) {
        if (condition_of(ok.code()) == condition::retryable || ok.code() == errc::store_failed) return ok;
        return mistake(statement, ok.failure().text(), "Correct it and migrate again.");
    }
    return alters ? follow(before) : result<void>{};
}

/// The root pages of the followed tables: ALTER TABLE keeps them. 0 for one that is gone.
result<std::vector<std::int64_t>> migration_script::roots() {
    std::vector<std::int64_t> out;
    for (const followed_table& t : tables_) {
        auto root = db_->query_integer(
            "SELECT rootpage FROM main.sqlite_schema WHERE type = 'table' AND name = ?1", t.name);
        if (!root) return root.failure();
        out.push_back(*root);
    }
    return out;
}

/// Of a column that is renamed twice, only the first and the last name are of use.
static void note_renamed(followed_table& table, const std::string& was, const std::string& is) {
    const auto earlier = std::find_if(table.renamed.begin(), table.renamed.end(),
                                      [&was](const auto& names) { return names.second == was; });
    if (earlier == table.renamed.end())
        table.renamed.emplace_back(was, is);
    else if (earlier->first == is)
        table.renamed.erase(earlier);
    else
        earlier->second = is;
}

/// Finds what an ALTER TABLE gave another name.
result<void> migration_script::follow(const std::vector<std::int64_t>& before) {
    for (std::size_t i = 0; i < tables_.size(); ++i) {
        followed_table& t = tables_[i];
        if (before[i] == 0) continue;
        auto name = db_->query_value(
            "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND rootpage = ?1", before[i]);
        if (!name) return name.failure();
        if (!*name) continue;
        t.name = (*name)->text();
        auto s = db_->prepare("SELECT name FROM pragma_table_xinfo(?1, 'main') ORDER BY cid");
        if (!s) return s.failure();
        s->bind(1, t.name);
        std::vector<std::string> columns;
        for (;;) {
            const auto row = s->step();
            if (!row) return row.failure();
            if (!*row) break;
            columns.emplace_back(s->text(0));
        }
        if (columns.size() == t.columns.size())
            for (std::size_t c = 0; c < columns.size(); ++c)
                if (columns[c] != t.columns[c]) note_renamed(t, t.columns[c], columns[c]);
        t.columns = std::move(columns);
    }
    return {};
}

}  // namespace casasync::sqlite
