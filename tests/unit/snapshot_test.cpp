// SPDX-License-Identifier: MIT
#include "stamps.hpp"

#include <casasync/snapshot.hpp>
#include <casasync/store.hpp>
#include <casasync_test/catch.hpp>

#include <random>

using namespace casasync;
using casasync_test::at;
using casasync_test::replica;

namespace {

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

namespace {

/// Returns a frame: its length, its kind, and what is in it.
bytes frame_of(detail::frame kind, const bytes& content) {
    bytes out;
    detail::writer w(out);
    w.varint(content.size() + 1);
    w.u8(static_cast<std::uint8_t>(kind));
    w.raw(content);
    return out;
}

bytes joined(std::initializer_list<bytes> parts) {
    bytes out;
    for (const bytes& p : parts) out.insert(out.end(), p.begin(), p.end());
    return out;
}

}  // namespace

TEST_CASE("frames that no snapshot has are refused", "[snapshot][hostile]") {
    bytes header = written(sample(0));  // ends with an unmerged part and the end
    contents only;
    only.header = sample(0).header;
    header = written(only);
    header.resize(header.size() - 2);
    const bytes end = frame_of(detail::frame::end, {});
    REQUIRE(read_back(joined({header, end}), 64).ok());
    const auto refused = [](const bytes& data) {
        return read_back(data, data.size()).code() == errc::malformed_snapshot;
    };
    CHECK(refused(frame_of(detail::frame::header, {'C', 'S'})));
    CHECK(refused(frame_of(detail::frame::header, {'C', 'S', 'X', 1})));
    CHECK(refused({0xFF, 0xFF, 0xFF, 0xFF, 0x7F}));              // longer than a frame may be
    CHECK(refused({0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01}));  // a length without end
    CHECK(refused(joined({header, end, {0}})));                  // more behind the end
    CHECK(refused(joined({header, frame_of(detail::frame::end, {0})})));
    CHECK(refused(joined({header, frame_of(detail::frame::rows, {0x80})})));
    CHECK(refused(joined({header, frame_of(detail::frame::rows, {2})})));  // there are two tables
    CHECK(refused(joined({header, frame_of(static_cast<detail::frame>(9), {}), end})));
    contents wide = only;
    wide.header.tables.resize(1);
    wide.header.tables[0].traits.columns.resize(1);
    wide.header.tables[0].groups.clear();
    row_state row;
    row.born = row.touched = at(5, 1);
    row.cells.push_back({1, at(5, 1), value(1)});
    wide.rows.emplace_back(0, snapshot_row{{1}, row});
    CHECK(refused(written(wide)));
    contents none = only;
    none.unmerged.push_back({device_id{}, 4, 0, 0, {}});
    CHECK(refused(written(none)));
}

TEST_CASE("an error of a snapshot's source or of its reader ends the reading", "[snapshot]") {
    const bytes data = written(sample(3));
    std::size_t sources = 0, visits = 0;
    for (std::size_t failing = 1;; ++failing) {
        std::size_t calls = 0, at = 0;
        const auto call = [&] { return ++calls == failing ? result<void>(errc::io_failed) : result<void>(); };
        const snapshot_visitor visitor{[&](const snapshot_header&) { return call(); },
                                       [&](std::size_t, const snapshot_row&) { return call(); },
                                       [&](const unmerged_part&) { return call(); }};
        const auto read = read_snapshot(
            [&]() -> result<bytes> {
                if (auto ok = call(); !ok) return ok.failure();
                const std::size_t n = std::min<std::size_t>(1000, data.size() - at);
                at += n;
                return bytes(data.begin() + static_cast<std::ptrdiff_t>(at - n),
                             data.begin() + static_cast<std::ptrdiff_t>(at));
            },
            visitor);
        CHECK(read.ok() == (calls < failing));
        if (read.ok()) break;
        CHECK(read.code() == errc::io_failed);
        ++(at == data.size() ? visits : sources);
    }
    CHECK(sources > 0);
    CHECK(visits > 3);
}
