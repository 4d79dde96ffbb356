// SPDX-License-Identifier: MIT
#pragma once

/// What a table looks like, read from the schema, and whether it can be tracked.
#include "connection.hpp"

#include <casasync/result.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace casasync::sqlite {

/// How SQLite converts what is stored in a column. `none` keeps every type: BLOB, no type, and ANY of a
/// STRICT table.
enum class affinity : std::uint8_t { none, text, numeric, integer, real };

struct column_shape {
    std::string name{};
    std::string type{};  ///< as declared; empty when not
    affinity kept_as = affinity::none;
    bool not_null = false;                     ///< also when implied by STRICT or WITHOUT ROWID
    bool generated = false;                    ///< computed, VIRTUAL or STORED: not captured
    std::string generated_sql{};               ///< what computes it, as an SQL expression
    std::size_t key_position = 0;              ///< place in the PRIMARY KEY from 1; 0 when not of the key
    std::optional<std::string> default_sql{};  ///< the DEFAULT as an SQL expression
    std::string collation{};                   ///< "BINARY" when not declared
};

/// One part of a unique index: a column, or an expression.
struct index_part {
    std::optional<std::size_t> column{};  ///< index into table_shape::columns
    std::string expression{};             ///< verbatim, without ASC and DESC; empty for a column
    std::string collation{};
};

/// A UNIQUE constraint or unique index other than the PRIMARY KEY.
struct unique_index {
    std::string name{};
    std::vector<index_part> parts{};
    std::string where{};  ///< condition of a partial index, verbatim; empty when it covers every row
    std::string sql{};    ///< its CREATE statement; empty for a constraint in the table
};

struct foreign_key {
    std::string parent{};
    std::vector<std::string> columns{};         ///< in this table
    std::vector<std::string> parent_columns{};  ///< same order; empty when the parent's PRIMARY KEY is meant
    std::string on_update{};                    ///< "NO ACTION", "CASCADE", "SET NULL", ...
    std::string on_delete{};
};

enum class table_kind : std::uint8_t { table, view, virtual_table, shadow, temporary };

struct table_shape {
    std::string name{};  ///< as the schema spells it
    table_kind kind = table_kind::table;
    std::vector<column_shape> columns{};        ///< all of them, generated ones too, in table order
    std::vector<std::size_t> key{};             ///< indexes of the PRIMARY KEY columns, in key order
    std::vector<std::string> key_collations{};  ///< what the PRIMARY KEY compares with, in key order
    bool without_rowid = false;
    bool integer_key = false;  ///< INTEGER PRIMARY KEY: the key is another name of the rowid
    bool autoincrement = false;
    bool strict = false;
    std::vector<unique_index> uniques{};
    std::vector<foreign_key> foreign_keys{};
    std::string sql{};          ///< its CREATE statement
    std::string select_row{};   ///< SELECT of all columns, NULL for generated ones, by the key as ?1, ?2, ..
    std::string select_rows{};  ///< the same by rows_at_once keys, and last which of them it is, from 0;
                                ///< empty for long keys

    static constexpr std::size_t rows_at_once = 25;

    /// Returns the index of a column by its exact name.
    [[nodiscard]] std::optional<std::size_t> column(std::string_view wanted) const noexcept;
};

/// True when SQLite takes two names for the same: ASCII letters in either case.
[[nodiscard]] bool same_name(const std::string& a, const std::string& b) noexcept;

/// Returns the shape of `table` (any case, as SQLite finds it) in the main database; a temporary table is
/// returned too, so that it can be refused by its kind.
/// \errors not_found when there is none; as to_error()
[[nodiscard]] result<table_shape> read_shape(connection& db, std::string_view table);

/// Returns the names of the ordinary tables of the application, in creation order: without views, virtual and
/// shadow tables, and without those of SQLite and casasync.
[[nodiscard]] result<std::vector<std::string>> application_tables(connection& db);

/// Accepts a table that can be tracked.
/// \errors not_trackable, with the reason and what to do about it
[[nodiscard]] result<void> check_trackable(const table_shape& table);

/// Accepts a table whose rows all have keys that can travel. \cost a scan of the keys, about 0.3 us a row;
/// none for an INTEGER PRIMARY KEY \errors not_trackable, with how many are too long and what to do about it;
/// as to_error()
[[nodiscard]] result<void> check_key_lengths(connection& db, const table_shape& table);

}  // namespace casasync::sqlite
