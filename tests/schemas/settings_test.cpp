// SPDX-License-Identifier: MIT
/// Key and value: text keys, names with quotes, spaces, keywords and every script, values of every class, a
/// unique column that replaces.
#include "history.hpp"

#include <casasync_test/catch.hpp>

namespace {

const casasync_test::app_schema settings{
    .tables = R"sql(
        CREATE TABLE "key value"("key" TEXT NOT NULL PRIMARY KEY, "value", "from" TEXT DEFAULT 'app',
            "Größe" NUMERIC, "say ""hi""" INTEGER, "a.b" REAL);
        CREATE TABLE "select"("group" TEXT NOT NULL, "order" TEXT NOT NULL, "значение", "[x]" BLOB DEFAULT x'00',
            PRIMARY KEY("group", "order")) WITHOUT ROWID;
        CREATE TABLE "設定 'of' the app"("名" TEXT NOT NULL PRIMARY KEY, "値" DEFAULT (1 + 1),
            "on" INTEGER UNIQUE ON CONFLICT REPLACE, "of" TEXT REFERENCES "key value"("key") ON DELETE SET NULL);
        CREATE TABLE "new"(old TEXT NOT NULL PRIMARY KEY, "new" TEXT UNIQUE, excluded INTEGER, rowid TEXT) WITHOUT ROWID)sql",
    .rows = R"sql(
        INSERT INTO "key value" VALUES('theme', 'dark', 'app', 1, 2, 3), ('empty', NULL, NULL, NULL, NULL, NULL),
            ('', x'', '', '', '', '');
        INSERT INTO "select" VALUES('a', 'b', 9223372036854775807, NULL), ('a', '', -0.0, x'ff');
        INSERT INTO "設定 'of' the app" VALUES('ключ', 0.1, 1, 'theme'), ('鍵', 'x', 2, NULL);
        INSERT INTO "new" VALUES('o', 'n', 1, 'r'))sql",
    .tracked = {{"key value"}, {"select"}, {"設定 'of' the app"}, {"new"}},
    .writes =
        {
            "INSERT {or}INTO \"key value\"(\"key\", \"value\") VALUES({key}, {value})",
            "INSERT {or}INTO \"key value\" VALUES({key}, {value}, {value}, {value}, {value}, {value})",
            "INSERT INTO \"key value\"(\"key\", \"value\") VALUES({key}, {value}) ON CONFLICT(\"key\") DO "
            "UPDATE SET "
            "\"value\" = excluded.\"value\"",
            "UPDATE \"key value\" SET \"value\" = {value} WHERE \"key\" = {key}",
            "UPDATE \"key value\" SET \"Größe\" = {value}, \"from\" = {value} WHERE \"key\" >= {key}",
            "UPDATE \"key value\" SET \"say \"\"hi\"\"\" = {value}, \"a.b\" = {value} WHERE \"key\" = {key}",
            "UPDATE \"key value\" SET \"value\" = \"from\", \"from\" = \"value\"",
            "UPDATE {or}\"key value\" SET \"key\" = {key} WHERE \"key\" = {key}",
            "DELETE FROM \"key value\" WHERE \"key\" = {key}",
            "INSERT {or}INTO \"select\" VALUES({key}, {key}, {value}, {value})",
            "INSERT {or}INTO \"select\"(\"group\", \"order\") VALUES('a', {key}), ('b', {key})",
            "UPDATE {or}\"select\" SET \"group\" = {key} WHERE \"order\" = {key}",
            "UPDATE \"select\" SET \"значение\" = {value}, \"[x]\" = {value} WHERE \"group\" = 'a'",
            "DELETE FROM \"select\" WHERE \"order\" = {key}",
            "INSERT INTO \"設定 'of' the app\" VALUES({key}, {value}, {number}, {key})",
            "INSERT {or}INTO \"設定 'of' the app\"(\"名\", \"on\") VALUES({key}, {number}), ({key}, "
            "{number})",
            "UPDATE \"設定 'of' the app\" SET \"on\" = {number}, \"値\" = {value} WHERE \"名\" = {key}",
            "UPDATE {or}\"設定 'of' the app\" SET \"on\" = 3 - \"on\" WHERE \"on\" < 3",
            "UPDATE {or}\"設定 'of' the app\" SET \"of\" = {key} WHERE \"名\" = {key}",
            "UPDATE {or}\"設定 'of' the app\" SET \"名\" = {key} WHERE \"名\" = {key}",
            "DELETE FROM \"設定 'of' the app\" WHERE \"on\" = {number}",
            "INSERT {or}INTO \"new\" VALUES({key}, {key}, {number}, {value})",
            "INSERT INTO \"new\"(old, excluded) VALUES({key}, {number}) ON CONFLICT(old) DO UPDATE SET "
            "excluded = "
            "excluded.excluded, \"new\" = {key}",
            "UPDATE {or}\"new\" SET \"new\" = {key}, rowid = {value} WHERE old = {key}",
            "DELETE FROM \"new\" WHERE \"new\" = {key}",
        },
    .words =
        {
            {"number", {"1", "2", "3", "NULL"}},
            {"key", {"'theme'", "'Theme'", "'empty'", "''", "'ключ'", "'鍵'", "'a'", "x'61'"}},
            {"value",
             {"NULL",
              "0",
              "1",
              "1.0",
              "-0.0",
              "0.1",
              "9223372036854775807",
              "-9223372036854775808",
              "1e300",
              "9e999",
              "''",
              "'1'",
              "'1.0'",
              "'текст'",
              "x''",
              "x'31'",
              "x'00ff'",
              "CAST(x'610062' AS TEXT)",
              "CAST(x'ff' AS TEXT)",
              "zeroblob(4000)"}},
        },
    .holds = {}};

}  // namespace

TEST_CASE("settings on three devices", "[schema]") {
    casasync_test::live(settings);
}
