// SPDX-License-Identifier: MIT
/// What the app does to its schema behind our back is noticed before the next seal: what was written to new
/// columns meanwhile is found, the triggers are brought up to date, and what others wrote to those columns is
/// shown.
#include "column_defaults.hpp"
#include "rival_text.hpp"
#include "row_writer.hpp"
#include "vault_state.hpp"

namespace casasync::sqlite {

std::vector<table_number> vault::state::left_alone() const {
    std::vector<table_number> out;
    for (const auto& t : tables.tables())
        if (t->unfit) out.push_back(t->number);
    return out;
}

result<std::vector<const vault_table*>> vault::state::changed_tables() {
    std::vector<const vault_table*> out;
    if (captured_schema == schema_version) return out;
    for (const auto& t : tables.tables())
        if (t->unfit && t->unfit->lost)
            if (auto ok = remove_triggers(*db, t->number); !ok) return ok.failure();
    for (const auto& t : tables.tables()) {
        if (!t->tracked) continue;
        const auto installed = check_installed(*db, t->number, t->shape, capture_of(*t, self.write_time));
        if (!installed) return installed.failure();
        if (*installed) continue;
        auto gained = gained_columns(*db, t->number, t->shape);
        if (!gained) return gained.failure();
        tables.gain(*t, std::move(*gained));
        out.push_back(t.get());
    }
    if (out.empty()) captured_schema = schema_version;
    return out;
}

result<std::vector<std::vector<value>>> vault::state::keys_in_file(const vault_table& table) {
    std::vector<std::vector<value>> out;
    auto s =
        db->prepare("SELECT " + key_list(table.shape, "") + " FROM main." + quote_name(table.shape.name));
    if (!s) return s.failure();
    for (;;) {
        const auto next = s->step();
        if (!next) return next.failure();
        if (!*next) return out;
        out.push_back(read_key(*s, table.shape.key.size()));
    }
}

result<std::vector<stray_row>> vault::state::stray_rows(const vault_table& table) {
    std::vector<stray_row> out;
    auto keys = keys_in_file(table);
    if (!keys) return keys.failure();
    for (std::vector<value>& key : *keys) {
        std::optional<bytes> row;
        if (table.numbered()) {
            auto holder = rows->numbers().identity_of(table, key[0].integer());
            if (!holder) return holder.failure();
            row = std::move(*holder);
        } else {
            auto encoded = if_it_travels(rows->in_registers(table, key));
            if (!encoded) return encoded.failure();
            row = std::move(*encoded);
        }
        std::optional<row_state> known;
        if (row) {
            auto record = rows->record(table.number, *row);
            if (!record) return record.failure();
            known = std::move(*record);
        }
        if (known ? !is_visible(*known, table.traits.policy) : !table.adopted)
            out.push_back({std::move(key), known.has_value()});
    }
    return out;
}

/// Logs the rows that should lie in a table and do not, as deleted now. Rows that were there when the vault
/// began have no record, so that it cannot be told that they are gone.
result<void> vault::state::log_missing(const vault_table& table) {
    auto keys = all_keys(table);
    if (!keys) return keys.failure();
    for (const bytes& key : *keys) {
        auto known = rows->record(table.number, key);
        if (!known) return known.failure();
        if (!*known || !is_visible(**known, table.traits.policy)) continue;
        const auto parked = shown->is_parked(table.number, key);
        if (!parked) return parked.failure();
        if (*parked) continue;
        const auto place = rows->numbers().in_table(table, key);
        if (!place) return place.failure();
        if (!*place) continue;
        const auto there = rows->in_file(table, **place);
        if (!there) return there.failure();
        if (*there) continue;
        if (auto ok = log_by_hand(*db, table.number, **place, value(-2)); !ok) return ok;
    }
    return {};
}

result<void> vault::state::log_rebuilt(const vault_table& table) {
    const auto triggers = db->query_integer(
        "SELECT count(*) FROM main.sqlite_schema WHERE type = 'trigger' AND tbl_name = ?1 AND name LIKE "
        "'casasync\\_%' ESCAPE '\\'",
        table.shape.name);
    if (!triggers) return triggers.failure();
    if (*triggers != 0) return {};
    auto strays = stray_rows(table);
    if (!strays) return strays.failure();
    for (const stray_row& stray : *strays)
        if (auto ok = log_by_hand(*db, table.number, stray.key, value{}); !ok) return ok;
    if (auto ok = log_missing(table); !ok) return ok;
    if (table.gained.empty()) return {};
    auto all = keys_in_file(table);
    if (!all) return all.failure();
    constexpr std::int64_t nothing_known = 0;  // look_up() sees which of the new columns were written
    for (const std::vector<value>& key : *all)
        if (auto ok = log_by_hand(*db, table.number, key, value(nothing_known)); !ok) return ok;
    return {};
}

namespace {

/// Returns which of the gained columns hold their default in a row.
result<column_set> holding_default(connection& db, const vault_table& table, std::span<const value> key) {
    std::string sql;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < table.shape.columns.size(); ++i) {
        if (!table.gained.contains(i)) continue;
        const column_shape& c = table.shape.columns[i];
        sql += (sql.empty() ? "SELECT " : ", ") + quote_name(c.name) + " COLLATE BINARY IS " + default_of(c);
        places.push_back(i);
    }
    sql += " FROM main." + quote_name(table.shape.name) + " WHERE ";
    for (std::size_t i = 0; i < table.shape.key.size(); ++i)
        sql += (i > 0 ? " AND " : "") + quote_name(table.shape.columns[table.shape.key[i]].name) + " = ?" +
               std::to_string(i + 1);
    auto s = db.prepare(sql);
    if (!s) return s.failure();
    for (std::size_t i = 0; i < key.size(); ++i) s->bind(static_cast<int>(i) + 1, key[i]);
    const auto row = s->step();
    if (!row) return row.failure();
    column_set out;
    for (std::size_t n = 0; *row && n < places.size(); ++n)
        if (s->integer(static_cast<int>(n)) != 0) out.add(places[n]);
    return out;
}

}  // namespace

