// SPDX-License-Identifier: MIT
#include <casasync/backoff.hpp>
#include <casasync_test/catch.hpp>

#include <algorithm>
#include <random>
#include <span>

using namespace casasync;

namespace {

/// Draws the same number each time.
struct fixed_random {
    std::uint64_t drawn = 0;
    void fill(std::span<std::uint8_t> out) const {
        for (std::size_t i = 0; i < out.size(); ++i)
            out[i] = static_cast<std::uint8_t>(drawn >> (8 * (out.size() - 1 - i)));
    }
};
struct seeded_random {
    std::mt19937_64 rng{1};
    void fill(std::span<std::uint8_t> out) {
        for (std::uint8_t& b : out) b = static_cast<std::uint8_t>(rng());
    }
};

}  // namespace

TEST_CASE("the longest pause doubles from half a second to a minute, and stays there", "[backoff]") {
    const std::int64_t longest[] = {500, 1000, 2000, 4000, 8000, 16'000, 32'000, 60'000, 60'000, 60'000};
    backoff tries, past;
    for (const std::int64_t bound : longest) {
        fixed_random most{static_cast<std::uint64_t>(bound)}, above{static_cast<std::uint64_t>(bound) + 1};
        CHECK(tries.next(most) == bound);
        CHECK(past.next(above) == 0);  // one more is drawn around
    }
    for (int i = 0; i < 1000; ++i) {
        fixed_random most{60'000};
        CHECK(tries.next(most) == 60'000);
    }
}

TEST_CASE("a success begins anew", "[backoff]") {
    backoff tries;
    fixed_random random{500};
    for (int i = 0; i < 5; ++i) CHECK(tries.next(random) == 500);
    tries.reset();
    fixed_random one_more{501};
    CHECK(tries.next(one_more) == 0);
}

TEST_CASE("what the other side asks for comes on top, and never shortens a pause", "[backoff]") {
    backoff tries;
    fixed_random random{7};
    CHECK(tries.next(random, 3000) == 3007);
    CHECK(tries.next(random, -3000) == 7);
}

TEST_CASE("pauses are spread over the whole range", "[backoff]") {
    seeded_random random;
    std::int64_t least = backoff::most_ms, most = 0, sum = 0;
    for (int i = 0; i < 1000; ++i) {
        backoff tries;
        const std::int64_t pause = tries.next(random);
        least = std::min(least, pause);
        most = std::max(most, pause);
        sum += pause;
    }
    CHECK((least >= 0 && least < 10));
    CHECK((most <= 500 && most > 490));
    CHECK((sum > 225'000 && sum < 275'000));
}
