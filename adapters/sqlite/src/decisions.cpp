// SPDX-License-Identifier: MIT
/// The two answers a person gives to a conflict: the loser is written back, or what is shown is confirmed.
#include "vault_state.hpp"

#include <casasync/conflict.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace casasync::sqlite {

namespace {

std::string where_key(const vault_table& table, int first) {
    std::string sql = " WHERE ";
    for (std::size_t i = 0; i < table.shape.key.size(); ++i)
        sql += (i > 0 ? " AND " : "") + quote_name(table.shape.columns[table.shape.key[i]].name) + " = ?" +
               std::to_string(first + static_cast<int>(i));
    return sql;
}

/// What is decided is written into the table, where a parked row is not.
result<void> check_shown(display& shown, const vault_table& table, bytes_view key) {
    const auto parked = shown.is_parked(table.number, key);
    if (!parked) return parked.failure();
    if (!*parked) return {};
    return error{
        errc::invalid_argument,
        "the row of table " + table.traits.name +
            " is in the vault, but cannot be shown at the moment, so this conflict stays open until it is. "
            "Nothing was changed. `casasync integrity` tells why, and what to do first"};
}

/// Returns the entry to decide. \errors not_found, also when its table is not tracked here
result<audit_entry> find_entry(vault::state& v, const std::string& id) {
    auto entry = v.audit->find(id);
    if (!entry) return entry;
    const vault_table& table = *v.tables.find(entry->table);
    if (!table.tracked)
        return error{errc::not_found,
                     "table " + table.traits.name + " is not tracked in this file; nothing was changed"};
    return entry;
}

/// While it lives, the vault's own connection enforces foreign keys: a value that is written back is a write
/// like the app's, which cascades and leaves no row without its parent. On a lent connection the app's word
/// counts.
class foreign_keys_hold {
 public:
    explicit foreign_keys_hold(vault::state& v) : db_(v.options.run_on_app ? nullptr : &*v.db) { set(1); }
    foreign_keys_hold(const foreign_keys_hold&) = delete;
    foreign_keys_hold& operator=(const foreign_keys_hold&) = delete;
    ~foreign_keys_hold() { set(0); }

 private:
    /// Needs no memory: it cannot fail.
    void set(int on) noexcept {
        if (db_ != nullptr) sqlite3_db_config(db_->handle(), SQLITE_DBCONFIG_ENABLE_FKEY, on, nullptr);
    }

    connection* db_;
};

/// What the log says of an UPDATE of one column.
value update_of(const vault_table& table, column_no column) {
    const std::size_t at = *table.in_shape[column];
    return value(static_cast<std::int64_t>((std::uint64_t{at / column_set::group_columns} << 56) |
                                           (std::uint64_t{1} << (at % column_set::group_columns))));
}

/// What the log says of a row that stays: that a column was written once more which leaves the row's other
/// conflicts open, or the whole row where there is none.
value stay_of(const vault_table& table, const row_state& row) {
    const auto column =
        uncontested_column(row, table.traits, table.groups, [&table](column_no c) { return table.holds(c); });
    return column ? update_of(table, *column) : value{};
}

error not_here(const std::string& column, const char* decide) {
    return {errc::schema_mismatch, "column " + column + " is not in this file's table; " + decide +
                                       " on a device that has it. Nothing was changed."};
}

error not_writable(const vault_table& table, const error& why) {
    return {why.code, "table " + table.traits.name + " does not take the value back: " + why.text() +
                          " Nothing was changed."};
}

}  // namespace

/// After what was written to a deleted row: other rows were given its number or lost against it, by when it
/// was claimed and deleted (casasync/number_claims.hpp). They say anew which numbers they have, and so keep
/// them.
result<void> vault::state::hold_numbers(const vault_table& table, bytes_view deleted) {
    const auto asked = rows->numbers().asked_by(table, deleted);
    if (!asked) return asked.failure();
    const auto column = table.traits.column(table.traits.number);
    if (!*asked || !column) return {};
    const auto others = rows->numbers().asking_for(table, **asked);
    if (!others) return others.failure();
    for (const bytes& other : *others) {
        const auto number = rows->numbers().number_of(table, other);
        if (!number) return number.failure();
        if (!*number || std::ranges::equal(other, deleted)) continue;
        const value key(**number);
        if (auto ok = log_by_hand(*db, table.number, std::span(&key, 1), update_of(table, *column)); !ok)
            return ok;
    }
    return {};
}

/// A row has another number, and is the same row: the app's UPDATE of a number would make it another one.
result<void> vault::state::restore_number(const vault_table& table, bytes_view key, column_no column,
                                          const value& number) {
    if (number.kind() != value_kind::integer) return error{errc::invalid_argument, "it is no number."};
    if (auto n = seal_log(); !n) return n.failure();
    return uncaptured([&]() -> result<void> {
        const auto holder = rows->numbers().identity_of(table, number.integer());
        if (!holder) return holder.failure();
        if (*holder && !std::ranges::equal(**holder, key))
            return error{errc::invalid_argument,
                         "another row has the number " + std::to_string(number.integer()) + " by now."};
        const std::pair<column_no, value> claim(column, number);
        const auto merged = say(table, key, std::span(&claim, 1));
        return merged ? shown->show(*merged, own_now()) : merged.failure();
    });
}