result<column_set> vault::state::gained_and_written(const vault_table& table, std::span<const value> key,
                                                    std::span<const value> now, const row_state* known) {
    auto untouched = holding_default(*db, table, key);
    if (!untouched) return untouched.failure();
    column_set out;
    for (std::size_t i = 0; i < now.size(); ++i) {
        if (!table.gained.contains(i) || !table.of_shape[i] || untouched->contains(i)) continue;
        const cell* theirs = known != nullptr ? known->find(*table.of_shape[i]) : nullptr;
        if (theirs == nullptr || !theirs->what || *theirs->what != now[i]) out.add(i);
    }
    return out;
}

result<void> vault::state::take_in(const std::vector<const vault_table*>& changed) {
    if (changed.empty()) return {};
    quiet.reset();  // SQLite shall see the triggers' bodies
    for (const vault_table* table : changed)
        if (auto ok = install(*db, table->number, table->shape, capture_of(*table, self.write_time)); !ok)
            return ok;
    for (const vault_table* table : changed)
        if (auto ok = know_shape(*db, table->number, table->shape); !ok) return ok;
    if (!options.run_on_app) quiet.emplace(*db, tables);
    for (const vault_table* table : changed) {
        const column_set gained = table->gained;
        tables.gain(*table, {});
        if (gained.empty()) continue;
        if (auto ok = show_gained(*table, gained); !ok) return ok;
    }
    return {};
}

result<void> vault::state::show_gained(const vault_table& table, const column_set& gained) {
    auto keys = all_keys(table);
    if (!keys) return keys.failure();
    std::vector<merged_row> waiting;
    for (bytes& key : *keys) {
        auto known = rows->record(table.number, key);
        if (!known) return known.failure();
        if (!*known || !is_visible(**known, table.traits.policy)) continue;
        std::vector<column_no> written;
        for (const cell& c : (*known)->cells)
            if (c.what && table.holds(c.column) && gained.contains(*table.in_shape[c.column]))
                written.push_back(c.column);
        if (written.empty()) continue;
        auto row = rows->load(table.number, key, true);
        if (!row) return row.failure();
        waiting.push_back(
            {table.number, std::move(key), std::move(*row), true, true, std::move(written), {}, {}});
    }
    return shown->show(waiting, own_now());
}

result<std::vector<schema_difference>> vault::state::schema_differences() {
    std::vector<schema_difference> out;
    for (const auto& t : tables.tables()) {
        if (t->unfit) {
            out.push_back({t->traits.name, t->unfit->column, schema_verdict::refused, t->unfit->detail});
            continue;
        }
        if (!t->tracked) {
            auto any = db->query_integer("SELECT EXISTS(SELECT 1 FROM casasync_m_" +
                                         std::to_string(t->number) + ")");
            if (!any) return any.failure();
            if (*any != 0)
                out.push_back(
                    {t->traits.name, "", schema_verdict::pending,
                     "not tracked in this file; its rows are kept beside. Have the app make the table, then "
                     "track it"});
            continue;
        }
        if (t->other_policy)
            out.push_back({t->traits.name, "", schema_verdict::pending,
                           "another device had the other delete policy when it last wrote to this table, so "
                           "that it may show other rows. Track it with one --delete-policy on all devices"});
        for (column_no c = 0; c < t->traits.columns.size(); ++c)
            if (!t->holds(c))
                out.push_back({t->traits.name, t->traits.columns[c].name, schema_verdict::pending,
                               "not in this file; its values are kept beside, and shown once the table has "
                               "the column"});
        auto differing = differing_defaults(*db, t->traits.name);
        if (!differing) return differing.failure();
        for (const differing_default& d : *differing) {
            const auto c = t->traits.column(d.column);
            if (!c || !t->holds(*c)) continue;
            out.push_back(
                {t->traits.name, d.column, schema_verdict::pending,
                 "in rows in which nobody wrote it, it shows " + d.here + " here and " + d.elsewhere +
                     " on another device, because its DEFAULT is another one. Decide for one: UPDATE " +
                     quote_name(t->traits.name) + " SET " + quote_name(d.column) + " = " + d.elsewhere +
                     " WHERE " + quote_name(d.column) + " IS " + d.here +
                     " writes the other's; and give the column one DEFAULT on all devices, by casasync "
                     "migrate"});
        }
    }
    return out;
}

}  // namespace casasync::sqlite
