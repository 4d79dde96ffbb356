// SPDX-License-Identifier: MIT
#include "capture.hpp"
#include "trigger_text.hpp"

#include <casasync/detail/hash.hpp>

#include <algorithm>
#include <cmath>
#include <compare>
#include <utility>

namespace casasync::sqlite {
namespace {

constexpr std::uint64_t group_mask = (std::uint64_t{1} << column_set::group_columns) - 1;
constexpr int log_key_column = 4;  ///< of SELECT rowid, t, m, at, k0, ...

/// One row of the log, as it was read.
struct log_row {
    table_number table = 0;
    std::vector<value> key{};
    log_entry entry{};
    std::size_t group = 0;  ///< of an update
};

/// Returns Unix milliseconds for a Julian day, or nothing for what is none.
std::optional<std::int64_t> to_unix_ms(const value& at) {
    constexpr double epoch_days = 2440587.5, ms_a_day = 86400000.0, last_day = 5373484.5;  // year 9999
    if (at.kind() != value_kind::real || !(at.real() >= 0 && at.real() <= last_day)) return std::nullopt;
    return std::llround((at.real() - epoch_days) * ms_a_day);
}

/// What is not understood counts as an insertion, which looks at the whole row.
log_row read_row(const statement& s) {
    log_row out;
    out.entry.position = s.integer(0);
    out.table = s.integer(1);
    const value m = s.cell(2);
    const std::int64_t mask = m.kind() == value_kind::integer ? m.integer() : -3;
    if (mask == -1) {
        out.entry.kind = change_kind::displaced;
    } else if (mask == -2) {
        out.entry.kind = change_kind::erase;
    } else if (mask < 0) {
        out.entry.kind = change_kind::insert;
    } else {
        out.group = static_cast<std::size_t>(static_cast<std::uint64_t>(mask) >> column_set::group_columns);
        out.entry.columns.add_group(out.group, static_cast<std::uint64_t>(mask) & group_mask);
    }
    out.entry.at = to_unix_ms(s.cell(3));
    for (int i = log_key_column; i < s.columns() && !s.is_null(i); ++i) out.key.push_back(s.cell(i));
    return out;
}

/// True when `next` holds further columns of the update that `last` is of.
bool continues(const log_row& last, const log_row& next) {
    return next.group > last.group && next.entry.kind == change_kind::update &&
           last.entry.kind == change_kind::update && next.table == last.table && next.key == last.key;
}

/// A row of the log where it is sorted: by the first bytes of its key, which are at hand, then by all of it.
struct placed_row {
    log_row* what = nullptr;
    value_kind kind = value_kind::null;
    std::uint64_t begin = 0;  ///< of a text, most significant byte first

