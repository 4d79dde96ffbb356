// SPDX-License-Identifier: MIT
#pragma once

/// The statements of one connection that nobody uses at the moment, by their text.
#include "connection.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace casasync::sqlite {

class statement_cache {
 public:
    /// Beyond this many idle statements, what comes back is finalized: a vault of 30 tables needs some 200.
    static constexpr std::size_t idle_max = 512;

    statement_cache(sqlite3* db, bool owned) noexcept : db_(db), owned_(owned) {}
    statement_cache(const statement_cache&) = delete;
    statement_cache& operator=(const statement_cache&) = delete;
    ~statement_cache();

    [[nodiscard]] sqlite3* db() const noexcept { return db_; }
    /// Where a connection that is being opened is put.
    [[nodiscard]] sqlite3** opening() noexcept { return &db_; }
    /// Returns an idle statement with this text, or null.
    [[nodiscard]] sqlite3_stmt* take(std::string_view sql) noexcept;
    /// Takes a statement back: reset, without bindings, ready for take().
    void give_back(sqlite3_stmt* handle) noexcept;
    void clear() noexcept;

 private:
    sqlite3* db_;
    bool owned_;
    std::size_t idle_count_ = 0;
    std::map<std::string, std::vector<sqlite3_stmt*>, std::less<>> idle_{};
};

}  // namespace casasync::sqlite
