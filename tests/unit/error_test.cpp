// SPDX-License-Identifier: MIT
#include <casasync/error.hpp>
#include <casasync_test/catch.hpp>

#include <set>
#include <string>

using namespace casasync;

namespace {

constexpr int last = static_cast<int>(errc::canceled);

}  // namespace

TEST_CASE("every code has a name of its own, in lower case with underscores", "[error]") {
    std::set<std::string_view> names;
    for (int n = 1; n <= last; ++n) {
        const std::string_view name = name_of(static_cast<errc>(n));
        CHECK(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string_view::npos);
        names.insert(name);
    }
    CHECK(names.size() == static_cast<std::size_t>(last));
    CHECK(names.count("unknown") == 0);
    CHECK(name_of(static_cast<errc>(last + 1)) == "unknown");
}

TEST_CASE("conditions: what may succeed later, what is damaged, and the rest", "[error]") {
    const std::set<errc> retryable{errc::clock_skew, errc::quota_exceeded,    errc::too_many_requests,
                                   errc::offline,    errc::relay_unavailable, errc::store_busy,
                                   errc::store_full, errc::io_failed,         errc::canceled};
    const std::set<errc> corrupt{errc::malformed_changeset, errc::malformed_envelope,
                                 errc::malformed_snapshot,  errc::malformed_members,
                                 errc::malformed_answer,    errc::authentication_failed,
                                 errc::store_failed};
    for (int n = 1; n <= last; ++n) {
        const auto code = static_cast<errc>(n);
        const condition expected = retryable.count(code) > 0 ? condition::retryable
                                   : corrupt.count(code) > 0 ? condition::corrupt
                                                             : condition::rejected;
        INFO(name_of(code));
        CHECK(condition_of(code) == expected);
        CHECK(error(code).what() == expected);
    }
}

TEST_CASE("an error's text is its sentence, or the code's name", "[error]") {
    CHECK(error(errc::offline).text() == "offline");
    CHECK(error(errc::offline, "No network.").text() == "No network.");
}

TEST_CASE("codes travel as std::error_code", "[error]") {
    const std::error_code code = errc::store_busy;
    CHECK(code.message() == "store_busy");
    CHECK(code.category() == category());
    CHECK(std::string(code.category().name()) == "casasync");
    CHECK(code == make_error_code(errc::store_busy));
    CHECK(code != make_error_code(errc::store_full));
    CHECK(static_cast<bool>(code));
}
