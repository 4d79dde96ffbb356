// SPDX-License-Identifier: MIT
/// Rows that were deleted: what they were, and back.
#include "references.hpp"
#include "vault_state.hpp"

#include <casasync/capture.hpp>
#include <casasync/detail/hash.hpp>
#include <casasync/detail/wire.hpp>

#include <algorithm>

namespace casasync::sqlite {
namespace {

/// The same on every device, and another one after the row was deleted once more.
std::string id_of_deleted(const vault_table& table, bytes_view key, const stamp& dead) {
    bytes all(key.begin(), key.end());
    detail::writer w(all);
    w.counted(table.traits.name);
    w.u64(dead.when.packed);
    w.raw(dead.replica.octets);
    bytes eight;
    detail::writer(eight).u64(detail::hash128(all).high);
    return to_hex(bytes_view(eight).first(6));
}

/// A deleted row with what is needed to bring it back.
struct found_row {
    const vault_table* table = nullptr;
    bytes key{};
    row_state row{};
    std::string id{};
};

result<std::vector<found_row>> find_deleted(vault::state& v, const std::string& only) {
    std::vector<found_row> out;
    for (const auto& t : v.tables.tables()) {
        if (!t->tracked || (!only.empty() && t->traits.name != only)) continue;
        auto keys = v.db->prepare("SELECT k FROM casasync_m_" + std::to_string(t->number));
        if (!keys) return keys.failure();
        for (;;) {
            const auto next = keys->step();
            if (!next) return next.failure();
            if (!*next) break;
            bytes key(keys->blob(0).begin(), keys->blob(0).end());
            auto row = v.rows->record(t->number, key);
            if (!row) return row.failure();
            const row_state& state = **row;
            if (!state.born.exists() || is_visible(state, t->traits.policy)) continue;
            std::string id = id_of_deleted(*t, key, state.dead);
            out.push_back({t.get(), std::move(key), std::move(**row), std::move(id)});
        }
    }
    std::sort(out.begin(), out.end(),
              [](const found_row& a, const found_row& b) { return b.row.dead < a.row.dead; });
    return out;
}

/// Returns the cells of the row's last life.
std::vector<std::pair<column_no, value>> last_values(const vault_table& table, const row_state& row) {
    std::vector<std::pair<column_no, value>> out;
    for (const cell& c : row.cells)
        if (c.what && is_shown(row, c, table.traits.columns[c.column].rule))
            out.emplace_back(c.column, *c.what);
    return out;
}

result<deleted_row> describe_deleted(vault::state& v, const found_row& found) {
    deleted_row out;
    out.id = found.id;
    out.table = found.table->traits.name;
    auto key = v.key_for_people(*found.table, found.key);
    if (!key) return key.failure();
    out.key = std::move(key->key);
    out.key_taken = key->taken;
    for (auto& [column, what] : last_values(*found.table, found.row)) {
        const column_traits& traits = found.table->traits.columns[column];
        if (traits.name == found.table->traits.number) continue;  // that is the key
        auto shown_as = v.rows->numbers().to_number(traits.refers, what);
        if (!shown_as) return shown_as.failure();
        out.values.emplace_back(traits.name, std::move(shown_as->what));
    }
    auto by = v.author_of(found.row.dead);
    if (!by) return by.failure();
    out.deleted_by = std::move(*by);
    return out;
}

/// A row that cannot be a row again without another one is told so, rather than parked.
result<void> check_parents(vault::state& v, const vault_table& table, std::span<const value> key) {
    auto all = references::read(*v.db, v.tables, false);
    if (!all) return all.failure();
    for (const reference& r : all->all()) {
        if (r.child != &table || !r.declared) continue;
        const auto orphan = references::is_orphan(*v.db, r, key);
        if (!orphan) return orphan.failure();
        if (*orphan)
            return error{errc::invalid_argument, "it refers to a row of " + r.parent_name +
                                                     " that is deleted; bring that one back first."};
    }
    return {};
}

}  // namespace

/// Makes a row that is not in its table one again, with `values` and defaults. It is captured as a write of
/// this device.
result<void> vault::state::insert_again(const vault_table& table, bytes_view key,
                                        std::span<const std::pair<column_no, value>> values) {
    auto in_file = key_in_file(table, key);
    if (!in_file) return in_file.failure();
    if (table.numbered())  // what is inserted under the number is this row
        if (auto ok = rows->numbers().reserve(table, key, (*in_file)[0].integer()); !ok) return ok;
    std::string names, marks;
    std::vector<value> bound;
    const auto add = [&](const std::string& name, value v) {
        names += (bound.empty() ? "" : ", ") + quote_name(name);
        marks += (bound.empty() ? "?" : ", ?") + std::to_string(bound.size() + 1);
        bound.push_back(std::move(v));
    };
    for (std::size_t i = 0; i < in_file->size(); ++i)
        add(table.shape.columns[table.shape.key[i]].name, (*in_file)[i]);
    for (const auto& [c, what] : values) {
        const column_traits& column = table.traits.columns[c];
        if (!table.holds(c) || column.name == table.traits.number) continue;
        auto there = rows->numbers().to_number(column.refers, what);
        if (!there) return there.failure();
        add(column.name, std::move(there->what));
    }
    {
        auto s = db->prepare("INSERT INTO main." + quote_name(table.shape.name) + "(" + names + ") VALUES(" +
                             marks + ")");
        if (!s) return s.failure();
        for (std::size_t i = 0; i < bound.size(); ++i) s->bind(static_cast<int>(i) + 1, bound[i]);
        if (auto ok = s->run(); !ok) return ok;
    }
    if (table.numbered())
        if (auto ok = hold_numbers(table, key); !ok) return ok;
    return check_parents(*this, table, *in_file);
}

result<void> vault::state::seal_decided(const vault_table& table, bytes_view key,
                                        std::span<const std::pair<column_no, value>> values) {
    struct ending {
        state& s;
        ~ending() { s.decided.reset(); }
    } at_end{*this};
    decided.emplace(table.number, bytes(key.begin(), key.end()));
    if (auto n = seal_log(); !n) return n.failure();
    return say_not_held(table, key, values);
}

/// Says what a row that was inserted again has in columns which its table lacks: others show them.
result<void> vault::state::say_not_held(const vault_table& table, bytes_view key,
                                        std::span<const std::pair<column_no, value>> values) {
    std::vector<std::pair<column_no, value>> not_held;
    for (const auto& one : values)
        if (!table.holds(one.first) && one.second.size() <= limits::value_bytes_max) not_held.push_back(one);
    if (not_held.empty()) return {};
    return uncaptured([&]() -> result<void> {
        const auto merged = say(table, key, not_held);
        return merged ? shown->keep(*merged, own_now()) : merged.failure();
    });
}

result<std::vector<merged_row>> vault::state::say(const vault_table& table, bytes_view key,
                                                  std::span<const std::pair<column_no, value>> values) {
    changeset c;
    table_changes& changes = c.tables.emplace_back();
    changes.table = table.traits.without_columns();
    row_operation op{op_kind::update, false, {}, {}};
    for (const auto& [column, what] : values) {
        op.cells.push_back({static_cast<column_no>(changes.table.columns.size()), what});
        changes.table.columns.push_back(table.traits.columns[column]);
    }
    auto known = context();
    if (!known) return known.failure();
    c.context = std::move(*known);
    c.state = state_digest();
    for (row_operation& piece : in_pieces(std::move(op))) {
        self.clock = tick_user(self.clock, stamping_now());
        piece.when = {self.clock, self.replica};
        changes.rows.push_back({row_key(key.begin(), key.end()), std::move(piece)});
    }
    if (auto ok = rows->own(self.replica, self.device); !ok) return ok.failure();
    return publish(c, *rows);
}

result<std::vector<deleted_row>> vault::deleted(const std::string& table) {
    if (auto n = seal(); !n) return n.failure();
    return state_->run([&]() -> result<std::vector<deleted_row>> {
        std::vector<deleted_row> out;
        if (!table.empty() && state_->tables.find(table) == nullptr)
            return error{errc::not_found, "table " + table + " is not in this vault"};
        auto found = find_deleted(*state_, table);
        if (!found) return found.failure();
        for (const found_row& f : *found) {
            auto told = describe_deleted(*state_, f);
            if (!told) return told.failure();
            out.push_back(std::move(*told));
        }
        return out;
    });
}

result<deleted_row> vault::undelete(const std::string& id) {
    if (id.size() < 4)
        return error{errc::invalid_argument,
                     "the id of a deleted row has at least 4 digits; `casasync deleted` lists them"};
    if (auto n = seal(); !n) return n.failure();
    auto back = state_->write_captured([&]() -> result<deleted_row> {
        state& v = *state_;
        auto found = find_deleted(v, {});
        if (!found) return found.failure();
        std::erase_if(*found, [&](const found_row& f) { return f.id.compare(0, id.size(), id) != 0; });
        if (found->empty())
            return error{errc::not_found,
                         "there is no deleted row " + id + " in this vault; `casasync deleted` lists them"};
        if (found->size() > 1)
            return error{errc::invalid_argument,
                         "several deleted rows begin with " + id + "; give more digits"};
        const found_row& row = found->front();
        auto told = describe_deleted(v, row);
        if (!told) return told;
        const auto values = last_values(*row.table, row.row);
        const auto done = v.insert_again(*row.table, row.key, values);
        if (!done)
            return error{done.code(), "table " + told->table + " does not take the row back: " +
                                          done.failure().text() + " Nothing was changed."};
        if (auto ok = v.seal_decided(*row.table, row.key, values); !ok) return ok.failure();
        return describe_deleted(v, row);  // its number may be another one
    });
    return back;
}

}  // namespace casasync::sqlite
