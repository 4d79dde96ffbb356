// SPDX-License-Identifier: MIT
#include <casasync/cursor.hpp>
#include <casasync_test/catch.hpp>

using namespace casasync;

TEST_CASE("the running hash is the hash of both, the log first", "[cursor]") {
    digest256 log{}, envelope{}, given{};
    log.fill(1);
    envelope.fill(2);
    bytes hashed;
    const auto hash = [&](bytes_view data) {
        hashed.assign(data.begin(), data.end());
        given.fill(3);
        return given;
    };
    CHECK(advance_log(log, envelope, hash) == given);
    bytes expected(32, 1);
    expected.insert(expected.end(), 32, 2);
    CHECK(hashed == expected);
}

TEST_CASE("a device that has never pulled stands before every log", "[cursor]") {
    const cursor start;
    CHECK(start.generation.is_zero());
    CHECK(start.pos == 0);
    CHECK(start.log == digest256{});
}

TEST_CASE("cursors at one position of two histories differ", "[cursor]") {
    cursor a{{}, 7, {}}, b = a, c = a;
    b.log[31] = 1;
    c.generation.octets[0] = 1;
    CHECK(a != b);
    CHECK(a != c);
}
