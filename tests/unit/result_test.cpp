// SPDX-License-Identifier: MIT
#include <casasync/result.hpp>
#include <casasync_test/catch.hpp>

#include <memory>
#include <string>

using namespace casasync;

TEST_CASE("a result is a value or an error", "[result]") {
    const result<int> good = 7;
    CHECK(good.ok());
    CHECK(static_cast<bool>(good));
    CHECK(*good == 7);
    const result<int> bad = error{errc::store_busy, "Somebody else writes."};
    CHECK_FALSE(bad.ok());
    CHECK(bad.code() == errc::store_busy);
    CHECK(bad.failure().detail == "Somebody else writes.");
    CHECK(result<int>(errc::offline).failure().detail.empty());
}

TEST_CASE("a value can be changed, moved out, and need not be copied", "[result]") {
    result<std::string> text = std::string("a");
    text->append("b");
    *text += "c";
    CHECK(text.value() == "abc");
    result<std::unique_ptr<int>> owned = std::make_unique<int>(3);
    const std::unique_ptr<int> taken = *std::move(owned);
    CHECK(*taken == 3);
}

TEST_CASE("a result without a value is ok or an error", "[result]") {
    CHECK(result<void>().ok());
    const result<void> bad = errc::store_full;
    CHECK_FALSE(static_cast<bool>(bad));
    CHECK(bad.code() == errc::store_full);
    CHECK(bad.failure().text() == "store_full");
}
