// SPDX-License-Identifier: MIT
#include "stamps.hpp"

#include <casasync/accounts.hpp>
#include <casasync/conflict.hpp>
#include <casasync/digest.hpp>
#include <casasync/row.hpp>
#include <casasync_test/catch.hpp>

#include <algorithm>
#include <memory>
#include <random>
#include <set>
#include <tuple>
#include <vector>

using namespace casasync;
using casasync_test::replica;

namespace {

/// One operation with the context of its author: all that the definitions below look at.
struct written {
    row_operation op;
    version_vector vector;
};

/// The definitions of the design over the set of writes, with no shared code: the oracle of the incremental
/// registers.
struct oracle {
    const std::vector<const written*>& all;
    delete_policy policy;

    static bool seen(const written& y, const stamp& w) {
        if (w.replica == y.op.when.replica) return w.when < y.op.when.when;
        for (const auto& [r, h] : y.vector.entries())
            if (r == w.replica) return w.when <= h;
        return false;
    }
    stamp greatest(std::set<op_kind> kinds) const {
        stamp out;
        for (const written* w : all)
            if (kinds.count(w->op.kind) > 0) out = std::max(out, w->op.when);
        return out;
    }
    bool visible() const {
        const stamp born = greatest({op_kind::insert}), dead = greatest({op_kind::erase});
        const stamp touched = greatest({op_kind::insert, op_kind::update});
        return born.exists() && (policy == delete_policy::later_wins ? touched : born) > dead;
    }
    using lost = std::tuple<int, stamp, value>;
    std::set<lost> open() const {
        const stamp born = greatest({op_kind::insert}), dead = greatest({op_kind::erase});
        std::set<lost> live, out;
        std::vector<std::pair<stamp, value>> shown(2);
        for (const written* w : all) {
            for (const cell_write& c : w->op.cells) {
                if (w->op.when > shown[c.column].first) shown[c.column] = {w->op.when, c.what};
                const bool covered = std::any_of(all.begin(), all.end(), [&](const written* y) {
                    const bool touches =
                        y->op.kind != op_kind::update ||
                        std::any_of(y->op.cells.begin(), y->op.cells.end(),
                                    [&](const cell_write& d) { return d.column == c.column; });
                    return y != w && touches && seen(*y, w->op.when);
                });
                if (!covered) live.insert({static_cast<int>(c.column), w->op.when, c.what});
            }
        }
        for (const auto& [column, when, what] : live) {
            const auto& top = shown[static_cast<std::size_t>(column)];
            if (visible() && top.first >= born && top.second == what) continue;
            const bool again = std::any_of(
                live.begin(), live.end(), [&, column = column, when = when, what = what](const lost& l) {
                    return std::get<0>(l) == column && std::get<1>(l) > when && std::get<2>(l) == what;
                });
            if (!again) out.insert({column, when, what});
        }
        const bool noticed = std::any_of(
            all.begin(), all.end(), [&](const written* y) { return y->op.when != dead && seen(*y, dead); });
        if (visible() && dead.exists() && !noticed) out.insert({-1, dead, value{}});
        return out;
    }
};

std::set<oracle::lost> open_of(const row_state& row, const table_traits& table) {
    std::set<oracle::lost> out;
    for (const conflict& c : open_conflicts(row, table))
        out.insert({c.column ? static_cast<int>(*c.column) : -1, c.loser, c.what});
    return out;
}

struct device {
    std::vector<const written*> merged;
    version_vector vector;
    hlc clock{};
};

/// A random history on one row: devices write, or merge another's next write in causal order.
std::vector<std::unique_ptr<written>> history(std::mt19937& rng, const table_traits& table, unsigned devices,
                                              std::size_t writes) {
    std::vector<std::unique_ptr<written>> made;
    std::vector<device> all(devices);
    unix_ms now = unix_ms{1} << 41;
    while (made.size() < writes) {
        now += rng() % 3;
        const unsigned who = static_cast<unsigned>(rng() % devices);
        device& d = all[who];
        if (rng() % 2 == 0) {
            for (const auto& w : made) {
                const bool next = w->op.when.replica != replica(who + 1) && !knows(d.vector, w->op.when) &&
                                  d.vector.covers(w->vector);
                if (!next) continue;
                d.merged.push_back(w.get());
                d.vector.raise(w->op.when.replica, w->op.when.when);
                d.clock = observe(d.clock, w->op.when.when);
                break;
            }
            continue;
        }
        auto w = std::make_unique<written>();
        const oracle mine{d.merged, table.policy};
        const auto any = [&rng] { return value(static_cast<int>(rng() % 2)); };
        if (!mine.visible())
            w->op = {op_kind::insert, false, {}, {{0, any()}, {1, any()}}};
        else if (rng() % 3 == 0)
            w->op.kind = op_kind::erase;
        else
            w->op = {op_kind::update, false, {}, {{static_cast<column_no>(rng() % 2), any()}}};
        d.clock = tick_user(d.clock, now + static_cast<unix_ms>(who % 2) * 4);
        w->op.when = {d.clock, replica(who + 1)};
        w->vector = d.vector;
        d.vector.raise(w->op.when.replica, d.clock);
        d.merged.push_back(w.get());
        made.push_back(std::move(w));
    }
    return made;
}

std::vector<const written*> causal_order(std::mt19937& rng,
                                         const std::vector<std::unique_ptr<written>>& made) {
    std::vector<const written*> left, out;
    for (const auto& w : made) left.push_back(w.get());
    version_vector vector;
    while (!left.empty()) {
        std::vector<const written*> ready;
        for (const written* w : left) {
            const bool first = std::none_of(left.begin(), left.end(), [&](const written* o) {
                return o->op.when.replica == w->op.when.replica && o->op.when < w->op.when;
            });
            if (first && vector.covers(w->vector)) ready.push_back(w);
        }
        const written* next = ready[rng() % ready.size()];
        std::erase(left, next);
        vector.raise(next->op.when.replica, next->op.when.when);
        out.push_back(next);
    }
    return out;
}

table_traits two_columns(delete_policy policy) {
    return {"t", policy, {{"a", merge_rule::lww}, {"b", merge_rule::lww}}};
}

}  // namespace

