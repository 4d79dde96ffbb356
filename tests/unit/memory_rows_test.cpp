// SPDX-License-Identifier: MIT
#include "vault_pair.hpp"

#include <casasync/memory_rows.hpp>

#include <algorithm>
#include <array>
#include <tuple>

using namespace vault_pair;

namespace {

/// Devices that write a small table, and what each makes of the others' changesets.
class writers {
 public:
    explicit writers(std::uint64_t seed) : random_{seed} {
        traits_.name = "t";
        for (const char* name : {"a", "b", "the name of a column that is not short"})
            traits_.columns.push_back({name, merge_rule::lww, {}});
        traits_.columns.push_back({"most", merge_rule::max, {}});
        if (seed % 2 == 0) traits_.policy = delete_policy::delete_wins;
        for (device& d : devices_) std::ignore = d.rows.add(traits_.without_columns());
    }

    /// One device writes a few rows, after it has merged what it has not yet heard of, up to some point.
    void step() {
        const std::size_t n = random_.below(devices_.size());
        device& d = devices_[n];
        for (std::size_t ahead = random_.below(3); ahead > 0 && d.heard < sent_.size(); --ahead) hear(d);
        changeset c = written_by(n);
        d.clock = greatest_stamp(c).when;
        take(d, c);
        sent_.push_back(std::move(c));
    }
    void finish() {
        for (device& d : devices_)
            while (d.heard < sent_.size()) hear(d);
    }
    /// In place, and by plans.
    [[nodiscard]] static bool equal(const memory_rows& a, const memory_rows& b) {
        return a.digest() == b.digest() && a.open_digest() == b.open_digest() && a.counts() == b.counts() &&
               a.merged() == b.merged() && a.tables().front().registers() == b.tables().front().registers();
    }
    [[nodiscard]] bool all_equal() const {
        return std::all_of(devices_.begin(), devices_.end(), [this](const device& d) {
            return equal(d.rows, d.planned) && equal(d.rows, devices_.front().rows);
        });
    }
    [[nodiscard]] const accounts& counts() const { return devices_.front().rows.counts(); }

 private:
    struct device {
        memory_rows rows{}, planned{};
        hlc clock{};
        std::uint64_t seq = 0;
        std::size_t heard = 0;  ///< of all that was sent
    };

    void hear(device& d) {
        const changeset& c = sent_[d.heard++];
        if (c.device.octets[0] == static_cast<std::uint8_t>(&d - devices_.data() + 1)) return;
        take(d, c);
        d.clock = observe(d.clock, greatest_stamp(c).when);
    }
    static void take(device& d, const changeset& c) {
        const auto merged = d.rows.merge(c);
        const auto plan = merge(c, d.planned);
        REQUIRE((merged.ok() && plan.ok()));
        REQUIRE((merged->rows == plan->rows.size() && merged->greatest == plan->greatest));
        d.planned.apply(*plan);
        REQUIRE(equal(d.rows, d.planned));
    }
    changeset written_by(std::size_t n) {
        device& d = devices_[n];
        changeset c;
        c.device.octets[0] = static_cast<std::uint8_t>(n + 1);
        c.seq = c.last_seq = ++d.seq;
        c.context = d.rows.merged();
        table_changes& t = c.tables.emplace_back(table_changes{traits_, {}});
        std::swap(t.table.columns[0], t.table.columns[1]);  // its own order of columns
        const std::size_t operations = 1 + random_.below(6);
        for (std::size_t i = 0; i < operations; ++i) {
            row_change& r = t.rows.emplace_back(row_change{bytes(1 + random_.below(2) * 30, 7), {}});
            r.key.back() = static_cast<std::uint8_t>(random_.below(4));
            d.clock = tick_user(d.clock, static_cast<unix_ms>(now_ += random_.below(2)));
            r.op.when.when = d.clock;
            r.op.when.replica.octets[0] = static_cast<std::uint8_t>(9 - n);
            r.op.kind = random_.below(8) == 0   ? op_kind::erase
                        : random_.below(3) == 0 ? op_kind::insert
                                                : op_kind::update;
            r.op.blind = random_.below(10) == 0;
            for (column_no column = 0; column < 4 && r.op.kind != op_kind::erase; ++column)
                if (r.op.kind == op_kind::insert || random_.below(2) == 0)
                    r.op.cells.push_back({column, a_value(column)});
        }
        std::stable_sort(t.rows.begin(), t.rows.end(),
                         [](const row_change& a, const row_change& b) { return a.key < b.key; });
        return c;
    }
    value a_value(column_no column) {
        if (column == 3) return static_cast<int>(random_.below(5));
        switch (random_.below(5)) {
            case 0:
                return {};
            case 1:
                return 0.5;
            case 2:
                return bytes(random_.below(40), 1);
            default:
                return std::string(random_.below(40), 'x');
        }
    }

