// SPDX-License-Identifier: MIT
#include <casasync/detail/small_vector.hpp>
#include <casasync_test/catch.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using texts = casasync::detail::small_vector<std::string, 2>;
using octets = casasync::detail::small_vector<std::uint8_t, 4>;

template <class List>
bool lies_in_place(const List& list) {
    const auto *from = reinterpret_cast<const std::byte*>(&list),
               *at = reinterpret_cast<const std::byte*>(list.data());
    return !std::less<>()(at, from) && std::less<>()(at, from + sizeof list);
}

/// So many texts, too long for a std::string to keep them in itself.
std::vector<std::string> some(std::size_t n) {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < n; ++i) out.push_back("a text on the heap, number " + std::to_string(i));
    return out;
}

template <class List>
bool has(const List& list, const std::vector<typename List::value_type>& expected) {
    return list.size() == expected.size() && list.empty() == expected.empty() &&
           std::vector<typename List::value_type>(list) == expected;
}

}  // namespace

TEST_CASE("few elements lie in the vector itself, more of them on the heap", "[small_vector]") {
    texts grown;
    CHECK(has(grown, {}));
    for (std::size_t n = 0; n < 9; ++n) {
        grown.push_back(some(n + 1).back());
        CHECK(has(grown, some(n + 1)));
        CHECK(lies_in_place(grown) == (n + 1 <= 2));
        CHECK(has(texts(some(n)), some(n)));
        CHECK(lies_in_place(texts(some(n))) == (n <= 2));
        const std::vector<std::string> list = some(n);
        CHECK(has(texts(list), list));
        CHECK(has(texts(list.begin(), list.end()), list));
        texts sized;
        sized.resize(n);
        CHECK(has(sized, std::vector<std::string>(n)));
    }
    CHECK(has(texts{"a", "b"}, {"a", "b"}));
    CHECK(has(octets{1, 2, 3, 4}, {1, 2, 3, 4}));
    CHECK(has(octets{1, 2, 3, 4, 5}, {1, 2, 3, 4, 5}));
}

TEST_CASE("one of a vector's own elements can be added to it", "[small_vector]") {
    texts all(some(1));
    for (int i = 0; i < 8; ++i) all.push_back(all.front());
    CHECK(std::vector<std::string>(all) == std::vector<std::string>(9, some(1)[0]));
    texts moved(some(2));
    moved.push_back(std::move(moved.back()));
    CHECK(moved.size() == 3);
    CHECK(moved[2] == some(2)[1]);
}

TEST_CASE("copies and moves, from and to any size", "[small_vector]") {
    for (const std::size_t from : {0U, 1U, 2U, 3U, 7U})
        for (const std::size_t to : {0U, 1U, 2U, 3U, 7U}) {
            const texts source(some(from));
            texts target(some(to)), moved(some(to)), giver(source);
            CHECK(has(texts(source), some(from)));
            target = source;
            CHECK(has(target, some(from)));
            CHECK(has(source, some(from)));
            moved = std::move(giver);
            CHECK(has(moved, some(from)));
            CHECK(giver.empty());  // NOLINT(bugprone-use-after-move): it is empty, and of use again
            giver = moved;
            CHECK(has(texts(std::move(giver)), some(from)));
            giver.push_back("again");  // NOLINT(bugprone-use-after-move)
            CHECK(has(giver, {"again"}));
        }
}

TEST_CASE("a plain type's elements are copied and moved, too", "[small_vector]") {
    const std::vector<std::uint8_t> all{1, 2, 3, 4, 5, 6};
    for (std::ptrdiff_t n = 0; n <= 6; ++n) {
        const std::vector<std::uint8_t> expected(all.begin(), all.begin() + n);
        octets source(expected), copy(source), given(std::move(source));
        CHECK(has(copy, expected));
        CHECK(has(given, expected));
        CHECK(lies_in_place(copy) == (n <= 4));
        CHECK(lies_in_place(given) == (n <= 4));
        CHECK(source.empty());  // NOLINT(bugprone-use-after-move)
        source = std::move(copy);
        CHECK(has(source, expected));
        copy = source;
        copy.push_back(9);
        CHECK(source != copy);
        CHECK(std::vector<std::uint8_t>(source) == expected);
    }
}

