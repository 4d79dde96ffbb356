// SPDX-License-Identifier: MIT
#pragma once

/// The statements of one connection that nobody uses at the moment, by their text.
#include "connection.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace casasync::sqlite {

/// Where the statements with one text lie that nobody uses. It stays where it is while one of them is on
/// loan.
struct statement_shelf {
    std::vector<sqlite3_stmt*> idle{};
    std::size_t lent = 0;
};

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
    /// Returns the shelf of a text, which is made when there is none.
    [[nodiscard]] statement_shelf& shelf_of(std::string_view sql);
    /// Lends an idle statement of the shelf; null when there is none.
    [[nodiscard]] sqlite3_stmt* take(statement_shelf& of) noexcept;
    /// Lends a statement that was compiled now.
    void lend(statement_shelf& of) noexcept { ++of.lent; }
    /// Takes a statement back: reset, without bindings, ready for take().
    void give_back(statement_shelf& of, sqlite3_stmt* handle) noexcept;
    void clear() noexcept;

 private:
    sqlite3* db_;
    bool owned_;
    std::size_t idle_count_ = 0;
    struct text_hash {  // not noexcept: the standard library then keeps what is costly to find again
        using is_transparent = void;
        [[nodiscard]] std::size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>{}(text);
        }
    };
    std::unordered_map<std::string, statement_shelf, text_hash, std::equal_to<>> shelves_{};
};

}  // namespace casasync::sqlite
