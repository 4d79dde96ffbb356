// SPDX-License-Identifier: MIT
#include "row_lives.hpp"

#include "brought_rows.hpp"
#include "row_writer.hpp"
#include "vault_state.hpp"

#include <casasync/detail/hash.hpp>
#include <casasync/detail/wire.hpp>
#include <casasync/key.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

namespace casasync::sqlite {

namespace {

constexpr std::int64_t no_column = -1;  ///< stands for the column in casasync_large

/// What a row whose key is longer than a key may be is listed by.
bytes name_of_long(std::span<const value> key) {
    bytes all;
    detail::writer w(all);
    for (const value& v : key) detail::put_value(w, v);
    const detail::u128 hash = detail::hash128(all);
    bytes name;
    detail::writer n(name);
    n.u64(hash.high);
    n.u64(hash.low);
    return name;
}

result<void> unlist_long(connection& db, const vault_table& table, std::span<const value> key) {
    return db.run("DELETE FROM casasync_large WHERE t = ?1 AND k = ?2 AND c = ?3", std::int64_t{table.number},
                  name_of_long(key), no_column);
}

/// Such a row stays on this device, listed while it is there.
result<void> list_long(connection& db, const vault_table& table, std::span<const value> key) {
    auto s = db.prepare("SELECT 1 FROM main." + quote_name(table.shape.name) + " WHERE " +
                        key_condition(table.shape, ""));
    if (!s) return s.failure();
    for (std::size_t i = 0; i < key.size(); ++i) s->bind(static_cast<int>(i) + 1, key[i]);
    const auto there = s->step();
    if (!there) return there.failure();
    if (!*there) return unlist_long(db, table, key);
    return db.run("INSERT OR IGNORE INTO casasync_large(t, k, c) VALUES(?1, ?2, ?3)",
                  std::int64_t{table.number}, name_of_long(key), no_column);
}

}  // namespace

/// Cuts what the log says of one key of the file into the lives of rows. Where rows are known by identities,
/// an INSERT after a DELETE is another row. What the table holds at the end decides where the log, whose
/// order nested triggers can invert, does not fit.
static std::vector<row_life> lives_of(const vault_table& table, row_log& log) {
    std::vector<row_life> out;
    std::int64_t from = 0;
    bool ended = true;
    for (log_entry& e : log.entries) {
        if (out.empty() || (ended && e.kind == change_kind::insert)) {
            if (!out.empty()) out.back().range.last = from;
            out.push_back({&table, {}, log.key, {}, {from}});
            ended = false;
        }
        ended = ended || e.kind == change_kind::erase;
        from = e.position;
        out.back().entries.push_back(std::move(e));
    }
    return out;
}

/// Says which rows the numbers in the log are, or were. Before anything else of a seal is looked up.
result<void> vault::state::identify(std::vector<row_life>& lives) {
    const vault_table& table = *lives.front().table;
    const value& number = lives.front().in_file[0];
    auto there = db->query_integer("SELECT EXISTS(SELECT 1 FROM main." + quote_name(table.shape.name) +
                                       " WHERE " + key_condition(table.shape, "") + ")",
                                   number);
    if (!there) return there.failure();
    auto holder = rows->numbers().identity_of(table, number.integer());
    if (!holder) return holder.failure();
    if (*holder && table.adopted && lives.front().entries.front().kind == change_kind::insert) {
        auto known = rows->record(table.number, **holder);
        if (!known) return known.failure();
        if (!*known) holder->reset();  // nothing was there that this INSERT could have replaced
    }
    for (row_life& life : lives) {
        const bool first = &life == &lives.front(), last = &life == &lives.back();
        const bool stays = last && *there != 0;
        auto fresh = stays && !self.hydrated
                         ? seed_identity(*db, table, number.integer(), rows->numbers())
                         : result<bytes>(row_numbers::mint(self.replica, self.clock, table, number.integer(),
                                                           life.entries.front()));
        if (!fresh) return fresh.failure();
        life.key = first && *holder ? std::move(**holder) : std::move(*fresh);
        if (!stays && !(first && *holder)) {  // came and went
            rows->numbers().pass(table, life.key, number.integer());
            continue;
        }
        if (auto ok = rows->numbers().place(table, life.key,
                                            stays ? std::optional(number.integer()) : std::nullopt);
            !ok)
            return ok;
    }
    return {};
}

/// Tells whether a row was in its table when it was last sealed; of one that has been there since the vault
/// began, also when it may have been.
result<bool> vault::state::was_there(const vault_table& table, const bytes& key) {
    const auto known = rows->record(table.number, key);
    if (!known) return known.failure();
    if (!*known) return table.adopted && !row_numbers::refers_to_new(table, key);
    if (!is_visible(**known, table.traits.policy)) return false;
    const auto parked = shown->is_parked(table.number, key);
    return parked ? result<bool>(!*parked) : parked;
}

/// Says which rows keys are, or were, that hold numbers of other tables' rows.
result<void> vault::state::translate(std::vector<row_life>& lives) {
    using moment = row_numbers::moment;
    const vault_table& table = *lives.front().table;
    const std::vector<value>& in_file = lives.front().in_file;
    const std::vector<log_entry>& first = lives.front().entries;
    bool existed = first.front().kind != change_kind::insert;
    auto before = rows->in_registers(table, in_file, moment::before);
    auto now = rows->in_registers(table, in_file);
    auto fresh = rows->numbers().translate(table, in_file);
    if (!before) return before.failure();
    if (!now) return now.failure();
    if (!fresh) return fresh.failure();
    if (!existed && *before != *now && std::ranges::count(first, change_kind::erase, &log_entry::kind) > 0) {
        const auto there = was_there(table, *before);  // then it was replaced, and went with its parent
        if (!there) return there.failure();
        existed = *there;
    }
    if (*now !=
        *fresh) {  // it was there before a row got a number that it holds; one made since means that row
        const auto known = rows->record(table.number, *now);
        if (!known) return known.failure();
        const bool replaced = existed || *known;
        if (lives.size() > 1 || !replaced) {
            rows->numbers().lie(table, *now, false);
            if (!replaced) *before = *fresh;
            *now = std::move(*fresh);
        }
    }
    if (*before == *now) {  // one row, whatever happened to it
        for (std::size_t i = 1; i < lives.size(); ++i)
            std::move(lives[i].entries.begin(), lives[i].entries.end(), std::back_inserter(lives[0].entries));
        lives.resize(1);
        lives[0].range = {};
    }
    for (row_life& life : lives) life.key = &life == &lives.front() && existed ? *before : *now;
    return {};
}

/// Sorts a chunk of the log by rows, as the registers know them.
result<std::vector<row_life>> vault::state::rows_of_log(std::vector<row_log>& log,
                                                        std::set<table_no>& of_long_keys) {
    const auto any_long =
        db->query_integer("SELECT EXISTS(SELECT 1 FROM casasync_large WHERE c = ?1)", no_column);
    if (!any_long) return any_long.failure();
    std::vector<row_life> out;
    out.reserve(log.size());
    std::vector<std::vector<row_life>> to_translate;  // once all numbers are known
    for (row_log& l : log) {
        const vault_table* table = tables.find(static_cast<table_no>(l.table));
        if (table == nullptr || !table->tracked) continue;
        l.key.resize(table->shape.key.size());
        if (table->numbered()) {
            if (l.key[0].kind() != value_kind::integer) continue;  // nothing we logged
            auto lives = lives_of(*table, l);
            if (auto ok = identify(lives); !ok) return ok.failure();
            std::move(lives.begin(), lives.end(), std::back_inserter(out));
            continue;
        }
        auto key = encode_key(l.key);
        if (!key) {
            if (auto ok = list_long(*db, *table, l.key); !ok) return ok.failure();
            of_long_keys.insert(table->number);
        } else if (table->traits.key_refers.empty()) {
            out.push_back({table, std::move(*key), std::move(l.key), std::move(l.entries), {}});
        } else {
            to_translate.push_back(lives_of(*table, l));
        }
    }
    for (std::vector<row_life>& lives : to_translate) {
        const vault_table& table = *lives.front().table;
        const auto ok = translate(lives);
        if (!ok && ok.code() == errc::limit_exceeded) {  // identities are longer than numbers
            if (auto listed = list_long(*db, table, lives.front().in_file); !listed) return listed.failure();
            of_long_keys.insert(table.number);
            continue;
        }
        if (!ok) return ok.failure();
        if (*any_long != 0)  // what it refers to may have gone, and a number is shorter
            if (auto unlisted = unlist_long(*db, table, lives.front().in_file); !unlisted)
                return unlisted.failure();
        std::move(lives.begin(), lives.end(), std::back_inserter(out));
    }
    return out;
}

}  // namespace casasync::sqlite
