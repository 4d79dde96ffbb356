// SPDX-License-Identifier: MIT
#pragma once

/// One call of display::show() or keep(): which rows are looked at, and what becomes of each.
///
/// Rows are written in the order they come; a table without unique indexes, foreign keys and parked rows
/// needs no more. A row that SQLite finds not unique leaves its table and waits in a queue in (seniority,
/// key) order, with the parked rows that may have become free. From there a row displaces greater ones, which
/// join the queue, and is parked behind a smaller one: whatever is in the table and smaller than the row at
/// the head is settled, so the outcome is the greedy one over all registers. Foreign keys come last and only
/// remove.
#include "catalog.hpp"
#include "connection.hpp"
#include "parked_list.hpp"
#include "references.hpp"
#include "row_store.hpp"
#include "row_writer.hpp"

#include <casasync/environment.hpp>
#include <casasync/merge.hpp>
#include <casasync/number_claims.hpp>
#include <casasync/result.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace casasync::sqlite {

/// Of rows that one unique value admits, who comes first: what people wrote and what was there when the vault
/// began, by birth; then what devices brought along or apps made by themselves.
using seniority = std::pair<bool, stamp>;

[[nodiscard]] inline seniority seniority_of(const row_state& row) noexcept {
    return {row.born.when < band::adopt, row.born};
}

class display_pass {
 public:
    display_pass(connection& db, catalog& tables, row_store& rows, unix_ms now) noexcept
        : db_(&db), tables_(&tables), store_(&rows), parked_(db), now_(now) {}

    [[nodiscard]] result<void> show(std::span<const merged_row> changed);
    [[nodiscard]] result<void> keep(std::span<const merged_row> changed);
    [[nodiscard]] result<void> look_again(const std::set<table_no>& touched);
    [[nodiscard]] result<bool> stand_alone(const changeset& c);

 private:
    /// What this call knows of a table.
    struct lane {
        const vault_table* table = nullptr;
        row_writer writer;
        std::size_t rank = 0;  ///< parents first
        bool child = false, parent = false;
        bool follow = false;               ///< children leave before a parent does, or SQL would remove them
        bool parked = false;               ///< some of its rows are parked
        bool moves = false;                ///< some of its rows get another number
        bool plain_key = true;             ///< keys that SQL takes for equal have equal bytes
        bool outside = false;              ///< values of shown rows are kept beside the table, too
        std::vector<column_no> amounts{};  ///< columns that merge by amount

        [[nodiscard]] bool plain() const noexcept {
            return !child && !parent && !parked && !moves && plain_key && table->shape.uniques.empty();
        }
    };
    enum class due : std::uint8_t { nothing, written, all };  ///< columns the table does not show yet

    /// A row that this call decides on.
    struct row_entry {
        lane* home = nullptr;
        bytes key{};
        std::vector<value> key_values{};  ///< its key in the file's table; of no use while it is not there
        std::vector<value> old_key_values{};
        const merged_row* changed = nullptr;
        std::optional<row_state> own{};  ///< its registers; those of `changed` when not here
        bool complete = false;           ///< every value is loaded
        bool was_in_table = false, in_table = false, leaving = false;
        bool stuck = false;  ///< it should have left, and a trigger of the application keeps it
        due to_write = due::nothing;
        std::string reason{}, detail{};
        std::string old_reason{}, old_detail{};
        std::vector<column_no> apart{};  ///< shown as NULL

        [[nodiscard]] const row_state& state() const noexcept { return own ? *own : changed->after; }
    };
    struct queue_place {
        std::size_t rank = 0;
        table_no table = 0;
        seniority born{};
        bytes key{};

        friend auto operator<=>(const queue_place&, const queue_place&) = default;
    };
    using row_id = std::pair<table_no, bytes>;
    static row_id id_of(const merged_row& row) { return {row.table, bytes(row.key)}; }
    struct file_row {
        const vault_table* table = nullptr;
        std::vector<value> key{};  ///< as the file has it
    };
    struct frame;
    struct claim_set;

    [[nodiscard]] result<void> open();
    [[nodiscard]] result<lane*> lane_of(const vault_table& table);
    [[nodiscard]] result<row_entry*> entry_of(lane& home, bytes_view key,
                                              const merged_row* changed = nullptr);
    [[nodiscard]] result<void> complete(row_entry& e);
    /// Saves a changed row whose place is decided, without an entry. \param home null when not tracked
    [[nodiscard]] result<void> save_changed(const merged_row& row, bool in_table, const lane* home);

