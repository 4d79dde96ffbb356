// SPDX-License-Identifier: MIT
// The model itself, on examples whose outcome the documentation states in words.
#include "reference.hpp"

#include <casasync_test/catch.hpp>

using namespace reference;

namespace {

value text(const char* s) {
    return {type::text, 0, 0, s};
}
value number(std::int64_t n) {
    return {type::integer, n, 0, {}};
}

const table later{deletes::lose_to_later_edits,
                  {{"a", rule::last}, {"b", rule::last}, {"high", rule::greatest}}};
const table strict{deletes::win, later.columns};

/// A history in which each operation is a changeset of its own, numbered as they stand.
struct story {
    history all{};

    story& does(action what, int author, std::uint64_t time, std::map<std::string, value> cells,
                std::initializer_list<std::size_t> seen) {
        operation o{what, {time, author}, all.size(), {}, false, std::move(cells)};
        for (const std::size_t n : seen) o.seen.set(n);
        all.push_back(std::move(o));
        return *this;
    }
    [[nodiscard]] accounts balance(const table& t) const {
        const auto sums = conserve(all, t, replay(all, t), conflicts(all, t));
        REQUIRE(sums.has_value());
        return *sums;
    }
};

/// Device 1 inserts the row at 1; all have seen that.
story beginning() {
    return story{}.does(action::insert, 1, 1, {{"a", text("Food")}, {"b", text("-")}, {"high", number(5)}},
                        {});
}

}  // namespace

TEST_CASE("of two writes of a field that had not seen each other, the earlier one is an open conflict",
          "[model]") {
    const story s = beginning()
                        .does(action::update, 1, 10, {{"a", text("Eating out")}}, {0})
                        .does(action::update, 2, 11, {{"a", text("Coffee")}}, {0});
    CHECK(replay(s.all, later).cells.at("a") == shown_cell{text("Coffee"), {11, 2}});
    CHECK(conflicts(s.all, later) ==
          std::vector<lost_write>{{"a", {10, 1}, text("Eating out"), {11, 2}, reason::older}});
    CHECK(s.balance(later) == accounts{5, 3, 1, 0, 1});
}

TEST_CASE("a write by somebody who has seen both closes the conflict", "[model]") {
    story s = beginning()
                  .does(action::update, 1, 10, {{"a", text("Eating out")}}, {0})
                  .does(action::update, 2, 10, {{"a", text("Coffee")}}, {0});
    CHECK(conflicts(s.all, later).front().why == reason::tie);
    s.does(action::update, 1, 20, {{"a", text("Eating out")}}, {0, 1, 2});
    CHECK(conflicts(s.all, later).empty());
}

TEST_CASE("an edit later than a delete it had not seen brings the row back, or hides, by policy", "[model]") {
    const story s = beginning()
                        .does(action::remove, 1, 10, {}, {0})
                        .does(action::update, 2, 11, {{"b", text("new")}}, {0});
    CHECK(replay(s.all, later).visible);
    CHECK(replay(s.all, later).cells.at("a").what == text("Food"));
    CHECK(conflicts(s.all, later) ==
          std::vector<lost_write>{{std::nullopt, {10, 1}, {}, {11, 2}, reason::delete_undone}});
    CHECK_FALSE(replay(s.all, strict).visible);
    CHECK(conflicts(s.all, strict) ==
          std::vector<lost_write>{{"b", {11, 2}, text("new"), {10, 1}, reason::hidden_by_delete}});
}

TEST_CASE("a new life shows nothing of the old one, but amounts under max stay", "[model]") {
    const story s = beginning()
                        .does(action::remove, 1, 10, {}, {0})
                        .does(action::insert, 1, 12, {{"a", text("again")}, {"high", number(3)}}, {0, 1});
    const row_view row = replay(s.all, later);
    CHECK(row.cells.at("a").what == text("again"));
    CHECK_FALSE(row.cells.contains("b"));
    CHECK(row.cells.at("high") == shown_cell{number(5), {12, 1}});
    CHECK(conflicts(s.all, later).empty());
}

TEST_CASE("a write that is neither shown nor listed, or listed twice, does not pass the accounts",
          "[model]") {
    const story s = beginning()
                        .does(action::update, 1, 10, {{"a", text("Eating out")}}, {0})
                        .does(action::update, 2, 11, {{"a", text("Coffee")}}, {0});
    const row_view row = replay(s.all, later);
    const auto listed = conflicts(s.all, later);
    CHECK(conserve(s.all, later, row, listed).has_value());
    CHECK_FALSE(conserve(s.all, later, row, {}).has_value());
    row_view other = row;
    other.cells.at("a") = {text("Eating out"), {10, 1}};
    CHECK_FALSE(conserve(s.all, later, other, listed).has_value());
    other.cells.at("a").what = text("Tea");
    CHECK_FALSE(conserve(s.all, later, other, listed).has_value());
}
