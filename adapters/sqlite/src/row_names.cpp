// SPDX-License-Identifier: MIT
/// Rows, authors and conflicts as people name them.
#include "vault_state.hpp"

#include <casasync/clock.hpp>
#include <casasync/key.hpp>
#include <casasync/number_claims.hpp>

namespace casasync::sqlite {

result<author> vault::state::author_of(const stamp& s) {
    author a;
    if (!s.exists() || s == band::adopted) return a;
    if (s.when > band::adopt) a.at = s.when.ms();
    const auto device = rows->owner(s.replica);
    if (!device) return a;
    a.device = *device;
    const auto name = db->query_value("SELECT name FROM casasync_device WHERE id = ?1", device->view());
    if (!name) return name.failure();
    if (*name && (**name).kind() == value_kind::text) a.device_name = (**name).text();
    return a;
}

/// Returns the key a row has in the file, or would have if it were there. A row of another shape of the table
/// is kept, but never shown.
result<std::vector<value>> vault::state::key_in_file(const vault_table& table, bytes_view key) {
    auto shown_as = rows->numbers().in_table(table, key);
    if (!shown_as) return shown_as.failure();
    if (*shown_as) return std::move(**shown_as);
    if (!table.numbered())
        return error{errc::schema_mismatch, "the key of this row does not fit table " + table.traits.name +
                                                " in this file; nothing was changed"};
    return free_number(table, key);
}

/// Tells whether a row has this number in the table.
result<bool> vault::state::has_number(const vault_table& table, std::int64_t number) {
    if (!table.tracked) return false;
    const auto found = db->query_integer("SELECT EXISTS(SELECT 1 FROM main." + quote_name(table.shape.name) +
                                             " WHERE " + quote_name(table.traits.number) + " = ?1)",
                                         number);
    return found ? result<bool>(*found != 0) : result<bool>(found.failure());
}

/// Returns the number under which a deleted row can come back: its own while that is free.
result<std::vector<value>> vault::state::free_number(const vault_table& table, bytes_view key) {
    const auto asked = rows->numbers().asked_by(table, key);
    if (!asked) return asked.failure();
    std::int64_t number = *asked ? **asked : derived_number(key, 1);
    for (std::uint64_t attempt = 1;; ++attempt) {
        const auto taken = has_number(table, number);
        if (!taken) return taken.failure();
        if (!*taken) return std::vector<value>{value(number)};
        number = derived_number(key, attempt);
    }
}

/// The key as people know it: of a row with an integer key the number it has, or asks for.
result<shown_key> vault::state::key_for_people(const vault_table& table, bytes_view key) {
    auto shown_as = rows->numbers().in_table(table, key);
    if (!shown_as) return shown_as.failure();
    if (*shown_as) return shown_key{std::move(**shown_as)};
    if (table.numbered()) {
        const auto asked = rows->numbers().asked_by(table, key);
        if (!asked) return asked.failure();
        if (*asked) {
            const auto taken = has_number(table, **asked);
            if (!taken) return taken.failure();
            return shown_key{{value(**asked)}, *taken};
        }
    }
    auto out = decode_key(key);
    return shown_key{out ? std::move(*out) : std::vector<value>{}};
}

result<conflict_info> vault::state::describe(const audit_entry& e) {
    const table_traits& table = tables.find(e.table)->traits;
    conflict_info c;
    c.id = e.id;
    c.table = table.name;
    auto key = key_for_people(*tables.find(e.table), e.key);
    if (!key) return key.failure();
    c.key = std::move(key->key);
    c.key_taken = key->taken;
    if (e.lost.column) c.column = table.columns[*e.lost.column].name;
    const auto as_shown = [&](const value& what) -> result<value> {
        if (!e.lost.column) return what;
        auto there = rows->numbers().to_number(table.columns[*e.lost.column].refers, what);
        return there ? result<value>(std::move(there->what)) : result<value>(there.failure());
    };
    auto lost = as_shown(e.lost.what), instead = as_shown(e.shown);
    if (!lost) return lost.failure();
    if (!instead) return instead.failure();
    c.loser = std::move(*lost);
    auto loser = author_of(e.lost.loser), winner = author_of(e.lost.winner);
    if (!loser) return loser.failure();
    if (!winner) return winner.failure();
    c.loser_by = std::move(*loser);
    c.winner = std::move(*instead);
    c.winner_by = std::move(*winner);
    c.reason = e.lost.why;
    c.open = e.open;
    c.noticed_at = e.opened_at;
    c.closed_at = e.closed_at;
    return c;
}

/// Returns which row a person means by a key: of several that asked for a number, the one that has it, or the
/// one that was written last.
result<bytes> vault::state::key_typed(const vault_table& table, std::span<const value> key) {
    if (!table.numbered() || key[0].kind() != value_kind::integer) return rows->in_registers(table, key);
    auto holder = rows->numbers().identity_of(table, key[0].integer());
    if (!holder) return holder.failure();
    if (*holder) return std::move(**holder);
    auto asking = rows->numbers().asking_for(table, key[0].integer());
    if (!asking) return asking.failure();
    bytes last;
    stamp written;
    for (bytes& identity : *asking) {
        auto row = rows->record(table.number, identity);
        if (!row) return row.failure();
        if (!*row || ((*row)->touched < written && !last.empty())) continue;
        written = (*row)->touched;
        last = std::move(identity);
    }
    return last.empty() ? rows->in_registers(table, key) : result<bytes>(std::move(last));
}

}  // namespace casasync::sqlite
