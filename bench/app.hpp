// SPDX-License-Identifier: MIT
#pragma once

/// An app that writes workload W with plain SQL on a connection of its own.
#include "workload.hpp"

#include <casasync/result.hpp>

#include <sqlite3.h>

#include <array>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

namespace casasync::bench {

template <class T>
T need(result<T> r) {
    if (!r) throw std::runtime_error(r.failure().text());
    return std::move(*r);
}
inline void need(const result<void>& r) {
    if (!r) throw std::runtime_error(r.failure().text());
}

inline constexpr const char* create_txn =
    "CREATE TABLE txn(id TEXT PRIMARY KEY NOT NULL, account TEXT, payee TEXT, amount INTEGER, date TEXT, "
    "notes TEXT, category TEXT, cleared INTEGER)";

class app {
 public:
    explicit app(const std::string& file) {
        if (sqlite3_open(file.c_str(), &db_) != SQLITE_OK) throw std::runtime_error("cannot open " + file);
        sqlite3_busy_timeout(db_, 5000);
        run("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -65536");
    }
    app(const app&) = delete;
    app& operator=(const app&) = delete;
    ~app() {
        sqlite3_finalize(insert_);
        for (sqlite3_stmt* s : updates_) sqlite3_finalize(s);
        sqlite3_close_v2(db_);
    }

    void run(const std::string& sql) {
        if (sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
            throw std::runtime_error(sqlite3_errmsg(db_));
    }
    [[nodiscard]] std::int64_t number(const std::string& sql) {
        sqlite3_stmt* s = prepare(sql);
        const std::int64_t out = sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
        sqlite3_finalize(s);
        return out;
    }
    void insert(const transaction_row& r) {
        if (insert_ == nullptr) insert_ = prepare("INSERT INTO txn VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
        bind(insert_, 1, r.id), bind(insert_, 2, r.account), bind(insert_, 3, r.payee);
        bind(insert_, 5, r.date), bind(insert_, 6, r.notes), bind(insert_, 7, r.category);
        sqlite3_bind_int64(insert_, 4, r.amount);
        sqlite3_bind_int64(insert_, 8, r.cleared);
        step(insert_);
    }
    void update(const field_update& u) {
        sqlite3_stmt*& s = updates_[u.field];
        if (s == nullptr)
            s = prepare(std::string("UPDATE txn SET ") + field_names[u.field] + " = ?1 WHERE id = ?2");
        if (u.is_integer)
            sqlite3_bind_int64(s, 1, u.number);
        else
            bind(s, 1, u.text);
        bind(s, 2, u.id);
        step(s);
    }
    /// A number that differs where the table differs, whatever the order of its rows.
    [[nodiscard]] std::uint64_t checksum() {
        sqlite3_stmt* s = prepare("SELECT * FROM txn");
        std::uint64_t sum = 0;
        while (sqlite3_step(s) == SQLITE_ROW) {
            std::uint64_t row = 0;
            for (int i = 0; i < sqlite3_column_count(s); ++i) {
                const auto* text = sqlite3_column_text(s, i);
                const int size = sqlite3_column_bytes(s, i);
                for (int k = 0; k < size; ++k) row = row * 131 + text[k];
                row = mix64(row + static_cast<std::uint64_t>(i));
            }
            sum += row;
        }
        sqlite3_finalize(s);
        return sum;
    }

 private:
    sqlite3_stmt* prepare(const std::string& sql) {
        sqlite3_stmt* s = nullptr;
        if (sqlite3_prepare_v2(db_, sql.c_str(), -1, &s, nullptr) != SQLITE_OK)
            throw std::runtime_error(sqlite3_errmsg(db_));
        return s;
    }
    static void bind(sqlite3_stmt* s, int at, const std::string& text) {
        sqlite3_bind_text(s, at, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
    }
    void step(sqlite3_stmt* s) {
        if (sqlite3_step(s) != SQLITE_DONE) throw std::runtime_error(sqlite3_errmsg(db_));
        sqlite3_reset(s);
    }

    sqlite3* db_ = nullptr;
    sqlite3_stmt* insert_ = nullptr;
    std::array<sqlite3_stmt*, field_names.size()> updates_{};
};

/// Inserts rows, or updates fields, in one transaction.
inline void write_all(app& a, std::span<const transaction_row> rows) {
    a.run("BEGIN IMMEDIATE");
    for (const transaction_row& r : rows) a.insert(r);
    a.run("COMMIT");
}
inline void write_all(app& a, std::span<const field_update> updates) {
    a.run("BEGIN IMMEDIATE");
    for (const field_update& u : updates) a.update(u);
    a.run("COMMIT");
}

}  // namespace casasync::bench
