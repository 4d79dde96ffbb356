// SPDX-License-Identifier: MIT
#include "household.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>

namespace casasync_test {

using namespace vault_test;

namespace {

/// A value with its type and every byte.
std::string cell_text(sqlite3_stmt* s, int i) {
    const char type = "?irtbn"[sqlite3_column_type(s, i)];
    if (type == 'b') {
        const auto* first = static_cast<const std::uint8_t*>(sqlite3_column_blob(s, i));
        return "b" + to_hex(bytes(first, first + sqlite3_column_bytes(s, i)));
    }
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(s, i));
    return type + std::string(text, static_cast<std::size_t>(sqlite3_column_bytes(s, i)));
}

/// Values for a person to read, different where they differ.
std::string shown(const std::vector<value>& values) {
    std::string out;
    for (const value& v : values) {
        switch (v.kind()) {
            case value_kind::null:
                out += "NULL ";
                break;
            case value_kind::integer:
                out += std::to_string(v.integer()) + " ";
                break;
            case value_kind::real:
                out += "real " + std::to_string(v.real()) + " ";
                break;
            case value_kind::text:
                out += "'" + v.text() + "' ";
                break;
            case value_kind::blob:
                out += "x'" + to_hex(v.blob()) + "' ";
        }
    }
    return out;
}

std::string lines(const std::multiset<std::string>& all) {
    std::string out;
    for (const std::string& line : all) out += line + "\n";
    return out;
}

}  // namespace

void household::start(const std::string& name) {
    w_.apps[name] = std::make_unique<vault_test::app>(w_.dir.file(name));
    w_.sql(name).run(settings_[name]);
}

void household::joins(const std::string& name, const std::string& sponsor) {
    if (!w_.devices.empty()) {
        w_.joins(name, sponsor);
        w_.sql(name).run(settings_[name]);
        return;
    }
    start(name);
    w_.sql(name).run(app_->tables);
    w_.sql(name).run(app_->rows);
    w_.devices.emplace(name, must(vault::create(w_.dir.file(name), who(name, 1), w_.options(name))));
    for (const app_table& t : app_->tracked) must(w_[name].track(t.name, t.how));
}

void household::write(const std::string& name, const std::string& sql) {
    sqlite3* const db = w_.sql(name).handle();
    for (const char* rest = sql.c_str(); *rest != '\0';) {
        sqlite3_stmt* s = nullptr;
        INFO(rest << ": " << sqlite3_errmsg(db));
        REQUIRE(sqlite3_prepare_v2(db, rest, -1, &s, &rest) == SQLITE_OK);
        while (sqlite3_step(s) == SQLITE_ROW) {
        }
        sqlite3_finalize(s);
    }
    if (sqlite3_get_autocommit(db) == 0) w_.sql(name).run("ROLLBACK");  // a deferred constraint failed
}

void household::write_by_shell(const std::string& name, const std::string& sql) {
#ifdef CASASYNC_SQLITE3_SHELL
    const std::string script = w_.dir.file("script.sql");
    std::ofstream(script) << settings_[name] << ";\n" << sql << ";\n";
    const std::string command = std::string(CASASYNC_SQLITE3_SHELL) + " -init /dev/null '" +
                                w_.dir.file(name) + "' < '" + script + "' > /dev/null 2>&1";
    [[maybe_unused]] const int refused = std::system(command.c_str());
#else
    write(name, sql);
#endif
}

void household::restart(const std::string& name, bool app_too) {
    w_.devices.erase(name);
    if (app_too) {
        w_.apps.at(name) = nullptr;
        start(name);
    }
    w_.devices.emplace(name, must(vault::open(w_.dir.file(name), w_.options(name))));
}

// What is restored may be refused by the table, and a parked row cannot be written.

void household::restore(const std::string& name, std::size_t which) {
    const auto open = must(w_[name].conflicts());
    if (!open.empty()) (void)w_[name].restore(open[which % open.size()].id);
}

void household::keep(const std::string& name, std::size_t which) {
    const auto open = must(w_[name].conflicts());
    if (!open.empty()) (void)w_[name].keep(open[which % open.size()].id);
}

void household::undelete(const std::string& name, std::size_t which) {
    const auto deleted = must(w_[name].deleted());
    if (!deleted.empty()) (void)w_[name].undelete(deleted[which % deleted.size()].id);
}

std::vector<std::string> household::names_in(std::size_t order) const {
    std::vector<std::string> out;
    for (const auto& [name, v] : w_.devices) out.push_back(name);
    for (; order > 0; --order) std::next_permutation(out.begin(), out.end());
    return out;
}

void household::exchange(std::size_t order) {
    w_.now += 1000;
    for (const std::string& name : names_in(order % 6)) push(name);
    for (const std::string& name : names_in(order / 6)) pull(name);
}

void household::meet(std::size_t order) {
    exchange(order);
    check_all();
    const std::size_t said = w_.log.size();
    exchange(order);
    CHECK(w_.log.size() == said);
}

std::string household::tables_of(const std::string& name) {
    std::string out;
    for (const app_table& t : app_->tracked) {
        std::multiset<std::string> rows;
        std::string sql = "SELECT * FROM \"";
        for (const char c : t.name) sql += c == '"' ? "\"\"" : std::string(1, c);
        sqlite3_stmt* s = nullptr;
        REQUIRE(sqlite3_prepare_v2(w_.sql(name).handle(), (sql + "\"").c_str(), -1, &s, nullptr) ==
                SQLITE_OK);
        while (sqlite3_step(s) == SQLITE_ROW) {
            std::string line;
            for (int i = 0; i < sqlite3_column_count(s); ++i) line += "|" + cell_text(s, i);
            rows.insert(t.name + line);
        }
        sqlite3_finalize(s);
        out += lines(rows);
    }
    return out;
}

std::string household::conflicts_of(const std::string& name) {
    std::multiset<std::string> out;
    for (const auto& c : must(w_[name].conflicts()))
        out.insert(c.id + " " + c.table + " " + shown(c.key) + c.column.value_or("-") + " " +
                   shown({c.loser, c.winner}));
    return lines(out);
}

std::string household::parked_of(const std::string& name) {
    std::multiset<std::string> out;
    for (const auto& p : must(w_[name].integrity())) out.insert(p.table + " " + shown(p.key) + p.reason);
    return lines(out);
}

void household::check_file(const std::string& name) {
    vault_test::app& sql = w_.sql(name);
    CHECK(sql.dump("PRAGMA integrity_check") == "ok\n");
    CHECK(sql.dump("PRAGMA foreign_key_check") == "");
    for (const std::string& query : app_->holds) CHECK(sql.dump(query) == "");
    const auto report = must(w_[name].verify());
    std::string differences;
    for (const std::string& d : report.differences) differences += d + "\n";
    CHECK(differences == "");
    CHECK(report.digest_matches);
    CHECK(report.conflicts_match);
    const auto status = must(w_[name].status());
    CHECK(status.captured + status.pending_out + status.pending_in + status.held == 0);
    CHECK(must(w_[name].seal()) == 0);
}

void household::check_all() {
    const std::string& one = w_.devices.begin()->first;
    const std::string digest = must(w_[one].digest()), tables = tables_of(one), conflicts = conflicts_of(one),
                      parked = parked_of(one);
    for (const auto& [name, v] : w_.devices) {
        INFO(name);
        CHECK(must(w_[name].digest()) == digest);
        CHECK(tables_of(name) == tables);
        CHECK(conflicts_of(name) == conflicts);
        CHECK(parked_of(name) == parked);
        check_file(name);
    }
}

}  // namespace casasync_test
