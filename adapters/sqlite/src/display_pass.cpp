// SPDX-License-Identifier: MIT
#include "display_pass.hpp"

#include "unique_rivals.hpp"

#include <casasync/key.hpp>

#include <algorithm>
#include <iterator>

namespace casasync::sqlite {
namespace {

/// A key for a person to read.
std::string describe(std::span<const value> key) {
    std::string out;
    for (const value& v : key) {
        if (!out.empty()) out += ", ";
        switch (v.kind()) {
            case value_kind::integer:
                out += std::to_string(v.integer());
                break;
            case value_kind::real:
                out += std::to_string(v.real());
                break;
            case value_kind::text:
                out += quote_text(v.text());
                break;
            case value_kind::blob:
                out += "x'" + to_hex(v.blob()) + "'";
                break;
            case value_kind::null:
                break;
        }
    }
    return out;
}

bool has_all_values(const row_state& row) noexcept {
    return std::all_of(row.cells.begin(), row.cells.end(), [](const cell& c) { return c.what.has_value(); });
}

/// Fills in values that `row` lacks.
void take_values(row_state& row, row_state&& from) {
    for (cell& c : row.cells)
        if (!c.what)
            if (cell* old = from.find(c.column)) c.what = std::move(old->what);
}

std::string check_detail(const std::string& words) {
    return "The merged row breaks a rule of this table (" + words +
           "). It is kept, and is shown once somebody corrects it on a device that shows it.";
}

std::string unique_detail(const unique_rival& rival, std::span<const value> key) {
    return "The older row " + describe(key) + " has the same " + rival.columns +
           ". Both are kept; rename or delete one of them, and the other is shown.";
}

std::string parent_detail(const reference& r) {
    return "It refers to a row of " + quote_name(r.parent_name) +
           " that is deleted, or not here yet. It is kept, and is shown when that row comes.";
}

std::string dangling_detail(const reference& r) {
    return "It refers to a row of " + quote_name(r.parent_name) +
           " that is deleted, or not here yet. The reference is shown as empty until that row comes.";
}

}  // namespace

result<void> display_pass::open() {
    const auto enforced = db_->query_integer("PRAGMA foreign_keys");
    if (!enforced) return enforced.failure();
    enforced_ = *enforced != 0;
    // Rows that refer to each other are in the table only once all are written.
    if (enforced_)
        if (auto ok = db_->run("PRAGMA defer_foreign_keys = ON"); !ok) return ok;
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
    lane out{.table = &table, .writer = row_writer(*db_, table)};
    out.rank = references_.rank(table.number);
    out.child = references_.is_child(table.number);
    out.parent = references_.is_parent(table.number);
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

result<display_pass::row_entry*> display_pass::entry_of(lane& home, const bytes& key,
                                                        const merged_row* changed) {
    const row_id id{home.table->number, key};
    const auto known = entries_.find(id);
    if (known != entries_.end()) return &known->second;
    row_entry e{.home = &home, .key = key, .changed = changed};
    if (auto values = decode_key(key)) e.key_values = std::move(*values);
    bool shown = changed == nullptr || changed->was_visible;
    if (home.parked) {
        auto parked = parked_.find(id.first, key);
        if (!parked) return parked.failure();
        if (*parked) {
            shown = shown && (*parked)->reason == parked_list::dangling;
            e.old_reason = std::move((*parked)->reason);
            e.old_detail = std::move((*parked)->detail);
        }
    }
    e.was_in_table = e.in_table = shown;
    if (changed == nullptr) {
        auto row = store_->load(id.first, key, true);
        if (!row) return row.failure();
        e.own = std::move(*row);
        e.complete = true;
        e.reason = e.old_reason == parked_list::dangling ? parked_list::dangling : std::string_view{};
        e.detail = e.reason.empty() ? std::string{} : e.old_detail;
    } else {
        e.to_write = e.old_reason == parked_list::dangling ? due::all : due::written;
    }
    return &entries_.emplace(id, std::move(e)).first->second;
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
    if (!beside || has_all_values(row.after)) return store_->save(row.table, row.key, row.after, in_table);
    auto before = store_->load(row.table, row.key, true);
    if (!before) return before.failure();
    row_state after = row.after;
    take_values(after, std::move(*before));
    return store_->save(row.table, row.key, after, in_table);
}

result<void> display_pass::show(std::span<const merged_row> changed) {
    if (changed.empty()) return {};
    if (auto ok = open(); !ok) return ok;
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
    return decide(changed);
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
    if (!row.is_visible) return e.in_table ? leave(e) : result<void>{};
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
    const auto key = decode_key(row.key);
    if (!row.is_visible) {
        if (key && row.was_visible) {
            // Values that the registers lack are in the table only.
            auto saved = save_changed(row, false, &home);
            return saved ? home.writer.erase(*key) : saved;
        }
        return save_changed(row, false, &home);
    }
    if (key && (row.was_visible || has_all_values(row.after))) {
        const auto written = row.was_visible ? home.writer.update(*key, row.after, row.written)
                                             : home.writer.insert(*key, row.after);
        if (!written) return written.failure();
        if (*written == write_outcome::written) return save_changed(row, true, &home);
    }
    const auto e = entry_of(home, row.key, &row);
    if (!e) return e.failure();
    return settle(**e);
}

result<void> display_pass::keep(std::span<const merged_row> changed) {
    if (changed.empty()) return {};
    if (auto ok = open(); !ok) return ok;
    for (const merged_row& row : changed)
        if (auto ok = keep_row(row); !ok) return ok;
    return any_parked_ ? decide(changed) : finish();
}

result<void> display_pass::keep_row(const merged_row& row) {
    const vault_table* table = tables_->find(row.table);
    if (!table->tracked) return save_changed(row, false, nullptr);
    const auto found = lane_of(*table);
    if (!found) return found.failure();
    lane& home = **found;
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
    if (home.parked)
        if (auto ok = parked_.remove(row.table, row.key); !ok) return ok;
    if (auto ok = save_changed(row, row.is_visible, &home); !ok) return ok;
    return row.is_visible ? put_back_amounts(home, row) : result<void>{};
}

result<void> display_pass::put_back_amounts(lane& home, const merged_row& row) {
    std::vector<column_no> columns;
    std::set_intersection(row.written.begin(), row.written.end(), home.amounts.begin(), home.amounts.end(),
                          std::back_inserter(columns));
    if (columns.empty()) return {};
    const auto key = decode_key(row.key);
    if (!key) return key.failure();
    const auto written = home.writer.update(*key, row.after, columns);
    // What cannot be put back stays as the person wrote it; the registers have the greater amount.
    return written ? result<void>{} : result<void>{written.failure()};
}

bool display_pass::touches(const row_entry& e, std::span<const column_no> columns) const {
    if (columns.empty() || e.to_write == due::all) return !columns.empty();
    const row_state& row = e.state();
    return std::any_of(columns.begin(), columns.end(), [&](column_no c) {
        if (std::binary_search(e.changed->written.begin(), e.changed->written.end(), c)) return true;
        const cell* found = row.find(c);
        return found != nullptr && !is_shown(row, *found, e.home->table->traits.columns[c].rule);
    });
}

result<write_outcome> display_pass::update(row_entry& e) {
    if (e.to_write == due::written) return e.home->writer.update(e.key_values, e.state(), e.changed->written);
    if (auto ok = complete(e); !ok) return ok.failure();
    std::vector<column_no> all;
    for (const cell& c : e.state().cells) all.push_back(c.column);
    return e.home->writer.update(e.key_values, e.state(), all);
}

result<write_outcome> display_pass::write(row_entry& e) {
    if (e.in_table && e.to_write == due::nothing) return write_outcome::written;
    const vault_table* table = e.home->table;
    bool check = !e.in_table && e.home->child, referred = false;
    if (e.in_table)
        for (const reference& r : references_.all()) {
            check = check || (r.child == table && touches(e, r.columns));
            referred = referred || (r.parent == table && touches(e, r.parent_cells));
        }
    if (e.in_table && referred)  // children refer to what changes
        if (auto ok = leave(e); !ok) return ok.failure();
    const bool update_it = e.in_table;
    if (!update_it)
        if (auto ok = complete(e); !ok) return ok.failure();
    auto written = update_it ? update(e) : e.home->writer.insert(e.key_values, e.state());
    if (!written || *written != write_outcome::written) return written;
    e.in_table = true;
    e.to_write = due::nothing;
    e.reason = {};
    e.detail.clear();
    e.apart.clear();
    dequeue(e);
    if (check || referred) to_check_.insert({table->number, e.key});
    return written;
}

result<void> display_pass::settle(row_entry& e) {
    while (true) {
        const auto written = write(e);
        if (!written) return written.failure();
        if (*written == write_outcome::written) return {};
        const std::string why = e.home->writer.why();
        if (*written == write_outcome::not_unique) {
            const auto room = displace(e);
            if (!room) return room.failure();
            if (!*room) return {};
            continue;
        }
        if (e.in_table) {
            const auto there = store_->in_table(*e.home->table, e.key);
            if (!there) return there.failure();
            if (!*there) {
                e.in_table = e.was_in_table = false;
                continue;
            }
        }
        return park(e, parked_list::check, check_detail(why));
    }
}

result<bool> display_pass::displace(row_entry& e) {
    const std::string why = e.home->writer.why();
    if (auto ok = complete(e); !ok) return ok.failure();
    const auto rivals = find_rivals(*db_, *e.home->table, e.key_values, e.state());
    if (!rivals) return rivals.failure();
    std::vector<row_entry*> greater;
    for (const unique_rival& rival : *rivals) {
        if (rival.key == e.key) {  // an application's trigger wrote it here
            if (e.in_table) continue;
            e.in_table = true;
            e.to_write = due::all;
            return true;
        }
        const auto r = entry_of(*e.home, rival.key);
        if (!r) return r.failure();
        const bool older = std::pair((*r)->state().born, (*r)->key) < std::pair(e.state().born, e.key);
        if (older) {
            auto ok = park(e, parked_list::unique, unique_detail(rival, (*r)->key_values));
            if (!ok) return ok.failure();
            return false;
        }
        greater.push_back(*r);
    }
    if (greater.empty()) {  // a trigger's own writes are not unique
        auto ok = park(e, parked_list::check, check_detail(why));
        if (!ok) return ok.failure();
        return false;
    }
    for (row_entry* r : greater) {
        if (auto ok = leave(*r); !ok) return ok.failure();
        enqueue(*r);
    }
    return true;
}

result<void> display_pass::park(row_entry& e, std::string_view reason, std::string detail) {
    if (auto ok = complete(e); !ok) return ok;
    if (e.in_table)
        if (auto ok = leave(e); !ok) return ok;
    dequeue(e);
    e.reason = reason;
    e.detail = std::move(detail);
    return {};
}

void display_pass::enqueue(row_entry& e) {
    if (e.changed != nullptr && !e.changed->is_visible) return;
    queue_.insert({{e.home->rank, e.home->table->number, e.state().born, e.key}, &e});
}

void display_pass::dequeue(row_entry& e) {
    if (!queue_.empty()) queue_.erase({e.home->rank, e.home->table->number, e.state().born, e.key});
}

result<void> display_pass::drain() {
    while (!queue_.empty()) {
        row_entry& e = *queue_.begin()->second;
        queue_.erase(queue_.begin());
        if (auto ok = settle(e); !ok) return ok;
    }
    return {};
}

/// A row on its way out, and those that refer to it.
struct display_pass::frame {
    row_entry* row = nullptr;
    const reference* of = nullptr;  ///< why it leaves; null for the first
    std::vector<std::pair<const reference*, bytes>> children{};
    std::size_t next = 0;
};

/// Takes a row out of its table; where that matters, children first, so that nothing cascades: while rows are
/// written they join the queue, after that they are parked. Nothing is erased before all are loaded, because
/// in a cycle SQLite may still cascade to a row that is on its way out.
result<void> display_pass::leave(row_entry& seed) {
    std::vector<frame> stack, order;
    auto first = open_frame(seed, nullptr);
    if (!first) return first.failure();
    stack.push_back(std::move(*first));
    while (!stack.empty()) {
        frame& f = stack.back();
        if (f.next == f.children.size()) {
            order.push_back({.row = f.row, .of = f.of, .children = {}});
            stack.pop_back();
            continue;
        }
        const auto& [r, key] = f.children[f.next++];
        const auto child = let_go(*f.row, *r, key);
        if (!child) return child.failure();
        if (*child == nullptr) continue;
        auto next = open_frame(**child, r);
        if (!next) return next.failure();
        stack.push_back(std::move(*next));
    }
    for (const frame& f : order)
        if (auto ok = close_frame(f, seed); !ok) return ok;
    return {};
}

result<display_pass::frame> display_pass::open_frame(row_entry& e, const reference* of) {
    if (auto ok = complete(e); !ok) return ok.failure();
    e.leaving = true;
    frame out{.row = &e, .of = of, .children = {}};
    if (!e.home->parent) return out;
    for (const reference& r : references_.all()) {
        if (r.parent != e.home->table) continue;
        auto keys = references::children(*db_, r, e.key_values);
        if (!keys) return keys.failure();
        for (bytes& key : *keys) {
            if (enforced_ || checking_)
                out.children.emplace_back(&r, std::move(key));
            else
                to_check_.insert({r.child->number, std::move(key)});
        }
    }
    return out;
}

result<void> display_pass::close_frame(const frame& f, const row_entry& seed) {
    row_entry& e = *f.row;
    if (auto ok = e.home->writer.erase(e.key_values); !ok) return ok;
    e.in_table = e.leaving = false;
    e.reason = {};
    e.apart.clear();
    if (&e == &seed) return {};
    if (!checking_) {
        enqueue(e);
    } else {
        e.reason = parked_list::foreign_key;
        e.detail = parent_detail(*f.of);
    }
    return {};
}

/// Deals with a row that refers to one that leaves. Returns it when it has to leave, too.
result<display_pass::row_entry*> display_pass::let_go(row_entry& parent, const reference& r,
                                                      const bytes& child) {
    row_entry* const stays = nullptr;
    const auto home = lane_of(*r.child);
    if (!home) return home.failure();
    const auto e = entry_of(**home, child);
    if (!e) return e.failure();
    if (*e == &parent || (*e)->leaving || !(*e)->in_table) return stays;
    const auto blanked = blank(**e, r);
    if (!blanked) return blanked.failure();
    if (!*blanked) return *e;
    if (!checking_) {
        (*e)->to_write = due::all;
        enqueue(**e);
    }
    return stays;
}

/// Shows a reference as NULL, where it may be.
result<bool> display_pass::blank(row_entry& e, const reference& r) {
    if (!r.set_null) return false;
    if (auto ok = complete(e); !ok) return ok.failure();
    const auto done = e.home->writer.blank(e.key_values, r.columns);
    if (!done) return done.failure();
    if (*done != write_outcome::written) return false;
    e.reason = parked_list::dangling;
    e.detail = dangling_detail(r);
    std::vector<column_no> apart;
    std::set_union(e.apart.begin(), e.apart.end(), r.columns.begin(), r.columns.end(),
                   std::back_inserter(apart));
    e.apart = std::move(apart);
    return true;
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
            if ((*e)->changed != nullptr) continue;
            (*e)->to_write = due::all;
            enqueue(**e);
        }
    }
    return {};
}