TEST_CASE("registers and open conflicts equal their definitions over the set of writes, at every prefix",
          "[row][conflict]") {
    for (unsigned seed = 0; seed < 6000; ++seed) {
        std::mt19937 rng(seed);
        const table_traits table =
            two_columns(seed % 2 == 0 ? delete_policy::later_wins : delete_policy::delete_wins);
        const auto made = history(rng, table, 2 + seed % 3, 3 + seed % 6);
        row_state row;
        std::vector<const written*> done;
        for (const written* w : causal_order(rng, made)) {
            merge_operation(row, w->op, w->vector, table);
            done.push_back(w);
            const oracle truth{done, table.policy};
            INFO("seed " << seed << ", write " << done.size());
            REQUIRE(row.born == truth.greatest({op_kind::insert}));
            REQUIRE(row.dead == truth.greatest({op_kind::erase}));
            REQUIRE(is_visible(row, table.policy) == truth.visible());
            REQUIRE(open_of(row, table) == truth.open());
        }
    }
}

TEST_CASE("two causal prefixes merge as states to what their union merges to", "[row][snapshot]") {
    for (unsigned seed = 0; seed < 6000; ++seed) {
        std::mt19937 rng(seed);
        const table_traits table =
            two_columns(seed % 2 == 0 ? delete_policy::later_wins : delete_policy::delete_wins);
        const auto made = history(rng, table, 2 + seed % 3, 3 + seed % 6);
        row_state side[2];
        version_vector vector[2];
        std::set<const written*> both;
        for (int i = 0; i < 2; ++i) {
            const auto order = causal_order(rng, made);
            for (std::size_t n = rng() % (order.size() + 1);
                 const written* w :
                 std::vector(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(n))) {
                merge_operation(side[i], w->op, w->vector, table);
                vector[i].raise(w->op.when.replica, w->op.when.when);
                both.insert(w);
            }
        }
        merge_state(side[0], vector[0], side[1], vector[1], table);
        const std::vector<const written*> done(both.begin(), both.end());
        INFO("seed " << seed);
        REQUIRE(open_of(side[0], table) == oracle{done, table.policy}.open());
    }
}

TEST_CASE("a merged write merged again changes nothing", "[row]") {
    for (unsigned seed = 0; seed < 500; ++seed) {
        std::mt19937 rng(seed);
        const table_traits table = two_columns(delete_policy::later_wins);
        const auto made = history(rng, table, 3, 8);
        row_state row;
        for (const written* w : causal_order(rng, made)) {
            merge_operation(row, w->op, w->vector, table);
            const row_state once = row;
            merge_operation(row, w->op, w->vector, table);
            REQUIRE(row == once);
        }
    }
}

