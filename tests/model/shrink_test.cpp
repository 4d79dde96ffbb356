// SPDX-License-Identifier: MIT
#include "shrink.hpp"

#include <casasync_test/catch.hpp>

#include <algorithm>

using namespace property;

TEST_CASE("a failure that needs two steps of a hundred shrinks to these two, with the least numbers",
          "[property]") {
    std::vector<step> steps(100, step{does::write, 3, 2, 1, 200, 100});
    steps[30] = {does::erase, 1, 2, 1, 77, 99};
    steps[71] = {does::snapshot, 2, 1, 1, 40, 50};
    std::size_t tries = 0;
    const auto fails = [&tries](const std::vector<step>& s) {
        ++tries;
        const auto erase = std::find_if(s.begin(), s.end(),
                                        [](const step& t) { return t.what == does::erase && t.a >= 70; });
        return std::any_of(erase, s.end(), [](const step& t) { return t.what == does::snapshot; });
    };
    CHECK(shrink(steps, fails) ==
          std::vector<step>{{does::erase, 0, 0, 0, 70, 0}, {does::snapshot, 0, 0, 0, 0, 0}});
    CHECK(tries < 1000);
    CHECK(shrink({steps[71]}, [](const std::vector<step>& s) { return !s.empty(); }).size() == 1);
}

TEST_CASE("a script prints as a test that says the same", "[property]") {
    const script s{{3, casasync::delete_policy::delete_wins, true, false, 9},
                   {{does::write, 1, 0, 0, 3, 7}, {does::send, 0, 2, 0, 1, 1}}};
    CHECK(as_test(s, "name") ==
          "TEST_CASE(\"name\", \"[property]\") {\n"
          "    const script s{\n"
          "        {3, delete_policy::delete_wins, true, false, 9},\n"
          "        {{does::write, 1, 0, 0, 3, 7},\n"
          "         {does::send, 0, 2, 0, 1, 1}}};\n"
          "    CHECK(play(s) == \"\");\n"
          "}\n");
}

TEST_CASE("a seed always draws the same script", "[property]") {
    CHECK(as_test(draw(7), "") == as_test(draw(7), ""));
    CHECK(as_test(draw(7), "") != as_test(draw(8), ""));
}
