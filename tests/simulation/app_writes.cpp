// SPDX-License-Identifier: MIT
#include "app_writes.hpp"

#include <array>

namespace simulation {

const char* const first_schema =
    "PRAGMA page_size = 1024;"
    "CREATE TABLE account(id TEXT PRIMARY KEY NOT NULL, name TEXT NOT NULL UNIQUE, checked INTEGER);"
    "CREATE TABLE txn(id TEXT PRIMARY KEY NOT NULL, amount INTEGER CHECK(amount <> 13), note TEXT,"
    " account TEXT REFERENCES account(id));"
    "CREATE TABLE tag(txn TEXT NOT NULL, name TEXT NOT NULL, color TEXT, PRIMARY KEY(txn, name)) WITHOUT "
    "ROWID;"
    "CREATE TABLE item(id INTEGER PRIMARY KEY, label TEXT NOT NULL, note TEXT,"
    " inside INTEGER REFERENCES item(id) ON DELETE SET NULL);"
    "CREATE TABLE pin(item INTEGER NOT NULL REFERENCES item(id) ON DELETE CASCADE, color TEXT NOT NULL,"
    " size INTEGER, PRIMARY KEY(item, color));"
    "INSERT INTO item VALUES(1, 'i1', 'i1 old', NULL), (2, 'i2', 'i2 old', 1);"
    "INSERT INTO pin VALUES(1, 'red', 1);"
    "INSERT INTO account VALUES('a0', 'Cash', 10), ('a1', 'Bank', 20);"
    "INSERT INTO txn VALUES('t0', -700, 'Rent', 'a1'), ('t1', -3, 'Food', 'a0');";
const char* const more_columns = "ALTER TABLE txn ADD COLUMN place TEXT";
const char* const more_tables =
    "CREATE TABLE IF NOT EXISTS budget(month TEXT PRIMARY KEY NOT NULL, amount INTEGER)";

namespace {

using casasync_test::dice;

std::string quoted(const std::string& text) {
    return "'" + text + "'";
}
std::string of(const char* letter, std::uint64_t n) {
    return quoted(letter + std::to_string(n));
}
std::string transaction_id(dice& d) {
    return of("t", d.below(5));
}
std::string account_id(dice& d) {
    return of("a", d.below(3));
}
/// A name that others want as well, or one of its own.
std::string account_name(dice& d, std::uint64_t serial) {
    constexpr std::array<const char*, 3> wanted{"Cash", "Bank", "Card"};
    return d.percent(75) ? quoted(wanted[d.below(wanted.size())]) : of("name ", serial);
}

/// Names a row that is taken away: this transaction may have inserted it.
void take_away(app_write& w, const char* table, const std::string& id) {
    if (!w.sql.empty()) w.named.insert({table, id});
}

void add_row(app_write& w, dice& d, std::uint64_t serial) {
    const std::string id = transaction_id(d), number = std::to_string(1000 + serial);
    const bool replace = d.percent(30);
    w.sql += replace ? "INSERT OR REPLACE" : "INSERT OR IGNORE";
    w.sql += " INTO txn(id, amount, note, account) VALUES(" + id + ", " + number + ", " + of("new ", serial) +
             ", " + account_id(d) + ");";
    (replace ? w.replaced : w.named).insert({"txn", id});
}

void change_row(app_write& w, dice& d, std::uint64_t serial, bool upgraded) {
    const std::string which = " WHERE id = " + transaction_id(d) + ";",
                      number = std::to_string(1000 + serial);
    switch (d.below(upgraded ? 6 : 5)) {
        case 0:
            w.sql += "UPDATE txn SET note = " + of("note ", serial) + which;
            break;
        case 1:
            w.sql += "UPDATE txn SET amount = " + number + which;
            break;
        case 2:
            w.sql += "UPDATE txn SET amount = " + number + ", note = " + of("both ", serial) + which;
            break;
        case 3:
            w.sql += "UPDATE txn SET account = " + account_id(d) + which;
            break;
        case 4:
            w.sql += "INSERT INTO txn(id, note) VALUES(" + transaction_id(d) + ", " + of("up ", serial) +
                     ") ON CONFLICT(id) DO UPDATE SET note = excluded.note;";
            break;
        default:
            w.sql += "UPDATE txn SET place = " + of("place ", serial) + which;
    }
}

void change_account(app_write& w, dice& d, std::uint64_t serial) {
    const std::string id = account_id(d);
    switch (d.below(4)) {
        case 0:
            w.sql += "UPDATE account SET name = " + account_name(d, serial) + " WHERE id = " + id + ";";
            break;
        case 1:
            w.sql +=
                "UPDATE account SET checked = " + std::to_string(d.below(50)) + " WHERE id = " + id + ";";
            break;
        case 2:
            take_away(w, "account", id);
            w.sql += "DELETE FROM account WHERE id = " + id + ";";
            break;
        default:
            w.sql += "INSERT OR IGNORE INTO account VALUES(" + id + ", " + account_name(d, serial) + ", " +
                     std::to_string(d.below(50)) + ");";
    }
}

void change_tag(app_write& w, dice& d, std::uint64_t serial) {
    const std::string txn = transaction_id(d), name = of("x", d.below(2));
    if (d.percent(30)) {
        w.sql += "DELETE FROM tag WHERE txn = " + txn + ";";
        return;
    }
    w.sql += "INSERT OR REPLACE INTO tag VALUES(" + txn + ", " + name + ", " + of("color ", serial) + ");";
    w.replaced.insert({"tag", txn + "," + name});
}

void change_budget(app_write& w, dice& d, std::uint64_t serial) {
    const std::string month = of("m", d.below(2));
    w.sql += "INSERT OR REPLACE INTO budget VALUES(" + month + ", " + std::to_string(1000 + serial) + ");";
    w.replaced.insert({"budget", month});
}

/// Rows whose numbers SQLite gives out, so that devices give out the same ones. An item's label is its name
/// for good, and the first word of its note.
void change_item(app_write& w, dice& d, std::uint64_t serial) {
    const auto item = [&d] {
        return "(SELECT id FROM item ORDER BY label LIMIT 1 OFFSET " + std::to_string(d.below(4)) + ")";
    };
    const std::string number = std::to_string(1000 + serial), label = "i" + std::to_string(10 + serial);
    const std::string color = d.percent(50) ? "'red'" : "'blue'";
    std::string which;
    switch (d.below(8)) {
        case 0:
        case 1:
            w.sql += "INSERT INTO item(label, note, inside) VALUES(" + quoted(label) + ", " +
                     quoted(label + " " + number) + ", " + item() + ");";
            break;
        case 2:
        case 3:
            w.sql += "UPDATE item SET note = label || ' " + number + "' WHERE id = " + item() + ";";
            break;
        case 4:
            which = item();
            w.sql += "UPDATE item SET inside = " + item() + " WHERE id = " + which + ";";
            break;
        case 5:
            w.sql += "DELETE FROM item WHERE id = " + item() + ";";
            break;
        case 6:
            w.sql += "INSERT OR REPLACE INTO pin SELECT id, " + color + ", " + number +
                     " FROM item WHERE id = " + item() + ";";
            break;
        default:
            w.sql += d.percent(50) ? "DELETE FROM pin WHERE item = " + item() + ";"
                                   : "UPDATE pin SET size = " + number + " WHERE color = " + color + ";";
    }
}

void one_write(app_write& w, dice& d, std::uint64_t serial, bool upgraded, bool numbers) {
    if (numbers && d.percent(70)) return change_item(w, d, serial);
    const std::uint64_t kind = d.below(upgraded ? 24 : 22);
    if (kind < 5) return change_row(w, d, serial, upgraded);
    if (kind < 8) return add_row(w, d, serial);
    if (kind < 12) return change_account(w, d, serial);
    if (kind == 12) {
        const std::string id = transaction_id(d);
        take_away(w, "txn", id);
        w.sql += "DELETE FROM txn WHERE id = " + id + ";";
        return;
    }
    if (kind == 13) {
        const std::string from = transaction_id(d), to = transaction_id(d);
        take_away(w, "txn", from);
        w.sql += "UPDATE OR IGNORE txn SET id = " + to + " WHERE id = " + from + ";";
        return;
    }
    if (kind < 16) return change_tag(w, d, serial);
    if (kind < 22) return change_item(w, d, serial);
    change_budget(w, d, serial);
}

}  // namespace

app_write draw_write(dice& d, std::uint64_t serial, bool upgraded, bool numbers) {
    app_write w;
    const std::uint64_t n = d.percent(70) ? 1 : 2 + d.below(3);
    for (std::uint64_t i = 0; i < n; ++i) one_write(w, d, serial * 10 + i, upgraded, numbers);
    return w;
}

}  // namespace simulation