TEST_CASE(
    "a delete that a copied device made at the moment of an edit wins, and a copy of it reopens nothing",
    "[row]") {
    const table_traits table{"t", delete_policy::later_wins, {{"a"}}};
    const stamp born{hlc{band::adopt.packed + 1}, replica(1)}, both{hlc{band::adopt.packed + 5}, replica(1)};
    row_state row;
    merge_operation(row, {op_kind::insert, false, born, {{0, 1}}}, {}, table);
    merge_operation(row, {op_kind::update, false, both, {{0, 2}}}, {}, table);
    const row_operation erase{op_kind::erase, false, both, {}};
    merge_operation(row, erase, {}, table);
    CHECK_FALSE(is_visible(row, delete_policy::later_wins));
    CHECK_FALSE(is_visible(row, delete_policy::delete_wins));
    CHECK_FALSE(is_implied(row, both));

    version_vector seen;
    seen.raise(both.replica, both.when);
    const stamp later{hlc{band::adopt.packed + 9}, replica(2)};
    merge_operation(row, {op_kind::insert, false, later, {{0, 3}}}, seen, table);
    REQUIRE(open_conflicts(row, table).empty());
    merge_operation(row, erase, {}, table);
    CHECK(open_conflicts(row, table).empty());
}

TEST_CASE("whatever may lose to a write has its value loaded, and nothing else", "[row]") {
    const table_traits table{"t", delete_policy::later_wins, {{"a"}, {"b"}, {"most", merge_rule::max}}};
    const auto at = [](std::uint64_t n, unsigned who) {
        return stamp{hlc{band::adopt.packed + n}, replica(who)};
    };
    row_state row;
    merge_operation(row, {op_kind::insert, false, at(1, 1), {{0, 1}, {1, 1}}}, {}, table);
    version_vector seen;
    seen.raise(replica(1), at(1, 1).when);
    const version_vector none;
    const auto needs = [&](op_kind kind, std::vector<cell_write> cells, const version_vector& vector) {
        return needs_values(row, {kind, false, at(9, 2), std::move(cells)}, vector, table);
    };
    CHECK_FALSE(needs(op_kind::update, {{0, 2}}, seen));
    CHECK(needs(op_kind::update, {{0, 2}}, none));
    CHECK_FALSE(needs(op_kind::update, {{2, 2}}, none));
    CHECK(needs(op_kind::insert, {{2, 2}}, none));  // an INSERT writes over all of a row
    CHECK_FALSE(needs(op_kind::insert, {{0, 2}}, seen));
    CHECK(needs(op_kind::erase, {}, seen));
    CHECK(needs_values(row, {op_kind::update, false, at(0, 1), {{0, 2}}}, seen, table));  // it may lose
    merge_operation(row, {op_kind::update, false, at(2, 1), {{1, 3}}}, none, table);
    CHECK_FALSE(needs(op_kind::update, {{0, 2}}, seen));
    CHECK(needs(op_kind::insert, {{0, 2}}, seen));
    row.dead = at(3, 3);
    CHECK(needs(op_kind::update, {{0, 2}}, seen));
}

TEST_CASE("an UPDATE that came before its row's INSERT is a winner like any other", "[row]") {
    const table_traits table{"t", delete_policy::delete_wins, {{"a"}, {"b"}}};
    const row_operation updated{op_kind::update, false, {hlc{30}, replica(1)}, {{1, "u"}}},
        inserted{op_kind::insert, false, {hlc{10}, replica(2)}, {{0, "i"}, {1, "i"}}},
        deleted{op_kind::erase, false, {hlc{20}, replica(3)}, {}};
    row_state first, last;
    for (const row_operation& y : {updated, inserted, deleted}) merge_operation(first, y, {}, table);
    for (const row_operation& y : {inserted, deleted, updated}) merge_operation(last, y, {}, table);
    CHECK(first == last);
    CHECK(open_conflicts(first, table).size() == 3);
    CHECK(open_conflicts(first, table) == open_conflicts(last, table));
}

TEST_CASE("max keeps the greatest amount and NULL never wins", "[row]") {
    const table_traits table{"t", delete_policy::later_wins, {{"n", merge_rule::max}}};
    row_state row;
    const auto put = [&](std::uint64_t at, value v) {
        merge_operation(row,
                        {op_kind::insert,
                         false,
                         {hlc{band::adopt.packed + at}, replica(static_cast<unsigned>(at))},
                         {{0, std::move(v)}}},
                        {}, table);
    };
    put(1, 5);
    put(2, 3);
    put(3, value{});
    CHECK(*row.cells[0].what == value(5));
    put(4, 7.5);
    CHECK(*row.cells[0].what == value(7.5));
    CHECK(open_conflicts(row, table).empty());
}

