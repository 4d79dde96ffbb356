// SPDX-License-Identifier: MIT
/// Personal finance: integer keys, names that are unique whatever their case, entries and transfers that
/// refer to accounts, and totals which triggers keep in a table beside.
#include "history.hpp"

#include <casasync_test/catch.hpp>

namespace {

const casasync_test::app_schema finance{
    .tables = R"sql(
        CREATE TABLE currency(code TEXT NOT NULL PRIMARY KEY, decimals INTEGER NOT NULL DEFAULT 2);
        CREATE TABLE account(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE,
            kind TEXT NOT NULL DEFAULT 'cash' CHECK(kind IN ('cash', 'bank', 'card')),
            currency TEXT REFERENCES currency(code) ON UPDATE CASCADE ON DELETE SET NULL,
            closed INTEGER NOT NULL DEFAULT 0);
        CREATE TABLE category(id INTEGER PRIMARY KEY, name TEXT NOT NULL COLLATE NOCASE,
            parent INTEGER REFERENCES category(id) ON DELETE SET NULL, UNIQUE(parent, name));
        CREATE TABLE payee(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE COLLATE NOCASE);
        CREATE TABLE entry(id INTEGER PRIMARY KEY,
            account INTEGER NOT NULL REFERENCES account(id) ON DELETE CASCADE ON UPDATE CASCADE,
            category INTEGER REFERENCES category(id) ON DELETE SET NULL ON UPDATE CASCADE,
            payee INTEGER REFERENCES payee, day TEXT, cents INTEGER NOT NULL, note TEXT);
        CREATE INDEX entry_of_account ON entry(account);
        CREATE TABLE transfer(id INTEGER PRIMARY KEY,
            source INTEGER NOT NULL REFERENCES account(id) ON DELETE CASCADE,
            target INTEGER NOT NULL REFERENCES account(id) ON DELETE CASCADE,
            cents INTEGER NOT NULL CHECK(cents > 0), CHECK(source <> target));
        CREATE TABLE total(account INTEGER PRIMARY KEY, cents INTEGER NOT NULL);
        CREATE TRIGGER entry_added AFTER INSERT ON entry BEGIN
            REPLACE INTO total SELECT NEW.account, coalesce(sum(cents), 0) FROM entry WHERE account = NEW.account;
        END;
        CREATE TRIGGER entry_changed AFTER UPDATE OF account, cents ON entry BEGIN
            REPLACE INTO total SELECT OLD.account, coalesce(sum(cents), 0) FROM entry WHERE account = OLD.account;
            REPLACE INTO total SELECT NEW.account, coalesce(sum(cents), 0) FROM entry WHERE account = NEW.account;
        END;
        CREATE TRIGGER entry_gone AFTER DELETE ON entry BEGIN
            REPLACE INTO total SELECT OLD.account, coalesce(sum(cents), 0) FROM entry WHERE account = OLD.account;
        END)sql",
    .rows = R"sql(
        INSERT INTO currency(code) VALUES('EUR'), ('USD');
        INSERT INTO account(id, name, kind, currency) VALUES(1, 'Cash', 'cash', 'EUR'), (2, 'Bank', 'bank', 'EUR'),
            (5, 'Card', 'card', NULL);
        INSERT INTO category VALUES(1, 'Food', NULL), (2, 'Eating out', 1), (3, 'Home', NULL);
        INSERT INTO payee VALUES(1, 'Grocer'), (2, 'Landlord');
        INSERT INTO entry VALUES(1, 1, 1, 1, '2026-01-01', -350, NULL), (2, 2, 3, 2, '2026-01-02', -80000, 'rent'),
            (3, 1, 2, NULL, '2026-01-02', -1200, 'pizza');
        INSERT INTO transfer VALUES(1, 2, 1, 10000))sql",
    .tracked = {{"currency"}, {"account"}, {"category"}, {"payee"}, {"entry"}, {"transfer"}},
    .writes =
        {
            "INSERT {or}INTO account(name, kind, currency) VALUES({account name}, {kind}, {currency})",
            "INSERT {or}INTO account(id, name) VALUES({number}, {account name})",
            "UPDATE {or}account SET name = {account name} WHERE id = {account}",
            "UPDATE account SET kind = {kind}, closed = 1 - closed WHERE id = {account}",
            "UPDATE account SET currency = {currency} WHERE id >= {account}",
            "UPDATE {or}account SET id = {number} WHERE id = {account}",
            "DELETE FROM account WHERE id = {account}",
            "INSERT {or}INTO currency(code) VALUES({currency})",
            "UPDATE currency SET code = {currency} WHERE code = {currency}",
            "DELETE FROM currency WHERE code = {currency}",
            "INSERT {or}INTO category(name, parent) VALUES({category name}, {category})",
            "UPDATE {or}category SET parent = {category} WHERE id = {category}",
            "UPDATE {or}category SET name = {category name} WHERE id = {category}",
            "DELETE FROM category WHERE id = {category}",
            "INSERT INTO payee(name) VALUES({payee name}) ON CONFLICT(name) DO UPDATE SET name = "
            "excluded.name",
            "INSERT {or}INTO payee(name) VALUES({payee name}), ({payee name})",
            "DELETE FROM payee WHERE id = {payee}",
            "INSERT INTO entry(account, category, payee, day, cents, note) VALUES({account}, {category}, "
            "{payee}, "
            "{day}, {cents}, {note})",
            "INSERT INTO entry(account, category, day, cents) SELECT account, category, {day}, cents FROM "
            "entry "
            "WHERE account = {account} LIMIT 2",
            "INSERT INTO entry(id, account, cents) VALUES({number}, {account}, {cents}) ON CONFLICT(id) DO "
            "UPDATE "
            "SET cents = excluded.cents, note = {note}",
            "UPDATE entry SET category = {category}, note = {note} WHERE id = {entry}",
            "UPDATE entry SET account = {account} WHERE id = {entry}",
            "UPDATE entry SET cents = cents + {cents}, day = {day} WHERE day = {day}",
            "UPDATE {plain or}entry SET id = {number} WHERE id = {entry}",
            "DELETE FROM entry WHERE id = {entry}",
            "DELETE FROM entry WHERE day = {day}",
            "INSERT {or}INTO transfer(source, target, cents) VALUES({account}, {account}, {cents})",
            "INSERT {or}INTO transfer VALUES({number}, {account}, {account}, abs({cents}))",
            "UPDATE {or}transfer SET source = {account} WHERE id = {transfer}",
            "UPDATE transfer SET target = source, source = target WHERE cents = abs({cents})",
            "DELETE FROM transfer WHERE id = {transfer}",
        },
    .words =
        {
            {"number", {"1", "2", "3", "4", "5", "6", "7"}},
            {"offset", {"0", "1", "2", "3"}},
            {"account", {"(SELECT id FROM account ORDER BY id LIMIT 1 OFFSET {offset})", "{number}"}},
            {"category",
             {"(SELECT id FROM category ORDER BY id LIMIT 1 OFFSET {offset})",
              "(SELECT id FROM category WHERE name = {category name})", "NULL"}},
            {"payee", {"(SELECT id FROM payee WHERE name = {payee name})", "NULL", "{number}"}},
            {"entry", {"(SELECT id FROM entry ORDER BY id LIMIT 1 OFFSET {offset})", "{number}"}},
            {"transfer", {"(SELECT id FROM transfer ORDER BY id LIMIT 1 OFFSET {offset})"}},
            {"plain or", {"", "OR IGNORE ", "OR FAIL "}},
            {"account name", {"'Cash'", "'CASH'", "'bank'", "'Card'", "'Savings'", "'savings'"}},
            {"category name", {"'Food'", "'food'", "'Home'", "'Pets'"}},
            {"payee name", {"'Grocer'", "'GROCER'", "'Baker'", "NULL"}},
            {"kind", {"'cash'", "'bank'", "'card'", "'gold'"}},
            {"currency", {"'EUR'", "'USD'", "'GBP'", "NULL"}},
            {"day", {"'2026-01-01'", "'2026-01-02'", "'2026-01-03'"}},
            {"cents", {"-100", "-350", "250", "0", "-1"}},
            {"note", {"'a'", "'b'", "NULL", "''"}},
        },
    .holds = {
        "SELECT account, sum(e.cents), total.cents FROM entry AS e LEFT JOIN total USING(account) GROUP BY "
        "account HAVING total.cents IS NOT sum(e.cents)",
        "SELECT * FROM total WHERE cents <> 0 AND account NOT IN (SELECT account FROM entry)",
    }};

}  // namespace

TEST_CASE("a finance app on three devices", "[schema]") {
    casasync_test::live(finance);
}
