// SPDX-License-Identifier: MIT
#include <casasync/key.hpp>
#include <casasync_test/catch.hpp>

#include <limits>
#include <string>

using namespace casasync;

namespace {

bytes packed(const std::vector<value>& columns) {
    return encode_key(columns).value();
}

}  // namespace

TEST_CASE("integer keys order as numbers do", "[key]") {
    constexpr auto least = std::numeric_limits<std::int64_t>::min(),
                   most = std::numeric_limits<std::int64_t>::max();
    const std::int64_t rising[] = {least, -256, -1, 0, 1, 255, 256, most};
    for (std::size_t i = 1; i < std::size(rising); ++i)
        CHECK(packed({value(rising[i - 1])}) < packed({value(rising[i])}));
}

TEST_CASE("columns of a key stay apart: no two keys have the same bytes", "[key]") {
    CHECK(packed({"ab", "c"}) != packed({"a", "bc"}));
    CHECK(packed({"", "a"}) != packed({"a", ""}));
    CHECK(packed({1}) != packed({1.0}));
    CHECK(packed({"1"}) != packed({1}));
    CHECK(packed({"a"}) != packed({bytes{'a'}}));
    CHECK(packed({0.0}) != packed({-0.0}));
}

TEST_CASE("a key is at most 4 KiB, one byte more is refused", "[key]") {
    const std::size_t fits = limits::key_bytes_max - 3;  // tag and length
    CHECK(packed({std::string(fits, 'k')}).size() == limits::key_bytes_max);
    CHECK(decode_key(packed({std::string(fits, 'k')})).ok());
    CHECK(encode_key(std::vector<value>{std::string(fits + 1, 'k')}).code() == errc::limit_exceeded);
    CHECK(decode_key(bytes(limits::key_bytes_max + 1, 1)).code() == errc::malformed_changeset);
}

TEST_CASE("only canonical keys are read", "[key]") {
    const std::string uuid = "550e8400-e29b-41d4-a716-446655440000";
    bytes spelled{3, 36};  // a UUID as a plain text
    spelled.insert(spelled.end(), uuid.begin(), uuid.end());
    CHECK(decode_key(spelled).code() == errc::malformed_changeset);
    CHECK(decode_key({}).code() == errc::malformed_changeset);
    CHECK(decode_key(bytes{0}).code() == errc::malformed_changeset);
    CHECK(decode_key(bytes{6}).code() == errc::malformed_changeset);
    CHECK(decode_key(bytes{2, 0x7F, 0xF8, 0, 0, 0, 0, 0, 0}).code() == errc::malformed_changeset);  // NaN
    CHECK(decode_key(bytes{3, 0x80, 0}).code() == errc::malformed_changeset);  // a length of two bytes for 0
}

TEST_CASE("a key that ends inside a column is refused", "[key]") {
    const bytes whole = packed({7, 0.5, "text", bytes{1, 2}, "550e8400-e29b-41d4-a716-446655440000"});
    CHECK(decode_key(whole).ok());
    std::size_t read = 0;
    for (std::size_t n = 0; n < whole.size(); ++n)
        read += decode_key(bytes_view(whole).first(n)).ok() ? 1 : 0;
    CHECK(read == 4);  // where a column ends
}

TEST_CASE("a text that is nearly a UUID stays the text it is", "[key]") {
    for (const char* text : {"550e8400_e29b-41d4-a716-446655440000", "550e8400-e29b-41d4-a716-44665544000g",
                             "550e8400-e29b-41d4-a716-44665544000/",
                             "550e8400-e29b-41d4-a716-44665544000:", "550e8400-e29b-41d4-a716-44665544000"}) {
        const value key[] = {value(text)};
        INFO(text);
        CHECK(encode_key(key)->size() > 17);
        CHECK(decode_key(*encode_key(key))->front() == key[0]);
    }
}
