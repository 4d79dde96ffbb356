// SPDX-License-Identifier: MIT
#include <casasync/merge.hpp>
#include <casasync_test/catch.hpp>

#include <map>
#include <string>
#include <utility>
#include <vector>

using namespace casasync;

namespace {

/// One table in a map: the smallest row_source, and what applying a plan to it means.
struct rows_in_memory {
    table_traits traits{
        "txn", delete_policy::later_wins, {{"amount", merge_rule::lww}, {"note", merge_rule::lww}}};
    std::map<bytes, row_state> rows;
    digest128 digest, open_digest;
    int loads_with_values = 0;

    result<resolved_table> resolve(const table_traits& theirs) const {
        resolved_table out{0, &traits, {}};
        for (const column_traits& c : theirs.columns) {
            const auto here = traits.column(c.name);
            if (!here || traits.columns[*here].rule != c.rule) return errc::schema_mismatch;
            out.columns.push_back(*here);
        }
        return out;
    }
    result<row_state> load(table_no, bytes_view key, bool values) {
        loads_with_values += values ? 1 : 0;
        const auto it = rows.find(bytes(key.begin(), key.end()));
        return it == rows.end() ? row_state{} : it->second;
    }
    merge_plan take(const changeset& c) {
        auto plan = merge(c, *this);
        REQUIRE(plan.ok());
        for (const merged_row& row : plan->rows) rows[bytes(row.key)] = row.after;
        digest += plan->digest;
        open_digest += plan->open_digest;
        return std::move(*plan);
    }
};

changeset write_of(std::uint8_t author, std::uint64_t at, op_kind kind, std::vector<cell_write> cells,
                   const version_vector& seen) {
    changeset c;
    c.device.octets[0] = author;
    c.seq = 1;
    c.context.vector = seen;
    replica_id replica;
    replica.octets[0] = author;
    // named in the other order, so that numbers must be translated
    for (cell_write& w : cells) w.column = 1 - w.column;
    std::sort(cells.begin(), cells.end(),
              [](const cell_write& a, const cell_write& b) { return a.column < b.column; });
    table_changes t{
        {"txn", delete_policy::later_wins, {{"note", merge_rule::lww}, {"amount", merge_rule::lww}}}, {}};
    t.rows.push_back({bytes{1}, {kind, false, {hlc{band::adopt.packed + at}, replica}, std::move(cells)}});
    c.tables.push_back(std::move(t));
    return c;
}

}  // namespace

TEST_CASE("two unseen writes of one cell merge to one plan's worth of conflict, in either order", "[merge]") {
    const changeset first = write_of(1, 10, op_kind::insert, {{0, 100}, {1, "lunch"}}, {});
    version_vector seen;
    seen.raise(first.tables[0].rows[0].op.when.replica, first.tables[0].rows[0].op.when.when);
    const changeset left = write_of(2, 20, op_kind::update, {{1, "left"}}, seen);
    const changeset right = write_of(3, 30, op_kind::update, {{1, "right"}}, seen);

    rows_in_memory a, b;
    const merge_plan born = a.take(first);
    CHECK(born.rows[0].written == std::vector<column_no>{0, 1});
    CHECK_FALSE(born.rows[0].was_visible);
    CHECK(born.rows[0].is_visible);
    CHECK(a.take(left).rows[0].opened.empty());
    CHECK(a.loads_with_values == 0);
    const merge_plan met = a.take(right);
    CHECK(a.loads_with_values == 1);
    REQUIRE(met.rows[0].opened.size() == 1);
    CHECK(met.rows[0].opened[0].what == value("left"));
    CHECK(met.rows[0].opened[0].why == conflict_reason::older_stamp);
    CHECK(met.rows[0].written == std::vector<column_no>{1});

    b.take(first);
    b.take(right);
    b.take(left);
    CHECK(a.rows == b.rows);
    CHECK(a.digest == b.digest);
    CHECK(a.open_digest == b.open_digest);
    CHECK(a.open_digest != digest128{});

    for (const changeset* c : {&left, &right})
        seen.raise(c->tables[0].rows[0].op.when.replica, c->tables[0].rows[0].op.when.when);
    const merge_plan settled = a.take(write_of(1, 40, op_kind::update, {{1, "left"}}, seen));
    CHECK(settled.rows[0].closed.size() == 1);
    CHECK(a.open_digest == digest128{});
}

