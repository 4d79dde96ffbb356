// SPDX-License-Identifier: MIT
#include <casasync/openssl/pairing_code.hpp>

#include "bytes_of.hpp"

#include <casasync/openssl/random.hpp>
#include <casasync_test/catch.hpp>

#include <algorithm>
#include <cctype>
#include <set>

using namespace casasync;
using namespace casasync::openssl;

namespace {

struct same_bytes {
    std::uint8_t value = 0;
    void fill(std::span<std::uint8_t> out) noexcept { std::fill(out.begin(), out.end(), value); }
};

pairing_code code_of(std::string_view slot, std::uint8_t value) {
    same_bytes source{value};
    return pairing_code::make(*pairing_slot::parse(slot), source);
}

constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

}  // namespace

TEST_CASE("a code reads back as it is written", "[openssl][pairing]") {
    CHECK(code_of("0000", 0).text() == "0000-0000-000");
    CHECK(code_of("ZZZZ", 0xff).text() == "ZZZZ-ZZZZ-ZZ4");
    CHECK(code_of("7KQ2", 3).slot().text() == "7KQ2");
    CHECK(to_hex(code_of("7KQ2", 3).secret().value) == to_hex(as_bytes("333333")));
    CHECK(code_of("7KQ2", 3).secret().how == pairing_secret::kind::typed);
    openssl::random source;
    std::set<std::string> seen;
    for (int i = 0; i < 200; ++i) {
        const auto code = pairing_code::make(pairing_slot::make(source), source);
        CAPTURE(code.text());
        CHECK(code.text().size() == 13);
        REQUIRE(pairing_code::parse(code.text()).ok());
        CHECK(*pairing_code::parse(code.text()) == code);
        CHECK(pairing_slot::parse(code.slot().text()) == code.slot());
        seen.insert(code.text());
    }
    CHECK(seen.size() == 200);
}

TEST_CASE("the check is the same in every version", "[openssl][pairing]") {
    // sum of s_i * a^(10 - i) in GF(32) with x^5 + x^2 + 1, worked out by another program
    CHECK(code_of("7KQ2", 3).text() == "7KQ2-3333-33W");
    CHECK(code_of("Z0Y1", 30).text() == "Z0Y1-YYYY-YY7");
}

TEST_CASE("a code may be typed the way people type", "[openssl][pairing]") {
    for (const std::uint8_t value : {std::uint8_t{0}, std::uint8_t{1}, std::uint8_t{17}}) {
        const auto code = code_of("01AZ", value);
        std::string typed = code.text();
        std::transform(typed.begin(), typed.end(), typed.begin(),
                       [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        CHECK(pairing_code::parse(typed).value() == code);
        std::string loose = "  ";
        for (const char c : typed)
            if (c == '0')
                loose += 'o';
            else if (c == '1')
                loose += loose.size() % 2 == 0 ? 'l' : 'I';
            else if (c != '-')
                loose += std::string(1, c) + "-";
        CHECK(pairing_code::parse(loose + "\n").value() == code);
    }
}

TEST_CASE("any one wrong character and any two that changed places are found", "[openssl][pairing]") {
    std::size_t tried = 0;
    openssl::random source;
    for (int round = 0; round < 20; ++round) {
        std::string good = pairing_code::make(pairing_slot::make(source), source).text();
        good.erase(std::remove(good.begin(), good.end(), '-'), good.end());
        CAPTURE(good);
        for (std::size_t i = 0; i < good.size(); ++i) {
            for (const char c : alphabet) {
                std::string typed = good;
                typed[i] = c;
                if (typed == good) continue;
                ++tried;
                const auto r = pairing_code::parse(typed);
                if (r.ok()) FAIL(typed);
                if (r.failure().detail.empty()) FAIL("no sentence for " << typed);
            }
            for (std::size_t j = i + 1; j < good.size(); ++j) {
                std::string swapped = good;
                std::swap(swapped[i], swapped[j]);
                if (swapped != good && pairing_code::parse(swapped).ok()) FAIL(swapped);
            }
        }
    }
    CHECK(tried == 20 * 11 * 31);
}

TEST_CASE("what cannot be a code is refused with a sentence", "[openssl][pairing]") {
    const std::string good = code_of("7KQ2", 7).text();
    const std::string wrong[] = {"",
                                 "----",
                                 good.substr(0, good.size() - 1),
                                 good + "0",
                                 good + good,
                                 "U" + good.substr(1),
                                 "é" + good.substr(1),
                                 std::string(100000, '0'),
                                 std::string("\0", 1) + good};
    for (const std::string& typed : wrong) {
        const auto r = pairing_code::parse(typed);
        REQUIRE_FALSE(r.ok());
        CHECK(r.code() == errc::malformed_text);
        CHECK(r.failure().detail.ends_with("Nothing was sent."));
    }
}

TEST_CASE("a slot is exactly four characters of the alphabet", "[openssl][pairing]") {
    CHECK(pairing_slot::parse("0000")->number() == 0);
    CHECK(pairing_slot::parse("ZZZZ")->number() == pairing_slot::count - 1);
    CHECK(pairing_slot::parse("0010")->text() == "0010");
    for (const char* wrong : {"", "000", "00000", "000u", "00o0", "zzzz", "000 ", "00-0"})
        CHECK_FALSE(pairing_slot::parse(wrong).has_value());
    same_bytes ones{0xff};
    CHECK(pairing_slot::make(ones).number() == pairing_slot::count - 1);
}
