// SPDX-License-Identifier: MIT
#include "stamps.hpp"

#include <casasync/conflict.hpp>
#include <casasync_test/catch.hpp>

#include <set>

using namespace casasync;
using casasync_test::at;

namespace {

const table_traits later{"t", delete_policy::later_wins, {{"a"}, {"b"}}},
    deletes_win{"t", delete_policy::delete_wins, {{"a"}, {"b"}}};

/// A row born at 10, whose column a says "shown" since `when`.
row_state row_with(stamp when, std::vector<live_write> live) {
    row_state row;
    row.born = at(10);
    row.touched = when;
    row.cells = {{0, when, value("shown")}, {1, at(10), value(1)}};
    row.live = std::move(live);
    return row;
}
conflict_reason only_reason(const row_state& row, const table_traits& table) {
    const auto open = open_conflicts(row, table);
    REQUIRE(open.size() == 1);
    return open[0].why;
}

}  // namespace

TEST_CASE("a row whose live writes are all shown has no conflict", "[conflict]") {
    CHECK(open_conflicts(row_with(at(20), {}), later).empty());
    CHECK(open_conflicts(row_state{}, later).empty());
    // Somebody else wrote the same.
    CHECK(open_conflicts(row_with(at(20), {{0, at(15, 2), value("shown")}}), later).empty());
}

TEST_CASE("the reason is a function of the registers", "[conflict]") {
    CHECK(only_reason(row_with(at(20), {{0, at(15, 2), value("x")}}), later) == conflict_reason::older_stamp);
    CHECK(only_reason(row_with(at(20, 3), {{0, at(20, 2), value("x")}}), later) ==
          conflict_reason::tie_replica);
    CHECK(only_reason(row_with(at(20), {{0, at(20), value("x")}}), later) ==
          conflict_reason::duplicate_stamp);
    row_state hidden = row_with(at(20), {{0, at(20), value("shown")}});
    hidden.dead = at(30, 2);
    CHECK(only_reason(hidden, later) == conflict_reason::hidden_by_delete);
    row_state back = row_with(at(20), {});
    back.dead = at(15, 2);
    CHECK(only_reason(back, later) == conflict_reason::delete_undone);
    back.dead_seen = true;
    CHECK(open_conflicts(back, later).empty());
}

TEST_CASE("a conflict names loser, value, winner and column", "[conflict]") {
    const auto open = open_conflicts(row_with(at(20), {{0, at(15, 2), value("x")}}), later);
    REQUIRE(open.size() == 1);
    CHECK(open[0] == conflict{column_no{0}, at(15, 2), value("x"), at(20), conflict_reason::older_stamp});
    row_state back = row_with(at(20), {});
    back.dead = at(15, 2);
    CHECK(open_conflicts(back, later)[0] ==
          conflict{std::nullopt, at(15, 2), value{}, at(20), conflict_reason::delete_undone});
}

TEST_CASE("of several lost writes of one value only the greatest counts", "[conflict]") {
    const auto open = open_conflicts(
        row_with(at(20),
                 {{0, at(13, 2), value("x")}, {0, at(14, 3), value("y")}, {0, at(15, 3), value("x")}}),
        later);
    REQUIRE(open.size() == 2);
    CHECK(open[0].loser == at(14, 3));  // sorted by column and stamp
    CHECK(open[1].loser == at(15, 3));
}

TEST_CASE("under delete_wins a hidden row's winner is an open conflict as well", "[conflict]") {
    row_state row = row_with(at(20, 2), {});
    row.dead = at(15);
    CHECK(open_conflicts(row, later).size() == 1);  // the DELETE, undone
    const auto open = open_conflicts(row, deletes_win);
    REQUIRE(open.size() == 1);
    CHECK(open[0] ==
          conflict{column_no{0}, at(20, 2), value("shown"), at(15), conflict_reason::hidden_by_delete});
}

TEST_CASE("each reason has a name of its own", "[conflict]") {
    std::set<std::string_view> names;
    for (int n = 1; n <= 5; ++n) names.insert(name_of(static_cast<conflict_reason>(n)));
    CHECK(names.size() == 5);
    CHECK(names.count("unknown") == 0);
    CHECK(name_of(static_cast<conflict_reason>(6)) == "unknown");
}

TEST_CASE("a column to write once more is shown, not in conflict, and has no rule", "[conflict]") {
    const table_traits table{
        "t", delete_policy::later_wins, {{"a"}, {"b"}, {"c"}, {"most", merge_rule::max}}};
    const auto any = [](column_no) { return true; };
    row_state row = row_with(at(20), {});
    row.cells.push_back({2, at(10), value(2)});
    row.cells.push_back({3, at(10), value(3)});
    CHECK(uncontested_column(row, table, {}, any) == 0);
    CHECK(uncontested_column(row, table, {}, [](column_no c) { return c != 0; }) == 1);
    row.live = {{0, at(15, 2), value("x")}};
    CHECK(uncontested_column(row, table, {}, any) == 1);
    CHECK(uncontested_column(row, table, {{0, 1}}, any) == 2);
    CHECK(uncontested_column(row, table, {{1, 2}}, any) == 1);
    row.cells[1].when = at(5);  // of an earlier life
    CHECK(uncontested_column(row, table, {}, any) == 2);
    CHECK_FALSE(uncontested_column(row, table, {{2, 0}}, any));
    row.dead = at(12, 2);  // a lost DELETE is in no column
    CHECK(uncontested_column(row, table, {}, any) == 2);
}
