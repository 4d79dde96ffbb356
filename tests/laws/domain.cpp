// SPDX-License-Identifier: MIT
#include "domain.hpp"

#include <algorithm>
#include <random>
#include <unordered_set>

namespace laws {

using namespace casasync;

namespace {

replica_id replica(std::uint8_t n) {
    replica_id id;
    id.octets.fill(n);
    return id;
}
constexpr write_set bit(std::size_t n) {
    return write_set{1} << n;
}

/// Few values, of different types where amounts are equal, so that they meet often.
value small_value(std::mt19937_64& random) {
    switch (random() % 5) {
        case 0:
            return {};
        case 1:
            return {1};
        case 2:
            return {1.0};
        case 3:
            return {2};
        default:
            return {"1"};
    }
}

std::vector<cell_write> some_cells(std::mt19937_64& random, bool all) {
    std::vector<cell_write> cells;
    for (column_no c = 0; c < 4; ++c)
        if (all || random() % 2 == 0) cells.push_back({c, small_value(random)});
    if (cells.empty()) cells.push_back({0, small_value(random)});
    return cells;
}

/// Lets one device write once: a whole row where it shows none, else an UPDATE or a DELETE.
void write_once(world& w, std::vector<state>& devices, std::size_t author, std::uint64_t time,
                std::mt19937_64& random) {
    state& self = devices[author];
    const bool visible = is_visible(self.row, w.table.policy);
    const op_kind kind = !visible ? op_kind::insert : random() % 3 == 0 ? op_kind::erase : op_kind::update;
    std::vector<cell_write> cells;
    if (kind != op_kind::erase) cells = some_cells(random, kind == op_kind::insert);
    for (std::size_t i = 0; i < w.writes.size(); ++i)
        if ((self.merged & bit(i)) != 0)
            time = std::max(time, w.writes[i].op.when.when.packed - band::adopt.packed + 1);
    w.add(static_cast<std::uint8_t>(author + 1), time, kind, std::move(cells), self.merged,
          random() % 8 == 0);
    self = after(w, self, w.writes.size() - 1);
}

/// Lets one device hear of a write and of all that its author had seen.
void hear(const world& w, state& device, std::size_t write) {
    const write_set news = (w.writes[write].seen | bit(write)) & ~device.merged;
    for (std::size_t i = 0; i < w.writes.size(); ++i)
        if ((news & bit(i)) != 0) device = after(w, device, i);
}

}  // namespace

version_vector world::vector_of(write_set set) const {
    version_vector out;
    for (std::size_t i = 0; i < writes.size(); ++i)
        if ((set & bit(i)) != 0) out.raise(writes[i].op.when.replica, writes[i].op.when.when);
    return out;
}

void world::add(std::uint8_t author, std::uint64_t hlc, op_kind kind, std::vector<cell_write> cells,
                write_set seen, bool blind) {
    const stamp when{{band::adopt.packed + hlc}, replica(author)};
    writes.push_back({{kind, blind, when, std::move(cells)}, seen});
}

table_traits four_columns(delete_policy policy) {
    return {"t",
            policy,
            {{"a", merge_rule::lww},
             {"b", merge_rule::lww},
             {"high", merge_rule::max},
             {"low", merge_rule::min}}};
}

world nine_strangers(delete_policy policy) {
    world w{four_columns(policy), {}};
    w.add(10, 1, op_kind::insert, {{0, "x"}, {1, "x"}, {2, 1}, {3, 1}}, 0);
    w.add(1, 1, op_kind::insert, {{0, "x"}, {1, "y"}, {2, 2}, {3, {}}}, 0);
    w.add(2, 3, op_kind::insert, {{0, "y"}, {1, "x"}, {2, {}}, {3, 0.5}}, 0);
    w.add(3, 2, op_kind::update, {{0, "y"}, {2, 1.0}}, bit(0));
    w.add(4, 2, op_kind::update, {{1, "x"}, {3, 1.0}}, bit(0));
    w.add(5, 3, op_kind::update, {{0, "y"}, {2, 2.0}}, bit(0));
    w.add(6, 4, op_kind::update, {{0, "x"}, {1, "y"}}, bit(0));
    w.add(7, 2, op_kind::erase, {}, bit(0));
    w.add(8, 3, op_kind::erase, {}, bit(0));
    w.add(9, 4, op_kind::erase, {}, bit(0));
    return w;
}

world four_devices(std::uint64_t seed, delete_policy policy) {
    std::mt19937_64 random(seed);
    world w{four_columns(policy), {}};
    std::vector<state> devices(4);
    std::uint64_t time = 1;
    while (w.writes.size() < 16) {
        state& device = devices[random() % devices.size()];
        time += random() % 2;
        if (!w.writes.empty() && random() % 4 == 0)
            hear(w, device, random() % w.writes.size());
        else
            write_once(w, devices, static_cast<std::size_t>(&device - devices.data()), time, random);
    }
    return w;
}

std::vector<write_set> reachable_sets(const world& w, std::size_t max) {
    std::vector<write_set> out{0};
    std::unordered_set<write_set> known{0};
    for (std::size_t at = 0; at < out.size(); ++at)
        for (std::size_t i = 0; i < w.writes.size(); ++i) {
            const write_set set = out[at];
            if ((set & bit(i)) != 0 || (w.writes[i].seen & ~set) != 0) continue;
            if (!known.insert(set | bit(i)).second) continue;
            if (out.size() == max) return {};
            out.push_back(set | bit(i));
        }
    return out;
}

state after(const world& w, const state& before, std::size_t next) {
    const known_write& write = w.writes[next];
    state out{before.merged | bit(next), before.vector, before.row};
    merge_operation(out.row, write.op, w.vector_of(write.seen), w.table);
    out.vector.raise(write.op.when.replica, write.op.when.when);
    return out;
}

}  // namespace laws
