// SPDX-License-Identifier: MIT
#include <casasync/changeset.hpp>
#include <casasync_test/catch.hpp>

using namespace casasync;

namespace {

row_change at(std::uint64_t when, std::uint8_t who) {
    row_change out;
    out.op.when.when = hlc{when};
    out.op.when.replica.octets[0] = who;
    return out;
}

}  // namespace

TEST_CASE("a heartbeat has no operation and no stamp", "[changeset]") {
    const changeset none;
    CHECK(count_operations(none) == 0);
    CHECK_FALSE(greatest_stamp(none).exists());
}

TEST_CASE("operations are counted, and the greatest stamp found, over all tables", "[changeset]") {
    changeset c;
    c.tables = {{{}, {at(3, 1), at(9, 1)}}, {{}, {at(9, 2), at(4, 7)}}, {{}, {at(1, 9)}}};
    CHECK(count_operations(c) == 5);
    CHECK(greatest_stamp(c) == at(9, 2).op.when);  // of two at one instant, the greater replica's
}
