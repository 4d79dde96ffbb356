// SPDX-License-Identifier: MIT
#include "samples.hpp"

#include <casasync/key.hpp>

#include <cmath>
#include <limits>
#include <string>

namespace casasync_fuzz {

using namespace casasync;

namespace {

constexpr column_no amount = 0, note = 1, rate = 2, high = 3, low = 4;

replica_id replica(std::uint8_t n) {
    replica_id id;
    id.octets[0] = 1;
    id.octets[15] = n;
    return id;
}
stamp at(std::uint64_t ms, std::uint8_t who = 0) {
    return {hlc{band::adopt.packed + (ms << 16)}, replica(who)};
}
bytes key(const value& v) {
    return encode_key(std::span(&v, 1)).value();
}
std::string uuid(int n) {
    std::string digits = std::to_string(n);
    return "550e8400-e29b-41d4-a716-" + std::string(12 - digits.size(), '0') + digits;
}
changeset of_device_1(std::vector<table_changes> tables) {
    changeset c;
    c.device.octets[0] = 1;
    c.seq = 1;
    c.tables = std::move(tables);
    return c;
}
/// The table txn with just those of its columns that are written.
table_changes txn(std::vector<row_change> rows) {
    static const std::vector<column_traits> all{{"amount", merge_rule::lww},
                                                {"note", merge_rule::lww},
                                                {"rate", merge_rule::lww},
                                                {"high", merge_rule::max},
                                                {"low", merge_rule::min}};
    std::vector<column_no> places(all.size(), 0);
    for (const row_change& r : rows)
        for (const cell_write& c : r.op.cells) places[c.column] = 1;
    table_changes out{{"txn", delete_policy::later_wins, {}}, std::move(rows)};
    for (std::size_t c = 0; c < all.size(); ++c) {
        if (places[c] == 0) continue;
        places[c] = static_cast<column_no>(out.table.columns.size());
        out.table.columns.push_back(all[c]);
    }
    for (row_change& r : out.rows)
        for (cell_write& c : r.op.cells) c.column = places[c.column];
    return out;
}
row_change insert(const value& id, stamp when, std::vector<cell_write> cells) {
    return {key(id), {op_kind::insert, false, when, std::move(cells)}};
}
row_change update(const value& id, stamp when, std::vector<cell_write> cells, bool blind = false) {
    return {key(id), {op_kind::update, blind, when, std::move(cells)}};
}
row_change erase(const value& id, stamp when) {
    return {key(id), {op_kind::erase, false, when, {}}};
}

changeset one_insert() {
    changeset c = of_device_1({txn({insert("a", at(1), {{amount, 5}, {note, "x"}, {high, 3}, {low, 3}})})});
    c.device_name = "phone";
    return c;
}
changeset every_kind_of_value() {
    constexpr auto most = std::numeric_limits<std::int64_t>::max();
    constexpr double infinite = std::numeric_limits<double>::infinity();
    return of_device_1(
        {txn({insert("a", at(2), {{amount, most}, {note, ""}, {rate, -0.0}, {high, infinite}}),
              insert("b", at(1), {{amount, -most - 1}, {note, bytes{}}, {rate, 5e-324}, {high, value{}}}),
              insert("c", at(3), {{amount, value{}}, {note, std::string("\0\xFF\x80z", 4)}, {rate, 0.1}}),
              update("d", at(4), {{note, bytes{0, 1, 2, 255}}, {low, 9007199254740993}})})});
}
changeset a_life() {
    return of_device_1(
        {txn({insert("a", at(1), {{amount, 1}, {note, "n"}}), update("a", at(2), {{amount, 2}}),
              erase("a", at(3)), insert("a", at(4), {{amount, 4}}), update("a", at(5), {{note, "n"}}),
              update("a", at(6), {{note, value{}}}), erase("b", at(7))})});
}
changeset blind_writes() {
    return of_device_1(
        {txn({update("a", at(9), {{amount, 9}, {note, "blind"}}, true),
              update("b", at(8), {{high, 7}, {low, 7}}, true), update("b", at(9), {{high, 6}})})});
}
changeset several_replicas() {
    changeset c =
        of_device_1({txn({update("a", at(3, 2), {{amount, 1}}), update("a", at(3, 3), {{amount, 2}}),
                          update("b", at(1, 0), {{amount, 3}}), update("b", at(2, 2), {{note, "3"}})})});
    for (std::uint8_t n = 0; n < 4; ++n) c.context.vector.raise(replica(n), at(0, n).when);
    return c;
}
changeset many_alike() {
    std::vector<row_change> rows;
    for (int i = 0; i < 180; ++i)
        rows.push_back(
            insert(uuid(i), at(static_cast<std::uint64_t>(i)), {{amount, i * 100}, {note, "Food"}}));
    return of_device_1({txn(std::move(rows))});
}
changeset many_masks() {
    std::vector<row_change> rows;
    for (int i = 1; i < 32; ++i) {
        std::vector<cell_write> cells;
        for (column_no c = 0; c < 5; ++c)
            if ((i >> c) % 2 != 0)
                cells.push_back({c, i % 3 == 0 ? value(i) : value("n" + std::to_string(i % 4))});
        rows.push_back(update(i, at(static_cast<std::uint64_t>(100 - i)), std::move(cells)));
    }
    return of_device_1({txn(std::move(rows))});
}
changeset long_texts() {
    const std::string line(64, 'l'), longer(65, 'm'), page(700, 'p');
    return of_device_1({txn({update("a", at(1), {{note, line}}), update("b", at(2), {{note, line}}),
                             update("c", at(3), {{note, longer}}), update("d", at(4), {{note, longer}}),
                             update("e", at(5), {{amount, bytes(300, 7)}, {note, page}})})});
}
changeset only_deletes() {
    std::vector<row_change> rows;
    for (int i = 0; i < 40; ++i) rows.push_back(erase(i * i, at(static_cast<std::uint64_t>(i % 7))));
    return of_device_1({txn(std::move(rows))});
}
changeset heartbeat() {
    changeset c = of_device_1({});
    for (std::uint8_t n = 0; n < 12; ++n) {
        c.context.vector.raise(replica(n), at(n).when);
        device_id device;
        device.octets[3] = n;
        c.context.seen.raise(device, std::uint64_t{1} << (5 * n));
    }
    return c;
}
changeset several_tables() {
    table_changes link{{"link \"of\" tables", delete_policy::delete_wins, {}}, {}};
    const value both[] = {value(-3), value("right")};
    link.rows = {{encode_key(both).value(), {op_kind::insert, false, at(3), {}}}};
    table_changes tag{{"tag", delete_policy::later_wins, {{"name"}, {"seen", merge_rule::max}}}, {}};
    tag.rows = {insert(1, at(1), {{0, "food"}, {1, 1.5}}), insert(2, at(2), {{0, "rent"}, {1, 2}})};
    return of_device_1({link, tag, txn({update("a", at(4), {{amount, 1}})})});
}
changeset composite_keys() {
    table_changes t{{"k", delete_policy::later_wins, {{"v"}}}, {}};
    const std::vector<std::vector<value>> keys{{1, "a", bytes{1}}, {1, "b", -0.5}, {2, uuid(1), uuid(2)}};
    std::uint64_t n = 0;
    for (const auto& k : keys)
        t.rows.push_back({encode_key(k).value(), insert(0, at(++n), {{0, "same"}}).op});
    return of_device_1({t});
}
changeset a_wide_table() {
    table_changes t{{"wide", delete_policy::delete_wins, {}}, {}};
    row_operation op{op_kind::insert, false, at(1), {}};
    for (column_no c = 0; c < 90; ++c) {
        t.table.columns.push_back({"column " + std::to_string(c), static_cast<merge_rule>(c % 3)});
        op.cells.push_back({c, c % 4 == 0 ? value{} : value(static_cast<std::int64_t>(c) << (c % 60))});
    }
    t.rows = {{key("a"), op}};
    return of_device_1({t});
}
changeset days_of_work() {
    std::vector<row_change> rows;
    for (int i = 0; i < 300; ++i) {
        const std::string id = "row/" + std::to_string(1000 + i / 2);
        const auto when = static_cast<std::uint64_t>((i * 37) % 100 + (i % 2) * 200);
        if (i % 9 == 7)
            rows.push_back(erase(id, at(when)));
        else
            rows.push_back(update(id, at(when),
                                  {{i % 2 == 0 ? amount : note, i % 5 == 0 ? value(i * 0.25) : value(i)}}));
    }
    return of_device_1({txn(std::move(rows))});
}

changeset pictures() {
    std::vector<row_change> rows;
    std::uint32_t drawn = 1;
    for (int i = 0; i < 12; ++i) {
        bytes picture(400);
        for (std::uint8_t& b : picture)
            b = static_cast<std::uint8_t>((drawn = drawn * 1664525 + 1013904223) >> 24);
        rows.push_back(insert(i, at(static_cast<std::uint64_t>(i)), {{note, std::move(picture)}}));
    }
    return of_device_1({txn(std::move(rows))});
}

}  // namespace

const std::vector<changeset>& sample_changesets() {
    static const std::vector<changeset> all{
        one_insert(), every_kind_of_value(), a_life(),         blind_writes(), several_replicas(),
        many_alike(), many_masks(),          long_texts(),     days_of_work(), only_deletes(),
        heartbeat(),  several_tables(),      composite_keys(), a_wide_table(), pictures()};
    return all;
}

}  // namespace casasync_fuzz
