// SPDX-License-Identifier: MIT
#pragma once

/// Writes the rows of one table as their registers say. A constraint that refuses a row is an outcome, not an
/// error: the caller parks the row.
#include "catalog.hpp"
#include "connection.hpp"
#include "row_numbers.hpp"

#include <casasync/result.hpp>
#include <casasync/row.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace casasync::sqlite {

enum class write_outcome : std::uint8_t {
    written,
    not_unique,  ///< the key, or a secondary unique index, holds an equal row
    refused,     ///< CHECK, NOT NULL, a type, or a trigger of the application
};

class row_writer {
 public:
    row_writer(connection& db, const vault_table& table, row_numbers& numbers);

    /// Inserts the cells that are shown; every other column gets its default. All values must be loaded.
    [[nodiscard]] result<write_outcome> insert(std::span<const value> key, const row_state& row);
    /// Sets `columns` (sorted) of a row that is in the table, and cells of an earlier life to the default.
    [[nodiscard]] result<write_outcome> update(std::span<const value> key, const row_state& row,
                                               std::span<const column_no> columns);
    /// Sets `columns` to NULL.
    [[nodiscard]] result<write_outcome> blank(std::span<const value> key, std::span<const column_no> columns);
    /// False when a trigger of the application keeps the row.
    [[nodiscard]] result<bool> erase(std::span<const value> key);

    /// SQLite's words for the last write that was refused.
    [[nodiscard]] const std::string& why() const noexcept { return why_; }

 private:
    struct statements {
        std::map<std::vector<std::uint32_t>, statement> by_mask{};
        std::vector<std::uint32_t> last_mask{};
        statement* last = nullptr;
    };
    /// Returns the statement for mask_, from `kept` or made by `text`.
    template <class Text>
    [[nodiscard]] result<statement*> find(statements& kept, Text text);
    [[nodiscard]] result<void> bind(statement& s, int n, const cell& c);
    [[nodiscard]] result<write_outcome> run(statement& s);
    [[nodiscard]] bool fits(std::span<const value> key) const noexcept;
    [[nodiscard]] result<bool> is_there(std::span<const value> key);
    [[nodiscard]] result<bool> keeps_key(std::span<const value> key);
    [[nodiscard]] bool writable(column_no c) const noexcept;
    [[nodiscard]] const column_shape& shape_of(column_no c) const noexcept {
        return table_->shape.columns[*table_->in_shape[c]];
    }
    [[nodiscard]] std::string insert_text() const;
    [[nodiscard]] std::string update_text() const;

    connection* db_;
    const vault_table* table_;
    row_numbers* numbers_;
    std::string or_abort_{};             ///< " OR ABORT" where the schema declares another resolution
    std::string where_key_{};            ///< "k0" = ?1 AND "k1" = ?2
    std::vector<std::uint32_t> mask_{};  ///< of the write under way: column * 2, + 1 for its default
    statements inserts_{}, updates_{};
    std::optional<statement> erase_{};
    std::string why_{};
};

/// Returns the columns of the PRIMARY KEY, quoted, with `prefix` before each, between commas.
[[nodiscard]] std::string key_list(const table_shape& table, const std::string& prefix);

/// Returns the condition that the key columns, with `prefix` before each, equal ?1, ?2, ...
[[nodiscard]] std::string key_condition(const table_shape& table, const std::string& prefix);

/// Reads the key in the current row's first columns.
[[nodiscard]] std::vector<value> read_key(const statement& s, std::size_t columns);

}  // namespace casasync::sqlite
