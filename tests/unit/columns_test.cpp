// SPDX-License-Identifier: MIT
// Columns of numbers and texts: what is written comes back, in one way only, and takes no more memory than it
// may.
#include <casasync/codec.hpp>
#include <casasync_test/catch.hpp>

#include <string>

using namespace casasync;
using detail::numbers;

namespace {

std::uint64_t drawn = 0;
std::uint64_t draw(std::uint64_t below) {
    return detail::fmix64(++drawn * 0x9e3779b97f4a7c15ULL) % below;
}

bytes written(const numbers& all) {
    bytes out;
    detail::writer w(out);
    detail::put_numbers(w, all);
    return out;
}
std::optional<numbers> read(const bytes& data, std::size_t count) {
    detail::reader r(data);
    numbers out;
    const bool ok = detail::get_numbers(r, count, out);
    return ok && r.done() ? std::optional(out) : std::nullopt;
}

bytes written(const std::vector<std::string>& all) {
    bytes out;
    detail::writer w(out);
    detail::put_texts(w, std::vector<std::string_view>(all.begin(), all.end()));
    return out;
}
std::optional<std::vector<std::string>> read_texts(const bytes& data, std::size_t count,
                                                   std::size_t bytes_left = 1'000'000) {
    detail::reader r(data);
    std::vector<std::string> out(count);
    std::vector<std::string*> places;
    for (std::string& text : out) places.push_back(&text);
    const bool ok = detail::get_texts(r, places, bytes_left);
    return ok && r.done() ? std::optional(out) : std::nullopt;
}

std::string random_text(std::size_t size, unsigned characters) {
    std::string out;
    for (std::size_t i = 0; i < size; ++i) out += static_cast<char>(draw(characters) * 7 % 256);
    return out;
}

}  // namespace

TEST_CASE("numbers come back from whatever way is shortest", "[codec]") {
    for (int round = 0; round < 2000; ++round) {
        numbers all(draw(40));
        const std::uint64_t kinds = 1 + draw(4), width = draw(65);
        for (std::uint64_t& n : all) {
            n = detail::fmix64(draw(kinds) + (draw(9) == 0 ? draw(100) : 0));
            n = width == 0 ? 0 : n >> (64 - width);
        }
        const bytes data = written(all);
        REQUIRE(read(data, all.size()) == all);
        for (std::size_t n = 0; n < data.size(); ++n) {
            const bytes part(data.begin(), data.begin() + static_cast<std::ptrdiff_t>(n));
            REQUIRE_FALSE(read(part, all.size()).has_value());
        }
    }
}

TEST_CASE("the three ways: equal numbers in runs, small ones in bits, uneven ones as varints", "[codec]") {
    CHECK(written(numbers(1000, 3)) == bytes{0, 0xE8, 7, 3});
    CHECK(written({1, 0, 1, 1, 0, 0, 1, 0}) == bytes{1, 0b01001101});
    CHECK(written({1, 2, 3, 1'000'000'000'000}).front() == detail::way_varints);
    CHECK(written(numbers{300}) == bytes{0xAC, 2});
    CHECK(written(numbers{}).empty());
}

TEST_CASE("numbers that were not written in the shortest way are refused", "[codec]") {
    CHECK_FALSE(read({detail::way_varints, 3, 3, 3, 3}, 4).has_value());  // runs are shorter
    CHECK_FALSE(read({0, 1, 1, 1, 0, 1, 1, 2, 0}, 5).has_value());        // bits are
    CHECK_FALSE(read({2, 0b01'00'01'01}, 4).has_value());                 // one bit is enough
    CHECK_FALSE(read({0, 2, 3, 2, 3}, 4).has_value());                    // one run
    CHECK_FALSE(read({1, 0b11001101}, 6).has_value());                    // bits behind the last one
    CHECK_FALSE(read({66, 0}, 2).has_value());                            // no such way
    CHECK_FALSE(read({0, 5, 0}, 4).has_value());                          // too long a run
}

TEST_CASE("texts come back byte for byte", "[codec]") {
    for (int round = 0; round < 2000; ++round) {
        std::vector<std::string> all(1 + draw(20));
        const std::string beginning = random_text(draw(3) == 0 ? draw(40) : 0, 256);
        const unsigned characters = std::array{1U, 2U, 17U, 128U, 256U}[draw(5)];
        const bool ids = draw(4) == 0;
        for (std::string& t : all) {
            if (draw(4) == 0) {
                t = all[draw(all.size())];
            } else if (ids) {
                const bytes id(16, static_cast<std::uint8_t>(draw(256)));
                t = detail::unpack_uuid(id);
            } else {
                t = beginning + random_text(draw(draw(9) == 0 ? 100 : 14), characters);
            }
        }
        if (draw(8) == 0) all[0].clear();
        const bytes data = written(all);
        REQUIRE(read_texts(data, all.size()) == all);
        for (std::size_t bit = 0; round % 50 == 0 && bit < data.size() * 8; ++bit) {
            bytes flipped = data;
            flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
            if (const auto back = read_texts(flipped, all.size())) REQUIRE(written(*back) == flipped);
        }
    }
}

TEST_CASE("UUIDs take 16 bytes, hexadecimal digits 4 bits, a text that was there its place", "[codec]") {
    const std::string id = "550e8400-e29b-41d4-a716-446655440000";
    CHECK(written(std::vector{id}).size() == 1 + 1 + 16);
    std::vector<std::string> digits;
    for (int i = 0; i < 100; ++i)
        digits.push_back("note " + to_hex(bytes(8, static_cast<std::uint8_t>(i * 37))));
    CHECK(written(digits).size() < 100 * 8 + 40);
    CHECK(written(std::vector<std::string>(1000, "Groceries")).size() < 30);
}

TEST_CASE("keys and texts that take more than a changeset may are refused before they are made", "[codec]") {
    const bytes data = written(std::vector<std::string>(100, std::string(60, 'x')));
    CHECK(read_texts(data, 100, 6000).has_value());
    CHECK_FALSE(read_texts(data, 100, 5999).has_value());
    CHECK_FALSE(
        read_texts(written(std::vector<std::string>{std::string(36, '0'), std::string(70, '0')}), 2, 105));

    std::vector<row_change> rows(50);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        rows[i].key = bytes(1000, 7);
        rows[i].key.back() = static_cast<std::uint8_t>(i);
    }
    bytes keys;
    detail::writer w(keys);
    detail::put_keys(w, rows);
    CHECK(keys.size() < 1000 + 70);
    for (const std::size_t left : {50'000U, 49'999U}) {
        detail::reader r(keys);
        std::vector<row_change> back(rows.size());
        std::size_t bytes_left = left;
        CHECK(detail::get_keys(r, back, bytes_left) == (left == 50'000U));
    }
}

TEST_CASE("one key many times still takes a byte each time", "[codec]") {
    changeset c;
    c.device.octets[0] = 1;
    c.seq = 1;
    c.tables.push_back({{"t", delete_policy::later_wins, {{"a"}}}, {}});
    for (std::uint64_t i = 0; i < 300; ++i)
        c.tables[0].rows.push_back(
            {bytes{3, 1, 'k'}, {op_kind::update, false, {hlc{band::adopt.packed + i}, {}}, {{0, value(1)}}}});
    const bytes data = encode(c);
    CHECK(data.size() > 300);
    CHECK(*decode(data) == c);
}
