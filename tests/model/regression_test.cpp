// SPDX-License-Identifier: MIT
// Scripts that once failed, as property_test printed them: on the engine, or on one broken on purpose to see
// what the tests are worth. The name says what must hold.
#include "script.hpp"

#include <casasync_test/catch.hpp>

using namespace property;
using casasync::delete_policy;

TEST_CASE("delete_wins: a row stays hidden though somebody touched it later", "[property]") {
    const script s{{4, delete_policy::delete_wins, false, false, 210},
                   {{does::write, 2, 0, 0, 0, 0},
                    {does::send, 0, 2, 0, 0, 1},
                    {does::send, 2, 3, 0, 0, 1},
                    {does::write, 3, 0, 0, 1, 0},
                    {does::erase, 2, 0, 0, 0, 0}}};
    CHECK(play(s) == "");
}

TEST_CASE("a DELETE is unseen even if an earlier one was seen", "[property]") {
    const script s{{2, delete_policy::later_wins, true, false, 28},
                   {{does::write, 0, 0, 0, 0, 0},
                    {does::merge, 0, 0, 0, 0, 0},
                    {does::set_clock, 1, 0, 0, 3, 0},
                    {does::erase, 0, 0, 0, 0, 0},
                    {does::write, 1, 0, 0, 0, 0},
                    {does::write, 0, 0, 0, 0, 0},
                    {does::erase, 0, 0, 0, 0, 0}}};
    CHECK(play(s) == "");
}

TEST_CASE("an older snapshot does not forget that a DELETE was seen", "[property]") {
    const script s{{3, delete_policy::later_wins, false, false, 83},
                   {{does::write, 1, 0, 0, 0, 0},
                    {does::send, 0, 1, 0, 0, 1},
                    {does::erase, 1, 0, 0, 0, 0},
                    {does::send, 0, 1, 0, 0, 1},
                    {does::send, 1, 2, 0, 0, 1},
                    {does::write, 1, 0, 0, 0, 0},
                    {does::snapshot, 2, 1, 0, 0, 0}}};
    CHECK(play(s) == "");
}

TEST_CASE("an older snapshot does not bring back what was overwritten since", "[property]") {
    const script s{{3, delete_policy::later_wins, true, false, 55},
                   {{does::write, 0, 0, 0, 0, 0},
                    {does::seal, 0, 0, 0, 0, 0},
                    {does::write, 0, 0, 0, 1, 0},
                    {does::send, 0, 2, 0, 0, 1},
                    {does::snapshot, 2, 0, 0, 0, 0}}};
    CHECK(play(s) == "");
}