    // display_numbers.cpp
    [[nodiscard]] result<std::vector<row_id>> decide_numbers(std::span<const merged_row> changed);
    [[nodiscard]] result<void> settle_claims(const vault_table& table, claim_set& to);
    [[nodiscard]] result<void> add_rivals(const vault_table& table, std::int64_t number, claim_set& to);
    [[nodiscard]] result<number_claim> claim_of(const vault_table& table, bytes_view key,
                                                const row_state& row);
    [[nodiscard]] result<std::vector<value>> destination(const lane& home, bytes_view key,
                                                         const row_state& row);
    [[nodiscard]] result<void> vacate(const std::vector<row_id>& moved);
    [[nodiscard]] result<std::vector<std::vector<value>>> showing(const reference& r, std::int64_t number);
    [[nodiscard]] result<std::vector<file_row>> children_of_deleted(const vault_table& parent,
                                                                    std::int64_t number);
    [[nodiscard]] result<std::vector<row_entry*>> entries_of(std::vector<file_row> rows);
    [[nodiscard]] result<void> let_go_of_deleted(std::span<const merged_row> changed);

    [[nodiscard]] result<void> show_row(const merged_row& row);
    [[nodiscard]] result<void> show_plain(lane& home, const merged_row& row);
    [[nodiscard]] result<void> keep_row(const merged_row& row);
    [[nodiscard]] bool may_lack_parent(const merged_row& row) const;
    [[nodiscard]] result<bool> put_out(lane& home, const merged_row& row);
    [[nodiscard]] result<void> put_back_amounts(lane& home, const merged_row& row);

    [[nodiscard]] result<write_outcome> write(row_entry& e);
    [[nodiscard]] result<write_outcome> update(row_entry& e);
    [[nodiscard]] result<void> place(const row_entry& e, bool in_table);
    [[nodiscard]] result<void> find_missing(row_entry& e);
    [[nodiscard]] result<shown_reference::fate> fate_of_references(const vault_table& table,
                                                                   const row_state& row);
    [[nodiscard]] result<const reference*> misses_key(const row_entry& e);
    [[nodiscard]] result<void> write_again(const std::set<row_id>& rows);
    [[nodiscard]] bool touches(const row_entry& e, std::span<const column_no> columns) const;
    [[nodiscard]] result<void> settle(row_entry& e);
    /// Makes room for `e`; false when it was parked instead.
    [[nodiscard]] result<bool> displace(row_entry& e);
    [[nodiscard]] result<void> park(row_entry& e, std::string_view reason, std::string detail);
    void enqueue(row_entry& e);
    void dequeue(row_entry& e);
    [[nodiscard]] result<void> drain();

    [[nodiscard]] result<void> leave(row_entry& seed);
    [[nodiscard]] result<frame> open_frame(row_entry& e, const reference* of);
    [[nodiscard]] result<void> close_frame(const frame& f, const row_entry& seed);
    [[nodiscard]] result<row_entry*> let_go(row_entry& parent, const reference& r, const bytes& child);
    [[nodiscard]] result<bool> blank(row_entry& e, const reference& r);

    [[nodiscard]] result<void> bring_back(const std::set<table_no>& touched);
    [[nodiscard]] result<void> check_references();
    [[nodiscard]] result<void> check_references_of(const row_id& id);
    [[nodiscard]] std::set<table_no> tables_of(std::span<const merged_row> changed) const;
    [[nodiscard]] result<void> decide(const std::set<table_no>& touched);
    [[nodiscard]] result<void> finish();
    [[nodiscard]] result<void> tell_renumbered();

    connection* db_;
    catalog* tables_;
    row_store* store_;
    parked_list parked_;
    unix_ms now_;

    bool enforced_ = false;    ///< the connection enforces foreign keys
    bool any_parked_ = false;  ///< before this call
    bool checking_ = false;    ///< all is written; rows are only removed
    references references_{};
    std::map<table_no, lane> lanes_{};
    std::map<row_id, row_entry> entries_{};
    std::map<row_id, const merged_row*> kept_{};  ///< the rows of keep(): in the table as they are
    std::map<queue_place, row_entry*> queue_{};
    std::set<row_id> to_check_{};               ///< rows whose parents may be missing
    std::map<row_id, std::int64_t> decided_{};  ///< numbers of visible rows
    std::set<row_id> missed_{};                 ///< written while a row they refer to had no number
    std::set<row_id> to_amend_{};               ///< in the table, with the number of a row that has left it
};

}  // namespace casasync::sqlite