TEST_CASE("a vector given to itself stays as it is", "[small_vector]") {
    for (const std::size_t n : {1U, 3U}) {
        texts all(some(n));
        texts& same = all;
        all = same;
        CHECK(has(all, some(n)));
        all = std::move(same);
        CHECK(has(all, some(n)));
    }
}

TEST_CASE("room is made once, and elements that go leave it there", "[small_vector]") {
    texts all(some(1));
    all.reserve(6);
    const std::string* const place = all.data();
    CHECK_FALSE(lies_in_place(all));
    const std::vector<std::string> more = some(6);
    all.append(more.begin() + 1, more.end());
    CHECK(std::vector<std::string>(all) == more);
    all.resize(4);
    CHECK(std::vector<std::string>(all) == some(4));
    CHECK(all.erase(all.begin() + 1, all.begin() + 3) == all.begin() + 1);
    CHECK(std::vector<std::string>(all) == std::vector<std::string>{more[0], more[3]});
    CHECK(all.erase(all.end(), all.end()) == all.end());
    erase_if(all, [&](const std::string& t) { return t == more[0]; });
    CHECK(std::vector<std::string>(all) == std::vector<std::string>{more[3]});
    CHECK(std::as_const(all).front() == all.back());
    CHECK(std::as_const(all).back() == std::as_const(all)[0]);
    all.clear();
    CHECK(all.empty());
    all.assign(more.begin(), more.end());
    CHECK(all.data() == place);
}

TEST_CASE("vectors compare as lists of their elements do", "[small_vector]") {
    const std::vector<octets> rising{{}, {0}, {0, 0}, {1}, {1, 2, 3, 4, 5}, {1, 2, 4}, {200}};
    for (std::size_t i = 0; i < rising.size(); ++i)
        for (std::size_t j = 0; j < rising.size(); ++j) {
            CHECK((rising[i] <=> rising[j]) == (i <=> j));
            CHECK((rising[i] == rising[j]) == (i == j));
        }
    CHECK(std::span<const std::uint8_t>(rising[5])[2] == 4);
}

#ifdef __cpp_exceptions  // scripts/coverage counts branches without them

namespace {

/// Counts how many there are; the copy that is `doomed` throws.
struct fragile {
    static inline int alive = 0, doomed = 0;

    fragile() { ++alive; }
    fragile(const fragile&) {
        if (--doomed == 0) throw std::runtime_error("no more copies");
        ++alive;
    }
    fragile(fragile&&) noexcept { ++alive; }
    fragile& operator=(const fragile&) = default;
    fragile& operator=(fragile&&) noexcept = default;
    ~fragile() { --alive; }
};

}  // namespace

TEST_CASE("a copy that fails leaves nothing behind", "[small_vector]") {
    using fragiles = casasync::detail::small_vector<fragile, 2>;
    for (const std::size_t n : {2U, 5U}) {
        fragile::doomed = 0;
        fragiles all;
        all.resize(n);
        fragiles other;
        other.resize(1);
        fragile::doomed = 2;
        CHECK_THROWS_AS(fragiles(all), std::runtime_error);
        CHECK(fragile::alive == static_cast<int>(n) + 1);
        fragile::doomed = 2;
        CHECK_THROWS_AS(fragiles(all.begin(), all.end()), std::runtime_error);
        fragile::doomed = 2;
        CHECK_THROWS_AS(other = all, std::runtime_error);
        CHECK(other.empty());
        CHECK(all.size() == n);
        CHECK(fragile::alive == static_cast<int>(n));
    }
    CHECK(fragile::alive == 0);
}

#endif
