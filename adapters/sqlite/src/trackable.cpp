// SPDX-License-Identifier: MIT
#include "table_shape.hpp"

#include <casasync/key.hpp>
#include <casasync/limits.hpp>

#include <algorithm>
#include <cctype>

namespace casasync::sqlite {
namespace {

bool starts_with_ignoring_case(std::string_view text, std::string_view lower_prefix) {
    if (text.size() < lower_prefix.size()) return false;
    return std::equal(lower_prefix.begin(), lower_prefix.end(), text.begin(), [](char a, char b) {
        return a == static_cast<char>(std::tolower(static_cast<unsigned char>(b)));
    });
}

bool same_ignoring_case(std::string_view text, std::string_view lower) {
    return text.size() == lower.size() && starts_with_ignoring_case(text, lower);
}

error refuse(const table_shape& table, const std::string& reason_and_fix) {
    return {errc::not_trackable, "The table " + quote_name(table.name.substr(0, limits::name_bytes_max)) +
                                     " cannot be tracked: " + reason_and_fix};
}

result<void> check_kind(const table_shape& table) {
    switch (table.kind) {
        case table_kind::view:
            return refuse(table, "it is a view, which holds no rows of its own. Track the tables it reads.");
        case table_kind::virtual_table:
            return refuse(
                table,
                "it is a virtual table, whose rows SQLite does not keep itself. Track the table it is built "
                "from; triggers or a rebuild keep it current on each device.");
        case table_kind::shadow:
            return refuse(
                table,
                "it is the inner table of a virtual table (such as a full-text index). Track the table that "
                "is indexed, and let each device build its own index.");
        case table_kind::temporary:
            return refuse(
                table, "it is temporary and ends with its connection. Create it without TEMP to share it.");
        case table_kind::table:
            break;
    }
    if (starts_with_ignoring_case(table.name, "sqlite_") ||
        starts_with_ignoring_case(table.name, "casasync_"))
        return refuse(table, "names that begin with sqlite_ or casasync_ are reserved. Rename the table.");
    return {};
}

result<void> check_sizes(const table_shape& table) {
    // The graveyard has one column more, and SQLite allows 2,000.
    if (table.columns.size() >= limits::row_columns_max)
        return refuse(table, "it has " + std::to_string(table.columns.size()) +
                                 " columns, and at most 1,999 can be tracked. Split it into two tables.");
    if (table.name.size() > limits::name_bytes_max)
        return refuse(table, "its name is longer than 1,000 bytes. Rename it.");
    for (const column_shape& c : table.columns)
        if (c.name.size() > limits::name_bytes_max)
            return refuse(table, "the name of the column " + quote_name(c.name.substr(0, 40)) +
                                     "... is longer than 1,000 bytes. Rename it.");
    return {};
}

result<void> check_key(const table_shape& table) {
    if (table.key.empty())
        return refuse(
            table,
            "it has no PRIMARY KEY, so two devices cannot mean the same row. Give it a key column such as "
            "id TEXT NOT NULL PRIMARY KEY that holds a UUID.");
    for (std::size_t i = 0; i < table.key.size(); ++i) {
        const column_shape& c = table.columns[table.key[i]];
        const std::string name = "its key column " + quote_name(c.name);
        if (c.generated) return refuse(table, name + " is computed. Use stored columns for the key.");
        if (!c.not_null && !table.integer_key)
            return refuse(
                table, name +
                           " may be NULL, and SQLite lets many rows have the key NULL. Declare it NOT NULL "
                           "(or make the table STRICT or WITHOUT ROWID).");
        if (!same_ignoring_case(c.collation, "binary") ||
            !same_ignoring_case(table.key_collations[i], "binary"))
            return refuse(
                table,
                name + " compares with the collation " +
                    (same_ignoring_case(c.collation, "binary") ? table.key_collations[i] : c.collation) +
                    ", so keys that differ in their bytes are one row. Declare it COLLATE BINARY, or "
                    "leave COLLATE out.");
    }
    return {};
}

/// A condition or an expression of an index or of a computed column is put into our triggers as it stands,
/// where the names OLD and NEW already mean the row that changes.
result<void> check_indexes(const table_shape& table) {
    if (!same_ignoring_case(table.name, "old") && !same_ignoring_case(table.name, "new")) return {};
    for (const unique_index& index : table.uniques)
        if (!index.where.empty() ||
            std::any_of(index.parts.begin(), index.parts.end(),
                        [&](const index_part& p) { return !p.column || table.columns[*p.column].generated; }))
            return refuse(table, "its unique index " + quote_name(index.name) +
                                     " has a condition or an expression or a computed column, which does not "
                                     "go together with the name of "
                                     "the table. Rename the table.");
    return {};
}

}  // namespace

result<void> check_trackable(const table_shape& table) {
    if (const auto checked = check_kind(table); !checked) return checked;
    if (const auto checked = check_sizes(table); !checked) return checked;
    if (const auto checked = check_key(table); !checked) return checked;
    return check_indexes(table);
}

result<void> check_key_lengths(connection& db, const table_shape& table) {
    if (table.integer_key) return {};
    std::string columns, size;
    for (const std::size_t i : table.key) {
        const std::string name = quote_name(table.columns[i].name);
        columns += (columns.empty() ? "" : ", ") + name;
        size += (size.empty() ? "length(CAST(" : " + length(CAST(") + name + " AS BLOB))";
    }
    // The canonical form adds a tag and a length to each column; those near the limit are looked at exactly.
    constexpr std::size_t added_max = 16;
    const std::size_t near =
        limits::key_bytes_max - std::min(limits::key_bytes_max, added_max * table.key.size());
    auto s =
        db.prepare("SELECT " + columns + " FROM main." + quote_name(table.name) + " WHERE " + size + " > ?1");
    if (!s) return s.failure();
    s->bind(1, static_cast<std::int64_t>(near));
    std::size_t long_keys = 0;
    while (true) {
        const auto row = s->step();
        if (!row) return row.failure();
        if (!*row) break;
        if (!encode_key(s->cells())) ++long_keys;
    }
    if (long_keys == 0) return {};
    return refuse(table, std::to_string(long_keys) +
                             (long_keys == 1 ? " of its rows has a key" : " of its rows have keys") +
                             " longer than 4 KiB, which cannot travel. Shorten " +
                             (long_keys == 1 ? "it" : "them") +
                             ", for instance to a hash of the text, and keep the "
                             "whole text in a column beside the key.");
}

}  // namespace casasync::sqlite
