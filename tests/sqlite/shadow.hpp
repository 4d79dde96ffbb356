// SPDX-License-Identifier: MIT
#pragma once

/// A second copy of the tracked tables that is kept current by nothing but the capture log and a look at the
/// rows it names: what sealing does, without stamps. Where it differs from the tables, capture has a hole.
#include "capture.hpp"
#include "connection.hpp"
#include "table_shape.hpp"

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sqlite_test {

using casasync::result;
using casasync::value;
using namespace casasync::sqlite;

using row_key = std::vector<value>;
using row_cells = std::vector<value>;  ///< one a column of the shape, NULL where generated

class shadow {
 public:
    explicit shadow(connection& db) : db_(db) {}

    /// Adds a table whose triggers are installed, with the rows it has now.
    void add(table_number number, table_shape shape) {
        rows_by_key rows = read_table(shape);
        tables_.emplace(number, std::pair{std::move(shape), std::move(rows)});
    }

    /// Reads the log in chunks of `limit` entries and brings the copy up to date.
    /// Returns what is wrong, or "".
    std::string seal(std::size_t limit) {
        std::vector<table_number> numbers;
        for (const auto& [number, table] : tables_) numbers.push_back(number);
        bool first = true;
        while (true) {
            const auto chunk = read_log(db_, limit);
            if (!chunk) return chunk.failure().text();
            for (const row_log& log : chunk->rows)
                if (const std::string wrong = seal_row(log, first && chunk->complete); !wrong.empty())
                    return wrong;
            if (const auto cleared = clear_log(db_, chunk->last, numbers); !cleared)
                return cleared.failure().text();
            if (chunk->complete) break;
            first = false;
        }
        for (const table_number n : numbers)
            if (*db_.query_integer("SELECT count(*) FROM casasync_grave_" + std::to_string(n)) != 0)
                return "the graveyard is not empty";
        return *db_.query_integer("SELECT count(*) FROM casasync_log") == 0 ? "" : "the log is not empty";
    }

    /// Compares key, column, type and value. Returns what differs, or "".
    std::string compare() {
        for (const auto& [number, table] : tables_) {
            const auto& [shape, rows] = table;
            const auto now = read_table(shape);
            for (const auto& [key, cells] : now) {
                const auto it = rows.find(key);
                if (it == rows.end()) return shape.name + ": " + text(key) + " is missing in the copy";
                if (it->second != cells)
                    return shape.name + ": " + text(key) + " is " + text(cells) + ", in the copy " +
                           text(it->second);
            }
            for (const auto& [key, cells] : rows)
                if (!now.contains(key))
                    return shape.name + ": " + text(key) + " is gone, but not in the copy";
        }
        return "";
    }

    static std::string text(const std::vector<value>& values) {
        std::string out = "(";
        for (const value& v : values) {
            if (out.size() > 1) out += ", ";
            switch (v.kind()) {
                case casasync::value_kind::null:
                    out += "NULL";
                    break;
                case casasync::value_kind::integer:
                    out += std::to_string(v.integer());
                    break;
                case casasync::value_kind::real:
                    out += std::to_string(v.real());
                    break;
                case casasync::value_kind::text:
                    out += "'" + v.text() + "'";
                    break;
                case casasync::value_kind::blob:
                    out += "x'" + casasync::to_hex(v.blob()) + "'";
                    break;
            }
        }
        return out + ")";
    }

 private:
    using rows_by_key = std::map<row_key, row_cells>;

    static std::string select(const table_shape& shape) {
        std::string out = "SELECT ";
        for (std::size_t i = 0; i < shape.columns.size(); ++i)
            out += (i > 0 ? ", " : "") +
                   (shape.columns[i].generated ? "NULL" : quote_name(shape.columns[i].name));
        return out + " FROM main." + quote_name(shape.name);
    }
    static row_cells cells_of(const statement& s) {
        row_cells out;
        for (int i = 0; i < s.columns(); ++i) out.push_back(s.cell(i));
        return out;
    }
    static row_key key_of(const table_shape& shape, const row_cells& cells) {
        row_key out;
        for (const std::size_t i : shape.key) out.push_back(cells[i]);
        return out;
    }

    rows_by_key read_table(const table_shape& shape) {
        rows_by_key out;
        auto s = db_.prepare(select(shape));
        while (*s->step()) {
            row_cells cells = cells_of(*s);
            row_key key = key_of(shape, cells);
            out.emplace(std::move(key), std::move(cells));
        }
        return out;
    }

    std::optional<row_cells> read_row(const table_shape& shape, const row_key& key) {
        std::string sql = select(shape) + " WHERE ";
        for (std::size_t i = 0; i < shape.key.size(); ++i)
            sql += (i > 0 ? " AND " : "") + quote_name(shape.columns[shape.key[i]].name) + " = ?" +
                   std::to_string(i + 1);
        auto s = db_.prepare(sql);
        for (std::size_t i = 0; i < key.size(); ++i) s->bind(static_cast<int>(i) + 1, key[i]);
        if (!*s->step()) return std::nullopt;
        row_cells cells = cells_of(*s);
        if (key_of(shape, cells) != key) return std::nullopt;  // 1 is also found as 1.0
        return cells;
    }

    /// \param whole  the log held nothing but this chunk, so that all entries of the row are here
    std::string seal_row(const row_log& log, bool whole) {
        const auto table = tables_.find(log.table);
        if (table == tables_.end()) return "an entry of no table";
        auto& [shape, rows] = table->second;
        const std::string name = shape.name + ": " + text(log.key);
        if (log.key.size() != shape.key.size()) return name + " is not a key";
        const auto has = [&](change_kind kind) {
            return std::any_of(log.entries.begin(), log.entries.end(),
                               [kind](const log_entry& e) { return e.kind == kind; });
        };
        const bool remade = has(change_kind::insert) || has(change_kind::erase);
        column_set changed;
        for (const log_entry& e : log.entries) changed.add(e.columns);

        const auto now = read_row(shape, log.key);
        const auto before = rows.find(log.key);
        if (!now) {
            if (before == rows.end()) return "";
            const auto buried = read_grave(db_, log.table, shape, log.key);
            if (!buried) return buried.failure().text();
            if (whole && buried->empty()) return name + " is gone and not in the graveyard";
            if (whole && !has(change_kind::insert))
                for (std::size_t i = 0; i < shape.columns.size(); ++i)
                    if (!changed.contains(i) && buried->back()[i] != before->second[i])
                        return name + " was buried as " + text(buried->back()) + " instead of " +
                               text(before->second);
            rows.erase(before);
        } else if (remade || before == rows.end()) {
            if (whole && !remade && has(change_kind::update))
                return name + " was updated before it was there";
            if (remade) rows.insert_or_assign(log.key, *now);
        } else {
            for (std::size_t i = 0; i < shape.columns.size(); ++i)
                if (changed.contains(i)) before->second[i] = (*now)[i];
        }
        return "";
    }

    connection& db_;
    std::map<table_number, std::pair<table_shape, rows_by_key>> tables_{};
};

}  // namespace sqlite_test
