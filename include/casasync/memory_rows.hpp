// SPDX-License-Identifier: MIT
#pragma once

/// The rows of a vault in memory: registers, what is shown of them, and the sums over them.
#include <casasync/causality.hpp>
#include <casasync/digest.hpp>
#include <casasync/merge.hpp>
#include <casasync/row.hpp>

#include <deque>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

namespace casasync {

/// A table of a vault in memory.
struct memory_table {
    table_traits traits{};
    std::vector<std::vector<column_no>> groups{};  ///< columns that are always stamped together
    std::map<bytes, row_state> registers{};        ///< by canonical key; every value is loaded
    std::map<bytes, std::vector<value>> shown{};   ///< visible rows, one value a column

    /// Returns what people see of a visible row: NULL where a cell is of an earlier life.
    [[nodiscard]] std::vector<value> show(const row_state& row) const {
        std::vector<value> out(traits.columns.size());
        for (const cell& c : row.cells)
            if (c.what && is_shown(row, c, traits.columns[c.column].rule)) out[c.column] = *c.what;
        return out;
    }
};

/// Models row_source. Tables and columns that others have and this device has not become ordinary ones. A
/// copy is a savepoint: change it, then move it back.
class memory_rows {
 public:
    /// Returns the table called `name`, or null. Stays valid while tables are added.
    [[nodiscard]] memory_table* find(std::string_view name) noexcept {
        for (memory_table& t : tables_)
            if (t.traits.name == name) return &t;
        return nullptr;
    }
    [[nodiscard]] memory_table& add(table_traits traits) {
        return tables_.emplace_back(memory_table{std::move(traits), {}, {}, {}});
    }
    [[nodiscard]] table_no number_of(const memory_table& table) const noexcept {
        table_no n = 0;
        while (&tables_[n] != &table) ++n;
        return n;
    }
    [[nodiscard]] memory_table& at(table_no n) noexcept { return tables_[n]; }
    [[nodiscard]] const std::deque<memory_table>& tables() const noexcept { return tables_; }

    [[nodiscard]] result<resolved_table> resolve(const table_traits& theirs) {
        memory_table* found = find(theirs.name);
        if (found != nullptr)
            for (const column_traits& c : theirs.columns)
                if (const auto here = found->traits.column(c.name);
                    here && found->traits.columns[*here].rule != c.rule)
                    return error{errc::schema_mismatch, "The column " + theirs.name + "." + c.name +
                                                            " merges by another rule on another device."};
        memory_table& table = found != nullptr ? *found : add(theirs.without_columns());
        resolved_table out{number_of(table), &table.traits, {}};
        for (const column_traits& c : theirs.columns) out.columns.push_back(place_of(table, c));
        return out;
    }
    [[nodiscard]] result<row_state> load(table_no table, bytes_view key, bool) const {
        const auto& rows = tables_[table].registers;
        const auto it = rows.find(bytes(key.begin(), key.end()));
        return it == rows.end() ? row_state{} : it->second;
    }

    /// Writes a plan; cannot fail.
    void apply(merge_plan plan) {
        for (merged_row& row : plan.rows) {
            memory_table& table = tables_[row.table];
            if (row.is_visible)
                table.shown[row.key] = table.show(row.after);
            else
                table.shown.erase(row.key);
            table.registers[std::move(row.key)] = std::move(row.after);
        }
        digest_ += plan.digest;
        open_digest_ += plan.open_digest;
        counts_ += plan.counts;
        raise(plan.merged);
    }
    void raise(const causal_context& merged) {
        merged_.vector.raise(merged.vector);
        merged_.seen.raise(merged.seen);
    }

    [[nodiscard]] const causal_context& merged() const noexcept { return merged_; }
    [[nodiscard]] const digest128& digest() const noexcept { return digest_; }
    [[nodiscard]] const digest128& open_digest() const noexcept { return open_digest_; }
    [[nodiscard]] const accounts& counts() const noexcept { return counts_; }

 private:
    static column_no place_of(memory_table& table, const column_traits& column) {
        if (const auto here = table.traits.column(column.name)) return *here;
        table.traits.columns.push_back(column);
        for (auto& [key, values] : table.shown) values.emplace_back();
        return static_cast<column_no>(table.traits.columns.size() - 1);
    }

    std::deque<memory_table> tables_;
    causal_context merged_;
    digest128 digest_, open_digest_;
    accounts counts_;
};
static_assert(row_source<memory_rows>);

}  // namespace casasync
