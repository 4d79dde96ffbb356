// SPDX-License-Identifier: MIT
#include "display_pass.hpp"

#include <casasync/key.hpp>

#include <algorithm>
#include <iterator>

namespace casasync::sqlite {
namespace {

bool has_all_values(const row_state& row) noexcept {
    return std::all_of(row.cells.begin(), row.cells.end(), [](const cell& c) { return c.what.has_value(); });
}

/// Fills in values that `row` lacks.
void take_values(row_state& row, row_state&& from) {
    for (cell& c : row.cells)
        if (!c.what)
            if (cell* old = from.find(c.column)) c.what = std::move(old->what);
}

std::string stuck_detail(const std::string& words) {
    return "The row is deleted, but this file keeps it in the table (" + words +
           "). Nothing is lost; delete it here yourself.";
}

}  // namespace

result<void> display_pass::open() {
    enforced_ = db_->enforces_foreign_keys();
    // Rows that refer to each other are in the table only once all are written.
    if (enforced_)
        if (auto ok = db_->execute("PRAGMA defer_foreign_keys = ON"); !ok) return ok;
    const auto any = parked_.any();
    if (!any) return any.failure();
    any_parked_ = *any;
    auto refs = references::read(*db_, *tables_, enforced_);
    if (!refs) return refs.failure();
    references_ = std::move(*refs);
    return {};
}

result<display_pass::lane*> display_pass::lane_of(const vault_table& table) {
    const auto known = lanes_.find(table.number);
    if (known != lanes_.end()) return &known->second;
    lane out{.table = &table, .writer = row_writer(*db_, table, store_->numbers())};
    out.rank = references_.rank(table.number);
    out.child = references_.is_child(table.number);
    out.parent = references_.is_parent(table.number);
    if (out.parent) {
        const auto triggers = db_->query_integer(
            "SELECT EXISTS(SELECT 1 FROM main.sqlite_schema WHERE type = 'trigger' AND tbl_name = ?1 AND "
            "name "
            "NOT LIKE 'casasync\\_%' ESCAPE '\\')",
            table.shape.name);
        if (!triggers) return triggers.failure();
        out.follow = enforced_ || *triggers != 0 || table.numbered();
    }
    if (any_parked_) {
        const auto parked = parked_.any(table.number);
        if (!parked) return parked.failure();
        out.parked = *parked;
    }
    for (const std::size_t i : table.shape.key)
        out.plain_key =
            out.plain_key && (table.shape.integer_key || table.shape.columns[i].kept_as == affinity::text);
    for (column_no c = 0; c < table.traits.columns.size(); ++c) {
        const bool amount = table.traits.columns[c].rule != merge_rule::lww;
        if (amount) out.amounts.push_back(c);
        out.outside = out.outside || amount || !table.holds(c);
    }
    return &lanes_.emplace(table.number, std::move(out)).first->second;
}

result<display_pass::row_entry*> display_pass::entry_of(lane& home, bytes_view key,
                                                        const merged_row* changed) {
    const row_id id{home.table->number, bytes(key.begin(), key.end())};
    const auto known = entries_.find(id);
    if (known != entries_.end()) return &known->second;
    row_entry e{.home = &home, .key = id.second, .changed = changed};
    bool shown = changed == nullptr || changed->was_visible;
    if (const auto kept = kept_.find(id); kept != kept_.end()) {
        e.changed = kept->second;
        const auto there = store_->in_table(*home.table, key);
        if (!there) return there.failure();
        shown = there->has_value();
    }
    if (home.parked) {
        auto parked = parked_.find(id.first, key);
        if (!parked) return parked.failure();
        if (*parked) {
            shown = shown && ((*parked)->reason == parked_list::dangling || kept_.contains(id));
            e.old_reason = std::move((*parked)->reason);
            e.old_detail = std::move((*parked)->detail);
        }
    }
    e.was_in_table = e.in_table = shown;
    if (shown) {
        auto place = store_->numbers().in_table(*home.table, key);
        if (!place) return place.failure();
        if (*place) e.key_values = e.old_key_values = std::move(**place);
    }
    if (e.changed == nullptr) {
        auto row = store_->load(id.first, key, true);
        if (!row) return row.failure();
        e.own = std::move(*row);
        e.complete = true;
        e.reason = e.old_reason;
        e.detail = e.old_detail;
    } else if (!kept_.contains(id)) {
        e.to_write = e.old_reason == parked_list::dangling ? due::all : due::written;
    } else if (!shown || e.old_reason == parked_list::dangling) {
        e.to_write = due::all;
    }
    const bool waits = e.to_write == due::all && kept_.contains(id);
    row_entry& out = entries_.emplace(id, std::move(e)).first->second;
    if (waits) enqueue(out);
    return &out;
}

result<void> display_pass::complete(row_entry& e) {
    if (e.complete) return {};
    e.complete = true;
    if (has_all_values(e.state())) return {};
    auto before = store_->load(e.home->table->number, e.key, true);
    if (!before) return before.failure();
    if (!e.own) e.own = e.changed->after;
    take_values(*e.own, std::move(*before));
    return {};
}

result<void> display_pass::save_changed(const merged_row& row, bool in_table, const lane* home) {
    const bool beside = !in_table || home->outside || !row.after.live.empty();
    if (!beside || has_all_values(row.after))
        return store_->save_soon(row.table, row.key, row.after, in_table);
    auto before = store_->load(row.table, row.key, true);
    if (!before) return before.failure();
    row_state after = row.after;
    take_values(after, std::move(*before));
    return store_->save_soon(row.table, row.key, after, in_table);
}

result<bool> display_pass::stand_alone(const changeset& c) {
    if (auto ok = open(); !ok) return ok.failure();
    if (any_parked_) return false;
    for (const table_changes& t : c.tables) {
        const vault_table* table = tables_->find(t.table.name);
        if (table == nullptr || !table->tracked) continue;  // only registers are kept
        const auto home = lane_of(*table);
        if (!home) return home.failure();
        if (!(*home)->plain() || table->numbered() || table->has_references()) return false;
    }
    return true;
}

result<void> display_pass::show(std::span<const merged_row> changed) {
    if (changed.empty()) return {};
    if (auto ok = open(); !ok) return ok;
    const auto moved = decide_numbers(changed);
    if (!moved) return moved.failure();
    for (const row_id& id : *moved) {
        const auto home = lane_of(*tables_->find(id.first));
        if (!home) return home.failure();
        (*home)->moves = true;
    }
    std::vector<const merged_row*> order;
    order.reserve(changed.size());
    for (const merged_row& row : changed) {
        order.push_back(&row);
        const vault_table* table = tables_->find(row.table);
        if (!table->tracked) continue;
        const auto home = lane_of(*table);
        if (!home) return home.failure();
        if ((*home)->plain()) continue;
        if (const auto e = entry_of(**home, row.key, &row); !e) return e.failure();
    }
    if (auto ok = vacate(*moved); !ok) return ok;
    // What is hidden leaves first, children before parents; then parents come before children.
    const auto parents_first = [&](const merged_row* a, const merged_row* b) {
        return references_.rank(a->table) < references_.rank(b->table);
    };
    if (!references_.all().empty()) std::stable_sort(order.begin(), order.end(), parents_first);
    for (auto row = order.rbegin(); row != order.rend(); ++row)
        if (!(*row)->is_visible)
            if (auto ok = show_row(**row); !ok) return ok;
    for (const merged_row* row : order)
        if (row->is_visible)
            if (auto ok = show_row(*row); !ok) return ok;
    return decide(tables_of(changed));
}

result<void> display_pass::show_row(const merged_row& row) {
    const vault_table* table = tables_->find(row.table);
    if (!table->tracked) return save_changed(row, false, nullptr);
    const auto home = lane_of(*table);
    if (!home) return home.failure();
    if ((*home)->plain()) return show_plain(**home, row);
    const auto found = entry_of(**home, row.key, &row);
    if (!found) return found.failure();
    row_entry& e = **found;
    if (!row.is_visible) {
        if (!e.in_table) return {};
        if (auto ok = leave(e); !ok) return ok;
        if (e.stuck) {
            e.reason = parked_list::check;
            e.detail = stuck_detail((*home)->writer.why());
        }
        return {};
    }
    const auto missing = misses_key(e);
    if (!missing) return missing.failure();
    if (*missing != nullptr) return enqueue(e), result<void>{};  // its parent may be in the queue
    const auto written = write(e);
    if (!written) return written.failure();
    if (*written == write_outcome::refused) return settle(e);
    if (*written == write_outcome::written) return {};
    if (e.in_table)
        if (auto ok = leave(e); !ok) return ok;
    enqueue(e);
    return {};
}

result<void> display_pass::show_plain(lane& home, const merged_row& row) {
    const bool numbered = home.table->numbered();
    if (!row.is_visible) {
        const auto key = store_->numbers().in_table(*home.table, row.key);
        if (!key) return key.failure();
        // Values that the registers lack are in the table only, so it is emptied afterwards.
        if (auto ok = save_changed(row, false, &home); !ok || !*key || !row.was_visible) return ok;
        if (numbered)
            if (auto ok = store_->numbers().place(*home.table, row.key, std::nullopt); !ok) return ok;
        const auto gone = home.writer.erase(**key);
        if (!gone) return gone.failure();
        if (*gone) return {};
        return parked_.put(
            {row.table, bytes(row.key), std::string(parked_list::check), stuck_detail(home.writer.why())},
            now_);
    }
    if (row.was_visible || has_all_values(row.after)) {
        const auto key = destination(home, row.key, row.after);
        if (!key) return key.failure();
        const auto written = row.was_visible ? home.writer.update(*key, row.after, row.written)
                                             : home.writer.insert(*key, row.after);
        if (!written) return written.failure();
        if (*written == write_outcome::written) {
            if (numbered)
                if (auto ok = store_->numbers().place(*home.table, row.key, (*key)[0].integer()); !ok)
                    return ok;
            return save_changed(row, true, &home);
        }
    }
    const auto e = entry_of(home, row.key, &row);
    if (!e) return e.failure();
    return settle(**e);
}

result<void> display_pass::keep(std::span<const merged_row> changed) {
    if (changed.empty()) return {};
    if (auto ok = open(); !ok) return ok;
    const auto moved = decide_numbers(changed);
    if (!moved) return moved.failure();
    if (!references_.all().empty() || !moved->empty())
        for (const merged_row& row : changed)
            if (tables_->find(row.table)->tracked) kept_.emplace(id_of(row), &row);
    if (auto ok = vacate(*moved); !ok) return ok;
    if (auto ok = let_go_of_deleted(changed); !ok) return ok;
    for (const merged_row& row : changed)
        if (!entries_.contains(id_of(row)))
            if (auto ok = keep_row(row); !ok) return ok;
    return any_parked_ || !entries_.empty() || !to_check_.empty() ? decide(tables_of(changed)) : finish();
}

/// True when the application wrote a reference to an integer key: its connection may not enforce foreign
/// keys.
bool display_pass::may_lack_parent(const merged_row& row) const {
    const vault_table* table = tables_->find(row.table);
    return std::any_of(references_.all().begin(), references_.all().end(), [&](const reference& r) {
        if (r.child != table || !r.declared || r.parent == nullptr || !r.parent->numbered()) return false;
        return !row.was_visible || std::any_of(r.columns.begin(), r.columns.end(), [&](column_no c) {
            return std::binary_search(row.written.begin(), row.written.end(), c);
        });
    });
}

result<void> display_pass::keep_row(const merged_row& row) {
    const vault_table* table = tables_->find(row.table);
    if (!table->tracked) return save_changed(row, false, nullptr);
    const auto found = lane_of(*table);
    if (!found) return found.failure();
    lane& home = **found;
    if (row.is_visible)
        if (const auto out = put_out(home, row); !out || *out) return out ? result<void>{} : out.failure();
    if (home.parked && row.is_visible) {
        const auto parked = parked_.find(row.table, row.key);
        if (!parked) return parked.failure();
        const auto there = store_->in_table(*table, row.key);
        if (!there) return there.failure();
        if (!*there || (*parked && (*parked)->reason == parked_list::dangling)) {
            const auto e = entry_of(home, row.key, &row);
            if (!e) return e.failure();
            (*e)->was_in_table = (*e)->in_table = there->has_value();
            enqueue(**e);
            return {};
        }
    }
    if (row.is_visible && home.child && table->has_references()) {
        const auto fate = fate_of_references(*table, row.after);
        if (!fate) return fate.failure();
        if (*fate != shown_reference::fate::found) {
            const auto e = entry_of(home, row.key);
            if (!e) return e.failure();
            if (auto ok = complete(**e); !ok) return ok;
            if (*fate == shown_reference::fate::loose) return find_missing(**e);
            (*e)->to_write = due::all;
            enqueue(**e);
            to_check_.insert(id_of(row));
            return {};
        }
    }
    if (row.is_visible && may_lack_parent(row)) to_check_.insert(id_of(row));
    if (home.parked)
        if (auto ok = parked_.remove(row.table, row.key); !ok) return ok;
    if (auto ok = save_changed(row, row.is_visible, &home); !ok) return ok;
    return row.is_visible ? put_back_amounts(home, row) : result<void>{};
}

/// A row that the application gave the number of a deleted row in its key has no key here: it leaves. False
/// for any other row.
result<bool> display_pass::put_out(lane& home, const merged_row& row) {
    const std::vector<std::string>& refers = home.table->traits.key_refers;
    if (refers.empty()) return false;
    auto in_file = decode_key(row.key);
    if (!in_file) return in_file.failure();
    bool missing = false;
    for (std::size_t i = 0; i < refers.size() && i < in_file->size(); ++i) {
        if (refers[i].empty()) continue;
        auto number = store_->numbers().to_number(refers[i], (*in_file)[i]);
        if (!number) return number.failure();
        const bool gone = number->how == shown_reference::fate::missing;
        missing = missing || gone;
        if (!gone) (*in_file)[i] = std::move(number->what);
        if (!gone || (*in_file)[i].kind() != value_kind::blob) continue;  // the file has what was written
        const auto parent = encode_key(std::span(&(*in_file)[i], 1));
        if (!parent) return parent.failure();
        const auto last = store_->numbers().last_number_of(*tables_->find(refers[i]), *parent);
        if (!last) return last.failure();
        if (*last) (*in_file)[i] = value(**last);
    }
    if (!missing) return false;
    const auto e = entry_of(home, row.key);
    if (!e) return e.failure();
    (*e)->key_values = std::move(*in_file);
    (*e)->was_in_table = (*e)->in_table = true;
    if (auto ok = leave(**e); !ok) return ok.failure();
    (*e)->to_write = due::all;
    enqueue(**e);
    return true;
}

result<void> display_pass::put_back_amounts(lane& home, const merged_row& row) {
    std::vector<column_no> columns;
    std::set_intersection(row.written.begin(), row.written.end(), home.amounts.begin(), home.amounts.end(),
                          std::back_inserter(columns));
    if (columns.empty()) return {};
    const auto key = store_->numbers().in_table(*home.table, row.key);
    if (!key) return key.failure();
    if (!*key) return {};
    const auto written = home.writer.update(**key, row.after, columns);
    // What cannot be put back stays as the person wrote it; the registers have the greater amount.
    return written ? result<void>{} : result<void>{written.failure()};
}

result<void> display_pass::bring_back(const std::set<table_no>& touched) {
    if (!any_parked_) return {};
    // Rows parked for a foreign key hold their unique values, so they come back before others are judged.
    std::set<table_no> returning;
    for (const table_no t : touched)
        if (!tables_->find(t)->shape.uniques.empty()) returning.insert(t);
    for (bool more = true; more;) {
        more = false;
        for (const reference& r : references_.all()) {
            if (r.parent == nullptr) continue;
            if (touched.contains(r.parent->number) || returning.contains(r.parent->number))
                more = returning.insert(r.child->number).second || more;
        }
    }
    for (const auto& table : tables_->tables()) {
        const bool back = returning.contains(table->number), freed = touched.contains(table->number);
        if (!table->tracked || (!back && !freed)) continue;
        const auto home = lane_of(*table);
        if (!home) return home.failure();
        if (!(*home)->parked) continue;
        const auto rows = parked_.of(table->number);
        if (!rows) return rows.failure();
        for (const parked_row& row : *rows) {
            if (row.reason == parked_list::unique ? !freed : !back) continue;
            const auto e = entry_of(**home, row.key);
            if (!e) return e.failure();
            const bool visible = is_visible((*e)->state(), table->traits.policy);
            if ((*e)->changed != nullptr || !visible) continue;
            (*e)->to_write = due::all;
            enqueue(**e);
        }
    }
    return {};
}

result<void> display_pass::look_again(const std::set<table_no>& touched) {
    if (auto ok = open(); !ok) return ok;
    return any_parked_ ? decide(touched) : result<void>{};
}

std::set<table_no> display_pass::tables_of(std::span<const merged_row> changed) const {
    std::set<table_no> out;
    for (const merged_row& row : changed)
        if (tables_->find(row.table)->tracked) out.insert(row.table);
    return out;
}

result<void> display_pass::decide(const std::set<table_no>& touched) {
    if (auto ok = bring_back(touched); !ok) return ok;
    if (auto ok = drain(); !ok) return ok;
    if (auto ok = write_again(std::exchange(missed_, {})); !ok) return ok;
    if (auto ok = drain(); !ok) return ok;
    if (auto ok = check_references(); !ok) return ok;
    if (auto ok = write_again(std::exchange(to_amend_, {})); !ok) return ok;
    return finish();
}

/// Notes which rows are shown under another number than before: vault::take_renumbered() tells the app.
result<void> display_pass::tell_renumbered() {
    for (const auto& [id, e] : entries_) {
        if (!e.home->table->numbered() || !e.was_in_table || !e.in_table) continue;
        if (e.old_key_values.size() != 1 || e.key_values == e.old_key_values) continue;
        const std::int64_t was = e.old_key_values[0].integer(), number = e.key_values[0].integer();
        const auto earlier = db_->query_integer(
            "SELECT coalesce(max(rowid), 0) FROM casasync_renumbered WHERE t = ?1 AND number = ?2",
            std::int64_t{id.first}, was);
        if (!earlier) return earlier.failure();
        const auto noted =
            *earlier != 0
                ? db_->run("UPDATE casasync_renumbered SET number = ?2, at = ?3 WHERE rowid = ?1", *earlier,
                           number, now_)
                : db_->run("INSERT INTO casasync_renumbered(t, was, number, at) VALUES(?1, ?2, ?3, ?4)",
                           std::int64_t{id.first}, was, number, now_);
        if (!noted) return noted;
    }
    return {};
}

result<void> display_pass::finish() {
    if (auto ok = tell_renumbered(); !ok) return ok;
    for (auto& [id, e] : entries_) {
        if (e.reason == parked_list::dangling && e.apart.empty()) continue;  // as before: only looked at
        const bool apart = !e.apart.empty() || e.old_reason == parked_list::dangling;
        const bool renumbered = e.home->table->numbered() && e.in_table && e.key_values != e.old_key_values;
        if (e.changed != nullptr || e.in_table != e.was_in_table || apart || renumbered) {
            if (!e.in_table || e.home->outside || !e.state().live.empty())
                if (auto ok = complete(e); !ok) return ok;
            if (auto ok = store_->save_soon(id.first, e.key, e.state(), e.in_table, e.apart); !ok) return ok;
        }
        if (e.reason == e.old_reason && e.detail == e.old_detail) continue;
        auto noted = e.reason.empty() ? parked_.remove(id.first, e.key)
                                      : parked_.put({id.first, e.key, e.reason, e.detail}, now_);
        if (!noted) return noted;
    }
    if (auto ok = store_->write_saved(); !ok) return ok;
    // What refers to a deleted row from a table that is not tracked must not make the commit fail: switching
    // off forgets what was counted.
    return enforced_ ? db_->execute("PRAGMA defer_foreign_keys = OFF") : result<void>{};
}

}  // namespace casasync::sqlite
