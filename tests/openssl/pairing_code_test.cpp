// SPDX-License-Identifier: MIT
#include <casasync/openssl/pairing_code.hpp>

#include "bytes_of.hpp"

#include <casasync/openssl/random.hpp>
#include <casasync_test/catch.hpp>

#include <algorithm>
#include <cctype>

using namespace casasync;
using namespace casasync::openssl;

namespace {

struct same_bytes {
    std::uint8_t value = 0;
    void fill(std::span<std::uint8_t> out) noexcept { std::fill(out.begin(), out.end(), value); }
};

pairing_code code_of(std::uint8_t value) {
    same_bytes source{value};
    return pairing_code::make(source);
}

constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

}  // namespace

TEST_CASE("a code reads back as it is written", "[openssl][pairing]") {
    CHECK(code_of(0).text() == "0000-0000-0000-0000-0000-0000-0000");
    CHECK(code_of(0xff).text() == "7ZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZM5");
    openssl::random source;
    for (int i = 0; i < 200; ++i) {
        const auto code = pairing_code::make(source);
        CAPTURE(code.text());
        CHECK(code.text().size() == 34);
        REQUIRE(pairing_code::parse(code.text()).ok());
        CHECK(*pairing_code::parse(code.text()) == code);
    }
}

TEST_CASE("a code may be typed the way people type", "[openssl][pairing]") {
    const auto code = code_of(0x01);
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
            loose += c;
    CHECK(pairing_code::parse(loose + "\n").value() == code);
}

TEST_CASE("any one wrong character and any two neighbours swapped are found", "[openssl][pairing]") {
    std::size_t tried = 0;
    openssl::random source;
    for (int round = 0; round < 5; ++round) {
        const std::string good = pairing_code::make(source).text();
        CAPTURE(good);
        for (std::size_t i = 0; i < good.size(); ++i) {
            if (good[i] == '-') continue;
            for (const char c : alphabet) {
                std::string typed = good;
                typed[i] = c;
                if (typed == good) continue;
                ++tried;
                const auto r = pairing_code::parse(typed);
                if (r.ok()) FAIL(typed);
                if (r.failure().detail.empty()) FAIL("no sentence for " << typed);
            }
            const std::size_t next = good[i + 1] == '-' ? i + 2 : i + 1;
            if (next >= good.size() || good[i] == good[next]) continue;
            std::string swapped = good;
            std::swap(swapped[i], swapped[next]);
            if (pairing_code::parse(swapped).ok()) FAIL(swapped);
        }
    }
    CHECK(tried == 5 * 28 * 31);
}

TEST_CASE("what cannot be a code is refused with a sentence", "[openssl][pairing]") {
    const std::string good = code_of(7).text();
    const std::string wrong[] = {"",
                                 "----",
                                 good.substr(0, good.size() - 1),
                                 good + "0",
                                 good + good,
                                 "U" + good.substr(1),
                                 "8" + good.substr(1),  // more than 128 bits
                                 "é" + good.substr(1),
                                 std::string(100000, '0'),
                                 std::string("\0", 1) + good};
    for (const std::string& typed : wrong) {
        const auto r = pairing_code::parse(typed);
        REQUIRE_FALSE(r.ok());
        CHECK(r.code() == errc::malformed_text);
        CHECK(r.failure().detail.ends_with('.'));
    }
}

TEST_CASE("mailbox and messages belong to one code", "[openssl][pairing]") {
    const auto code = code_of(1);
    const auto other = code_of(2);
    CHECK(to_hex(code.mailbox().view()) == "f56698613c7727b725b4d6ed3ba939ed");
    CHECK(code.mailbox() != other.mailbox());

    const bytes sealed = code.seal(pairing_side::new_device, 1, as_bytes("phone")).value();
    CHECK(to_hex(code.open(pairing_side::new_device, 1, sealed).value()) == to_hex(as_bytes("phone")));
    CHECK(other.open(pairing_side::new_device, 1, sealed).code() == errc::pairing_wrong_code);
    CHECK(code.open(pairing_side::old_device, 1, sealed).code() == errc::pairing_wrong_code);
    CHECK(code.open(pairing_side::new_device, 2, sealed).code() == errc::pairing_wrong_code);
    for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit)
        CHECK_FALSE(code.open(pairing_side::new_device, 1, with_bit_flipped(sealed, bit)).ok());
    for (std::size_t size = 0; size < sealed.size(); ++size)
        CHECK_FALSE(code.open(pairing_side::new_device, 1, bytes_view(sealed).first(size)).ok());
}

TEST_CASE("the largest message fits into a mailbox", "[openssl][pairing]") {
    const auto code = code_of(1);
    const auto sealed = code.seal(pairing_side::old_device, 0, filled(pairing_message_bytes_max, 1));
    REQUIRE(sealed.ok());
    CHECK(sealed->size() == limits::mailbox_message_bytes_max);
    CHECK(code.seal(pairing_side::old_device, 0, filled(pairing_message_bytes_max + 1, 1)).code() ==
          errc::limit_exceeded);
}
