// SPDX-License-Identifier: MIT
#include <casasync/table.hpp>
#include <casasync_test/catch.hpp>

using namespace casasync;

TEST_CASE("a column is found by its exact name", "[table]") {
    const table_traits t{"txn", delete_policy::later_wins, {{"amount"}, {"Note"}}};
    CHECK(t.column("amount") == column_no{0});
    CHECK(t.column("Note") == column_no{1});
    CHECK_FALSE(t.column("note"));
    CHECK_FALSE(t.column(""));
}

TEST_CASE("amounts win by size, and an equal one does not", "[table]") {
    CHECK(wins_by_amount(merge_rule::max, 3, 2));
    CHECK_FALSE(wins_by_amount(merge_rule::max, 2, 3));
    CHECK_FALSE(wins_by_amount(merge_rule::max, 2, 2));
    CHECK(wins_by_amount(merge_rule::min, 2, 3));
    CHECK_FALSE(wins_by_amount(merge_rule::min, 3, 2));
    CHECK_FALSE(wins_by_amount(merge_rule::min, 2, 2));
    CHECK(wins_by_amount(merge_rule::max, 2.5, 2));
    CHECK(wins_by_amount(merge_rule::min, -0.5, 0));
}

TEST_CASE("NULL never wins, and loses to everything", "[table]") {
    for (const merge_rule rule : {merge_rule::max, merge_rule::min})
        for (const value& v : {value(0), value(-1e300), value(""), value(bytes{})}) {
            CHECK(wins_by_amount(rule, v, {}));
            CHECK_FALSE(wins_by_amount(rule, {}, v));
        }
    CHECK_FALSE(wins_by_amount(merge_rule::max, {}, {}));
    CHECK_FALSE(wins_by_amount(merge_rule::min, {}, {}));
}

TEST_CASE("of two amounts that differ, one wins whichever is asked first", "[table]") {
    const value all[] = {value(1), value(1.0), value(0.0),     value(-0.0),
                         value(0), value("1"), value(bytes{1})};
    for (const merge_rule rule : {merge_rule::max, merge_rule::min})
        for (const value& a : all)
            for (const value& b : all)
                CHECK(wins_by_amount(rule, a, b) + wins_by_amount(rule, b, a) == (a == b ? 0 : 1));
}