    explicit placed_row(log_row& r) : what(&r) {
        if (r.key.empty()) return;
        kind = r.key[0].kind();
        if (kind != value_kind::text) return;
        const bytes_view text = as_bytes(r.key[0].text());
        begin = detail::swap_bytes(detail::load_le64(text.data(), text.size()));
    }
    friend bool operator<(const placed_row& a, const placed_row& b) {
        const log_row &x = *a.what, &y = *b.what;
        if (x.table != y.table) return x.table < y.table;
        if (a.kind != b.kind) return a.kind < b.kind;
        if (a.begin != b.begin) return a.begin < b.begin;
        const auto order = x.key <=> y.key;
        return order != 0 ? order < 0 : x.entry.position < y.entry.position;
    }
};

std::vector<row_log> by_row(std::vector<log_row> log) {
    std::vector<placed_row> sorted;
    sorted.reserve(log.size());
    for (log_row& r : log) sorted.emplace_back(r);
    std::sort(sorted.begin(), sorted.end());
    std::vector<row_log> out;
    for (const placed_row& p : sorted) {
        log_row& r = *p.what;
        if (out.empty() || out.back().table != r.table || out.back().key != r.key)
            out.push_back({r.table, std::move(r.key), {}});
        out.back().entries.push_back(std::move(r.entry));
    }
    return out;
}

/// SQL: an entry is not of one of these tables.
std::string of_others(std::span<const table_number> tables) {
    std::string out;
    for (const table_number t : tables) out += (out.empty() ? "t NOT IN (" : ", ") + std::to_string(t);
    return out.empty() ? "TRUE" : out + ")";
}

}  // namespace

bool column_set::contains(std::size_t column) const noexcept {
    const std::size_t group = column / group_columns;
    if (group > rest_.size()) return false;
    const std::uint64_t mask = group == 0 ? first_ : rest_[group - 1];
    return (mask >> (column % group_columns) & 1) != 0;
}

bool column_set::empty() const noexcept {
    return first_ == 0 && std::all_of(rest_.begin(), rest_.end(), [](std::uint64_t m) { return m == 0; });
}

void column_set::add(std::size_t column) {
    add_group(column / group_columns, std::uint64_t{1} << (column % group_columns));
}

void column_set::add_group(std::size_t group, std::uint64_t mask) {
    if (mask == 0) return;
    if (group > rest_.size()) rest_.resize(group);
    (group == 0 ? first_ : rest_[group - 1]) |= mask;
}

void column_set::add(const column_set& other) {
    add_group(0, other.first_);
    for (std::size_t i = 0; i < other.rest_.size(); ++i) add_group(i + 1, other.rest_[i]);
}

result<log_chunk> read_log(connection& db, std::size_t limit, std::span<const table_number> left) {
    auto s = db.prepare("SELECT rowid, * FROM casasync_log WHERE " + of_others(left) + " ORDER BY rowid");
    if (!s) return s.failure();
    log_chunk out;
    std::vector<log_row> log;
    while (true) {
        const auto row = s->step();
        if (!row) return row.failure();
        if (!*row) break;
        log_row next = read_row(*s);
        if (!log.empty() && continues(log.back(), next)) {
            log.back().entry.columns.add(next.entry.columns);
            log.back().entry.position = next.entry.position;
            log.back().group = next.group;
        } else if (log.size() >= limit) {
            out.complete = false;
            break;
        } else {
            log.push_back(std::move(next));
        }
        out.last = log.back().entry.position;
    }
    out.rows = by_row(std::move(log));
    return out;
}

result<std::vector<std::vector<value>>> read_grave(connection& db, table_number number,
                                                   const table_shape& table, std::span<const value> key,
                                                   log_range range) {
    std::string sql = "SELECT ", where;
    for (std::size_t i = 0; i < table.columns.size(); ++i)
        sql += (i > 0 ? ", " : "") + (table.columns[i].generated ? "NULL" : grave_column(i));
    for (std::size_t i = 0; i < key.size() && i < table.key.size(); ++i)
        where += (where.empty() ? " WHERE " : " AND ") + grave_column(table.key[i]) + " = ?" +
                 std::to_string(i + 1);
    const std::string places =
        std::to_string(key.size() + 1) + " AND l <= ?" + std::to_string(key.size() + 2);
    auto s =
        db.prepare(sql + " FROM " + grave_table(number) + where + " AND l > ?" + places + " ORDER BY rowid");
    if (!s) return s.failure();
    for (std::size_t i = 0; i < key.size(); ++i) s->bind(static_cast<int>(i) + 1, key[i]);
    s->bind(static_cast<int>(key.size()) + 1, range.after).bind(static_cast<int>(key.size()) + 2, range.last);
    std::vector<std::vector<value>> out;
    while (true) {
        const auto row = s->step();
        if (!row) return row.failure();
        if (!*row) return out;
        std::vector<value> cells = s->cells();
        const auto is_key = [&, i = std::size_t{0}](const value& v) mutable {
            return cells[table.key[i++]] == v;
        };
        if (std::all_of(key.begin(), key.end(), is_key)) out.push_back(std::move(cells));  // not 1 for 1.0
    }
}

result<void> log_by_hand(connection& db, table_number table, std::span<const value> key, const value& m) {
    std::string names = "t, m", marks = "?1, ?2";
    for (std::size_t i = 0; i < key.size(); ++i) {
        names += ", k" + std::to_string(i);
        marks += ", ?" + std::to_string(i + 3);
    }
    auto s = db.prepare("INSERT INTO casasync_log(" + names + ") VALUES(" + marks + ")");
    if (!s) return s.failure();
    s->bind_all(table, m);
    for (std::size_t i = 0; i < key.size(); ++i) s->bind(static_cast<int>(i) + 3, key[i]);
    return s->run();
}

result<void> clear_log(connection& db, std::int64_t last, std::span<const table_number> tables,
                       std::span<const table_number> left) {
    const auto more = db.query_integer("SELECT EXISTS(SELECT 1 FROM casasync_log WHERE rowid > ?1)", last);
    if (!more) return more.failure();
    const auto cleared =
        *more != 0 || !left.empty()
            ? db.run("DELETE FROM casasync_log WHERE rowid <= ?1 AND " + of_others(left), last)
            : db.run("DELETE FROM casasync_log");  // without WHERE it drops whole pages
    if (!cleared) return cleared;
    for (const table_number number : tables) {
        const std::string grave = grave_table(number);
        // Positions ascend with rowid, so the first row of a later entry ends the scan.
        const auto drained =
            *more != 0 ? db.run("DELETE FROM " + grave + " WHERE rowid < coalesce((SELECT rowid FROM " +
                                    grave + " WHERE l > ?1 ORDER BY rowid LIMIT 1), 9223372036854775807)",
                                last)
                       : db.run("DELETE FROM " + grave);
        if (!drained) return drained;
    }
    return {};
}

}  // namespace casasync::sqlite
