// SPDX-License-Identifier: MIT
#include "capture.hpp"

#include "trigger_text.hpp"

#include <algorithm>
#include <atomic>
#include <string_view>
#include <utility>

namespace casasync::sqlite {
namespace {

/// SQLite fires the trigger that was created last first. That is not documented, so it is tried.
result<bool> newest_trigger_fires_first() {
    auto db = connection::open(":memory:", open_mode::create, 0);
    if (!db) return db.failure();
    const auto made = db->execute(
        "CREATE TABLE t(a); CREATE TABLE fired(name);"
        "CREATE TRIGGER b1 BEFORE INSERT ON t BEGIN INSERT INTO fired VALUES('b1'); END;"
        "CREATE TRIGGER b2 BEFORE INSERT ON t BEGIN INSERT INTO fired VALUES('b2'); END;"
        "CREATE TRIGGER a1 AFTER INSERT ON t BEGIN INSERT INTO fired VALUES('a1'); END;"
        "CREATE TRIGGER a2 AFTER INSERT ON t BEGIN INSERT INTO fired VALUES('a2'); END;"
        "INSERT INTO t VALUES(1);");
    if (!made) return made.failure();
    const auto order =
        db->query_value("SELECT group_concat(name) FROM (SELECT name FROM fired ORDER BY rowid)");
    if (!order) return order.failure();
    return *order && **order == value("b2,b1,a2,a1");
}

/// Tried once a process; a try that fails for another reason says nothing of the order.
result<void> check_order_of_firing() {
    static std::atomic<bool> known{false};
    if (known) return {};
    const auto holds = newest_trigger_fires_first();
    if (!holds) return holds.failure();
    if (!*holds)
        return error{errc::invalid_argument,
                     "This build of SQLite fires triggers in an order that casasync does not know, so "
                     "changes could be "
                     "missed; nothing was changed. Use another version of SQLite."};
    known = true;
    return {};
}

/// The triggers of a table in the order of their creation.
result<std::vector<trigger_text>> read_triggers(connection& db, const std::string& table) {
    auto s = db.prepare(
        "SELECT name, sql FROM main.sqlite_schema WHERE type = 'trigger' AND tbl_name = ?1 COLLATE NOCASE "
        "ORDER BY rowid");
    if (!s) return s.failure();
    s->bind(1, table);
    std::vector<trigger_text> out;
    while (true) {
        const auto row = s->step();
        if (!row) return row.failure();
        if (!*row) return out;
        out.push_back({std::string(s->text(0)), std::string(s->text(1))});
    }
}

bool is_own(const trigger_text& t) {
    return std::string_view(t.name).substr(0, own_prefix.size()) == own_prefix;
}

/// True when `found` is: all of ours to fire before changes, the application's, all of ours to fire after.
bool is_sandwich(const std::vector<trigger_text>& found, const trigger_texts& wanted) {
    const std::size_t own = wanted.before.size() + wanted.after.size();
    if (static_cast<std::size_t>(std::count_if(found.begin(), found.end(), is_own)) != own) return false;
    const auto same = [](const trigger_text& a, const trigger_text& b) {
        return a.name == b.name && a.sql == b.sql;
    };
    // Without triggers before changes, it does not matter where the application's stand among the older ones.
    return std::equal(wanted.before.begin(), wanted.before.end(), found.begin(), same) &&
           std::equal(wanted.after.rbegin(), wanted.after.rend(), found.rbegin(), same);
}

result<void> run_all(connection& db, const std::vector<trigger_text>& triggers) {
    for (const trigger_text& t : triggers)
        if (const auto made = db.execute(t.sql); !made) return made;
    return {};
}

result<void> drop_all(connection& db, const std::vector<trigger_text>& triggers) {
    for (const trigger_text& t : triggers)
        if (const auto dropped = db.execute("DROP TRIGGER main." + quote_name(t.name)); !dropped)
            return dropped;
    return {};
}

/// Puts the application's triggers between ours.
result<void> build_sandwich(connection& db, const std::vector<trigger_text>& found,
                            const trigger_texts& wanted) {
    std::vector<trigger_text> own, others;
    for (const trigger_text& t : found) (is_own(t) ? own : others).push_back(t);
    const bool move_others = !wanted.before.empty();
    if (const auto done = drop_all(db, own); !done) return done;
    if (move_others) {
        if (const auto done = drop_all(db, others); !done) return done;
        if (const auto done = run_all(db, wanted.before); !done) return done;
        if (const auto done = run_all(db, others); !done) return done;
    }
    return run_all(db, wanted.after);
}

/// Has SQLite compile one statement of each kind with all triggers of the table, so that a trigger it cannot
/// compile is found now, and not by the application's next write.
result<void> check_compiles(connection& db, const table_shape& table) {
    const std::string name = "main." + quote_name(table.name);
    std::string assignments;
    for (const column_shape& c : table.columns)
        if (!c.generated)
            assignments +=
                (assignments.empty() ? "" : ", ") + quote_name(c.name) + " = " + quote_name(c.name);
    for (const std::string& sql : {"INSERT INTO " + name + " DEFAULT VALUES",
                                   "UPDATE " + name + " SET " + assignments, "DELETE FROM " + name}) {
        sqlite3_stmt* compiled = nullptr;
        const int rc = sqlite3_prepare_v2(db.handle(), sql.c_str(), -1, &compiled, nullptr);
        sqlite3_finalize(compiled);
        if ((rc & 0xff) == SQLITE_ERROR)
            return error{errc::not_trackable,
                         "The table " + quote_name(table.name) +
                             " cannot be tracked, because SQLite cannot compile the triggers for "
                             "it; nothing was changed. SQLite says: " +
                             sqlite3_errmsg(db.handle())};
        if (rc != SQLITE_OK) return to_error(rc, db.handle());
    }
    return {};
}

result<std::vector<std::string>> read_column_names(connection& db, std::string_view table) {
    auto s = db.prepare("SELECT name FROM pragma_table_info(?1, 'main') ORDER BY cid");
    if (!s) return s.failure();
    s->bind(1, table);
    std::vector<std::string> out;
    while (true) {
        const auto row = s->step();
        if (!row) return row.failure();
        if (!*row) return out;
        out.emplace_back(s->text(0));
    }
}

std::string joined(const std::vector<std::string>& names) {
    std::string out;
    for (const std::string& n : names) out += (out.empty() ? "" : ", ") + n;
    return out;
}

std::vector<std::string> columns_of_grave(const table_shape& table) {
    std::vector<std::string> out{"l"};
    for (std::size_t i = 0; i < table.columns.size(); ++i)
        if (!table.columns[i].generated) out.push_back(grave_column(i));
    return out;
}

/// True when `wanted` is `have` and perhaps more columns behind it.
bool is_extension(const std::vector<std::string>& wanted, const std::vector<std::string>& have) {
    return have.size() <= wanted.size() && std::equal(have.begin(), have.end(), wanted.begin());
}

/// Creates the graveyard, or brings it to the columns of the table.
result<void> prepare_grave(connection& db, table_number number, const table_shape& table) {
    const std::string grave = grave_table(number);
    const std::vector<std::string> wanted = columns_of_grave(table);
    std::vector<std::string> key;
    for (const std::size_t i : table.key) key.push_back(grave_column(i));

    const auto have = read_column_names(db, grave);
    if (!have) return have.failure();
    const bool extends = is_extension(wanted, *have);
    if (!have->empty() && !extends) {
        const auto rows = db.query_integer("SELECT EXISTS(SELECT 1 FROM " + grave + ")");
        if (!rows) return rows.failure();
        if (*rows != 0)
            return error{errc::invalid_argument,
                         "Columns of the table " + quote_name(table.name) +
                             " were removed before its last changes were read; nothing was "
                             "changed. Synchronise first, then change the schema."};
        if (const auto dropped = db.execute("DROP TABLE " + grave); !dropped) return dropped;
    }
    if (have->empty() || !extends)
        return db.execute("CREATE TABLE " + grave + "(" + joined(wanted) + ");CREATE INDEX " + grave +
                          "_key ON " + grave + "(" + joined(key) + ");");
    for (std::size_t i = have->size(); i < wanted.size(); ++i)
        if (const auto added = db.execute("ALTER TABLE " + grave + " ADD COLUMN " + wanted[i]); !added)
            return added;
    return {};
}

/// Gives the log as many key columns as the longest key has.
result<void> widen_log(connection& db, std::size_t key_columns) {
    const auto have = read_column_names(db, log_table);
    if (!have) return have.failure();
    for (std::size_t i = have->size() - 3; i < key_columns; ++i)
        if (const auto added =
                db.execute("ALTER TABLE " + std::string(log_table) + " ADD COLUMN k" + std::to_string(i));
            !added)
            return added;
    return {};
}

}  // namespace

result<void> create_log(connection& db) {
    return db.execute("CREATE TABLE IF NOT EXISTS " + std::string(log_table) + "(t, m, at, k0)");
}

result<void> install(connection& db, table_number number, const table_shape& table,
                     const capture_options& options) {
    if (const auto known = check_order_of_firing(); !known) return known;
    auto tx = transaction::begin(db);
    if (!tx) return tx.failure();
    if (const auto made = create_log(db); !made) return made;
    if (const auto widened = widen_log(db, table.key.size()); !widened) return widened;
    if (const auto prepared = prepare_grave(db, number, table); !prepared) return prepared;
    const trigger_texts wanted = make_trigger_texts(number, table, options);
    const auto found = read_triggers(db, table.name);
    if (!found) return found.failure();
    if (!is_sandwich(*found, wanted)) {
        if (const auto built = build_sandwich(db, *found, wanted); !built) return built;
        if (const auto compiled = check_compiles(db, table); !compiled) return compiled;
    }
    return tx->commit();
}

result<void> widen_grave(connection& db, table_number number, const table_shape& table) {
    const auto have = read_column_names(db, grave_table(number));
    if (!have) return have.failure();
    const std::vector<std::string> wanted = columns_of_grave(table);
    if (have->empty() || have->size() == wanted.size() || !is_extension(wanted, *have)) return {};
    auto tx = transaction::begin(db);
    if (!tx) return tx.failure();
    if (const auto prepared = prepare_grave(db, number, table); !prepared) return prepared;
    return tx->commit();
}

result<void> remove_triggers(connection& db, table_number number) {
    std::vector<trigger_text> own;
    {
        auto s = db.prepare("SELECT name FROM main.sqlite_schema WHERE type = 'trigger' AND name GLOB ?1");
        if (!s) return s.failure();
        s->bind(1, std::string(own_prefix) + std::to_string(number) + "_*");
        while (true) {
            const auto row = s->step();
            if (!row) return row.failure();
            if (!*row) break;
            own.push_back({std::string(s->text(0)), {}});
        }
    }
    auto tx = transaction::begin(db);
    if (!tx) return tx.failure();
    if (const auto dropped = drop_all(db, own); !dropped) return dropped;
    return tx->commit();
}

result<void> remove(connection& db, table_number number) {
    auto tx = transaction::begin(db);
    if (!tx) return tx.failure();
    if (const auto dropped = remove_triggers(db, number); !dropped) return dropped;
    if (const auto dropped = db.execute("DROP TABLE IF EXISTS main." + grave_table(number)); !dropped)
        return dropped;
    const auto cleared = db.run("DELETE FROM casasync_log WHERE t = ?1", number);
    if (!cleared) return cleared;
    return tx->commit();
}

result<bool> check_installed(connection& db, table_number number, const table_shape& table,
                             const capture_options& options) {
    if (const auto known = check_order_of_firing(); !known) return known.failure();
    const auto found = read_triggers(db, table.name);
    if (!found) return found.failure();
    return is_sandwich(*found, make_trigger_texts(number, table, options));
}

}  // namespace casasync::sqlite
