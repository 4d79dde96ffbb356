// SPDX-License-Identifier: MIT
#include "display_pass.hpp"

#include "unique_rivals.hpp"

#include <casasync/key.hpp>

#include <algorithm>
#include <iterator>

/// Where one row ends up: written, displacing others, parked, or out with those that refer to it.
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

std::string check_detail(const std::string& words) {
    return "The merged row breaks a rule of this table (" + words +
           "). It is kept, and is shown once somebody corrects it on a device that shows it.";
}

std::string unique_detail(const unique_rival& rival, std::span<const value> key) {
    return (key.empty() ? "A row that stays on this device, because its key is too long,"
                        : "The older row " + describe(key)) +
           " has the same " + rival.columns +
           ". Both are kept; rename or delete one of them, and the other is shown.";
}

std::string parent_detail(const reference& r) {
    return "It refers to a row of " + quote_name(r.parent_name) +
           " that is deleted, or not here yet. It is kept, and is shown when that row comes.";
}

std::string dangling_detail(const reference& r) {
    if (!r.declared)
        return "It refers to a row of " + quote_name(r.parent_name) +
               " that is deleted, or not here yet. A number that no row has stands for it until that row "
               "comes.";
    return "It refers to a row of " + quote_name(r.parent_name) +
           " that is deleted, or not here yet. The reference is shown as empty until that row comes.";
}

}  // namespace

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
    if (e.in_table && referred && !e.stuck)  // children refer to what changes
        if (auto ok = leave(e); !ok) return ok.failure();
    const bool update_it = e.in_table;
    if (!update_it) {
        if (auto ok = complete(e); !ok) return ok.failure();
        auto key = destination(*e.home, e.key, e.state());
        if (!key) return key.failure();
        e.key_values = std::move(*key);
        if (auto ok = place(e, true); !ok) return ok.failure();  // a row may refer to itself
    }
    auto written = update_it ? update(e) : e.home->writer.insert(e.key_values, e.state());
    if (!written || *written != write_outcome::written) {
        const auto back = place(e, update_it);
        return back ? written : result<write_outcome>(back.failure());
    }
    e.in_table = true;
    e.stuck = false;
    e.to_write = due::nothing;
    e.reason.clear();
    e.detail.clear();
    e.apart.clear();
    dequeue(e);
    if (auto ok = find_missing(e); !ok) return ok.failure();
    if (check || referred) to_check_.insert({table->number, e.key});
    return written;
}

/// Returns how the references of a row stand that are loaded: the worst of them.
result<shown_reference::fate> display_pass::fate_of_references(const vault_table& table,
                                                               const row_state& row) {
    using fate = shown_reference::fate;
    fate out = fate::found;
    for (const cell& c : row.cells) {
        const std::string& parent = table.traits.columns[c.column].refers;
        if (parent.empty() || !c.what || !table.holds(c.column)) continue;
        const auto number = store_->numbers().to_number(parent, *c.what);
        if (!number) return number.failure();
        if (number->how == fate::missing) return fate::missing;
        if (number->how == fate::loose) out = fate::loose;
    }
    return out;
}

/// Notes which number a row has now, or whether it lies in its table.
result<void> display_pass::place(const row_entry& e, bool in_table) {
    const vault_table& table = *e.home->table;
    if (!table.traits.key_refers.empty()) store_->numbers().lie(table, e.key, in_table);
    if (!table.numbered()) return {};
    return store_->numbers().place(table, e.key,
                                   in_table ? std::optional(e.key_values[0].integer()) : std::nullopt);
}

/// A row that refers to one which has no number shows a number that nobody has; where no foreign key says
/// that it must not, it stays so, and is listed.
result<void> display_pass::find_missing(row_entry& e) {
    if (!e.home->child || !e.home->table->has_references()) return {};
    for (const reference& r : references_.all()) {
        if (r.child != e.home->table || r.parent == nullptr || !r.parent->numbered()) continue;
        for (const column_no c : r.columns) {
            const std::string& parent = r.child->traits.columns[c].refers;
            const cell* held = e.state().find(c);
            if (parent.empty() || held == nullptr || !held->what) continue;
            const auto number = store_->numbers().to_number(parent, *held->what);
            if (!number) return number.failure();
            if (number->how == shown_reference::fate::found) continue;
            const bool known = std::binary_search(e.apart.begin(), e.apart.end(), c);
            if (!known) e.apart.insert(std::upper_bound(e.apart.begin(), e.apart.end(), c), c);
            if (number->how == shown_reference::fate::loose) continue;
            missed_.insert({r.child->number, e.key});
            if (r.declared) continue;
            e.reason = parked_list::dangling;
            e.detail = dangling_detail(r);
        }
    }
    return {};
}