TEST_CASE("the digests are equal after every causal order, and differ before the last write", "[digest]") {
    const bytes key{1, 2, 3};
    for (unsigned seed = 0; seed < 500; ++seed) {
        std::mt19937 rng(seed);
        const table_traits table =
            two_columns(seed % 2 == 0 ? delete_policy::later_wins : delete_policy::delete_wins);
        const auto made = history(rng, table, 3, 6);
        row_state row[2];
        for (row_state& r : row)
            for (const written* w : causal_order(rng, made)) merge_operation(r, w->op, w->vector, table);
        INFO("seed " << seed);
        CHECK(row_digest(table, key, row[0]) == row_digest(table, key, row[1]));
        CHECK(conflict_digest(table, key, open_conflicts(row[0], table)) ==
              conflict_digest(table, key, open_conflicts(row[1], table)));
        row_state later = row[0];
        const version_vector nothing;
        const stamp when{hlc{band::adopt.packed << 2}, replica(9)};
        merge_operation(later, {op_kind::insert, true, when, {{0, 1}, {1, 1}}}, nothing, table);
        CHECK(row_digest(table, key, later) != row_digest(table, key, row[0]));
    }
}

TEST_CASE("rows that were there when the vault began add nothing to the digest", "[digest]") {
    const table_traits table = two_columns(delete_policy::later_wins);
    CHECK(row_digest(table, bytes{7}, adopted_row(2)) == digest128{});
}

TEST_CASE("a side that has nothing of a row takes all of the other's, whatever it says it has merged",
          "[row]") {
    for (unsigned seed = 0; seed < 200; ++seed) {
        std::mt19937 rng(seed);
        const table_traits table = two_columns(delete_policy::later_wins);
        row_state whole;
        version_vector merged;
        const auto made = history(rng, table, 3, 6);
        for (const written* w : causal_order(rng, made)) {
            merge_operation(whole, w->op, w->vector, table);
            merged.raise(w->op.when.replica, w->op.when.when);
        }
        row_state lacking, other = whole;
        merge_state(lacking, merged, whole, merged, table);
        merge_state(other, merged, {}, merged, table);
        INFO("seed " << seed);
        CHECK(lacking == whole);
        CHECK(other == whole);
    }
}

TEST_CASE("a row of which only its delete is known is not empty, and no account counts adopted cells",
          "[row]") {
    row_state row;
    CHECK(row.empty());
    row.dead = {hlc{1}, replica(1)};
    CHECK_FALSE(row.empty());
    row.dead = {};
    row.cells.push_back({0, {}, std::nullopt});
    CHECK_FALSE(row.empty());
    table_traits table = two_columns(delete_policy::later_wins);
    CHECK(account_merge(adopted_row(2), {}, adopted_row(2), {}, table, {}) == accounts{});
    table.columns[1].rule = merge_rule::max;
    const row_operation y{op_kind::update, false, {hlc{band::adopt.packed << 2}, replica(1)}, {{1, 5}}};
    row_state after = adopted_row(2);
    after.cells[0].what = after.cells[1].what = value(1);
    const row_state before = after;
    merge_operation(after, y, {}, table);
    const accounts change = account_merge(before, standing_writes(before, table, {}), after,
                                          standing_writes(after, table, {}), table, {&y, 1});
    CHECK(change == accounts{1, 0, 0, 0});
}

TEST_CASE("two values under one stamp stay two when states are merged", "[row][snapshot]") {
    const table_traits table = two_columns(delete_policy::later_wins);
    const stamp born{hlc{band::adopt.packed + 1}, replica(1)}, twice{hlc{band::adopt.packed + 2}, replica(2)};
    row_state row;
    merge_operation(row, {op_kind::insert, false, born, {{0, 0}, {1, 0}}}, {}, table);
    for (const int what : {7, 5})
        merge_operation(row, row_operation{op_kind::update, false, twice, {{1, what}}}, {}, table);
    CHECK(row.find(1)->what == value(7));
    REQUIRE(row.live == std::vector{live_write{1, born, 0}, live_write{1, twice, 5}});
    version_vector all;
    all.raise(replica(1), born.when);
    all.raise(replica(2), twice.when);
    row_state merged = row;
    merge_state(merged, all, row, all, table);
    CHECK(merged == row);
}
