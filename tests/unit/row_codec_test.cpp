// SPDX-License-Identifier: MIT
#include "stamps.hpp"

#include <casasync/row_codec.hpp>
#include <casasync_test/catch.hpp>

#include <limits>
#include <optional>

using namespace casasync;
using casasync_test::at;
using casasync_test::replica;

namespace {

bytes written(const row_state& row) {
    bytes out;
    detail::writer w(out);
    const auto number = [](const replica_id& id) { return std::uint64_t{id.octets[0]}; };
    put_registers(w, row, number);
    put_contents(w, row, number, [](const cell&) { return true; });
    return out;
}
struct known_replicas {
    std::uint8_t count = 9;
    std::optional<replica_id> operator()(std::uint64_t n) const {
        if (n >= count) return std::nullopt;
        return replica(static_cast<std::uint8_t>(n));
    }
};
std::optional<row_state> read(bytes_view data, std::uint8_t replicas = 9) {
    detail::reader r(data);
    const known_replicas known{replicas};
    row_state row = get_registers(r, known);
    if (r.ok()) get_contents(r, row, known);
    return r.done() ? std::optional(row) : std::nullopt;
}

/// Born, updated, deleted unseen, with a lost write.
row_state eventful() {
    row_state row;
    row.born = at(5, 1);
    row.touched = at(9, 2);
    row.dead = at(7, 3);
    row.cells = {{0, at(5, 1), value(1)},
                 {1, at(9, 2), value("n")},
                 {4, at(5, 1), value(0.5)},
                 {7, at(2, 2), value{}}};
    row.live = {
        {1, at(6, 3), value("lost")}, {1, at(6, 3), value("lost, too")}, {4, at(6, 3), value(bytes{1})}};
    return row;
}

}  // namespace

TEST_CASE("registers and contents come back as they were", "[row_codec]") {
    row_state adopted = adopted_row(3), gone, unborn;
    for (cell& c : adopted.cells) c.what = value(std::numeric_limits<std::int64_t>::min());
    gone.dead = at(1, 1);
    gone.dead_seen = true;
    unborn.touched = at(3, 1);
    unborn.cells = {{2, at(3, 1), value(1)}};
    for (const row_state& row : {eventful(), adopted, gone, unborn, row_state{}})
        CHECK(read(written(row)) == row);
}

TEST_CASE("a row written in one go takes few bytes", "[row_codec]") {
    row_state row;
    row.born = row.touched = {hlc::at(1'800'000'000'000), replica(1)};
    for (column_no c = 0; c < 10; ++c) row.cells.push_back({c, row.born, std::nullopt});
    CHECK(written(row).size() <= 14);  // twelve, and two counts of no contents
}

TEST_CASE("every truncation, a replica that is not known and a byte too many are refused", "[row_codec]") {
    const bytes data = written(eventful());
    REQUIRE(read(data));
    for (std::size_t n = 0; n < data.size(); ++n) CHECK_FALSE(read(bytes_view(data).first(n)));
    CHECK_FALSE(read(data, 3));
    bytes longer = data;
    longer.push_back(0);
    CHECK_FALSE(read(longer));
}

TEST_CASE("registers without a time are refused: a merge takes them for registers that are not there",
          "[row_codec]") {
    const auto never = [](auto spoil) {
        row_state row = eventful();
        spoil(row);
        return !read(written(row));
    };
    CHECK_FALSE(never([](row_state&) {}));
    CHECK(never([](row_state& row) { row.cells[1].when = stamp{{}, replica(2)}; }));
    CHECK(never([](row_state& row) { row.live[2].when = stamp{{}, replica(2)}; }));
    CHECK(never([](row_state& row) { row.touched = stamp{{}, replica(2)}; }));
    CHECK(never([](row_state& row) { row.born = {}, row.cells[0].when = {}; }));
}

TEST_CASE("live writes are sorted, once each, and of columns that have a register", "[row_codec]") {
    row_state swapped = eventful(), twice = eventful(), lonely = eventful();
    std::swap(swapped.live[0], swapped.live[1]);
    twice.live[1] = twice.live[0];
    lonely.live[2].column = 5;
    row_state far = lonely;
    far.live[2].column = limits::row_columns_max;
    for (const row_state& row : {swapped, twice, lonely, far}) CHECK_FALSE(read(written(row)));
}

TEST_CASE("values that are not wanted are not written, and those that cannot be are refused", "[row_codec]") {
    bytes out;
    detail::writer w(out);
    row_state row;
    row.cells = {{0, at(1, 1), value(7)}, {1, at(1, 1), std::nullopt}, {2, at(1, 1), value(9)}};
    put_contents(
        w, row, [](const replica_id&) { return 0U; }, [](const cell& c) { return c.column == 2; });
    CHECK(out == bytes{1, 2, 1, 18, 0});  // one value: column 2, an integer, 9; nothing live
    const auto get = [&row](const bytes& data) {
        detail::reader r(data);
        row_state copy = row;
        const known_replicas known;
        get_contents(r, copy, known);
        return r.ok();
    };
    CHECK(get(out));
    CHECK(get({0, 1, 2, 2, 0, 0}));
    CHECK_FALSE(get({0, 1, 0xD0, 0x0F, 2, 0, 0}));                 // a live write of column 2000
    CHECK_FALSE(get({1, 0, 2, 0x7F, 0xF8, 0, 0, 0, 0, 0, 0, 0}));  // a REAL that is not a number
}
