// SPDX-License-Identifier: MIT
#pragma once

/// The rows of a vault in memory: registers, what is shown of them, and the sums over them.
#include <casasync/causality.hpp>
#include <casasync/detail/merge_in_place.hpp>
#include <casasync/detail/packed_rows.hpp>
#include <casasync/digest.hpp>
#include <casasync/merge.hpp>
#include <casasync/row.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace casasync {

/// A table of a vault in memory.
class memory_table {
 public:
    explicit memory_table(table_traits of) : traits(std::move(of)), rows(traits.name) {
        rows.widen(traits.columns.size());
    }

    table_traits traits{};
    std::vector<std::vector<column_no>> groups{};  ///< columns that are always stamped together
    detail::packed_rows rows;                      ///< the registers
    /// Rows that were written here since the last seal, as they are now; none: deleted.
    std::map<bytes, std::optional<std::vector<value>>> edits{};

    /// Returns what people see of a visible row: NULL where a cell is of an earlier life.
    [[nodiscard]] std::vector<value> show(const row_state& row) const {
        std::vector<value> out(traits.columns.size());
        for (const cell& c : row.cells)
            if (is_shown(row, c, traits.columns[c.column].rule)) out[c.column] = *c.what;
        return out;
    }
    /// Returns a row's registers, values too; nothing when it has none.
    [[nodiscard]] std::optional<row_state> find(bytes_view key) const {
        const auto r = rows.find(key);
        return r ? std::optional(rows.load(*r, true)) : std::nullopt;
    }
    /// Returns a row's values, one a column, as local writes left them; nothing when it is not there.
    [[nodiscard]] std::optional<std::vector<value>> read(const bytes& key) const {
        if (const auto edited = edits.find(key); edited != edits.end()) return edited->second;
        const auto row = find(key);
        return row && is_visible(*row, traits.policy) ? std::optional(show(*row)) : std::nullopt;
    }
    /// Returns all registers by key. \cost O(rows log rows), and a copy of them
    [[nodiscard]] std::map<bytes, row_state> registers() const {
        std::map<bytes, row_state> out;
        for (const detail::row_no r : rows.by_key()) {
            const bytes_view key = rows.key(r);
            out.emplace_hint(out.end(), bytes(key.begin(), key.end()), rows.load(r, true));
        }
        return out;
    }
    /// Returns the rows that are there by key, one value a column. \cost O(rows log rows), and a copy of them
    [[nodiscard]] std::map<bytes, std::vector<value>> shown() const {
        std::map<bytes, std::vector<value>> out;
        for (const auto& [key, row] : registers())
            if (is_visible(row, traits.policy)) out.emplace_hint(out.end(), key, show(row));
        for (const auto& [key, values] : edits) {
            if (values)
                out[key] = *values;
            else
                out.erase(key);
        }
        return out;
    }
};

/// What merging a changeset did.
struct merged_changeset {
    std::size_t rows = 0;        ///< it touched
    std::size_t duplicates = 0;  ///< as merge_plan's
    hlc greatest{};              ///< to be observed by the clock
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
    [[nodiscard]] memory_table& add(table_traits traits) { return tables_.emplace_back(std::move(traits)); }
    [[nodiscard]] table_no number_of(const memory_table& table) const noexcept {
        table_no n = 0;
        while (&tables_[n] != &table) ++n;
        return n;
    }
    [[nodiscard]] memory_table& at(table_no n) noexcept { return tables_[n]; }
    [[nodiscard]] const std::deque<memory_table>& tables() const noexcept { return tables_; }

    [[nodiscard]] result<resolved_table> resolve(const table_traits& theirs) {
        memory_table* found = find(theirs.name);
        constexpr auto unknown = static_cast<column_no>(-1);
        column_list places;
        places.reserve(theirs.columns.size());
        for (const column_traits& c : theirs.columns) {
            const auto here = found != nullptr ? found->traits.column(c.name) : std::nullopt;
            if (here && c.rule != merge_rule::lww && found->traits.columns[*here].rule != c.rule)
                return error{errc::schema_mismatch, "The column " + theirs.name + "." + c.name +
                                                        " merges by another rule on another device."};
            places.push_back(here.value_or(unknown));
        }
        memory_table& table = found != nullptr ? *found : add(theirs.without_columns());
        for (std::size_t i = 0; i < places.size(); ++i)
            if (places[i] == unknown) places[i] = place_of(table, theirs.columns[i]);
        table.rows.widen(table.traits.columns.size());
        return resolved_table{number_of(table), &table.traits, std::move(places)};
    }
    [[nodiscard]] result<row_state> load(table_no table, bytes_view key, bool values) const {
        const auto& rows = tables_[table].rows;
        const auto r = rows.find(key);
        return r ? rows.load(*r, values) : row_state{};
    }

    /// Writes a plan; cannot fail.
    void apply(const merge_plan& plan) {
        for (const merged_row& row : plan.rows) tables_[row.table].rows.store(row.key, row.after);
        add(plan);
    }
    /// Merges a changeset: what apply(merge(incoming, *this)) does, without a plan. \errors as merge()
    [[nodiscard]] result<merged_changeset> merge(const changeset& incoming) {
        detail::small_vector<resolved_table, 1> resolved;
        for (const table_changes& t : incoming.tables) {
            auto table = resolve(t.table);
            if (!table) return table.failure();
            resolved.push_back(std::move(*table));
        }
        merge_plan sums;
        merged_changeset out;
        for (std::size_t i = 0; i < resolved.size(); ++i) {
            const std::vector<row_change>& changes = incoming.tables[i].rows;
            detail::in_place_merge(tables_[resolved[i].table].rows, resolved[i], incoming.context.vector,
                                   merged_.vector, sums)
                .merge(changes);
            for (std::size_t n = 0; n < changes.size(); ++n)
                out.rows += n == 0 || changes[n].key != changes[n - 1].key ? 1 : 0;
        }
        merged_.seen.raise(incoming.device, std::max(incoming.seq, incoming.last_seq));
        add(sums);
        out.duplicates = sums.duplicates;
        out.greatest = sums.greatest;
        return out;
    }
    /// After a seal: registers say what local writes said.
    void forget_edits() {
        for (memory_table& t : tables_) t.edits.clear();
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
    void add(const merge_plan& sums) {
        digest_ += sums.digest;
        open_digest_ += sums.open_digest;
        counts_ += sums.counts;
        raise(sums.merged);
        for (memory_table& t : tables_) t.rows.tidy();
    }
    static column_no place_of(memory_table& table, const column_traits& column) {
        if (const auto here = table.traits.column(column.name)) return *here;
        table.traits.columns.push_back(column);
        return static_cast<column_no>(table.traits.columns.size() - 1);
    }

    std::deque<memory_table> tables_;
    causal_context merged_;
    digest128 digest_, open_digest_;
    accounts counts_;
};
static_assert(row_source<memory_rows>);

}  // namespace casasync