    struct {
        std::uint64_t state;
        std::size_t below(std::size_t n) {
            state = state * 6364136223846793005U + 1442695040888963407U;
            return static_cast<std::size_t>(state >> 33) % n;
        }
    } random_;
    std::uint64_t now_ = 1'800'000'000'000;
    table_traits traits_{};
    std::array<device, 3> devices_{};
    std::vector<changeset> sent_{};
};

/// Merges changesets of one table in place and by plans, and compares what comes of each.
struct two_ways {
    table_traits traits{"t", delete_policy::later_wins, {{"a", merge_rule::lww}, {"b", merge_rule::lww}}};
    memory_rows in_place{}, planned{};

    /// What device `author` says, who has merged everything up to `seen` of `of`.
    changeset said(std::uint8_t author, std::uint8_t of, stamp seen, std::vector<row_change> rows) {
        changeset c;
        c.device = id_of<device_id>(author);
        c.seq = in_place.merged().seen.of(c.device) + 1;
        if (seen.exists()) c.context.vector.raise(id_of<replica_id>(of), seen.when);
        c.tables.push_back({traits, std::move(rows)});
        return c;
    }
    void take(const changeset& c) {
        REQUIRE(in_place.merge(c).ok());
        const auto plan = merge(c, planned);
        REQUIRE(plan.ok());
        planned.apply(*plan);
        CHECK(writers::equal(in_place, planned));
    }
};

stamp user(std::uint64_t n, std::uint8_t replica) {
    return {hlc{band::adopt.packed + n}, id_of<replica_id>(replica)};
}

row_change op(op_kind kind, stamp when, std::vector<cell_write> cells, std::uint8_t key = 1) {
    return {{key}, {kind, false, when, std::move(cells)}};
}

}  // namespace

TEST_CASE("merging in place is merging by a plan", "[memory_store][laws]") {
    accounts all;
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        CAPTURE(seed);
        writers w(seed);
        for (int i = 0; i < 60; ++i) w.step();
        w.finish();
        REQUIRE(w.all_equal());
        all += w.counts();
    }
    CHECK(all.conflicts > 100);  // and everything else that can become of a write
    CHECK(all.absorbed > 100);
    CHECK(all.applied > 100);
    CHECK(all.superseded > 1000);
}

