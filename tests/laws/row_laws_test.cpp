// SPDX-License-Identifier: MIT
// The algebra of merging rows, exhaustively: every pair and every triple of the states of small worlds. The
// states and their merges are the engine's; a table of their numbers makes triples cheap.
#include "border.hpp"
#include "domain.hpp"

#include <casasync_test/catch.hpp>

#include <algorithm>
#include <map>

using namespace casasync;
using namespace laws;

namespace {

constexpr std::size_t states_min = 400, states_max = 520;

/// All states of a world, and the number of the state that any two of them merge to.
struct algebra {
    using number = std::uint16_t;
    static constexpr number outside = 0xffff;  ///< not a state that operations lead to

    std::vector<state> states{};
    std::vector<number> merges{};  ///< row by row
    std::size_t orders = 0;        ///< pairs (state, next operation): each was merged
    bool any_order = true;         ///< whichever operation came last, the state is the same

    [[nodiscard]] std::size_t size() const { return states.size(); }
    [[nodiscard]] number merged(std::size_t a, std::size_t b) const { return merges[a * states.size() + b]; }
    [[nodiscard]] bool below(std::size_t a, std::size_t b) const { return merged(a, b) == b; }
};

/// Reaches every set of writes from each of those that lack one of its last writes.
void find_states(algebra& out, const world& w) {
    std::map<write_set, state> found{{0, {}}};
    for (const write_set set : reachable_sets(w, states_max)) {
        const state here = found.at(set);
        for (std::size_t i = 0; i < w.writes.size(); ++i) {
            if ((set >> i & 1U) != 0 || (w.writes[i].seen & ~set) != 0) continue;
            state next = after(w, here, i);
            ++out.orders;
            const auto [there, first] = found.try_emplace(next.merged, next);
            if (!first && there->second.row != next.row) out.any_order = false;
        }
        out.states.push_back(here);
    }
}

algebra algebra_of(const world& w) {
    algebra out;
    find_states(out, w);
    const auto number_of = [&](const state& s) {
        const auto it = std::find_if(out.states.begin(), out.states.end(), [&s](const state& other) {
            return other.vector == s.vector && other.row == s.row;
        });
        return it == out.states.end() ? algebra::outside
                                      : static_cast<algebra::number>(it - out.states.begin());
    };
    std::map<write_set, algebra::number> by_writes;
    for (const state& s : out.states) by_writes[s.merged] = number_of(s);
    for (const state& a : out.states)
        for (const state& b : out.states) {
            state merged{a.merged | b.merged, a.vector, a.row};
            merge_state(merged.row, a.vector, b.row, b.vector, w.table);
            merged.vector.raise(b.vector);
            const algebra::number expected = by_writes.at(merged.merged);
            const state& same = out.states[expected];
            const bool equal = same.vector == merged.vector && same.row == merged.row;
            out.merges.push_back(equal ? expected : number_of(merged));
        }
    return out;
}

/// True when no register of `a` is above that of `b`.
bool registers_below(const row_state& a, const row_state& b) {
    const auto cell_below = [&b](const cell& c) {
        const cell* other = b.find(c.column);
        return other != nullptr && c.when <= other->when;
    };
    return a.born <= b.born && a.dead <= b.dead && a.touched <= b.touched &&
           std::all_of(a.cells.begin(), a.cells.end(), cell_below);
}

struct broken_laws {
    std::size_t triples = 0;
    std::size_t closed = 0, idempotent = 0, commutative = 0, upper_bound = 0, union_of_writes = 0;
    std::size_t associative = 0, monotone = 0;
};

void try_pairs(const algebra& all, broken_laws& broken) {
    for (std::size_t a = 0; a < all.size(); ++a) {
        broken.idempotent += all.merged(a, a) != a ? 1 : 0;
        for (std::size_t b = 0; b < all.size(); ++b) {
            const algebra::number both = all.merged(a, b);
            if (both == algebra::outside) {
                ++broken.closed;
                continue;
            }
            broken.commutative += both != all.merged(b, a) ? 1 : 0;
            broken.upper_bound += !registers_below(all.states[a].row, all.states[both].row) ? 1 : 0;
            const write_set writes = all.states[a].merged | all.states[b].merged;
            broken.union_of_writes += all.states[both].merged != writes ? 1 : 0;
        }
    }
}

void try_triples(const algebra& all, broken_laws& broken) {
    for (std::size_t a = 0; a < all.size(); ++a)
        for (std::size_t b = 0; b < all.size(); ++b) {
            const bool below = all.below(a, b);
            const std::size_t ab = all.merged(a, b);
            for (std::size_t c = 0; c < all.size(); ++c) {
                broken.associative += all.merged(ab, c) != all.merged(a, all.merged(b, c)) ? 1 : 0;
                if (below) broken.monotone += !all.below(all.merged(a, c), all.merged(b, c)) ? 1 : 0;
            }
        }
    broken.triples += all.size() * all.size() * all.size();
}

/// Returns how many states show or list something else than the reference model, under both delete policies.
std::size_t unlike_the_model(const world& w, const algebra& all) {
    std::size_t unlike = 0;
    table_traits table = w.table;
    for (const delete_policy policy : {delete_policy::later_wins, delete_policy::delete_wins}) {
        table.policy = policy;
        const reference::table told_table = border::tell(table);
        for (const state& s : all.states) {
            reference::history told;
            for (std::size_t i = 0; i < w.writes.size(); ++i)
                if ((s.merged >> i & 1U) != 0)
                    told.push_back(border::tell(w.writes[i].op, table.columns, i, {w.writes[i].seen}));
            const reference::row_view shown = border::tell(s.row, table);
            const auto listed = border::tell(open_conflicts(s.row, table), table);
            if (shown != reference::replay(told, told_table) ||
                listed != reference::conflicts(told, told_table) ||
                !reference::conserve(told, told_table, shown, listed))
                ++unlike;
        }
    }
    return unlike;
}

/// Tries every law on every state, pair and triple of a world. Returns the number of triples.
std::size_t obeys_the_laws(const world& w) {
    const algebra all = algebra_of(w);
    REQUIRE(all.size() >= states_min);
    CHECK(all.any_order);
    CHECK(all.orders > all.size());
    CHECK(unlike_the_model(w, all) == 0);
    broken_laws broken;
    try_pairs(all, broken);
    REQUIRE(broken.closed == 0);
    CHECK(broken.idempotent == 0);
    CHECK(broken.commutative == 0);
    CHECK(broken.upper_bound == 0);
    CHECK(broken.union_of_writes == 0);
    try_triples(all, broken);
    CHECK(broken.associative == 0);
    CHECK(broken.monotone == 0);
    return broken.triples;
}

}  // namespace

TEST_CASE("nine writers who know nothing of each other: every pair and triple of 516 states", "[laws]") {
    for (const delete_policy policy : {delete_policy::later_wins, delete_policy::delete_wins})
        CHECK(obeys_the_laws(nine_strangers(policy)) == 516UL * 516 * 516);
}

TEST_CASE("four devices that hear of each other: every pair and triple of their states", "[laws]") {
    const delete_policy policy = GENERATE(delete_policy::later_wins, delete_policy::delete_wins);
    std::size_t worlds = 0;
    for (std::uint64_t seed = 1; worlds < 10; ++seed) {
        const world w = four_devices(seed, policy);
        if (reachable_sets(w, states_max).size() < states_min) continue;
        CAPTURE(seed);
        obeys_the_laws(w);
        ++worlds;
    }
}
