// SPDX-License-Identifier: MIT
#include <casasync/changeset.hpp>
#include <casasync_test/catch.hpp>

using namespace casasync;

namespace {

row_change written_at(std::uint64_t when, std::uint8_t who) {
    row_change out;
    out.op.when.when = hlc{when};
    out.op.when.replica.octets[0] = who;
    return out;
}

}  // namespace

TEST_CASE("a heartbeat has no operation and no stamp", "[changeset]") {
    const changeset none;
    CHECK(count_operations(none) == 0);
    CHECK_FALSE(greatest_stamp(none).exists());
}

TEST_CASE("operations are counted, and the greatest stamp found, over all tables", "[changeset]") {
    changeset c;
    c.tables = {{{}, {written_at(3, 1), written_at(9, 1)}},
                {{}, {written_at(9, 2), written_at(4, 7)}},
                {{}, {written_at(1, 9)}}};
    CHECK(count_operations(c) == 5);
    CHECK(greatest_stamp(c) == written_at(9, 2).op.when);  // of two at one instant, the greater replica's
}

TEST_CASE("a changeset handed out in pieces has every operation once, whole rows together", "[changeset]") {
    changeset whole;
    whole.seq = 3;
    whole.last_seq = 4;
    for (const std::size_t rows : {0U, 1U, 7U, 20U}) {
        table_changes& t = whole.tables.emplace_back();
        t.table.name = std::to_string(rows);
        for (std::size_t i = 0; i < rows; ++i)
            t.rows.push_back(
                {bytes{static_cast<std::uint8_t>(i / 3)}, {op_kind::erase, false, {hlc{i + 1}, {}}, {}}});
    }
    whole.tables.erase(whole.tables.begin());
    for (const std::size_t operations : {0U, 1U, 2U, 5U, 1000U}) {
        changeset_pieces pieces(whole, operations);
        std::vector<std::pair<std::string, row_change>> all;
        std::optional<std::pair<std::string, row_key>> last;
        std::size_t count = 0;
        while (auto piece = pieces.next()) {
            ++count;
            CHECK(piece->seq == 3);
            CHECK(piece->last_seq == 4);
            for (const table_changes& t : piece->tables)
                for (const row_change& r : t.rows) all.emplace_back(t.table.name, r);
            REQUIRE_FALSE(all.empty());
            CHECK(last !=
                  std::pair(piece->tables.front().table.name, piece->tables.front().rows.front().key));
            last.emplace(all.back().first, all.back().second.key);
        }
        std::vector<std::pair<std::string, row_change>> expected;
        for (const table_changes& t : whole.tables)
            for (const row_change& r : t.rows) expected.emplace_back(t.table.name, r);
        CHECK(all == expected);
        CHECK(count == (operations < 2 ? 11 : operations == 2 ? 9 : operations == 5 ? 5 : 1));
    }
    changeset_pieces none(changeset{}, 10);
    CHECK(none.next().has_value());
    CHECK_FALSE(none.next().has_value());
}

TEST_CASE("a table without operations is handed out, too", "[changeset]") {
    changeset whole;
    whole.tables.resize(2);
    whole.tables[1].rows.push_back({bytes{1}, {op_kind::erase, false, {hlc{1}, {}}, {}}});
    changeset_pieces pieces(whole, 10);
    CHECK(pieces.next()->tables.size() == 2);
    CHECK_FALSE(pieces.next().has_value());
}
