// SPDX-License-Identifier: MIT
#pragma once

/// A SQLite connection whose failures are values: statements, their cache, and transactions that undo
/// themselves. Thread rule: one connection and everything made from it belong to one thread at a time.
#include <casasync/bytes.hpp>
#include <casasync/result.hpp>
#include <casasync/value.hpp>

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace casasync::sqlite {

/// Returns `name` as an SQL identifier, in double quotes.
[[nodiscard]] std::string quote_name(std::string_view name);
/// Returns `text` as an SQL string literal. Only for text without NUL; values are bound, not quoted.
[[nodiscard]] std::string quote_text(std::string_view text);

/// Returns the error for a SQLite result code: our code, and a sentence with SQLite's own words.
/// \param db  where the failure happened, for its message; may be null
[[nodiscard]] error to_error(int result_code, sqlite3* db);

struct lock_wait;
/// The statements of one connection that nobody uses at the moment, by their text.
class statement_cache;
struct statement_shelf;

/// A prepared statement on loan: the destructor resets it and gives it back to the connection's cache, so a
/// read never stays open by accident. Must not outlive its connection.
class statement {
 public:
    statement(statement&& other) noexcept;
    statement& operator=(statement&& other) noexcept;
    ~statement();

    /// Binds parameter `index` (from 1), copying text and blobs; ends a read that is under way. A failure is
    /// kept and comes out of step().
    statement& bind(int index, std::int64_t v) noexcept;
    statement& bind(int index, int v) noexcept { return bind(index, std::int64_t{v}); }
    statement& bind(int index, double v) noexcept;
    statement& bind(int index, std::string_view v) noexcept;
    statement& bind(int index, const char* v) noexcept { return bind(index, std::string_view(v)); }
    statement& bind(int index, const std::string& v) noexcept { return bind(index, std::string_view(v)); }
    statement& bind(int index, bytes_view v) noexcept;
    statement& bind(int index, const bytes& v) noexcept { return bind(index, bytes_view(v)); }
    statement& bind(int index, std::nullptr_t) noexcept;
    statement& bind(int index, const value& v) noexcept;
    /// Binds parameters 1, 2, ... in order.
    template <class... Values>
    statement& bind_all(const Values&... values) noexcept {
        int index = 0;
        (bind(++index, values), ...);
        return *this;
    }
    /// The same without a copy of texts and blobs: they must be there, unchanged, whenever the statement runs
    /// before it is bound anew.
    statement& bind_view(int index, std::string_view v) noexcept;
    statement& bind_view(int index, bytes_view v) noexcept;
    statement& bind_view(int index, const value& v) noexcept;
    template <class... Values>
    statement& bind_views(const Values&... values) noexcept {
        int index = 0;
        [[maybe_unused]] const auto one = [&](const auto& v) {
            using type = std::remove_cvref_t<decltype(v)>;
            if constexpr (std::is_same_v<type, value> || std::is_same_v<type, bytes_view>)
                bind_view(++index, v);
            else if constexpr (std::is_same_v<type, bytes>)
                bind_view(++index, bytes_view(v));
            else if constexpr (std::is_convertible_v<const type&, std::string_view>)
                bind_view(++index, std::string_view(v));
            else
                bind(++index, v);
        };
        (one(values), ...);
        return *this;
    }

    /// Goes to the next row: true while there is one. After false or an error the statement is reset and
    /// keeps its bindings, so it can be run again.
    [[nodiscard]] result<bool> step();
    /// Runs to the end, passing over rows.
    [[nodiscard]] result<void> run();
    /// Ends the read; bindings stay.
    void reset() noexcept;
    /// The extended SQLite result code of the last step(): tells a violated constraint from other failures.
    [[nodiscard]] int code() const noexcept { return code_; }

    /// The columns of the current row, from 0. Text and blob views live until the next step or reset.
    /// \throws std::bad_alloc where SQLite had no memory for the value; it would be an empty one otherwise
    [[nodiscard]] int columns() const noexcept;
    [[nodiscard]] bool is_null(int column) const noexcept;
    [[nodiscard]] std::int64_t integer(int column) const noexcept;
    [[nodiscard]] double real(int column) const noexcept;
    [[nodiscard]] std::string_view text(int column) const;
    [[nodiscard]] bytes_view blob(int column) const;
    /// The column with the type and the exact bytes that are stored.
    [[nodiscard]] value cell(int column) const;
    /// All columns of the row, as cell() gives them.
    [[nodiscard]] std::vector<value> cells() const;

 private:
    friend class connection;
    statement(statement_cache& home, statement_shelf& shelf, sqlite3_stmt* handle) noexcept
        : home_(&home), shelf_(&shelf), handle_(handle) {}
    statement& bind_text(int index, std::string_view v, sqlite3_destructor_type how) noexcept;
    statement& bind_blob(int index, bytes_view v, sqlite3_destructor_type how) noexcept;
    /// Keeps the first failure of bind().
    statement& bound(int result_code) noexcept;
    void check_memory() const;

    statement_cache* home_ = nullptr;
    statement_shelf* shelf_ = nullptr;
    sqlite3_stmt* handle_ = nullptr;
    int bind_code_ = SQLITE_OK;
    int code_ = SQLITE_OK;
};

/// How a file is opened.
enum class open_mode { read_only, read_write, create };

class connection {
 public:
    /// Opens a file. \param busy_timeout_ms how long SQLite waits for another writer before store_busy
    /// \errors io_failed, not_a_database (found here, not at the first query), store_busy, store_failed
    [[nodiscard]] static result<connection> open(const std::string& path, open_mode mode,
                                                 int busy_timeout_ms);
    /// Uses a connection of the application, which stays open and configured as it is; only statements
    /// prepared here are finalized at the end.
    [[nodiscard]] static connection borrow(sqlite3* db);

    connection(connection&& other) noexcept;
    connection& operator=(connection&& other) noexcept;
    ~connection();

    [[nodiscard]] sqlite3* handle() const noexcept;

    /// Returns a statement from the cache, or compiles one. \errors as to_error(), with the SQL's mistake
    [[nodiscard]] result<statement> prepare(std::string_view sql);
    /// Runs a script of statements without parameters; nothing of it is cached.
    [[nodiscard]] result<void> execute(const std::string& script);
    /// Prepares, binds and runs to the end.
    template <class... Values>
    [[nodiscard]] result<void> run(std::string_view sql, const Values&... values) {
        auto s = prepare(sql);
        if (!s) return s.failure();
        return s->bind_views(values...).run();
    }
    /// Returns the first column of the first row; nothing when there is no row.
    template <class... Values>
    [[nodiscard]] result<std::optional<value>> query_value(std::string_view sql, const Values&... values) {
        auto s = prepare(sql);
        if (!s) return s.failure();
        const auto row = s->bind_views(values...).step();
        if (!row) return row.failure();
        return *row ? std::optional<value>(s->cell(0)) : std::nullopt;
    }
    /// Returns the first column of the first row as an integer; 0 when there is no row or it is NULL.
    template <class... Values>
    [[nodiscard]] result<std::int64_t> query_integer(std::string_view sql, const Values&... values) {
        auto s = prepare(sql);
        if (!s) return s.failure();
        const auto row = s->bind_views(values...).step();
        if (!row) return row.failure();
        return *row ? s->integer(0) : std::int64_t{0};
    }

    /// Rows changed by the last INSERT, UPDATE or DELETE, without what triggers did.
    [[nodiscard]] std::int64_t changes() const noexcept;
    [[nodiscard]] bool in_transaction() const noexcept;
    [[nodiscard]] bool enforces_foreign_keys() const noexcept;
    /// True when a statement may have that many parameters: an application may set its connection's limit.
    [[nodiscard]] bool takes_parameters(std::size_t count) const noexcept;
    /// Undoes a transaction that could not be undone when it failed, because there was no memory even for
    /// that. Nothing to do otherwise.
    [[nodiscard]] result<void> finish_rollback();
    /// Finalizes the statements nobody uses: before DDL that would otherwise find them, or when idle.
    void forget_statements() noexcept;

 private:
    connection(sqlite3* db, bool owned);

    friend class transaction;
    std::unique_ptr<lock_wait> wait_{};  ///< outlives SQLite's connection
    std::unique_ptr<statement_cache> cache_;
    bool rollback_unfinished_ = false;
};

/// All or nothing: rolls back when destroyed before commit(). BEGIN IMMEDIATE on an idle connection, so that
/// the lock is taken at once; inside an open transaction (nested, or the application's) a savepoint. How it
/// ends is compiled before it begins: a rollback needs no memory.
class transaction {
 public:
    [[nodiscard]] static result<transaction> begin(connection& db);

    transaction(transaction&& other) noexcept;
    transaction& operator=(transaction&&) = delete;
    ~transaction();

    /// \errors as to_error(); after a failure the destructor rolls back
    [[nodiscard]] result<void> commit();
    /// \returns false when what was begun before this one may be undone, too: go on with nothing, and fail
    bool rollback() noexcept;

 private:
    transaction(connection& db, bool nested, statement done, statement undo) noexcept;

    connection* db_ = nullptr;  ///< null once finished
    bool nested_ = false;
    statement done_, undo_;
};

}  // namespace casasync::sqlite
