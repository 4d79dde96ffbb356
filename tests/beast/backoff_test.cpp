// SPDX-License-Identifier: MIT
#include <casasync/backoff.hpp>

#include <casasync_test/catch.hpp>

#include <algorithm>
#include <random>

using namespace casasync;

namespace {

struct all {
    std::uint8_t value = 0;
    void fill(std::span<std::uint8_t> out) noexcept { std::fill(out.begin(), out.end(), value); }
};

struct seeded {
    std::mt19937 engine{7};
    void fill(std::span<std::uint8_t> out) {
        for (std::uint8_t& o : out) o = static_cast<std::uint8_t>(engine());
    }
};

}  // namespace

TEST_CASE("waits are spread over a range that doubles up to a minute", "[backoff]") {
    seeded random;
    for (int round = 0; round < 200; ++round) {
        backoff wait;
        for (const std::int64_t bound :
             {500, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000, 60000, 60000, 60000}) {
            const std::int64_t ms = wait.next(random);
            CHECK(ms >= 0);
            CHECK(ms <= bound);
        }
    }
    backoff wait;
    std::int64_t least = 500;
    std::int64_t most = 0;
    for (int i = 0; i < 2000; ++i) {
        wait.reset();
        const std::int64_t ms = wait.next(random);
        least = std::min(least, ms);
        most = std::max(most, ms);
    }
    CHECK(least < 5);
    CHECK(most > 495);
}

TEST_CASE("what the other side asks for is the least, and a success starts anew", "[backoff]") {
    all zeros{0};
    backoff wait;
    CHECK(wait.next(zeros) == 0);
    CHECK(wait.next(zeros, 17000) == 17000);
    CHECK(wait.next(zeros, -5) == 0);
    all ones{0xff};
    for (int i = 0; i < 100; ++i) CHECK(wait.next(ones, 1000) <= 61000);
    wait.reset();
    CHECK(wait.next(ones) <= 500);
}
