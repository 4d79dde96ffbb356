// SPDX-License-Identifier: MIT
#include "display_pass.hpp"

#include <casasync/key.hpp>
#include <casasync/number_claims.hpp>

#include <algorithm>
#include <iterator>

/// Which number each row of a table with integer keys is shown under: decided for all rows concerned before
/// the first is written (casasync/number_claims.hpp). A row whose number changes leaves its table, and comes
/// back under the new one through the same queue as others.
namespace casasync::sqlite {

/// Claims, and the rows that want or may get a number of theirs.
struct display_pass::claim_set {
    std::vector<number_claim> claims{};
    std::set<bytes> known{};
    std::vector<std::int64_t> to_look_up{};
    std::set<std::int64_t> looked_up{};

    void add(number_claim claim) {
        if (claim.wanted) to_look_up.push_back(*claim.wanted);
        known.insert(claim.identity);
        claims.push_back(std::move(claim));
    }
};

result<number_claim> display_pass::claim_of(const vault_table& table, bytes_view key, const row_state& row) {
    number_claim out{
        .identity = bytes(key.begin(), key.end()), .wanted = std::nullopt, .when = {}, .until = std::nullopt};
    const auto column = table.traits.column(table.traits.number);
    const cell* asked = column ? row.find(*column) : nullptr;
    if (asked != nullptr) {
        out.when = asked->when;
        if (asked->what) {
            if (asked->what->kind() == value_kind::integer) out.wanted = asked->what->integer();
        } else {
            auto stored = store_->numbers().asked_by(table, key);
            if (!stored) return stored.failure();
            out.wanted = *stored;
        }
    }
    if (!is_visible(row, table.traits.policy)) out.until = row.dead;
    return out;
}

/// Adds who wants or has a number.
result<void> display_pass::add_rivals(const vault_table& table, std::int64_t number, claim_set& to) {
    auto asking = store_->numbers().asking_for(table, number);
    if (!asking) return asking.failure();
    for (const bytes& key : *asking) {
        if (to.known.contains(key)) continue;
        auto row = store_->record(table.number, key);
        if (!row) return row.failure();
        if (!*row) continue;
        auto claim = claim_of(table, key, **row);
        if (!claim) return claim.failure();
        to.add(std::move(*claim));
    }
    auto adopted = store_->numbers().adopted_holder(table, number);
    if (!adopted) return adopted.failure();
    if (*adopted && !to.known.contains(**adopted))
        to.add({.identity = std::move(**adopted),
                .wanted = number,
                .when = band::adopted,
                .until = std::nullopt});
    return {};
}

/// Decides the numbers of `to` and of every row that this concerns.
result<void> display_pass::settle_claims(const vault_table& table, claim_set& to) {
    for (;;) {
        while (!to.to_look_up.empty()) {
            const std::int64_t number = to.to_look_up.back();
            to.to_look_up.pop_back();
            if (!to.looked_up.insert(number).second) continue;
            if (auto ok = add_rivals(table, number, to); !ok) return ok;
        }
        const auto numbers = settle_numbers(to.claims);
        for (const std::int64_t n : numbers)
            if (!to.looked_up.contains(n)) to.to_look_up.push_back(n);
        if (!to.to_look_up.empty()) continue;
        for (std::size_t i = 0; i < numbers.size(); ++i)
            if (!to.claims[i].until) decided_[{table.number, to.claims[i].identity}] = numbers[i];
        return {};
    }
}

/// Decides the numbers that `changed` can concern. Returns the rows that are in their table under another.
result<std::vector<display_pass::row_id>> display_pass::decide_numbers(std::span<const merged_row> changed) {
    std::map<table_no, claim_set> sets;
    for (const merged_row& row : changed) {
        const vault_table& table = *tables_->find(row.table);
        if (!table.tracked || !table.numbered()) continue;
        claim_set& to = sets[row.table];
        auto claim = claim_of(table, row.key, row.after);
        if (!claim) return claim.failure();
        const auto before = store_->numbers().asked_by(table, row.key);
        if (!before) return before.failure();
        if (*before) to.to_look_up.push_back(**before);
        const auto shown = store_->numbers().number_of(table, row.key);
        if (!shown) return shown.failure();
        if (!*shown)  // known from here on, though not there
            if (auto ok = store_->numbers().place(table, row.key, std::nullopt); !ok) return ok.failure();
        to.add(std::move(*claim));
    }
    std::vector<row_id> moved;
    for (auto& [number, to] : sets) {
        const vault_table& table = *tables_->find(number);
        if (auto ok = settle_claims(table, to); !ok) return ok.failure();
        for (const number_claim& c : to.claims) {
            if (c.until) continue;
            const auto shown = store_->numbers().number_of(table, c.identity);
            if (!shown) return shown.failure();
            if (*shown && **shown != decided_.at({number, c.identity}))
                moved.emplace_back(number, c.identity);
        }
    }
    return moved;
}

/// Returns the key under which a row that is not in its table is going to be.
result<std::vector<value>> display_pass::destination(const lane& home, bytes_view key, const row_state& row) {
    const vault_table& table = *home.table;
    if (!table.numbered()) {
        auto out = store_->numbers().in_table(table, key);
        if (!out) return out.failure();
        return *out ? std::move(**out) : std::vector<value>{};
    }
    const row_id id{table.number, bytes(key.begin(), key.end())};
    if (!decided_.contains(id)) {
        claim_set alone;
        auto claim = claim_of(table, key, row);
        if (!claim) return claim.failure();
        alone.add(std::move(*claim));
        if (auto ok = settle_claims(table, alone); !ok) return ok.failure();
    }
    const auto decided = decided_.find(id);
    return decided == decided_.end() ? std::vector<value>{} : std::vector<value>{value(decided->second)};
}

/// Takes rows out that come back under another number.
result<void> display_pass::vacate(const std::vector<row_id>& moved) {
    for (const row_id& id : moved) {
        const auto home = lane_of(*tables_->find(id.first));
        if (!home) return home.failure();
        const auto e = entry_of(**home, id.second);
        if (!e) return e.failure();
        if (!(*e)->in_table && !(*e)->key_values.empty()) continue;  // left with its parent
        auto place = store_->numbers().in_table(*(*home)->table, id.second);
        if (!place) return place.failure();
        if (!*place) continue;
        (*e)->key_values = (*e)->old_key_values = std::move(**place);
        (*e)->was_in_table = (*e)->in_table = true;
        if (auto ok = leave(**e); !ok) return ok;
        (*e)->to_write = due::all;
        enqueue(**e);
    }
    return {};
}

/// Returns the rows of the file that show `number` where they refer to a row of the parent.
result<std::vector<std::vector<value>>> display_pass::showing(const reference& r, std::int64_t number) {
    std::vector<std::vector<value>> out;
    auto s = db_->prepare(r.by_number_sql);
    if (!s) return s.failure();
    s->bind(1, number);
    for (;;) {
        const auto row = s->step();
        if (!row) return row.failure();
        if (!*row) return out;
        out.push_back(s->cells());
    }
}

/// Returns the rows of the file that show the number of a row which the application deleted, and mean that
/// row. Not those it wrote since the last seal with the number in their key: they are named after whichever
/// row has it by now, and put out where none has.
result<std::vector<display_pass::file_row>> display_pass::children_of_deleted(const vault_table& parent,
                                                                              std::int64_t number) {
    std::vector<file_row> out;
    for (const reference& r : references_.all()) {
        if (r.parent != &parent || r.by_number_sql.empty()) continue;
        auto keys = showing(r, number);
        if (!keys) return keys.failure();
        for (std::vector<value>& in_file : *keys) {
            if (!r.child->traits.key_refers.empty()) {
                const auto key = if_it_travels(store_->in_registers(*r.child, in_file));
                if (!key) return key.failure();
                if (!*key) continue;
                const auto written = kept_.find({r.child->number, **key});
                if (written != kept_.end() && written->second->is_visible) continue;
            }
            out.push_back({r.child, std::move(in_file)});
        }
    }
    return out;
}

/// Makes entries of rows that refer to a deleted one, while that has its number.
result<std::vector<display_pass::row_entry*>> display_pass::entries_of(std::vector<file_row> rows) {
    std::vector<row_entry*> out;
    for (file_row& row : rows) {
        const auto home = lane_of(*row.table);
        if (!home) return home.failure();
        auto key = store_->in_registers(*row.table, row.key);
        if (!key) return key.failure();
        const auto e = entry_of(**home, *key);
        if (!e) return e.failure();
        if (auto ok = complete(**e); !ok) return ok.failure();
        (*e)->was_in_table = (*e)->in_table = true;
        (*e)->key_values = std::move(row.key);
        out.push_back(*e);
    }
    return out;
}

/// After a seal: rows that still refer to one which the application deleted mean that one, and not whichever
/// gets its number next.
result<void> display_pass::let_go_of_deleted(std::span<const merged_row> changed) {
    struct deleted {
        const vault_table* table = nullptr;
        bytes_view key{};
        std::int64_t number = 0;
        std::optional<bytes> next{};  ///< who has the number now
    };
    row_numbers& numbers = store_->numbers();
    std::vector<deleted> parents;
    std::vector<file_row> rows;
    for (const merged_row& row : changed) {
        const vault_table* table = tables_->find(row.table);
        if (!table->tracked || !table->numbered() || row.is_visible || !references_.is_parent(table->number))
            continue;
        const auto number = numbers.last_number_of(*table, row.key);
        if (!number) return number.failure();
        if (!*number) continue;
        auto next = numbers.identity_of(*table, **number);
        if (!next) return next.failure();
        auto children = children_of_deleted(*table, **number);
        if (!children) return children.failure();
        if (children->empty()) continue;
        parents.push_back({table, row.key, **number, std::move(*next)});
        std::move(children->begin(), children->end(), std::back_inserter(rows));
    }
    // A row may refer to several of them: all have their numbers while their children are looked up.
    for (const deleted& d : parents)
        if (auto ok = numbers.place(*d.table, d.key, d.number); !ok) return ok;
    const auto children = entries_of(std::move(rows));
    if (!children) return children.failure();
    for (const deleted& d : parents) {
        if (auto ok = numbers.place(*d.table, d.key, std::nullopt); !ok) return ok;
        if (d.next)
            if (auto ok = numbers.place(*d.table, *d.next, d.number); !ok) return ok;
    }
    for (row_entry* e : *children) {
        if (e->in_table && !e->home->table->traits.key_refers.empty())
            if (auto ok = leave(*e); !ok) return ok;
        e->to_write = due::all;
        enqueue(*e);
        to_check_.insert({e->home->table->number, e->key});
    }
    return {};
}

}  // namespace casasync::sqlite
