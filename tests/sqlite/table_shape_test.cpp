// SPDX-License-Identifier: MIT
#include <casasync_test/catch.hpp>

#include "definition_text.hpp"
#include "file.hpp"
#include "table_shape.hpp"

using namespace casasync;
using namespace casasync::sqlite;

namespace {

table_shape shape_of(connection& db, const char* name) {
    auto shape = read_shape(db, name);
    REQUIRE(shape);
    return std::move(*shape);
}

/// Returns why the table "t" that `sql` makes is refused, or "".
std::string refusal(const std::string& sql, const char* name = "t") {
    connection db = sqlite_test::memory();
    REQUIRE(db.execute(sql));
    const auto checked = check_trackable(shape_of(db, name));
    if (checked) return "";
    CHECK(checked.code() == errc::not_trackable);
    return checked.failure().detail;
}

}  // namespace

TEST_CASE("a table's shape is read whole", "[sqlite][shape]") {
    connection db = sqlite_test::memory();
    REQUIRE(db.execute(R"(
        CREATE TABLE parent(x TEXT NOT NULL, y INT NOT NULL, PRIMARY KEY(x, y));
        CREATE TABLE "T ""1"(b VARCHAR(9) NOT NULL DEFAULT 'none', a BLOB NOT NULL, "c d" DOUBLE COLLATE NOCASE UNIQUE,
            x, y DECIMAL(10,2), z /* , */ INTEGER GENERATED ALWAYS AS (length(b) + (1)) STORED,
            w AS ("c d" || ')') CHECK (w IS NOT ','), PRIMARY KEY(b, a), FOREIGN KEY(x, y) REFERENCES parent ON DELETE CASCADE,
            FOREIGN KEY(b) REFERENCES other(id) ON UPDATE SET NULL) WITHOUT ROWID;
        CREATE UNIQUE INDEX "i 1" ON "T ""1"(lower(b) || ',' COLLATE NOCASE desc, z) WHERE x > 1 OR "c d" = 'where';
        CREATE INDEX not_unique ON "T ""1"(x);)"));
    const table_shape t = shape_of(db, "t \"1");
    CHECK(t.name == "T \"1");
    CHECK(t.kind == table_kind::table);
    CHECK(t.without_rowid);
    CHECK_FALSE(t.integer_key);
    CHECK_FALSE(t.strict);
    REQUIRE(t.columns.size() == 7);
    CHECK(t.key == std::vector<std::size_t>{0, 1});
    CHECK(t.columns[0].key_position == 1);
    CHECK(t.columns[0].kept_as == affinity::text);
    CHECK(t.columns[0].not_null);
    CHECK(t.columns[0].default_sql == "'none'");
    CHECK(t.columns[1].kept_as == affinity::none);
    CHECK(t.columns[2].kept_as == affinity::real);
    CHECK(t.columns[2].collation == "NOCASE");
    CHECK(t.columns[3].kept_as == affinity::none);
    CHECK_FALSE(t.columns[3].default_sql.has_value());
    CHECK(t.columns[4].kept_as == affinity::numeric);
    CHECK(t.columns[5].generated);
    CHECK(t.columns[5].generated_sql == "length(b) + (1)");
    CHECK(t.columns[6].generated_sql == "\"c d\" || ')'");
    CHECK(t.column("c d") == std::size_t{2});
    CHECK_FALSE(t.column("C D").has_value());

    REQUIRE(t.uniques.size() == 2);
    CHECK(t.uniques[0].parts.size() == 1);
    CHECK(t.uniques[0].parts[0].column == std::size_t{2});
    CHECK(t.uniques[0].parts[0].collation == "NOCASE");
    CHECK(t.uniques[0].sql.empty());
    CHECK(t.uniques[1].name == "i 1");
    REQUIRE(t.uniques[1].parts.size() == 2);
    CHECK(t.uniques[1].parts[0].expression == "lower(b) || ',' COLLATE NOCASE");
    CHECK(t.uniques[1].parts[1].column == std::size_t{5});
    CHECK(t.uniques[1].where == "x > 1 OR \"c d\" = 'where'");

    REQUIRE(t.foreign_keys.size() == 2);
    CHECK(t.foreign_keys[0].parent == "parent");
    CHECK(t.foreign_keys[0].columns == std::vector<std::string>{"x", "y"});
    CHECK(t.foreign_keys[0].parent_columns.empty());
    CHECK(t.foreign_keys[0].on_delete == "CASCADE");
    CHECK(t.foreign_keys[1].parent_columns == std::vector<std::string>{"id"});
    CHECK(t.foreign_keys[1].on_update == "SET NULL");
}

TEST_CASE("an INTEGER PRIMARY KEY is told from a key that is only called so", "[sqlite][shape]") {
    connection db = sqlite_test::memory();
    REQUIRE(db.execute(R"(
        CREATE TABLE rowid_alias(id INTEGER PRIMARY KEY AUTOINCREMENT, a);
        CREATE TABLE other_type(id INT NOT NULL PRIMARY KEY, a);
        CREATE TABLE descending(id INTEGER NOT NULL PRIMARY KEY DESC, a);
        CREATE TABLE no_rowid(id INTEGER PRIMARY KEY, a) WITHOUT ROWID;
        CREATE TABLE strict_any(id ANY PRIMARY KEY, a ANY, b INT) STRICT;
        CREATE TABLE loose_any(id TEXT NOT NULL PRIMARY KEY, a ANY);)"));
    CHECK(shape_of(db, "rowid_alias").integer_key);
    CHECK(shape_of(db, "rowid_alias").autoincrement);
    CHECK_FALSE(shape_of(db, "other_type").integer_key);
    CHECK_FALSE(shape_of(db, "descending").integer_key);
    CHECK_FALSE(shape_of(db, "no_rowid").integer_key);
    CHECK(shape_of(db, "no_rowid").columns[0].not_null);
    CHECK(shape_of(db, "strict_any").strict);
    CHECK(shape_of(db, "strict_any").columns[0].not_null);
    CHECK(shape_of(db, "strict_any").columns[1].kept_as == affinity::none);
    CHECK(shape_of(db, "loose_any").columns[1].kept_as == affinity::numeric);
    CHECK(read_shape(db, "nothing").code() == errc::not_found);
}

TEST_CASE("tables with a usable key can be tracked", "[sqlite][shape]") {
    CHECK(refusal("CREATE TABLE t(id TEXT NOT NULL PRIMARY KEY)") == "");
    CHECK(refusal("CREATE TABLE t(id TEXT PRIMARY KEY, a) WITHOUT ROWID") == "");
    CHECK(refusal("CREATE TABLE t(id TEXT PRIMARY KEY) STRICT") == "");
    CHECK(refusal("CREATE TABLE t(a BLOB NOT NULL, b INT NOT NULL, PRIMARY KEY(b, a))") == "");
    CHECK(refusal("CREATE TABLE t(id INTEGER PRIMARY KEY)") == "");
    CHECK(refusal("CREATE TABLE t(id TEXT NOT NULL COLLATE binary PRIMARY KEY, a COLLATE NOCASE UNIQUE)") ==
          "");
}

TEST_CASE("a table that cannot be tracked is refused with the reason and the fix", "[sqlite][shape]") {
    using Catch::Matchers::Contains;
    CHECK_THAT(refusal("CREATE TABLE t(a)"), Contains("no PRIMARY KEY") && Contains("UUID"));
    CHECK_THAT(refusal("CREATE TABLE t(id TEXT PRIMARY KEY)"),
               Contains("\"id\" may be NULL") && Contains("NOT NULL"));
    CHECK_THAT(refusal("CREATE TABLE t(id TEXT NOT NULL COLLATE NOCASE PRIMARY KEY)"), Contains("NOCASE"));
    CHECK_THAT(refusal("CREATE TABLE t(id TEXT NOT NULL, PRIMARY KEY(id COLLATE RTRIM))"), Contains("RTRIM"));
    CHECK_THAT(refusal("CREATE VIEW t AS SELECT 1 AS id"), Contains("view"));
    CHECK_THAT(refusal("CREATE VIRTUAL TABLE t USING fts5(a)"), Contains("virtual table"));
    CHECK_THAT(refusal("CREATE VIRTUAL TABLE t USING fts5(a)", "t_data"), Contains("inner table"));
    CHECK_THAT(refusal("CREATE TEMP TABLE t(id TEXT NOT NULL PRIMARY KEY)"), Contains("temporary"));
    CHECK_THAT(refusal("CREATE TABLE Casasync_t(id TEXT NOT NULL PRIMARY KEY)", "casasync_t"),
               Contains("reserved"));
    CHECK_THAT(refusal("CREATE TABLE x(id INTEGER PRIMARY KEY AUTOINCREMENT)", "sqlite_sequence"),
               Contains("reserved"));
    CHECK_THAT(refusal("CREATE TABLE \"new\"(id TEXT NOT NULL PRIMARY KEY, a); CREATE UNIQUE INDEX i ON "
                       "\"new\"(a) WHERE "
                       "a > 1",
                       "new"),
               Contains("Rename the table"));
    const std::string name(1001, 'n');
    CHECK_THAT(refusal("CREATE TABLE " + name + "(id TEXT NOT NULL PRIMARY KEY)", name.c_str()),
               Contains("longer than 1,000 bytes"));
    CHECK_THAT(refusal("CREATE TABLE t(id TEXT NOT NULL PRIMARY KEY, " + name + ")"),
               Contains("longer than 1,000 bytes"));
    std::string columns = "CREATE TABLE t(id TEXT NOT NULL PRIMARY KEY";
    for (int i = 1; i < 1999; ++i) columns += ", c" + std::to_string(i);
    CHECK(refusal(columns + ")") == "");
    CHECK_THAT(refusal(columns + ", one_more)"), Contains("2000 columns") && Contains("1,999"));
}

TEST_CASE("the tables of the application are listed without ours and SQLite's", "[sqlite][shape]") {
    connection db = sqlite_test::memory();
    REQUIRE(db.execute(R"(
        CREATE TABLE zebra(id INTEGER PRIMARY KEY AUTOINCREMENT); CREATE TABLE casasync_log(t); CREATE VIEW v AS SELECT 1;
        CREATE VIRTUAL TABLE f USING fts5(a); CREATE TABLE sqliteX(a); CREATE TABLE ant(a); CREATE TEMP TABLE tmp(a);)"));
    const auto names = application_tables(db);
    REQUIRE(names);
    CHECK(*names == std::vector<std::string>{"zebra", "sqliteX", "ant"});
}

TEST_CASE("definitions are cut where commas and parentheses are text or comment, too", "[sqlite][shape]") {
    const auto index = cut_index(
        "CREATE UNIQUE INDEX \"a(b\" ON [t(] (a, -- , )\n f(b, ')') ASC, `c,` ) WHERE /* x */ a='('");
    REQUIRE(index);  // the name's parenthesis is inside quotes
    CHECK(index->terms == std::vector<std::string>{"a", "f(b, ')')", "`c,`"});
    CHECK(index->where == "a='('");
    CHECK_FALSE(cut_index("CREATE TABLE t"));
    CHECK_FALSE(cut_index("CREATE INDEX i ON t(a"));
    CHECK_FALSE(cut_index(""));
    const auto generated = cut_generated(
        "CREATE TABLE t(\"a \"\"b\" AS (1), [c] INT generated always AS ((2) + 3) STORED, d DEFAULT 'as "
        "(4)', e CHECK(e AS (5)))");
    REQUIRE(generated.size() == 2);
    CHECK(generated[0].column == "a \"b");
    CHECK(generated[0].expression == "1");
    CHECK(generated[1].column == "c");
    CHECK(generated[1].expression == "(2) + 3");
    CHECK(cut_generated("CREATE TABLE t(a AS (1").size() <= 1);
    CHECK(cut_generated("").empty());
}
