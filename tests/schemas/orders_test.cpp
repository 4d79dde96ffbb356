// SPDX-License-Identifier: MIT
/// Order management: composite and text keys, employees who have employees as bosses, CHECKs, STRICT and
/// WITHOUT ROWID tables, cascades over three levels, a trigger that refuses.
#include "history.hpp"

#include <casasync_test/catch.hpp>

namespace {

const casasync_test::app_schema orders{
    .tables = R"sql(
        CREATE TABLE employee(code TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL,
            boss TEXT REFERENCES employee(code) ON DELETE SET NULL ON UPDATE CASCADE,
            badge INTEGER UNIQUE, CHECK(boss IS NOT code)) STRICT;
        CREATE TABLE customer(region TEXT NOT NULL, number INTEGER NOT NULL, name TEXT,
            credit REAL CHECK(credit IS NULL OR credit >= 0), PRIMARY KEY(region, number)) WITHOUT ROWID;
        CREATE TABLE product(sku TEXT NOT NULL PRIMARY KEY, name TEXT UNIQUE COLLATE NOCASE,
            price REAL NOT NULL CHECK(price >= 0), stock INT NOT NULL DEFAULT 0 CHECK(stock >= 0), extra ANY)
            STRICT, WITHOUT ROWID;
        CREATE TABLE "order"(region TEXT NOT NULL, number INTEGER NOT NULL, customer INTEGER,
            seller TEXT REFERENCES employee(code) ON DELETE SET NULL ON UPDATE CASCADE,
            placed TEXT NOT NULL DEFAULT '2026-01-01', shipped TEXT, PRIMARY KEY(region, number),
            FOREIGN KEY(region, customer) REFERENCES customer(region, number) ON DELETE CASCADE ON UPDATE CASCADE,
            CHECK(shipped IS NULL OR shipped >= placed)) WITHOUT ROWID;
        CREATE TABLE line(region TEXT NOT NULL, number INTEGER NOT NULL,
            sku TEXT NOT NULL REFERENCES product(sku) ON UPDATE CASCADE,
            quantity INTEGER NOT NULL DEFAULT 1 CHECK(quantity > 0), discount REAL NOT NULL DEFAULT 0,
            PRIMARY KEY(region, number, sku),
            FOREIGN KEY(region, number) REFERENCES "order"(region, number) ON DELETE CASCADE ON UPDATE CASCADE);
        CREATE TABLE delivery(id TEXT NOT NULL PRIMARY KEY, region TEXT, number INTEGER, sku TEXT,
            at TEXT, FOREIGN KEY(region, number, sku) REFERENCES line ON DELETE SET NULL ON UPDATE CASCADE);
        CREATE INDEX delivery_of ON delivery(region, number, sku);
        CREATE TRIGGER no_free_lines BEFORE INSERT ON line WHEN NEW.discount >= 1 BEGIN
            SELECT RAISE(ABORT, 'nothing is free');
        END)sql",
    .rows = R"sql(
        INSERT INTO employee VALUES('ann', 'Ann', NULL, 1), ('bob', 'Bob', 'ann', 2), ('cat', 'Cat', 'bob', NULL);
        INSERT INTO customer VALUES('eu', 1, 'Dot', 100.0), ('eu', 2, 'Eve', NULL), ('us', 1, 'Fay', 0);
        INSERT INTO product VALUES('p1', 'Pen', 1.5, 10, NULL), ('p2', 'Ink', 3, 0, x'00'), ('p3', 'Paper', 2, 5, 'x');
        INSERT INTO "order" VALUES('eu', 1, 1, 'ann', '2026-01-01', NULL), ('us', 1, 1, 'bob', '2026-01-02',
            '2026-01-03'), ('eu', 2, NULL, NULL, '2026-01-01', NULL);
        INSERT INTO line VALUES('eu', 1, 'p1', 2, 0), ('eu', 1, 'p2', 1, 0.1), ('us', 1, 'p1', 1, 0);
        INSERT INTO delivery VALUES('d1', 'eu', 1, 'p1', '2026-01-05'), ('d2', NULL, NULL, NULL, NULL))sql",
    .tracked = {{"employee"}, {"customer"}, {"product"}, {"order"}, {"line"}, {"delivery"}},
    .writes =
        {
            "INSERT {or}INTO employee VALUES({code}, {name}, {boss}, {number})",
            "UPDATE {or}employee SET boss = {boss} WHERE code = {code}",
            "UPDATE {or}employee SET badge = {number}, name = {name} WHERE code = {code}",
            "UPDATE {or}employee SET code = {code} WHERE code = {code}",
            "UPDATE employee SET badge = 3 - badge WHERE badge IN (1, 2)",
            "DELETE FROM employee WHERE code = {code}",
            "INSERT {or}INTO customer VALUES({region}, {number}, {name}, {amount})",
            "INSERT INTO customer VALUES({region}, {number}, {name}, 1) ON CONFLICT DO UPDATE SET credit = "
            "credit - "
            "1",
            "UPDATE {or}customer SET region = {region} WHERE number = {number}",
            "UPDATE {or}customer SET number = {number}, credit = {amount} WHERE region = {region} AND number "
            "= "
            "{number}",
            "DELETE FROM customer WHERE region = {region} AND number = {number}",
            "INSERT {or}INTO product VALUES({sku}, {product}, {amount}, {number}, {extra})",
            "UPDATE {or}product SET stock = stock - 1 WHERE sku >= {sku}",
            "UPDATE {or}product SET name = {product}, extra = {extra} WHERE sku = {sku}",
            "UPDATE {or}product SET sku = {sku} WHERE name = {product}",
            "DELETE FROM product WHERE sku = {sku}",
            "INSERT {or}INTO \"order\"(region, number, customer, seller) VALUES({region}, {number}, "
            "{number}, {code})",
            "INSERT INTO \"order\"(region, number, placed, shipped) VALUES({region}, {number}, {day}, {day}) "
            "ON "
            "CONFLICT(region, number) DO UPDATE SET shipped = excluded.shipped WHERE shipped IS NULL",
            "UPDATE {or}\"order\" SET placed = {day} WHERE region = {region}",
            "UPDATE {or}\"order\" SET shipped = {day}, seller = {code} WHERE number = {number}",
            "UPDATE {or}\"order\" SET number = {number} WHERE region = {region} AND number = {number}",
            "UPDATE {or}\"order\" SET customer = {number} WHERE region = {region}",
            "DELETE FROM \"order\" WHERE region = {region} AND number = {number}",
            "INSERT {or}INTO line VALUES({region}, {number}, {sku}, {number}, {amount} / 10)",
            "INSERT {or}INTO line(region, number, sku) SELECT region, number, {sku} FROM \"order\"",
            "UPDATE {or}line SET sku = {sku} WHERE sku = {sku}",
            "UPDATE {or}line SET quantity = quantity - 1, discount = 0.5 WHERE region = {region}",
            "DELETE FROM line WHERE sku = {sku}",
            "INSERT {or}INTO delivery VALUES({delivery}, {region}, {number}, {sku}, {day})",
            "UPDATE {or}delivery SET number = {number}, at = {day} WHERE id = {delivery}",
            "UPDATE {or}delivery SET id = {delivery} WHERE region = {region}",
            "DELETE FROM delivery WHERE at = {day}",
        },
    .words =
        {
            {"number", {"1", "2", "3", "NULL", "0"}},
            {"region", {"'eu'", "'us'", "'eu'"}},
            {"code", {"'ann'", "'bob'", "'cat'", "'dan'"}},
            {"boss", {"{code}", "NULL"}},
            {"name", {"'Ann'", "'Dot'", "NULL"}},
            {"sku", {"'p1'", "'p2'", "'p3'", "'p4'"}},
            {"product", {"'Pen'", "'PEN'", "'ink'", "'Paper'", "NULL"}},
            {"amount", {"0", "1.5", "10", "-1", "NULL", "'9'"}},
            {"extra", {"NULL", "1", "1.0", "'1'", "x'31'"}},
            {"day", {"'2026-01-01'", "'2026-01-02'", "'2026-01-03'", "NULL"}},
            {"delivery", {"'d1'", "'d2'", "'d3'"}},
        },
    .holds = {"SELECT * FROM line WHERE discount >= 1"}};

}  // namespace

TEST_CASE("order management on three devices", "[schema]") {
    casasync_test::live(orders);
}
