// SPDX-License-Identifier: MIT
#include "compare.hpp"

#include "sql.hpp"

#include <algorithm>

namespace casasync::cli {
namespace {

constexpr std::size_t examples_max = 10;

/// A table's columns that hold data, by name, and its key.
struct column_list {
    std::vector<std::string> all{}, key{};
};

result<column_list> columns_of(sql_file& file, const std::string& schema, const std::string& table) {
    column_list out;
    auto ok = file.each("SELECT name, pk FROM pragma_table_info(?1, ?2) ORDER BY pk, name", {table, schema},
                        [&](const std::vector<std::string>& row) {
                            out.all.push_back(row[0]);
                            if (row[1] != "0") out.key.push_back(row[0]);
                            return true;
                        });
    if (!ok) return ok.failure();
    std::sort(out.all.begin(), out.all.end());
    return out;
}

/// SQL that gives a cell's type and exact content.
std::string exact(const std::string& column) {
    const std::string c = quoted_name(column);
    return "typeof(" + c + ") || ':' || CASE typeof(" + c + ") WHEN 'real' THEN quote(" + c +
           ") ELSE hex(CAST(" + c + " AS BLOB)) END";
}

/// SQL of the rows that `schema` has and `other` has not, the key readable in front.
std::string rows_only_in(const std::string& schema, const std::string& other, const std::string& table,
                         const column_list& columns) {
    std::string list;
    for (const std::string& key : columns.key)
        list += (list.empty() ? "" : " || ', ' || ") + ("quote(" + quoted_name(key) + ")");
    if (list.empty()) list = "''";
    for (const std::string& column : columns.all) list += ", " + exact(column);
    const std::string from = "." + quoted_name(table);
    return "SELECT " + list + " FROM " + schema + from + " EXCEPT SELECT " + list + " FROM " + other + from;
}

result<std::size_t> count(sql_file& file, const std::string& sql, std::vector<std::string>& examples) {
    std::size_t n = 0;
    auto ok = file.each(sql, {}, [&](const std::vector<std::string>& row) {
        ++n;
        if (examples.size() < examples_max &&
            std::find(examples.begin(), examples.end(), row[0]) == examples.end())
            examples.push_back(row[0]);
        return true;
    });
    if (!ok) return ok.failure();
    return n;
}

result<table_difference> compare_table(sql_file& file, const std::string& table) {
    const auto mine = columns_of(file, "main", table);
    if (!mine) return mine.failure();
    const auto theirs = columns_of(file, "other", table);
    if (!theirs) return theirs.failure();
    if (mine->all != theirs->all)
        return error{errc::schema_mismatch,
                     "The table " + quoted_name(table) +
                         " does not have the same columns in both files, so its rows cannot be compared. "
                         "Nothing was changed. Bring both to the same schema first."};
    table_difference out;
    out.table = table;
    const auto first = count(file, rows_only_in("main", "other", table, *mine), out.examples);
    if (!first) return first.failure();
    const auto second = count(file, rows_only_in("other", "main", table, *mine), out.examples);
    if (!second) return second.failure();
    out.only_first = *first;
    out.only_second = *second;
    return out;
}

}  // namespace

result<std::vector<table_difference>> compare_rows(
    const std::string& first, const std::string& second, std::span<const std::string> tables,
    const std::function<void(std::size_t tables_done)>& progress) {
    auto file = sql_file::open(first, sql_file::access::read);
    if (!file) return file.failure();
    auto ok = file->each("ATTACH ?1 AS other", {second}, [](const auto&) { return true; });
    if (!ok) return ok.failure();
    if (ok = file->run("BEGIN"); !ok) return ok.failure();  // one state of both
    std::vector<table_difference> out;
    for (std::size_t i = 0; i < tables.size(); ++i) {
        auto found = compare_table(*file, tables[i]);
        if (!found) return found.failure();
        if (found->only_first + found->only_second > 0) out.push_back(std::move(*found));
        progress(i + 1);
    }
    return out;
}

}  // namespace casasync::cli
