// SPDX-License-Identifier: MIT
#include "target.hpp"

#include <casasync_test/catch.hpp>

using namespace casasync;
using namespace casasync::relay;

TEST_CASE("numbers are whole, decimal and below 2^53", "[relay][target]") {
    CHECK(parse_number("0") == 0);
    CHECK(parse_number("9007199254740991") == 9007199254740991);
    for (const char* text : {"", "00", "01", "-1", "+1", " 1", "1 ", "1.0", "0x1", "9007199254740992",
                             "99999999999999999999999"})
        CHECK_FALSE(parse_number(text).has_value());
}

TEST_CASE("a target is taken apart as it is written", "[relay][target]") {
    const auto t = parse_target("/v1/vaults/abc/changesets?after=1&log=x_-");
    REQUIRE(t);
    REQUIRE(t->segment_count == 3);
    CHECK(t->segments[0] == "vaults");
    CHECK(t->segments[1] == "abc");
    CHECK(t->segments[2] == "changesets");
    CHECK(t->value("after") == "1");
    CHECK(t->value("log") == "x_-");
    CHECK_FALSE(t->value("wait"));
    const std::string_view known[] = {"after", "log", "wait"};
    CHECK(t->only_has(known));
    const std::string_view fewer[] = {"after"};
    CHECK_FALSE(t->only_has(fewer));
    CHECK(parse_target("/vaults/abc")->segments[0] == "vaults");
    CHECK(parse_target("/v1/info")->segments[0] == "info");
    CHECK(parse_target("/?a=")->value("a") == "");
    CHECK(parse_target("/v1/a?b=c=d")->value("b") == "c=d");
}

TEST_CASE("a target that is not clean is refused", "[relay][target]") {
    for (const char* text : {"", "a", "//", "/a//b", "/a/", "/a?", "/a?b", "/a?b=1&", "/a?&b=1", "/a?=1",
                             "/a?b=1&b=2", "/a?b=1?c=2", "/a%20", "/a.b", "/a b", "/a\xC3\xA9",
                             "/a/b/c/d/e/f/g/h/i", "/a?b=1&c=1&d=1&e=1&f=1&g=1&h=1&i=1&j=1"}) {
        INFO(text);
        CHECK_FALSE(parse_target(text).ok());
    }
}