/// Returns a reference in the key of a row that is not in its table, to a row that has no number; null when
/// there is none. Without it the row has no key here.
result<const reference*> display_pass::misses_key(const row_entry& e) {
    const table_traits& table = e.home->table->traits;
    const reference* const none = nullptr;
    if (table.key_refers.empty() || e.in_table) return none;
    const auto key = decode_key(e.key);
    if (!key) return key.failure();
    for (std::size_t i = 0; i < table.key_refers.size() && i < key->size(); ++i) {
        if (table.key_refers[i].empty()) continue;
        const auto number = store_->numbers().to_number(table.key_refers[i], (*key)[i]);
        if (!number) return number.failure();
        if (number->how != shown_reference::fate::missing) continue;
        for (const reference& r : references_.all())
            if (r.child == e.home->table && r.parent != nullptr &&
                r.parent->traits.name == table.key_refers[i])
                return &r;
    }
    return none;
}

/// Writes rows again whose references may show other numbers now.
result<void> display_pass::write_again(const std::set<row_id>& rows) {
    for (const row_id& id : rows) {
        row_entry& e = entries_.at(id);
        if (!e.in_table) continue;
        e.to_write = due::all;
        if (auto ok = settle(e); !ok) return ok;
    }
    return {};
}

result<void> display_pass::settle(row_entry& e) {
    const auto missing = misses_key(e);
    if (!missing) return missing.failure();
    if (*missing != nullptr) return park(e, parked_list::foreign_key, parent_detail(**missing));
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
    const auto rivals = find_rivals(*db_, *e.home->table, e.key_values, e.state(), *store_);
    if (!rivals) return rivals.failure();
    std::vector<row_entry*> greater;
    for (const unique_rival& rival : *rivals) {
        if (!rival.key) {  // nobody else has it, and nothing could bring it back
            if (auto ok = park(e, parked_list::unique, unique_detail(rival, {})); !ok) return ok.failure();
            return false;
        }
        if (rival.key == e.key) {  // an application's trigger wrote it here
            if (e.in_table) continue;
            e.in_table = true;
            e.to_write = due::all;
            return true;
        }
        const auto r = entry_of(*e.home, *rival.key);
        if (!r) return r.failure();
        const bool older =
            std::pair(seniority_of((*r)->state()), (*r)->key) < std::pair(seniority_of(e.state()), e.key);
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
    bool room = true;
    for (row_entry* r : greater) {
        if (auto ok = leave(*r); !ok) return ok.failure();
        enqueue(*r);
        room = room && !r->stuck;
    }
    if (!room)
        if (auto ok = park(e, parked_list::check, check_detail(e.home->writer.why())); !ok)
            return ok.failure();
    return room;
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
    if (!is_visible(e.state(), e.home->table->traits.policy)) return;
    queue_.insert({{e.home->rank, e.home->table->number, seniority_of(e.state()), e.key}, &e});
}

void display_pass::dequeue(row_entry& e) {
    if (!queue_.empty()) queue_.erase({e.home->rank, e.home->table->number, seniority_of(e.state()), e.key});
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
        auto keys = references::children(*db_, r, e.key_values, *store_);
        if (!keys) return keys.failure();
        for (bytes& key : *keys) {
            if (e.home->follow || checking_)
                out.children.emplace_back(&r, std::move(key));
            else
                to_check_.insert({r.child->number, std::move(key)});
        }
    }
    return out;
}

result<void> display_pass::close_frame(const frame& f, const row_entry& seed) {
    row_entry& e = *f.row;
    const auto gone = e.home->writer.erase(e.key_values);
    if (!gone) return gone.failure();
    e.in_table = e.leaving = false;
    if (auto ok = place(e, false); !ok) return ok;
    e.stuck = !*gone;
    e.reason.clear();
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
    if (!r.declared) {
        if (auto ok = complete(**e); !ok) return ok.failure();
        if (checking_) {
            to_amend_.insert({r.child->number, child});
        } else {
            (*e)->to_write = due::all;
            enqueue(**e);
        }
        return stays;
    }
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
    const auto key = store_->numbers().in_table(*(*home)->table, id.second);
    if (!key) return key.failure();
    if (!*key) return {};
    for (const reference& r : references_.all()) {
        if (r.child != (*home)->table || !r.declared) continue;
        const auto orphan = references::is_orphan(*db_, r, **key);
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

}  // namespace casasync::sqlite
