// SPDX-License-Identifier: MIT
#include "trigger_text.hpp"

#include "rival_text.hpp"

#include <algorithm>
#include <set>

namespace casasync::sqlite {
namespace {

/// Writes the triggers of one table.
class writer {
 public:
    writer(table_number number, const table_shape& table, const capture_options& options)
        : number_(std::to_string(number)),
          grave_(grave_table(number)),
          table_(table),
          at_(options.write_time ? "julianday('now')" : "NULL") {
        for (std::size_t i = 0; i < table.key.size(); ++i) log_columns_ += ", k" + std::to_string(i);
    }

    [[nodiscard]] trigger_text trigger(const std::string& what, const std::string& when,
                                       const std::string& body) const {
        const std::string name = std::string(own_prefix) + number_ + "_" + what;
        return {name, "CREATE TRIGGER " + quote_name(name) + " " + when + " BEGIN " + body + "END"};
    }
    [[nodiscard]] std::string on_table() const { return "ON " + quote_name(table_.name); }

    /// \param row  "NEW" or "OLD"
    [[nodiscard]] std::string log(const std::string& m, const std::string& row) const {
        return insert_into_log() + "VALUES(" + log_values(m, row) + "); ";
    }
    /// The graveyard's copy of OLD; stands behind the log entry it belongs to.
    [[nodiscard]] std::string bury() const {
        return insert_into_grave() + "VALUES(" + grave_values("OLD") + "); ";
    }
    /// Logs and buries what a REPLACE would remove. \param spared  the row whose key is not in the way
    [[nodiscard]] std::string displace(const rival& r, const std::string& spared) const {
        std::string from = " FROM " + quote_name(table_.name) + " AS " + r.alias + " WHERE " + r.condition;
        if (!r.of_key) from += " AND NOT (" + same_key(r.alias, spared) + known_key(spared) + ")";
        return insert_into_log() + "SELECT " + log_values("-1", r.alias) + from + "; " + insert_into_grave() +
               "SELECT " + grave_values(r.alias) + from + "; ";
    }
    /// Logs which columns an UPDATE changed, one entry a group of columns.
    [[nodiscard]] std::string log_update() const {
        std::string out;
        for (std::size_t group = 0; group * column_set::group_columns < table_.columns.size(); ++group) {
            const std::string mask = changed_mask(group);
            if (group == 0 || !mask.empty()) out += log(group_literal(group) + mask, "NEW");
        }
        return out;
    }
    [[nodiscard]] std::string key_changed() const {
        std::string out;
        for (const std::size_t i : table_.key)
            out += (out.empty() ? "" : " OR ") + changed(table_.columns[i]);
        return out;
    }
    /// "OF a, b ": for triggers that only these columns concern. "" where a column can change unnamed.
    [[nodiscard]] std::string of(const std::set<std::size_t>& columns) const {
        std::string out;
        for (const std::size_t i : columns)
            out += (out.empty() ? "OF " : ", ") + quote_name(table_.columns[i].name);
        return out.empty() ? out : out + " ";
    }

