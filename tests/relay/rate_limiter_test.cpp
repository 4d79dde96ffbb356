// SPDX-License-Identifier: MIT
#include "rate_limiter.hpp"

#include <casasync_test/catch.hpp>

using namespace casasync;
using namespace casasync::relay;

namespace {

rate_limiter::key key_of(std::uint32_t n) {
    rate_limiter::key out{1, {}};
    for (int i = 0; i < 4; ++i)
        out.second[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(n >> (8 * i));
    return out;
}

}  // namespace

TEST_CASE("so many at once, and more as time goes by", "[relay][rate]") {
    rate_limiter limiter;
    const rate r{3, 60'000};
    for (int i = 0; i < 3; ++i) CHECK(limiter.take(key_of(1), r, 1000).wait_s == 0);
    CHECK(limiter.take(key_of(1), r, 1000).wait_s == 20);
    CHECK(limiter.take(key_of(1), r, 11'000).wait_s == 10);
    CHECK(limiter.take(key_of(1), r, 21'000).wait_s == 0);
    CHECK(limiter.take(key_of(1), r, 21'000).wait_s == 20);
    CHECK(limiter.take(key_of(2), r, 21'000).wait_s == 0);
    for (int i = 0; i < 3; ++i)
        CHECK(limiter.take(key_of(1), r, 10'000'000).wait_s == 0);  // never more than three
    CHECK(limiter.take(key_of(1), r, 10'000'000).wait_s == 20);
}

TEST_CASE("no tokens is no limit", "[relay][rate]") {
    rate_limiter limiter;
    for (int i = 0; i < 1000; ++i) CHECK(limiter.take(key_of(1), {0, 60'000}, 0).wait_s == 0);
}

TEST_CASE("a clock that steps back neither fills nor empties a bucket", "[relay][rate]") {
    rate_limiter limiter;
    const rate r{1, 60'000};
    CHECK(limiter.take(key_of(1), r, 100'000).wait_s == 0);
    CHECK(limiter.take(key_of(1), r, 0).wait_s == 60);
    CHECK(limiter.take(key_of(1), r, 60'000).wait_s == 0);
}

TEST_CASE("buckets that are full again make room, others are kept", "[relay][rate]") {
    rate_limiter limiter;
    const rate r{1, 60'000};
    CHECK(limiter.take(key_of(0), r, 59'000).wait_s == 0);
    for (std::uint32_t n = 1; n < 10'000; ++n)
        CHECK(limiter.take(key_of(n), r, n < 5000 ? 0 : 60'000).wait_s == 0);
    CHECK(limiter.take(key_of(0), r, 60'000).wait_s == 59);
}
