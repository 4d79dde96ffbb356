// SPDX-License-Identifier: MIT
#pragma once

/// SQLite as the relay uses it: few statements, prepared once, run often, blobs bound without a copy.
/// Failures of the file or the disk are thrown as `database_error` and become one answer, 503, in the two
/// places where requests meet the database: the writer's batch and the router. Thread rule: a connection and
/// its statements belong to one thread at a time.
#include <casasync/bytes.hpp>

#include <cstdint>
#include <stdexcept>
#include <string>

struct sqlite3;
struct sqlite3_stmt;

namespace casasync::relay {

struct database_error : std::runtime_error {
    database_error(int result_code, const std::string& text) : std::runtime_error(text), code(result_code) {}
    /// The file is no SQLite database at all.
    [[nodiscard]] bool is_foreign() const noexcept;

    int code;  ///< SQLite's primary result code
};

/// What to throw when stored rows contradict each other.
[[nodiscard]] database_error damage(const std::string& text);

class database {
 public:
    enum class mode { read_only, read_write };

    /// Opens, or with read_write makes, the file. \throws database_error
    database(const std::string& path, mode how);
    database(const database&) = delete;
    database& operator=(const database&) = delete;
    ~database();

    /// Runs a script without parameters.
    void execute(const std::string& script);
    /// Returns the one integer of a pragma.
    [[nodiscard]] std::int64_t pragma(const std::string& name);
    [[nodiscard]] bool in_transaction() const noexcept;
    [[nodiscard]] std::int64_t last_row() const noexcept;
    [[nodiscard]] sqlite3* handle() const noexcept { return db_; }
    [[noreturn]] void fail(int result_code) const;

 private:
    sqlite3* db_ = nullptr;
};

/// The rows of one run of a statement. Ends the run when it goes out of scope, so that no read stays open.
class rows {
 public:
    rows(const rows&) = delete;
    rows& operator=(const rows&) = delete;
    ~rows();

    /// Goes to the next row; false when there is none.
    [[nodiscard]] bool next();
    [[nodiscard]] std::int64_t integer(int column) const noexcept;
    [[nodiscard]] std::uint64_t number(int column) const noexcept {
        return static_cast<std::uint64_t>(integer(column));
    }
    [[nodiscard]] bool is_null(int column) const noexcept;
    /// A view, valid until next().
    [[nodiscard]] bytes_view blob(int column) const noexcept;
    /// Returns the id or hash in a column. A row of another length is damage: throws database_error.
    template <class Array>
    [[nodiscard]] Array array(int column) const {
        Array out{};
        copy_exactly(column, out.data(), out.size());
        return out;
    }

 private:
    friend class prepared;
    rows(database& db, sqlite3_stmt* handle) noexcept : db_(db), handle_(handle) {}
    void copy_exactly(int column, std::uint8_t* to, std::size_t size) const;

    database& db_;
    sqlite3_stmt* handle_;
};

class prepared {
 public:
    /// \throws database_error
    prepared(database& db, const char* sql);
    prepared(const prepared&) = delete;
    prepared& operator=(const prepared&) = delete;
    ~prepared();

    /// Starts a run. Blobs are not copied: they must live as long as the rows.
    template <class... Values>
    [[nodiscard]] rows query(const Values&... values) {
        int index = 0;
        (bind(++index, values), ...);
        return rows(db_, handle_);
    }
    /// Runs to the end.
    template <class... Values>
    void run(const Values&... values) {
        rows all = query(values...);
        while (all.next()) {
        }
    }

 private:
    void bind(int index, std::int64_t value);
    void bind(int index, std::uint64_t value) { bind(index, static_cast<std::int64_t>(value)); }
    void bind(int index, std::uint32_t value) { bind(index, std::int64_t{value}); }
    void bind(int index, bool value) { bind(index, std::int64_t{value}); }
    void bind(int index, bytes_view value);

    database& db_;
    sqlite3_stmt* handle_ = nullptr;
};

}  // namespace casasync::relay