result<conflict_info> vault::restore(const std::string& id) {
    if (auto n = seal(); !n) return n.failure();
    auto hold = std::make_optional<foreign_keys_hold>(*state_);
    auto restored = state_->write_captured([&]() -> result<conflict_info> {
        state& v = *state_;
        auto entry = find_entry(v, id);
        if (!entry) return entry.failure();
        const vault_table& table = *v.tables.find(entry->table);
        if (auto ok = check_shown(*v.shown, table, entry->key); !ok) return ok.failure();
        auto row = v.rows->load(entry->table, entry->key, true);
        if (!row) return row.failure();
        auto key = v.key_in_file(table, entry->key);
        if (!key) return key.failure();
        auto there = v.rows->in_table(table, entry->key);
        if (!there) return there.failure();
        auto told = v.describe(*entry);
        if (!told) return told;
        result<void> written;
        std::vector<std::pair<column_no, value>> values;  // of a row that comes back
        if (!entry->lost.column) {
            auto s = v.db->prepare("DELETE FROM main." + quote_name(table.shape.name) + where_key(table, 1));
            if (!s) return s.failure();
            for (std::size_t i = 0; i < key->size(); ++i) s->bind(static_cast<int>(i) + 1, (*key)[i]);
            written = s->run();
        } else if (!*there) {
            for (const cell& c : row->cells)
                if (c.column == *entry->lost.column)
                    values.emplace_back(c.column, entry->lost.what);
                else if (c.what && is_shown(*row, c, table.traits.columns[c.column].rule))
                    values.emplace_back(c.column, *c.what);
            written = v.insert_again(table, entry->key, values);
        } else if (table.numbered() && *told->column == table.traits.number) {
            hold.reset();  // what refers to the row follows
            written = v.restore_number(table, entry->key, *entry->lost.column, entry->lost.what);
        } else if (table.holds(*entry->lost.column)) {
            auto s = v.db->prepare("UPDATE main." + quote_name(table.shape.name) + " SET " +
                                   quote_name(*told->column) + " = ?1" + where_key(table, 2));
            if (!s) return s.failure();
            auto what = v.rows->numbers().to_number(table.traits.columns[*entry->lost.column].refers,
                                                    entry->lost.what);
            if (!what) return what.failure();
            s->bind(1, what->what);
            for (std::size_t i = 0; i < key->size(); ++i) s->bind(static_cast<int>(i) + 2, (*key)[i]);
            written = s->run();
        } else {
            return not_here(*told->column, "restore it");
        }
        if (!written) return not_writable(table, written.failure());
        hold.reset();
        if (!values.empty())
            if (auto ok = v.seal_decided(table, entry->key, values); !ok) return ok.failure();
        key = v.key_in_file(table, entry->key);
        if (!key) return key.failure();
        told->key = std::move(*key);
        told->key_taken = false;
        told->open = false;
        return told;
    });
    hold.reset();
    if (!restored) return restored;
    if (auto n = seal(); !n) return n.failure();
    return restored;
}

result<conflict_info> vault::keep(const std::string& id) {
    if (auto n = seal(); !n) return n.failure();
    auto kept = state_->write_captured([&]() -> result<conflict_info> {
        state& v = *state_;
        auto entry = find_entry(v, id);
        if (!entry) return entry.failure();
        const vault_table& table = *v.tables.find(entry->table);
        auto told = v.describe(*entry);
        if (!told) return told;
        told->open = false;
        if (!entry->open) return told;
        if (auto ok = check_shown(*v.shown, table, entry->key); !ok) return ok.failure();
        auto key = v.key_in_file(table, entry->key);
        if (!key) return key.failure();
        auto there = v.rows->in_table(table, entry->key);
        if (!there) return there.failure();
        value kind(std::int64_t{-2});  // not there: deleted, once more
        if (!*there && table.numbered())
            if (auto ok = v.rows->numbers().reserve(table, entry->key, (*key)[0].integer()); !ok)
                return ok.failure();
        if (*there && entry->lost.column) {
            if (!table.holds(*entry->lost.column)) return not_here(*told->column, "decide this conflict");
            kind = update_of(table, *entry->lost.column);
        } else if (*there) {
            const auto row = v.rows->load(entry->table, entry->key, true);
            if (!row) return row.failure();
            kind = stay_of(table, *row);
        }
        if (auto ok = log_by_hand(*v.db, table.number, *key, kind); !ok) return ok.failure();
        if (!*there && table.numbered())
            if (auto ok = v.hold_numbers(table, entry->key); !ok) return ok.failure();
        return told;  // is said once more
    });
    if (!kept) return kept;
    if (auto n = seal(); !n) return n.failure();
    return kept;
}

}  // namespace casasync::sqlite
