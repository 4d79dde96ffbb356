// SPDX-License-Identifier: MIT
#include "catalog.hpp"

#include "column_defaults.hpp"

#include <casasync/codec.hpp>

#include <algorithm>
#include <set>

namespace casasync::sqlite {

namespace {

/// Groups are kept as names, one column a line: group number, column name.
result<void> write_groups(connection& db, const vault_table& table) {
    if (auto ok = db.run("DELETE FROM casasync_group WHERE t = ?1", std::int64_t{table.number}); !ok)
        return ok;
    for (std::size_t g = 0; g < table.groups.size(); ++g)
        for (const column_no c : table.groups[g])
            if (auto ok = db.run("INSERT INTO casasync_group(t, g, c) VALUES(?1, ?2, ?3)",
                                 std::int64_t{table.number}, static_cast<std::int64_t>(g), std::int64_t{c});
                !ok)
                return ok;
    return {};
}

result<void> read_columns(connection& db, vault_table& table) {
    auto s = db.prepare("SELECT name, rule, refers FROM casasync_column WHERE t = ?1 ORDER BY c");
    if (!s) return s.failure();
    s->bind(1, std::int64_t{table.number});
    for (;;) {
        const auto row = s->step();
        if (!row) return row.failure();
        if (!*row) break;
        table.traits.columns.push_back(
            {std::string(s->text(0)), static_cast<merge_rule>(s->integer(1)), std::string(s->text(2))});
    }
    auto parents = db.prepare("SELECT i, parent FROM casasync_key_reference WHERE t = ?1 ORDER BY i");
    if (!parents) return parents.failure();
    parents->bind(1, std::int64_t{table.number});
    for (;;) {
        const auto row = parents->step();
        if (!row) return row.failure();
        if (!*row) break;
        table.traits.key_refers.resize(static_cast<std::size_t>(parents->integer(0)) + 1);
        table.traits.key_refers.back() = parents->text(1);
    }
    auto groups = db.prepare("SELECT g, c FROM casasync_group WHERE t = ?1 ORDER BY g, c");
    if (!groups) return groups.failure();
    groups->bind(1, std::int64_t{table.number});
    for (;;) {
        const auto row = groups->step();
        if (!row) return row.failure();
        if (!*row) return {};
        table.groups.resize(static_cast<std::size_t>(groups->integer(0)) + 1);
        table.groups.back().push_back(static_cast<column_no>(groups->integer(1)));
    }
}

/// True for a column whose values travel: not part of the key, not computed. A number is a cell like others.
bool travels(const table_traits& table, const column_shape& c) {
    return !c.generated && (c.key_position == 0 || c.name == table.number);
}

/// Makes the table of the registers (row_store.hpp); with numbers where rows have them (row_numbers.hpp).
result<void> create_records(connection& db, const vault_table& table) {
    const std::string name = "casasync_m_" + std::to_string(table.number);
    if (!table.numbered())
        return db.execute("CREATE TABLE IF NOT EXISTS " + name +
                          "(k BLOB PRIMARY KEY NOT NULL, r BLOB NOT NULL) WITHOUT ROWID, STRICT");
    return db.execute("CREATE TABLE IF NOT EXISTS " + name +
                      "(k BLOB PRIMARY KEY NOT NULL, r BLOB NOT NULL, w INTEGER, n INTEGER) WITHOUT ROWID, "
                      "STRICT; CREATE INDEX IF NOT EXISTS " +
                      name + "_w ON " + name + "(w); CREATE INDEX IF NOT EXISTS " + name + "_n ON " + name +
                      "(n) WHERE n IS NOT w");
}

result<bool> has_records(connection& db, const vault_table& table) {
    const auto any =
        db.query_integer("SELECT EXISTS(SELECT 1 FROM casasync_m_" + std::to_string(table.number) + ")");
    return any ? result<bool>(*any != 0) : result<bool>(any.failure());
}

error unfit_table(const vault_table& table) {
    return {errc::schema_mismatch, "table " + table.traits.name + ": " + table.unfit->detail};
}

error kind_mismatch(const std::string& table) {
    return {errc::schema_mismatch,
            "table " + table +
                ": its integer keys mean the same on every device for one device, and not for another. "
                "Nothing is lost: what the other wrote waits. Track the table with the same --integer-keys "
                "on both devices."};
}

result<void> check_tracking(const table_shape& shape, const tracking& how) {
    const auto known = [&shape](const std::string& name) -> result<void> {
        const auto at = shape.column(name);
        if (!at)
            return error{errc::invalid_argument,
                         "table " + shape.name + " has no column " + name + "; nothing was changed"};
        if (shape.columns[*at].key_position != 0 || shape.columns[*at].generated)
            return error{errc::invalid_argument,
                         "column " + name + " of table " + shape.name +
                             " is part of the key or computed: it takes no rule and no group"};
        return {};
    };
    for (const auto& [column, rule] : how.rules)
        if (auto ok = known(column); !ok) return ok;
    std::set<std::size_t> grouped;
    for (const auto& group : how.groups)
        for (const std::string& column : group) {
            if (auto ok = known(column); !ok) return ok;
            if (!grouped.insert(*shape.column(column)).second)
                return error{errc::invalid_argument,
                             "column " + column + " of table " + shape.name +
                                 " is named twice in its groups. Groups that share a column are stamped "
                                 "together, so make them one group; nothing was changed"};
        }
    for (const auto& [column, parent] : how.references)
        if (!shape.column(column))
            return error{errc::invalid_argument,
                         "table " + shape.name + " has no column " + column + "; nothing was changed"};
    return {};
}

}  // namespace

error rule_mismatch(const std::string& table, const column_traits& ours, merge_rule theirs) {
    const auto name_of = [](merge_rule rule) {
        return std::string(rule == merge_rule::lww ? "lww" : rule == merge_rule::max ? "max" : "min");
    };
    return {errc::schema_mismatch,
            "table " + table + ": column " + ours.name + " merges by the rule " + name_of(ours.rule) +
                " here, and by " + name_of(theirs) +
                " on the device that wrote this. Nothing is lost: it waits. While nothing was written to the "
                "column here, track the table with --rule " +
                ours.name + "=" + name_of(theirs) + ". Otherwise " +
                (ours.rule == merge_rule::lww ? "let this device" : "let one of the two") +
                " begin anew: casasync leave, then casasync join; its rows are brought along"};
}

const std::string& vault_table::refers(std::size_t i) const noexcept {
    static const std::string none;
    const std::size_t place = shape.columns[i].key_position;
    if (place != 0) return place <= traits.key_refers.size() ? traits.key_refers[place - 1] : none;
    return of_shape[i] ? traits.columns[*of_shape[i]].refers : none;
}

bool vault_table::has_references() const noexcept {
    return !traits.key_refers.empty() ||
           std::any_of(traits.columns.begin(), traits.columns.end(),
                       [](const column_traits& c) { return !c.refers.empty(); });
}

capture_options capture_of(const vault_table& table, bool write_time) noexcept {
    return {write_time, table.numbered() && table.adopted};
}

result<void> catalog::create(connection& db) {
    if (auto ok = create_known_shapes(db); !ok) return ok;
    if (auto ok = create_column_defaults(db); !ok) return ok;
    return db.execute(
        "CREATE TABLE IF NOT EXISTS casasync_table(t INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, tracked "
        "INTEGER NOT NULL, "
        "policy INTEGER NOT NULL, number TEXT NOT NULL, adopted INTEGER) STRICT;"
        "CREATE TABLE IF NOT EXISTS casasync_column(t INTEGER NOT NULL, c INTEGER NOT NULL, name TEXT NOT "
        "NULL, rule INTEGER NOT "
        "NULL, refers TEXT NOT NULL, PRIMARY KEY(t, c)) WITHOUT ROWID, STRICT;"
        "CREATE TABLE IF NOT EXISTS casasync_key_reference(t INTEGER NOT NULL, i INTEGER NOT NULL, parent "
        "TEXT NOT NULL, PRIMARY KEY(t, i)) WITHOUT ROWID, STRICT;"
        "CREATE TABLE IF NOT EXISTS casasync_group(t INTEGER NOT NULL, g INTEGER NOT NULL, c INTEGER NOT "
        "NULL, PRIMARY KEY(t, g, "
        "c)) WITHOUT ROWID, STRICT;");
}

result<void> catalog::read(connection& db) {
    std::vector<std::unique_ptr<vault_table>> tables;
    {
        auto s =
            db.prepare("SELECT t, name, tracked, policy, number, adopted FROM casasync_table ORDER BY t");
        if (!s) return s.failure();
        for (;;) {
            const auto row = s->step();
            if (!row) return row.failure();
            if (!*row) break;
            auto& t = *tables.emplace_back(std::make_unique<vault_table>());
            t.number = static_cast<table_no>(s->integer(0));
            t.traits.name = s->text(1);
            t.tracked = s->integer(2) != 0;
            t.traits.policy = static_cast<delete_policy>(s->integer(3) % 2);
            t.other_policy = s->integer(3) >= 2;
            t.traits.number = s->text(4);
            if (!s->is_null(5)) t.adopted = static_cast<column_no>(s->integer(5));
        }
    }
    for (auto& t : tables) {
        if (auto ok = read_columns(db, *t); !ok) return ok;
        if (!t->tracked) continue;
        auto shape = read_shape(db, t->traits.name);
        if (!shape && shape.code() != errc::not_found) return shape.failure();
        auto unfit = find_misfit(db, t->number, shape ? &*shape : nullptr);
        if (!unfit) return unfit.failure();
        t->unfit = std::move(*unfit);
        t->tracked = shape.ok() && !t->unfit;  // its registers stay
        if (shape) t->shape = std::move(*shape);
        if (auto ok = fit(db, *t); !ok) return ok;
        if (!t->tracked) continue;
        if (auto ok = widen_grave(db, t->number, t->shape); !ok) return ok;
    }
    tables_ = std::move(tables);
    return {};
}

/// Brings columns and shape together; a column the file has gained gets its number here.
result<void> catalog::fit(connection& db, vault_table& table) {
    if (!table.tracked) return {};
    table.of_shape.assign(table.shape.columns.size(), std::nullopt);
    for (std::size_t i = 0; i < table.shape.columns.size(); ++i) {
        if (!travels(table.traits, table.shape.columns[i])) continue;
        auto c = table.traits.column(table.shape.columns[i].name);
        if (!c) {
            auto added = add_column(
                db, table, {table.shape.columns[i].name, merge_rule::lww, declared_parent(table.shape, i)});
            if (!added) return added.failure();
            c = *added;
        }
        table.of_shape[i] = *c;
    }
    table.in_shape.assign(table.traits.columns.size(), std::nullopt);
    for (std::size_t i = 0; i < table.of_shape.size(); ++i)
        if (table.of_shape[i]) table.in_shape[*table.of_shape[i]] = i;
    table.held.clear();
    for (column_no c = 0; c < table.in_shape.size(); ++c)
        if (table.holds(c)) table.held.push_back(c);
    return {};
}

result<column_no> catalog::add_column(connection& db, vault_table& table, const column_traits& column) {
    if (table.traits.columns.size() >= limits::row_columns_max)
        return error{errc::limit_exceeded,
                     "table " + table.traits.name + " has more than 2,000 columns in this vault"};
    const auto c = static_cast<column_no>(table.traits.columns.size());
    if (auto ok = db.run("INSERT INTO casasync_column(t, c, name, rule, refers) VALUES(?1, ?2, ?3, ?4, ?5)",
                         std::int64_t{table.number}, std::int64_t{c}, column.name,
                         static_cast<std::int64_t>(column.rule), column.refers);
        !ok)
        return ok.failure();
    table.traits.columns.push_back(column);
    if (table.tracked) table.in_shape.resize(table.traits.columns.size());
    return c;
}

void catalog::gain(const vault_table& table, column_set columns) {
    own(table).gained = std::move(columns);
}

const vault_table* catalog::find(table_no number) const noexcept {
    for (const auto& t : tables_)
        if (t->number == number) return t.get();
    return nullptr;
}

const vault_table* catalog::find(std::string_view name) const noexcept {
    for (const auto& t : tables_)
        if (t->traits.name == name) return t.get();
    return nullptr;
}

namespace {

/// Notes what the rows have that are there when the vault begins.
result<void> adopt(connection& db, vault_table& table) {
    table.adopted = static_cast<column_no>(table.traits.columns.size());
    return db.run("UPDATE casasync_table SET adopted = ?2 WHERE t = ?1", std::int64_t{table.number},
                  std::int64_t{*table.adopted});
}

}  // namespace

result<const vault_table*> catalog::track(connection& db, std::string_view name, const tracking& how,
                                          const capture_options& capture) {
    auto shape = read_shape(db, name);
    if (!shape) return shape.failure();
    if (auto ok = check_trackable(*shape); !ok) return ok.failure();
    if (auto ok = check_tracking(*shape, how); !ok) return ok.failure();
    const vault_table* known = find(shape->name);
    if (known != nullptr && known->unfit) return unfit_table(*known);
    for (const auto& [column, rule] : how.rules) {
        const auto c = known != nullptr ? known->traits.column(column) : std::nullopt;
        if (c && known->traits.columns[*c].rule != rule)
            return error{errc::schema_mismatch,
                         "column " + column + " of table " + shape->name +
                             " already merges by another rule, which stays for the life of the column once "
                             "something is written to it. Use a column of another name"};
    }
    std::string number;
    if (shape->integer_key && !how.natural_integer_key) {
        const std::string& key = shape->columns[shape->key[0]].name;
        if (declared_parent(*shape, shape->key[0]).empty() && !how.references.contains(key)) number = key;
    }
    if (known != nullptr && known->traits.number != number) {
        // Tracked again without a word about its keys, it stays as it is.
        const bool kept = known->tracked && !how.natural_integer_key;
        const auto any = has_records(db, *known);
        if (!any) return any.failure();
        if (!kept && (known->tracked || *any)) return kind_mismatch(shape->name);
        if (kept) number = known->traits.number;
    }
    if (auto ok = db.run("INSERT INTO casasync_table(name, tracked, policy, number) VALUES(?1, 1, ?2, ?3) "
                         "ON CONFLICT(name) DO UPDATE SET tracked = 1, policy = excluded.policy, number = "
                         "excluded.number",
                         shape->name, static_cast<std::int64_t>(how.policy), number);
        !ok)
        return ok.failure();
    if (known == nullptr) {
        auto& t = *tables_.emplace_back(std::make_unique<vault_table>());
        auto n = db.query_integer("SELECT t FROM casasync_table WHERE name = ?1", shape->name);
        if (!n) return n.failure();
        t.number = static_cast<table_no>(*n);
        t.traits.name = shape->name;
    }
    const bool adopts = known == nullptr && how.adopt;
    vault_table& table = own(*find(shape->name));
    const bool was_tracked = table.tracked;
    table.tracked = true;
    table.traits.policy = how.policy;
    table.other_policy = false;
    if (table.traits.number != number)
        if (auto ok = db.execute("DROP TABLE IF EXISTS casasync_m_" + std::to_string(table.number)); !ok)
            return ok.failure();
    table.traits.number = number;
    table.shape = std::move(*shape);
    for (const auto& [column, rule] : how.rules)
        if (!table.traits.column(column))
            if (auto added = add_column(db, table, {column, rule, {}}); !added) return added.failure();
    if (auto ok = fit(db, table); !ok) return ok.failure();
    if (auto ok = find_references(db, table, how, was_tracked); !ok) return ok.failure();
    if (adopts)
        if (auto ok = adopt(db, table); !ok) return ok.failure();
    if (!how.groups.empty()) table.groups.clear();
    for (const auto& group : how.groups) {
        auto& columns = table.groups.emplace_back();
        for (const std::string& column : group) columns.push_back(*table.traits.column(column));
        std::sort(columns.begin(), columns.end());
    }
    if (auto ok = write_groups(db, table); !ok) return ok.failure();
    if (auto ok = create_records(db, table); !ok) return ok.failure();
    if (auto ok = install(db, table.number, table.shape, capture_of(table, capture.write_time)); !ok)
        return ok.failure();
    if (auto ok = know_shape(db, table.number, table.shape); !ok) return ok.failure();
    if (table.numbered() && !was_tracked)
        if (auto ok = follow_children(db, table); !ok) return ok.failure();
    return find(table.number);
}

result<void> catalog::untrack(connection& db, std::string_view name) {
    const vault_table* table = find(name);
    if (table != nullptr && table->unfit) return unfit_table(*table);
    if (table == nullptr || !table->tracked)
        return error{errc::not_found, "table " + std::string(name) + " is not tracked; nothing was changed"};
    if (auto ok = remove(db, table->number); !ok) return ok;
    if (auto ok = forget_shape(db, table->number); !ok) return ok;
    // Every row has a record now; one without is written by somebody who was not watched, and is not adopted.
    return db.run("UPDATE casasync_table SET tracked = 0, adopted = NULL WHERE t = ?1",
                  std::int64_t{table->number});
}

result<void> catalog::set_rule(connection& db, const vault_table& table, column_no column, merge_rule rule) {
    own(table).traits.columns[column].rule = rule;
    return db.run("UPDATE casasync_column SET rule = ?3 WHERE t = ?1 AND c = ?2", std::int64_t{table.number},
                  std::int64_t{column}, static_cast<std::int64_t>(rule));
}

result<void> catalog::rename(connection& db, const vault_table& table, std::string_view old,
                             const std::string& fresh) {
    const auto from = table.traits.column(old);
    if (!from || fresh == table.traits.number) return {};
    auto to = table.traits.column(fresh);
    if (to && table.holds(*to)) return {};  // two names were exchanged
    if (!to) {
        column_traits column = table.traits.columns[*from];
        column.name = fresh;
        auto added = add_column(db, own(table), column);
        if (!added) return added.failure();
        to = *added;
    }
    const bool grouped = std::any_of(table.groups.begin(), table.groups.end(), [&to](const auto& group) {
        return std::find(group.begin(), group.end(), *to) != group.end();
    });
    if (grouped) return {};
    return db.run(
        "INSERT INTO casasync_group(t, g, c) SELECT t, g, ?3 FROM casasync_group WHERE t = ?1 AND "
        "c = ?2",
        std::int64_t{table.number}, std::int64_t{*from}, std::int64_t{*to});
}

/// Takes over what an author says of a table's kind where this file does not say it yet.
result<void> catalog::take_kind(connection& db, vault_table& table, const table_traits& theirs) {
    if (theirs.number != table.traits.number) {
        const auto any = has_records(db, table);
        if (!any) return any.failure();
        if (table.tracked || *any) return kind_mismatch(table.traits.name);
        table.traits.number = theirs.number;
        if (auto ok = db.execute("DROP TABLE casasync_m_" + std::to_string(table.number)); !ok) return ok;
        if (auto ok = create_records(db, table); !ok) return ok;
        if (auto ok = db.run("UPDATE casasync_table SET number = ?2 WHERE t = ?1", std::int64_t{table.number},
                             theirs.number);
            !ok)
            return ok;
    }
    for (std::size_t i = 0; i < theirs.key_refers.size(); ++i) {
        const std::string& parent = theirs.key_refers[i];
        if (parent.empty()) continue;
        if (table.traits.key_refers.size() <= i) table.traits.key_refers.resize(i + 1);
        std::string& ours = table.traits.key_refers[i];
        if (ours == parent) continue;
        if (!ours.empty()) return reference_mismatch(table.traits.name, "of the key");
        ours = parent;
        if (auto ok = db.run("INSERT INTO casasync_key_reference(t, i, parent) VALUES(?1, ?2, ?3)",
                             std::int64_t{table.number}, static_cast<std::int64_t>(i), parent);
            !ok)
            return ok;
    }
    return {};
}

result<void> catalog::hear_policy(connection& db, const table_traits& theirs) {
    const vault_table* const table = find(theirs.name);
    const bool other = table != nullptr && theirs.policy != table->traits.policy;
    if (table == nullptr || other == table->other_policy) return {};
    own(*table).other_policy = other;
    return db.run("UPDATE casasync_table SET policy = ?2 WHERE t = ?1", std::int64_t{table->number},
                  static_cast<std::int64_t>(table->traits.policy) + (other ? 2 : 0));
}

result<resolved_table> catalog::resolve(connection& db, const table_traits& theirs) {
    const vault_table* known = find(theirs.name);
    if (known == nullptr) {
        if (tables_.size() >= limits::tables_max)
            return error{errc::limit_exceeded, "this vault names more than 1,000 tables"};
        if (auto ok = db.run("INSERT INTO casasync_table(name, tracked, policy, number, adopted) VALUES(?1, "
                             "0, ?2, ?3, NULL)",
                             theirs.name, static_cast<std::int64_t>(theirs.policy), theirs.number);
            !ok)
            return ok.failure();
        auto number = db.query_integer("SELECT t FROM casasync_table WHERE name = ?1", theirs.name);
        if (!number) return number.failure();
        auto& t = *tables_.emplace_back(std::make_unique<vault_table>());
        t.number = static_cast<table_no>(*number);
        t.traits.name = theirs.name;
        t.traits.policy = theirs.policy;
        t.traits.number = theirs.number;
        if (auto ok = create_records(db, t); !ok) return ok.failure();
        known = &t;
    }
    vault_table& table = own(*known);
    if (table.unfit) return unfit_table(table);
    if (auto ok = take_kind(db, table, theirs); !ok) return ok.failure();
    resolved_table out{table.number, &table.traits, {}};
    for (const column_traits& column : theirs.columns) {
        auto c = table.traits.column(column.name);
        if (c && column.rule != merge_rule::lww && table.traits.columns[*c].rule != column.rule)
            return rule_mismatch(table.traits.name, table.traits.columns[*c], column.rule);
        if (!c) {
            auto added = add_column(db, table, column);
            if (!added) return added.failure();
            c = *added;
        }
        std::string& refers = table.traits.columns[*c].refers;
        if (!column.refers.empty() && refers != column.refers) {
            if (!refers.empty()) return reference_mismatch(table.traits.name, column.name);
            refers = column.refers;
            if (auto ok = db.run("UPDATE casasync_column SET refers = ?3 WHERE t = ?1 AND c = ?2",
                                 std::int64_t{table.number}, std::int64_t{*c}, refers);
                !ok)
                return ok.failure();
        }
        out.columns.push_back(*c);
    }
    return out;
}

}  // namespace casasync::sqlite
