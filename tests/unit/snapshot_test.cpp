// SPDX-License-Identifier: MIT
#include <casasync/snapshot.hpp>
#include <casasync/store.hpp>
#include <casasync_test/catch.hpp>

#include <random>

using namespace casasync;

namespace {

replica_id replica(std::uint8_t n) {
    replica_id id;
    id.octets[7] = n;
    return id;
}
stamp at(std::uint64_t n, std::uint8_t who) {
    return {hlc{band::adopt.packed + n}, replica(who)};
}

row_state random_row(std::mt19937& rng) {
    row_state row;
    row.born = rng() % 4 == 0 ? band::adopted : at(1 + rng() % 50, static_cast<std::uint8_t>(rng() % 3));
    row.touched = rng() % 2 == 0 ? row.born : at(60 + rng() % 9, 1);
    if (rng() % 3 == 0) row.dead = at(1 + rng() % 70, 2);
    row.dead_seen = row.dead.exists() && rng() % 2 == 0;
    for (column_no c = 0; c < 5; ++c)
        if (rng() % 4 != 0)
            row.cells.push_back(
                {c, rng() % 2 == 0 ? row.born : at(rng() % 80 + 1, 1), value(static_cast<int>(rng()))});
    for (const cell& c : row.cells)
        if (rng() % 4 == 0) row.live.push_back({c.column, at(3, 2), value("lost")});
    return row;
}

struct contents {
    snapshot_header header;
    std::vector<std::pair<std::size_t, snapshot_row>> rows;
    std::vector<unmerged_part> unmerged;

    friend bool operator==(const contents&, const contents&) = default;
};

bytes written(const contents& c) {
    bytes out;
    snapshot_writer w([&out](bytes_view part) -> result<void> {
        out.insert(out.end(), part.begin(), part.end());
        return {};
    });
    REQUIRE(w.begin(c.header).ok());
    for (const auto& [place, row] : c.rows) REQUIRE(w.add(place, row.key, row.row).ok());
    for (const unmerged_part& part : c.unmerged) REQUIRE(w.add(part).ok());
    REQUIRE(w.end().ok());
    return out;
}

result<contents> read_back(const bytes& data, std::size_t step) {
    contents c;
    std::size_t at = 0;
    const snapshot_source source = [&]() -> result<bytes> {
        const std::size_t n = std::min(step, data.size() - at);
        at += n;
        return bytes(data.begin() + static_cast<std::ptrdiff_t>(at - n),
                     data.begin() + static_cast<std::ptrdiff_t>(at));
    };
    const snapshot_visitor visitor{
        [&](snapshot_header h) -> result<void> { return c.header = std::move(h), result<void>{}; },
        [&](std::size_t place, snapshot_row row) -> result<void> {
            return c.rows.emplace_back(place, std::move(row)), result<void>{};
        },
        [&](unmerged_part p) -> result<void> { return c.unmerged.push_back(std::move(p)), result<void>{}; }};
    if (auto ok = read_snapshot(source, visitor); !ok) return ok.failure();
    return c;
}

contents sample(std::size_t rows) {
    std::mt19937 rng(11);
    contents c;
    c.header.merged.vector.raise(replica(1), at(5, 1).when);
    c.header.base = {1, 2};
    c.header.devices.push_back({device_id{}, "desktop", {replica(1), replica(2)}});
    const table_traits five{
        "t", delete_policy::delete_wins, {{"a"}, {"b"}, {"c"}, {"d", merge_rule::max}, {"e"}}};
    c.header.tables = {{five, {{"a", "b"}}, {"CREATE TABLE t(a)"}},
                       {{"u", delete_policy::later_wins, five.columns}, {}, {}}};
    for (std::size_t i = 0; i < rows; ++i)
        c.rows.emplace_back(i * 2 / rows, snapshot_row{bytes{1, static_cast<std::uint8_t>(i >> 8),
                                                             static_cast<std::uint8_t>(i)},
                                                       random_row(rng)});
    c.unmerged.push_back({device_id{}, 4, 1, 3, bytes{1, 2, 3}});
    return c;
}

}  // namespace

TEST_CASE("a snapshot comes back as it was, however it is cut", "[snapshot]") {
    const contents c = sample(5000);
    const bytes data = written(c);
    for (const std::size_t step : {std::size_t{1000}, std::size_t{4097}, data.size()}) {
        const auto back = read_back(data, step);
        REQUIRE(back.ok());
        CHECK(*back == c);
    }
}

TEST_CASE("every truncation of a snapshot is refused, no bit flip breaks the reader", "[snapshot]") {
    const bytes data = written(sample(6));
    for (std::size_t n = 0; n < data.size(); ++n)
        CHECK_FALSE(read_back(bytes(data.begin(), data.begin() + static_cast<std::ptrdiff_t>(n)), 64).ok());
    std::size_t refused = 0;
    for (std::size_t bit = 0; bit < data.size() * 8; ++bit) {
        bytes flipped = data;
        flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
        refused += read_back(flipped, 64).ok() ? 0 : 1;
    }
    CHECK(refused > data.size());
}
