// SPDX-License-Identifier: MIT
#include <casasync/value.hpp>
#include <casasync_test/catch.hpp>

#include <limits>
#include <string>
#include <vector>

using namespace casasync;

namespace {

constexpr auto most = std::numeric_limits<std::int64_t>::max(),
               least = std::numeric_limits<std::int64_t>::min();
constexpr double infinite = std::numeric_limits<double>::infinity();

template <class Compare>
void check_rising(const std::vector<value>& rising, Compare&& compare) {
    for (std::size_t i = 0; i < rising.size(); ++i)
        for (std::size_t j = 0; j < rising.size(); ++j) {
            INFO(i << " and " << j);
            CHECK((compare(rising[i], rising[j]) == (i <=> j)));
        }
}

}  // namespace

TEST_CASE("values order by type, then by exact content", "[value]") {
    check_rising({value{},
                  value(least),
                  value(-1),
                  value(0),
                  value(most),
                  value(-infinite),
                  value(-1.0),
                  value(-0.0),
                  value(0.0),
                  value(5e-324),
                  value(1.0),
                  value(infinite),
                  value(""),
                  value(std::string("\0", 1)),
                  value("a"),
                  value("ab"),
                  value("\x7F"),
                  value("\x80"),
                  value(bytes{}),
                  value(bytes{0}),
                  value(bytes{0, 0}),
                  value(bytes{0x80})},
                 [](const value& a, const value& b) { return a <=> b; });
}

TEST_CASE("amounts order as numbers, exactly, NULL first and text and blobs behind", "[value]") {
    const double two_53 = 9007199254740992.0, two_63 = 9223372036854775808.0;
    check_rising({value{},         value(-infinite),
                  value(least),    value(-two_63),
                  value(-2),       value(-1.5),
                  value(-1),       value(0),
                  value(-0.0),     value(0.0),
                  value(5e-324),   value(1),
                  value(1.0),      value(1.5),
                  value(2),        value(std::int64_t{9007199254740992}),
                  value(two_53),   value(std::int64_t{9007199254740993}),
                  value(most),     value(two_63),
                  value(infinite), value("0"),
                  value(bytes{0})},
                 [](const value& a, const value& b) { return compare_amount(a, b); });
}

TEST_CASE("a value keeps its type and its bytes", "[value]") {
    CHECK(value(std::string("a\0b", 3)).text().size() == 3);
    CHECK(value(bytes{0, 255}).blob() == bytes{0, 255});
    CHECK(value(most).integer() == most);
    CHECK(value(7).kind() == value_kind::integer);
    CHECK(value(7.0).kind() == value_kind::real);
    CHECK(value("7").kind() == value_kind::text);
    CHECK(value(bytes{}).kind() == value_kind::blob);
}

TEST_CASE("a NaN is stored as NULL", "[value]") {
    for (const double d :
         {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::signaling_NaN(),
          -std::numeric_limits<double>::quiet_NaN()})
        CHECK(value(d).is_null());
}

TEST_CASE("sizes: 0 for NULL, 8 for numbers, else the content's", "[value]") {
    CHECK(value{}.size() == 0);
    CHECK(value(1).size() == 8);
    CHECK(value(1.0).size() == 8);
    CHECK(value("abc").size() == 3);
    CHECK(value(bytes(5)).size() == 5);
}