TEST_CASE("rare changesets merge in place as by a plan", "[memory_store][laws]") {
    two_ways t;
    SECTION("a table without operations") {
        t.take(t.said(1, 1, {}, {}));
        CHECK(t.in_place.merged().seen.of(id_of<device_id>(1)) == 1);
    }
    SECTION("a device that got another name between two writes") {
        t.take(t.said(
            1, 1, {},
            {op(op_kind::insert, user(1, 1), {{0, 1}}, 1), op(op_kind::insert, user(2, 2), {{0, 1}}, 2),
             op(op_kind::insert, user(3, 1), {{0, 1}}, 3)}));
        CHECK(t.in_place.merged().vector.of(id_of<replica_id>(1)) == user(3, 1).when);
        CHECK(t.in_place.merged().vector.of(id_of<replica_id>(2)) == user(2, 2).when);
    }
    SECTION("rows that were there when the vault began") {
        t.take(t.said(1, 1, {}, {op(op_kind::insert, band::adopted, {{0, "old"}, {1, "old"}})}));
        CHECK(t.in_place.digest() == digest128{});
        t.take(t.said(1, 1, {}, {op(op_kind::update, band::adopted, {{1, "older"}})}));
        t.take(t.said(2, 1, {}, {op(op_kind::update, user(5, 2), {{0, "new"}})}));
        CHECK(t.in_place.counts().conflicts == 0);  // nobody wrote the old value
    }
    SECTION("an author who claims to have seen what was there when the vault began") {
        t.take(t.said(1, 1, {}, {op(op_kind::insert, band::adopted, {{0, "old"}, {1, "old"}})}));
        t.take(t.said(3, 0, band::adopted, {op(op_kind::update, user(6, 3), {{1, "new"}})}));
    }
    SECTION("a column that one row never had, and one that no device had before") {
        t.take(t.said(1, 1, {}, {op(op_kind::insert, user(1, 1), {{0, 1}})}));
        t.take(t.said(1, 1, {}, {op(op_kind::update, user(2, 1), {{1, 2}})}));
        t.traits.columns.push_back({"c", merge_rule::lww, {}});
        t.take(t.said(1, 1, {}, {op(op_kind::update, user(3, 1), {{2, 3}})}));
        CHECK(t.in_place.tables().front().show(*t.in_place.tables().front().find(bytes{1})) ==
              std::vector<value>{1, 2, 3});
    }
    SECTION("writes at the very beginning of users' time") {
        t.take(t.said(1, 1, {}, {op(op_kind::insert, user(0, 1), {{0, 1}, {1, 1}})}));
        t.take(t.said(2, 1, user(0, 1), {op(op_kind::update, user(0, 2), {{0, 2}})}));
        t.take(t.said(2, 1, user(0, 1), {op(op_kind::update, user(7, 2), {{0, 3}})}));
        CHECK(t.in_place.counts().conflicts == 0);
    }
    SECTION("an author who has seen what is later than his own write") {
        t.take(t.said(1, 1, {}, {op(op_kind::insert, user(3, 1), {{0, 1}, {1, 1}})}));
        t.take(t.said(1, 1, {}, {op(op_kind::update, user(9, 1), {{0, 2}})}));
        t.take(t.said(2, 1, user(9, 1), {op(op_kind::update, user(5, 2), {{0, 3}})}));
        CHECK(t.in_place.tables().front().show(*t.in_place.tables().front().find(bytes{1}))[0] == value(2));
    }
    SECTION("a row that was made anew without one of its fields") {
        t.take(t.said(1, 1, {}, {op(op_kind::insert, user(1, 1), {{0, 1}, {1, "of the first life"}})}));
        t.take(t.said(2, 1, user(1, 1), {op(op_kind::insert, user(4, 2), {{0, 2}})}));
        t.take(t.said(2, 1, user(1, 1), {op(op_kind::update, user(6, 2), {{1, "of the second"}})}));
        CHECK(t.in_place.counts().superseded == 2);  // both of the first life
    }
    SECTION("a table that is all key") {
        t.traits.columns.clear();
        t.take(t.said(1, 1, {}, {op(op_kind::insert, user(1, 1), {})}));
        t.take(t.said(2, 1, user(1, 1), {op(op_kind::insert, user(2, 2), {})}));
    }
}

TEST_CASE("a register whose value was never given has none, and takes its place", "[memory_store]") {
    detail::packed_rows rows("t");
    rows.widen(1);
    row_state row;
    row.born = row.touched = user(1, 1);
    row.cells.push_back({0, user(1, 1), std::nullopt});
    rows.store(bytes{1}, row);
    CHECK(rows.load(*rows.find(bytes{1}), true) == row);
}

TEST_CASE("rows whose hashes are equal are told apart", "[memory_store]") {
    detail::row_index index;
    index.add(7, 0);
    index.add(7, 1);
    for (const detail::row_no wanted : {detail::row_no{0}, detail::row_no{1}})
        CHECK(index.find(7, [wanted](detail::row_no r) { return r == wanted; }) == wanted);
    CHECK_FALSE(index.find(7, [](detail::row_no) { return false; }));
}

TEST_CASE("a column that is new, and named twice, has one place", "[memory_store]") {
    memory_rows rows;
    table_traits theirs;
    theirs.name = "t";
    theirs.columns = {{"a", merge_rule::lww, {}}, {"b", merge_rule::lww, {}}, {"a", merge_rule::lww, {}}};
    const auto resolved = rows.resolve(theirs);
    REQUIRE(resolved.ok());
    CHECK(std::vector<column_no>(resolved->columns) == std::vector<column_no>{0, 1, 0});
    CHECK(rows.tables().front().traits.columns.size() == 2);
}
