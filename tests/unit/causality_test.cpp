// SPDX-License-Identifier: MIT
#include "stamps.hpp"

#include <casasync/causality.hpp>
#include <casasync_test/catch.hpp>

using namespace casasync;
using casasync_test::replica;

TEST_CASE("a maximum only rises", "[causality]") {
    version_vector v;
    CHECK(v.of(replica(1)) == hlc{});
    v.raise(replica(1), hlc{5});
    v.raise(replica(1), hlc{3});
    CHECK(v.of(replica(1)) == hlc{5});
    v.raise(replica(1), hlc{6});
    CHECK(v.of(replica(1)) == hlc{6});
    CHECK(v.entries().size() == 1);
}

TEST_CASE("entries are sorted by id, whatever order they came in", "[causality]") {
    version_vector v, w;
    using octets = std::vector<std::uint8_t>;
    for (const auto n : octets{7, 1, 200, 3}) v.raise(replica(n), hlc{n});
    for (const auto n : octets{200, 3, 7, 1}) w.raise(replica(n), hlc{n});
    CHECK(v == w);
    REQUIRE(v.entries().size() == 4);
    CHECK(v.entries().front().first == replica(1));
    CHECK(v.entries().back().first == replica(200));  // octets are unsigned
}

TEST_CASE("covers: every maximum is reached, and ids that are missing count as zero", "[causality]") {
    version_vector less, more, aside;
    less.raise(replica(1), hlc{5});
    more.raise(replica(1), hlc{5});
    more.raise(replica(2), hlc{1});
    aside.raise(replica(1), hlc{6});
    CHECK(less.covers({}));
    CHECK(less.covers(less));
    CHECK(more.covers(less));
    CHECK_FALSE(less.covers(more));
    CHECK_FALSE(more.covers(aside));
    CHECK_FALSE(aside.covers(more));
    version_vector zero;
    zero.raise(replica(9), hlc{0});
    CHECK(less.covers(zero));
}

TEST_CASE("raising by another map is the least that covers both", "[causality]") {
    version_vector a, b;
    a.raise(replica(1), hlc{5});
    a.raise(replica(2), hlc{1});
    b.raise(replica(2), hlc{4});
    b.raise(replica(3), hlc{2});
    version_vector both = a, other = b;
    both.raise(b);
    other.raise(a);
    CHECK(both == other);
    CHECK((both.covers(a) && both.covers(b)));
    CHECK(both.of(replica(2)) == hlc{4});
    CHECK(both.entries().size() == 3);
}

TEST_CASE("a write is known up to its replica's maximum, and not beyond", "[causality]") {
    version_vector v;
    v.raise(replica(1), hlc{5});
    CHECK(knows(v, {hlc{4}, replica(1)}));
    CHECK(knows(v, {hlc{5}, replica(1)}));
    CHECK_FALSE(knows(v, {hlc{6}, replica(1)}));
    CHECK_FALSE(knows(v, {hlc{1}, replica(2)}));
}
