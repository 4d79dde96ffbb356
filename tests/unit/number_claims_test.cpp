// SPDX-License-Identifier: MIT
#include "stamps.hpp"

#include <casasync/number_claims.hpp>
#include <casasync_test/catch.hpp>

#include <algorithm>
#include <random>
#include <set>

using namespace casasync;
using casasync_test::at;

namespace {

bytes id(std::uint8_t n) {
    return {n};
}
number_claim living(std::uint8_t identity, std::int64_t wanted, stamp when) {
    return {id(identity), wanted, when, std::nullopt};
}
number_claim deleted(std::uint8_t identity, std::int64_t wanted, stamp when, stamp until) {
    return {id(identity), wanted, when, until};
}
std::vector<std::int64_t> settle(const std::vector<number_claim>& claims) {
    return settle_numbers(claims);
}
std::int64_t derived(std::uint8_t identity, std::uint64_t attempt) {
    return derived_number(id(identity), attempt);
}

/// A few rows that want few numbers at few times; some are deleted again. \param first  stamps are above it
std::vector<number_claim> random_claims(std::mt19937_64& random, std::uint64_t first, std::uint8_t identity) {
    std::vector<number_claim> out;
    for (std::size_t n = 1 + random() % 6; n > 0; --n, ++identity) {
        const std::uint64_t when = first + random() % 20;
        out.push_back(living(identity, static_cast<std::int64_t>(random() % 3),
                             at(when, static_cast<std::uint8_t>(random() % 3))));
        if (random() % 3 == 0) out.back().until = at(when + random() % 9, 7);
    }
    return out;
}

}  // namespace

TEST_CASE("the earlier claim keeps the number, the other row gets one of its own", "[numbers]") {
    const std::vector<number_claim> claims{living(1, 5, at(20)), living(2, 5, at(10)), living(3, 6, at(30))};
    CHECK(settle(claims) == std::vector<std::int64_t>{derived(1, 1), 5, 6});
}

TEST_CASE("under one stamp the lesser identity keeps it", "[numbers]") {
    const std::vector<number_claim> claims{living(2, 5, at(10)), living(1, 5, at(10))};
    CHECK(settle(claims) == std::vector<std::int64_t>{derived(2, 1), 5});
}

TEST_CASE("an adopted row comes before what a person wrote, and that before what a device brought along",
          "[numbers]") {
    const stamp joined{band::joined_first, {}}, person{hlc{band::adopt.packed + 1}, {}};
    const std::vector<number_claim> claims{living(1, 5, joined), living(2, 5, person),
                                           living(3, 5, band::adopted)};
    CHECK(settle(claims) == std::vector<std::int64_t>{derived(1, 1), derived(2, 1), 5});
    const std::vector<number_claim> without{claims[0], claims[1]};
    CHECK(settle(without) == std::vector<std::int64_t>{derived(1, 1), 5});
    const std::vector<number_claim> late{living(1, 5, joined), deleted(2, 5, person, at(9000))};
    CHECK(settle(late) == std::vector<std::int64_t>{derived(1, 1), 5});
}

TEST_CASE("a claim made while the number was held loses for good", "[numbers]") {
    const std::vector<number_claim> claims{deleted(1, 5, at(10), at(30)), living(2, 5, at(20))};
    CHECK(settle(claims) == std::vector<std::int64_t>{5, derived(2, 1)});
}

TEST_CASE("a number is free again at the DELETE of its holder", "[numbers]") {
    for (const std::uint64_t later : {30U, 31U}) {
        const std::vector<number_claim> claims{deleted(1, 5, at(10), at(30)), living(2, 5, at(later)),
                                               living(3, 5, at(40))};
        CHECK(settle(claims) == std::vector<std::int64_t>{5, 5, derived(3, 1)});
    }
    // Who was deleted before it claimed holds nothing.
    const std::vector<number_claim> never{deleted(1, 5, at(10), at(9)), living(2, 5, at(11))};
    CHECK(settle(never) == std::vector<std::int64_t>{5, 5});
}

TEST_CASE("a loser gives way to who wants its derived number, and tries the next", "[numbers]") {
    const std::int64_t first = derived(2, 1);
    const std::vector<number_claim> claims{living(1, 5, at(10)), living(2, 5, at(20)),
                                           living(3, first, at(30))};
    CHECK(settle(claims) == std::vector<std::int64_t>{5, derived(2, 2), first});
    // Whenever that one is deleted: it held the number in an earlier attempt.
    const std::vector<number_claim> gone{claims[0], claims[1], deleted(3, first, at(1), at(2))};
    CHECK(settle(gone) == std::vector<std::int64_t>{5, derived(2, 2), first});
}

TEST_CASE("a number field that holds no integer claims nothing", "[numbers]") {
    const std::vector<number_claim> claims{{id(1), std::nullopt, at(10), std::nullopt}, living(2, 5, at(20))};
    CHECK(settle(claims) == std::vector<std::int64_t>{derived(1, 1), 5});
}

TEST_CASE("derived numbers are negative, exact as doubles, and the same in every version", "[numbers]") {
    for (std::uint8_t identity = 0; identity < 200; ++identity)
        for (const std::uint64_t attempt : {1U, 2U}) {
            const std::int64_t n = derived(identity, attempt);
            CHECK(n > -(std::int64_t{1} << 53));
            CHECK(n <= -(std::int64_t{1} << 52));
        }
    CHECK(derived(1, 1) != derived(1, 2));
    CHECK(derived(1, 1) == -7303786669587665);
    CHECK(derived(1, 2) == -4620802919458648);
}

TEST_CASE("numbers depend on the set of claims, and visible rows never share one", "[numbers]") {
    std::mt19937_64 random(1);
    for (int run = 0; run < 20'000; ++run) {
        std::vector<number_claim> claims = random_claims(random, 0, 0);
        const auto numbers = settle(claims);
        std::map<bytes, std::int64_t> by_identity;
        std::set<std::int64_t> shown;
        std::size_t visible = 0;
        for (std::size_t i = 0; i < claims.size(); ++i) {
            by_identity[claims[i].identity] = numbers[i];
            if (claims[i].until) continue;
            ++visible;
            shown.insert(numbers[i]);
        }
        REQUIRE(shown.size() == visible);
        std::shuffle(claims.begin(), claims.end(), random);
        const auto shuffled = settle(claims);
        for (std::size_t i = 0; i < claims.size(); ++i)
            REQUIRE(shuffled[i] == by_identity[claims[i].identity]);
    }
}

TEST_CASE("a later claim moves no row, and neither does a DELETE", "[numbers]") {
    std::mt19937_64 random(2);
    for (int run = 0; run < 20'000; ++run) {
        std::vector<number_claim> claims = random_claims(random, 0, 0);
        const auto before = settle(claims);
        const std::size_t known = claims.size();
        for (number_claim& c : claims)
            if (!c.until && random() % 3 == 0) c.until = at(100);
        for (number_claim& c : random_claims(random, 100, 100)) claims.push_back(std::move(c));
        const auto after = settle(claims);
        for (std::size_t i = 0; i < known; ++i) REQUIRE(after[i] == before[i]);
    }
}
