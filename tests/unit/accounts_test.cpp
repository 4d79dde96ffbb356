// SPDX-License-Identifier: MIT
#include "stamps.hpp"

#include <casasync/accounts.hpp>
#include <casasync_test/catch.hpp>

using namespace casasync;
using casasync_test::at;

namespace {

const table_traits plain{"t", delete_policy::later_wins, {{"a"}, {"b"}}},
    strict{"t", delete_policy::delete_wins, {{"a"}, {"b"}}}, high{"t", {}, {{"a"}, {"b", merge_rule::max}}};

/// A row that others write to, knowing all that was written up to some stamp of device 1.
struct told_row {
    const table_traits& table;
    row_state row{};
    accounts counts{};

    told_row& write(op_kind what, stamp when, std::vector<cell_write> cells, std::uint64_t seen = 0) {
        version_vector vector;
        vector.raise({}, band::adopt);
        if (seen > 0) vector.raise(at(seen).replica, at(seen).when);
        const row_operation y{what, false, when, std::move(cells)};
        const row_state before = row;
        merge_operation(row, y, vector, table);
        counts += account_merge(before, standing(before), row, standing(row), table, std::span(&y, 1));
        return *this;
    }
    /// Learns of another's row by a snapshot.
    told_row& hear(const told_row& other) {
        const row_state before = row;
        version_vector all;
        all.raise(at(0, 1).replica, at(99).when);
        all.raise(at(0, 2).replica, at(99).when);
        merge_state(row, {}, other.row, all, table);
        counts += account_merge(before, standing(before), row, standing(row), table, {});
        return *this;
    }
    [[nodiscard]] accounts standing(const row_state& r) const {
        return standing_writes(r, table, open_conflicts(r, table));
    }
};

told_row born(const table_traits& table) {
    return told_row{table}.write(op_kind::insert, at(10), {{0, "x"}, {1, 5}});
}

}  // namespace

TEST_CASE("an unseen write that lost is a conflict, one that says the same is absorbed", "[accounts]") {
    CHECK(born(plain).counts == accounts{2, 0, 0, 0});
    CHECK(born(plain).write(op_kind::update, at(20, 2), {{0, "y"}}).counts == accounts{2, 1, 0, 0});
    CHECK(born(plain).write(op_kind::update, at(20, 2), {{0, "x"}}).counts == accounts{2, 0, 1, 0});
    CHECK(born(plain).write(op_kind::update, at(20, 2), {{0, "y"}}, 10).counts == accounts{2, 0, 0, 1});
}

TEST_CASE("a DELETE is one write: it hides the row, or has lost", "[accounts]") {
    CHECK(born(plain).write(op_kind::erase, at(20, 2), {}, 10).counts == accounts{1, 0, 0, 2});
    told_row undone = born(plain);
    undone.write(op_kind::erase, at(20, 2), {}, 10).write(op_kind::update, at(30), {{0, "y"}}, 10);
    CHECK(undone.counts == accounts{1, 1, 0, 2});  // the other cell is shown again, and overwritten it stays
    told_row hidden = born(strict);
    hidden.write(op_kind::erase, at(20, 2), {}, 10).write(op_kind::update, at(30), {{0, "y"}}, 10);
    CHECK(hidden.counts == accounts{1, 1, 0, 2});
    told_row twice = born(plain);
    twice.write(op_kind::erase, at(20, 2), {}, 10).write(op_kind::erase, at(30), {}, 10);
    CHECK(twice.counts == accounts{1, 0, 0, 3});
}

TEST_CASE("one write for each cell under max is applied, the others absorbed", "[accounts]") {
    told_row row = born(high);
    row.write(op_kind::update, at(20, 2), {{1, 7}}).write(op_kind::update, at(30, 2), {{1, 3}}, 10);
    CHECK(row.counts == accounts{2, 0, 2, 0});
    row.write(op_kind::erase, at(40, 2), {}, 10);
    CHECK(row.counts == accounts{1, 0, 3, 1});
}

TEST_CASE("what was there when the vault began is nobody's write", "[accounts]") {
    told_row row{plain, adopted_row(2), {}};
    row.row.cells[0].what = row.row.cells[1].what = value("old");
    CHECK(row.standing(row.row) == accounts{});
    CHECK(row.write(op_kind::update, at(20), {{0, "new"}}).counts == accounts{1, 0, 0, 0});
    CHECK(row.write(op_kind::erase, at(30), {}).counts == accounts{1, 0, 0, 1});
}

TEST_CASE("a state brings what stands in it, and covers what its owner had seen", "[accounts]") {
    told_row theirs = born(plain);
    theirs.write(op_kind::update, at(20), {{0, "y"}}).write(op_kind::update, at(30, 2), {{0, "z"}});
    CHECK(theirs.counts == accounts{2, 1, 0, 1});
    CHECK(told_row{plain}.hear(theirs).counts == accounts{2, 1, 0, 0});
    told_row early = born(plain);
    early.hear(theirs);
    CHECK(early.counts == accounts{2, 1, 0, 1});
    CHECK(early.hear(theirs).counts == accounts{2, 1, 0, 1});
    told_row deleted = born(plain);
    deleted.write(op_kind::erase, at(40), {});
    CHECK(theirs.hear(deleted).counts.total() == 5);
}
