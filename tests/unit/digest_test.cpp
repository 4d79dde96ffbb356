// SPDX-License-Identifier: MIT
#include "stamps.hpp"

#include <casasync/digest.hpp>
#include <casasync_test/catch.hpp>

#include <string>

using namespace casasync;
using casasync_test::at;

namespace {

const table_traits table{"t", delete_policy::later_wins, {{"a"}, {"b"}}};
const bytes key{3, 1, 'k'};

row_state sample() {
    row_state row;
    row.born = at(1);
    row.touched = at(3);
    row.dead = at(2);
    row.dead_seen = true;
    row.cells = {{0, at(1), value(1)}, {1, at(3), value("n")}};
    return row;
}
digest128 sum_of(const row_state& row, const table_traits& t = table, bytes_view k = key) {
    return row_digest(t, k, row);
}

}  // namespace

TEST_CASE("sums add and subtract modulo 2^128, with carry and borrow", "[digest]") {
    const digest128 most{~0ULL, ~0ULL};
    digest128 sum = most;
    sum += {0, 1};
    CHECK(sum == digest128{});
    sum -= {0, 1};
    CHECK(sum == most);
    digest128 carry{1, ~0ULL};
    carry += {0, 2};
    CHECK(carry == digest128{2, 1});
    carry -= {0, 2};
    CHECK(carry == digest128{1, ~0ULL});
}

TEST_CASE("the hash is MurmurHash3_x64_128", "[digest]") {
    CHECK(detail::hash128({}) == detail::u128{0, 0});
    CHECK(detail::hash128(as_bytes("hello")) == detail::u128{0xcbd8a7b341bd9b02, 0x5b1e906a48ae1d19});
    CHECK(detail::hash128(as_bytes("The quick brown fox jumps over the lazy dog")) ==
          detail::u128{0xe34bbc7bbc071b6c, 0x7a433ca9c49a9347});
}

TEST_CASE("a register adds the hash of its stamp, under its row, its kind and its column's name",
          "[digest]") {
    const digest128 row = detail::row_seed(table, key);
    stamp when = at(0x0102030405);
    for (std::uint8_t n = 0; n < 16; ++n) when.replica.octets[n] = n;
    bytes all(when.replica.octets.begin(), when.replica.octets.end());
    for (int shift = 0; shift < 64; shift += 8)
        all.push_back(static_cast<std::uint8_t>(when.when.packed >> shift));
    const std::string name = "a column with a long name";
    for (std::size_t n = 0; n <= name.size(); ++n) {
        const std::string column = name.substr(0, n);
        const detail::u128 what = detail::hash128(as_bytes(column), {0, 3});
        INFO(n << " bytes of name");
        CHECK(detail::term_seed(detail::digest_term::cell, column) == what);
        CHECK(detail::term(row, what, when) ==
              detail::hash128(all, {row.high ^ what.high, row.low ^ what.low}));
    }
}

TEST_CASE("the change of a row is the difference of its sums", "[digest]") {
    std::uint64_t n = 0;
    const auto random = [&n](std::uint64_t below) { return detail::fmix64(++n) % below; };
    const auto some_stamp = [&] {
        return random(3) == 0 ? stamp{} : random(5) == 0 ? band::adopted : at(random(4));
    };
    const auto some_row = [&] {
        row_state row;
        row.born = some_stamp(), row.dead = some_stamp(), row.touched = std::max(row.born, some_stamp());
        for (column_no c = 0; c < 4; ++c)
            if (random(3) > 0) row.cells.push_back({c, some_stamp(), value(1)});
        return row;
    };
    const table_traits wide{"t", delete_policy::later_wins, {{"a"}, {"b", merge_rule::max}, {"c"}, {"d"}}};
    for (int i = 0; i < 2000; ++i) {
        const row_state before = some_row(), after = some_row();
        digest128 difference = sum_of(after, wide);
        difference -= sum_of(before, wide);
        REQUIRE(digest_change(wide, key, before, after) == difference);
    }
}

TEST_CASE("every register of a visible row counts, and where it is", "[digest]") {
    const digest128 before = sum_of(sample());
    for (stamp row_state::*which : {&row_state::born, &row_state::dead}) {
        row_state row = sample();
        (row.*which).replica.octets[15] ^= 1;
        CHECK(sum_of(row) != before);
    }
    row_state later = sample();
    later.cells[1].when.when.packed += 1;
    CHECK(sum_of(later) != before);
    CHECK(sum_of(sample(), {"u", table.policy, table.columns}) != before);
    CHECK(sum_of(sample(), {"t", table.policy, {{"b"}, {"a"}}}) != before);
    CHECK(sum_of(sample(), table, bytes{3, 1, 'l'}) != before);
}

TEST_CASE("columns count by name, not by place, and values by their stamps alone", "[digest]") {
    row_state other = sample();
    other.cells = {{0, at(3), value("something else")}, {1, at(1), std::nullopt}};
    CHECK(sum_of(other, {"t", table.policy, {{"b"}, {"a"}}}) == sum_of(sample()));
}

TEST_CASE("an invisible row adds its DELETE alone, a cell of an earlier life nothing", "[digest]") {
    row_state gone = sample(), bare;
    gone.dead = bare.dead = at(9);
    CHECK(sum_of(gone) == sum_of(bare));
    CHECK(sum_of(row_state{}) == digest128{});
    row_state again = sample(), without = sample();
    again.born = without.born = at(3);
    without.cells.erase(without.cells.begin());
    CHECK(sum_of(again) == sum_of(without));
}

TEST_CASE("lost writes add up in any order, each with its column and stamp", "[digest]") {
    const conflict a{column_no{0}, at(1), value(1), at(3), conflict_reason::older_stamp},
        b{column_no{1}, at(1), value(1), at(3), conflict_reason::older_stamp},
        whole{std::nullopt, at(1), {}, at(3), conflict_reason::delete_undone};
    const auto sum = [](const std::vector<conflict>& open) { return conflict_digest(table, key, open); };
    CHECK(sum({}) == digest128{});
    CHECK(sum({a, b, whole}) == sum({whole, b, a}));
    CHECK(sum({a}) != sum({b}));
    CHECK(sum({a}) != sum({whole}));
    conflict later = a;
    later.loser = at(2);
    CHECK(sum({later}) != sum({a}));
}
