// SPDX-License-Identifier: MIT
// The algebra of one register under each rule, exhaustively: values of every type that are equal as numbers,
// next to each other, or at the edge of what a type holds, under stamps that tie.
#include <casasync/row.hpp>
#include <casasync_test/catch.hpp>

#include <limits>
#include <string>

using namespace casasync;

namespace {

constexpr std::int64_t exact = std::int64_t{1} << 53;  // above it not every integer is a double

std::vector<value> values() {
    using integers = std::numeric_limits<std::int64_t>;
    using reals = std::numeric_limits<double>;
    return {{},
            {0},
            {-0.0},
            {0.0},
            {reals::denorm_min()},
            {1},
            {1.0},
            {exact},
            {static_cast<double>(exact)},
            {exact + 1},
            {-exact},
            {static_cast<double>(-exact)},
            {-exact - 1},
            {integers::max()},
            {integers::min()},
            {9223372036854775808.0},
            {-9223372036854775808.0},
            {reals::infinity()},
            {-reals::infinity()},
            {""},
            {std::string("\0", 1)},
            {std::string("\xff\x00", 2)},
            {"1"},
            {bytes{}},
            {bytes{0}}};
}

/// A row of one column that nobody shows, so that it has no live writes: just the register.
std::vector<row_state> registers() {
    std::vector<row_state> out(1);
    for (const std::uint8_t author : {std::uint8_t{1}, std::uint8_t{2}})
        for (const std::uint64_t when : {1U, 2U})
            for (const value& v : values()) {
                stamp s{{band::adopt.packed + when}, {}};
                s.replica.octets[0] = author;
                row_state row;
                row.cells.push_back({0, s, v});
                out.push_back(std::move(row));
            }
    return out;
}

row_state merged(row_state a, const row_state& b, const table_traits& table) {
    merge_state(a, {}, b, {}, table);
    return a;
}

}  // namespace

TEST_CASE("a register under each rule: every pair and triple of values and stamps", "[laws]") {
    const merge_rule rule = GENERATE(merge_rule::lww, merge_rule::max, merge_rule::min);
    const table_traits table{"t", delete_policy::later_wins, {{"c", rule}}};
    const std::vector<row_state> all = registers();
    std::size_t idempotent = 0, commutative = 0, associative = 0, monotone = 0;
    for (const row_state& a : all) {
        idempotent += merged(a, a, table) != a ? 1 : 0;
        for (const row_state& b : all) {
            const row_state ab = merged(a, b, table);
            commutative += ab != merged(b, a, table) ? 1 : 0;
            const bool below = ab == b;
            for (const row_state& c : all) {
                const row_state bc = merged(b, c, table);
                associative += merged(ab, c, table) != merged(a, bc, table) ? 1 : 0;
                if (below) monotone += merged(merged(a, c, table), bc, table) != bc ? 1 : 0;
            }
        }
    }
    CHECK(idempotent == 0);
    CHECK(commutative == 0);
    CHECK(associative == 0);
    CHECK(monotone == 0);
}

TEST_CASE("amounts: INTEGER and REAL by what they are worth, the REAL above where they are equal", "[laws]") {
    const auto greater = [](const value& a, const value& b) {
        return wins_by_amount(merge_rule::max, a, b) && wins_by_amount(merge_rule::min, b, a);
    };
    CHECK(greater(exact + 1, static_cast<double>(exact)));
    CHECK(greater(static_cast<double>(exact), exact));
    CHECK(greater(9223372036854775808.0, std::numeric_limits<std::int64_t>::max()));
    CHECK(greater(std::numeric_limits<std::int64_t>::max(), 9223372036854774784.0));
    CHECK(greater(std::numeric_limits<std::int64_t>::min(), -9223372036854777856.0));
    CHECK(greater(1, 0.5));
    CHECK(greater(-0.5, -1));
    CHECK(greater("0", std::numeric_limits<double>::infinity()));
    CHECK_FALSE(wins_by_amount(merge_rule::min, value{}, value{1}));
    CHECK_FALSE(wins_by_amount(merge_rule::max, value{}, value{1}));
    CHECK_FALSE(wins_by_amount(merge_rule::max, value{}, value{}));
}