 private:
    [[nodiscard]] std::string insert_into_log() const {
        return "INSERT INTO " + std::string(log_table) + "(t, m, at" + log_columns_ + ") ";
    }
    [[nodiscard]] std::string log_values(const std::string& m, const std::string& row) const {
        std::string out = number_ + ", " + m + ", " + at_;
        for (const std::size_t i : table_.key) out += ", " + row + "." + quote_name(table_.columns[i].name);
        return out;
    }
    [[nodiscard]] std::string insert_into_grave() const {
        std::string out = "INSERT INTO " + grave_ + "(l";
        for (std::size_t i = 0; i < table_.columns.size(); ++i)
            if (!table_.columns[i].generated) out += ", " + grave_column(i);
        return out + ") ";
    }
    [[nodiscard]] std::string grave_values(const std::string& row) const {
        std::string out = "(SELECT max(rowid) FROM " + std::string(log_table) + ")";
        for (const column_shape& c : table_.columns)
            if (!c.generated) out += ", " + row + "." + quote_name(c.name);
        return out;
    }
    [[nodiscard]] std::string same_key(const std::string& a, const std::string& b) const {
        std::string out;
        for (const std::size_t i : table_.key) {
            const std::string name = "." + quote_name(table_.columns[i].name);
            out += (out.empty() ? "" : " AND ") + a + name + " IS " + b + name;
        }
        return out;
    }
    /// An INTEGER PRIMARY KEY that SQLite is going to choose shows as -1 before the row is inserted.
    [[nodiscard]] std::string known_key(const std::string& row) const {
        if (!table_.integer_key || row != "NEW") return "";
        return " AND NEW." + quote_name(table_.columns[table_.key[0]].name) + " IS NOT -1";
    }
    /// True where a column's bytes or type may differ. SQL's comparison is enough where the column has an
    /// affinity; elsewhere 1 IS 1.0, and nothing tells 0.0 from -0.0, so a zero counts as changed.
    [[nodiscard]] static std::string changed(const column_shape& c) {
        const std::string before = "OLD." + quote_name(c.name), after = "NEW." + quote_name(c.name);
        const std::string differs = before + " COLLATE BINARY IS NOT " + after;
        if (c.kept_as != affinity::none) return "(" + differs + ")";
        return "(" + differs + " OR typeof(" + before + ") IS NOT typeof(" + after + ") OR " + before +
               " IS 0.0 AND typeof(" + before + ") = 'real')";
    }
    [[nodiscard]] static std::string group_literal(std::size_t group) {
        return std::to_string(static_cast<std::uint64_t>(group) << column_set::group_columns);
    }
    /// "|((changed)<<n)" for every captured column of the group that is not of the key.
    [[nodiscard]] std::string changed_mask(std::size_t group) const {
        std::string out;
        const std::size_t first = group * column_set::group_columns;
        const std::size_t end = std::min(first + column_set::group_columns, table_.columns.size());
        for (std::size_t i = first; i < end; ++i) {
            const column_shape& c = table_.columns[i];
            if (!c.generated && c.key_position == 0)
                out += "|(" + changed(c) + "<<" + std::to_string(i - first) + ")";
        }
        return out;
    }

    std::string number_, grave_;
    const table_shape& table_;
    std::string at_;
    std::string log_columns_{};
};

/// The columns that bring an UPDATE into the way of other rows; none when that cannot be told.
std::set<std::size_t> columns_of(const std::vector<rival>& rivals) {
    std::set<std::size_t> out;
    for (const rival& r : rivals) {
        if (r.columns.empty()) return {};
        out.insert(r.columns.begin(), r.columns.end());
    }
    return out;
}

}  // namespace

std::string grave_table(table_number number) {
    return std::string(own_prefix) + "grave_" + std::to_string(number);
}

std::string grave_column(std::size_t n) {
    return "c" + std::to_string(n);
}

trigger_texts make_trigger_texts(table_number number, const table_shape& table,
                                 const capture_options& options) {
    const writer w(number, table, options);
    const std::string on = w.on_table();
    trigger_texts out;

    const std::vector<rival> rivals = make_rivals(table);
    std::string for_insert, for_update;
    for (const rival& r : rivals) {
        for_insert += w.displace(r, "NEW");
        for_update += w.displace(r, "OLD");
    }
    if (options.number_reuse) {
        // A number that SQLite is going to choose shows as -1: what is logged for a row of that number is not
        // gone, and so counts for nothing.
        const std::string key = quote_name(table.columns[table.key[0]].name);
        const rival same{
            .alias = "o", .condition = "o." + key + " = NEW." + key, .of_key = true, .columns = {}};
        for_insert += w.displace(same, "NEW");
        out.before.push_back(w.trigger("before_key",
                                       "BEFORE UPDATE " + on + " WHEN NEW." + key + " IS NOT OLD." + key,
                                       w.displace(same, "OLD")));
    }
    if (!for_insert.empty())
        out.before.push_back(w.trigger("before_insert", "BEFORE INSERT " + on, for_insert));
    if (!rivals.empty())
        out.before.push_back(
            w.trigger("before_update", "BEFORE UPDATE " + w.of(columns_of(rivals)) + on, for_update));

    // An INTEGER PRIMARY KEY also changes by SET rowid, which names no column.
    const std::set<std::size_t> key = table.integer_key
                                          ? std::set<std::size_t>{}
                                          : std::set<std::size_t>(table.key.begin(), table.key.end());
    out.after.push_back(w.trigger("insert", "AFTER INSERT " + on, w.log("NULL", "NEW")));
    out.after.push_back(w.trigger("update", "AFTER UPDATE " + on, w.log_update()));
    out.after.push_back(w.trigger("key", "AFTER UPDATE " + w.of(key) + on + " WHEN " + w.key_changed(),
                                  w.log("-2", "OLD") + w.bury() + w.log("NULL", "NEW")));
    out.after.push_back(w.trigger("delete", "AFTER DELETE " + on, w.log("-2", "OLD") + w.bury()));
    return out;
}

}  // namespace casasync::sqlite