TEST_CASE("a conflict is told once, however many more the row gets, and closed alone", "[merge]") {
    rows_in_memory a;
    a.take(write_of(1, 10, op_kind::insert, {{0, 100}, {1, "lunch"}}, {}));
    version_vector seen;
    const auto see = [&seen](std::uint8_t author, std::uint64_t at) {
        replica_id replica;
        replica.octets[0] = author;
        seen.raise(replica, hlc{band::adopt.packed + at});
    };
    see(1, 10);
    const auto told = [&](std::uint8_t author, std::uint64_t at, std::vector<cell_write> cells) {
        return a.take(write_of(author, at, op_kind::update, std::move(cells), seen)).rows[0];
    };
    const auto only = [](const std::vector<conflict>& all, column_no column, const value& lost) {
        return all.size() == 1 && all[0].column == column && all[0].what == lost;
    };
    CHECK(told(2, 20, {{0, 120}, {1, "left"}}).opened.empty());
    CHECK(only(told(3, 40, {{1, "right"}}).opened, 1, "left"));
    CHECK(only(told(4, 30, {{1, 120}}).opened, 1, 120));  // another loser of the same field
    CHECK(only(told(5, 50, {{0, 150}}).opened, 0, 120));  // another field of the same loser
    const merged_row quiet = told(6, 60, {{1, "right"}});
    CHECK(quiet.opened.empty());
    CHECK(quiet.closed.empty());

    see(2, 20);
    see(5, 50);
    const merged_row decided = told(1, 70, {{0, 200}});
    CHECK(decided.opened.empty());
    CHECK(only(decided.closed, 0, 120));
}

TEST_CASE("a column with another rule here is refused by name, and nothing changes", "[merge]") {
    rows_in_memory store;
    store.traits.columns[0].rule = merge_rule::max;
    CHECK(merge(write_of(1, 10, op_kind::insert, {{0, 1}, {1, 2}}, {}), store).code() ==
          errc::schema_mismatch);
    CHECK(store.rows.empty());
}

TEST_CASE("a store that cannot load a row fails the merge", "[merge]") {
    struct failing : rows_in_memory {
        int at = 0, loads = 0;
        result<row_state> load(table_no table, bytes_view key, bool values) {
            if (++loads == at) return errc::store_failed;
            return rows_in_memory::load(table, key, values);
        }
    } store;
    store.take(write_of(1, 10, op_kind::insert, {{0, 100}, {1, "lunch"}}, {}));
    const changeset unseen = write_of(2, 20, op_kind::update, {{1, "dinner"}}, {});
    for (store.at = 1; store.at <= 2; ++store.at) {  // the second load is the one with values
        store.loads = 0;
        CHECK(merge(unseen, store).code() == errc::store_failed);
    }
    store.loads = 0;
    CHECK(merge(unseen, store).ok());
    changeset none = unseen;
    none.tables[0].rows.clear();
    CHECK(merge(none, store)->rows.empty());
}

TEST_CASE("what has the stamp of adopted rows is in no digest", "[merge]") {
    rows_in_memory a;
    for (const auto& [kind, column] : {std::pair{op_kind::insert, 0}, {op_kind::update, 1}}) {
        changeset c = write_of(1, 0, kind, {{static_cast<column_no>(column), 7}}, {});
        c.tables[0].rows[0].op.when = band::adopted;
        const merge_plan plan = a.take(c);
        REQUIRE(plan.rows.size() == 1);
        CHECK(plan.rows[0].written == std::vector<column_no>{static_cast<column_no>(column)});
        CHECK(a.digest == digest128{});
        CHECK(a.digest == row_digest(a.traits, plan.rows[0].key, plan.rows[0].after));
    }
}