result<void> display_pass::check_references() {
    checking_ = true;
    while (!to_check_.empty()) {
        const row_id id = std::move(to_check_.extract(to_check_.begin()).value());
        if (auto ok = check_references_of(id); !ok) return ok;
    }
    return {};
}

result<void> display_pass::check_references_of(const row_id& id) {
    const auto home = lane_of(*tables_->find(id.first));
    if (!home) return home.failure();
    const auto known = entries_.find(id);
    if (known != entries_.end() && !known->second.in_table) return {};
    const auto key = decode_key(id.second);
    if (!key) return key.failure();
    for (const reference& r : references_.all()) {
        if (r.child != (*home)->table) continue;
        const auto orphan = references::is_orphan(*db_, r, *key);
        if (!orphan) return orphan.failure();
        if (!*orphan) continue;
        const auto e = entry_of(**home, id.second);
        if (!e) return e.failure();
        const auto blanked = blank(**e, r);
        if (!blanked) return blanked.failure();
        if (*blanked) continue;
        return park(**e, parked_list::foreign_key, parent_detail(r));
    }
    return {};
}

result<void> display_pass::decide(std::span<const merged_row> changed) {
    std::set<table_no> touched;
    for (const merged_row& row : changed)
        if (tables_->find(row.table)->tracked) touched.insert(row.table);
    if (auto ok = bring_back(touched); !ok) return ok;
    if (auto ok = drain(); !ok) return ok;
    if (auto ok = check_references(); !ok) return ok;
    return finish();
}

result<void> display_pass::finish() {
    for (auto& [id, e] : entries_) {
        if (e.reason == parked_list::dangling && e.apart.empty()) continue;  // as before: only looked at
        const bool apart = !e.apart.empty() || e.old_reason == parked_list::dangling;
        if (e.changed != nullptr || e.in_table != e.was_in_table || apart) {
            if (!e.in_table || e.home->outside || !e.state().live.empty())
                if (auto ok = complete(e); !ok) return ok;
            if (auto ok = store_->save(id.first, e.key, e.state(), e.in_table, e.apart); !ok) return ok;
        }
        if (e.reason == e.old_reason && e.detail == e.old_detail) continue;
        auto noted = e.reason.empty() ? parked_.remove(id.first, e.key)
                                      : parked_.put({id.first, e.key, std::string(e.reason), e.detail}, now_);
        if (!noted) return noted;
    }
    return {};
}

}  // namespace casasync::sqlite
