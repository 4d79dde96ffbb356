// SPDX-License-Identifier: MIT
// Every history of two devices, in every order of delivery, at a small scope. Here alone may be said: proved.
//
// How the executions are counted. Each device writes n times, each time one of 8 kinds, under one of 3
// relations of their clocks; the 2n changesets are then delivered in every order:
//     8^(2n) * 3 * (2n)!  =  4,096 * 3 * 24   =     294,912 executions for n = 2,
//                            262,144 * 3 * 720 = 566,231,040 for n = 3.
// What the devices knew of each other when they wrote follows from the order: it is read as the order in
// which changesets cross over, each written at the last moment, together with its author's earlier ones,
// which cross later and are waited for. So the first executions have devices that know everything, those
// where B2 crosses before B1 have writes that nobody has seen. This yields 11 of the 20 ways in which two
// devices of two writes can know of each other; a second test takes all 20, each with every order: 20 *
// 294,912 = 5,898,240.
//
// In an execution a third device receives the changesets in that order and merges what it may. After each
// delivery its rows are those of every other device that has merged the same set, and (tried once for a
// set) those of the reference model: what is shown, the open conflicts, and the class of every write. At the
// end it is compared with the authors, who take in what they lack of each other, one of them backwards: equal
// rows, equal digests.
#include "border.hpp"
#include "history.hpp"

#include <casasync_test/catch.hpp>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <numeric>
#include <optional>
#include <sstream>

using namespace casasync;
using namespace interleaving;

namespace {

using order = std::vector<std::size_t>;  // numbers of writes, as they arrive

std::vector<order> all_orders(std::size_t n) {
    order o(n);
    std::iota(o.begin(), o.end(), std::size_t{0});
    std::vector<order> out;
    do out.push_back(o);
    while (std::next_permutation(o.begin(), o.end()));
    return out;
}

/// What the devices knew when each changeset is written at the last moment before it crosses over.
knowledge knowledge_of(const order& crossing, std::size_t writes) {
    knowledge out{};
    std::array<std::size_t, devices> written{}, merged{};
    std::array<write_set, devices> arrived{};  // at this device, by the number of the other's write
    for (const std::size_t number : crossing) {
        const std::size_t from = number / writes, n = number % writes, to = 1 - from;
        for (; written[from] <= n; ++written[from])
            out[from][written[from]] = static_cast<std::uint8_t>(merged[from]);
        arrived[to] |= write_set{1} << n;
        while ((arrived[to] >> merged[to] & 1U) != 0) ++merged[to];
    }
    return out;
}

/// Digests, and what they stand for.
struct meaning {
    std::array<digest128, 2> digests{};
    std::vector<reference::row_view> rows{};
    std::vector<std::pair<std::optional<std::string>, reference::stamp>> open{};

    /// The digest does not know of the last touch, nor of the birth of a row that is not shown. Of a cell
    /// under max or min it knows the greatest stamp alone, which another amount may have as well.
    void add(reference::row_view row, const std::vector<reference::lost_write>& listed,
             const reference::table& table) {
        for (auto& [column, cell] : row.cells)
            if (table.columns.at(column) != reference::rule::last) cell.what = {};
        row.touched = {};
        if (!row.visible) row.born = {};
        rows.push_back(std::move(row));
        for (const reference::lost_write& l : listed) open.emplace_back(l.column, l.loser);
    }
    [[nodiscard]] bool agrees(const meaning& other) const {
        return (digests[0] == other.digests[0]) == (rows == other.rows) &&
               (digests[1] == other.digests[1]) == (open == other.open);
    }
};

/// Replicas of one history, held against each other and against the model.
class trial {
 public:
    trial(const setting& where, const plan& what)
        : table_(where.table), told_table_(border::tell(where.table)), past_(where, what) {
        for (auto w = past_.writes.begin(); w != past_.writes.end(); ++w) past_.authors[0].receive(*w);
        for (auto w = past_.writes.rbegin(); w != past_.writes.rend(); ++w) past_.authors[1].receive(*w);
    }

    /// Delivers in `arrivals`. Returns what is wrong, or nothing.
    [[nodiscard]] std::string deliver(const order& arrivals) {
        replica third = past_.beginning;
        write_set arrived = 0;
        for (const std::size_t n : arrivals) {
            third.receive(past_.writes[n]);
            arrived |= write_set{1} << n;
            if (std::string wrong = compare(third, merged_of(arrived)); !wrong.empty()) return wrong;
        }
        if (third.waiting() != 0) return "something still waits";
        for (const sealed& s : past_.writes)
            if (third.receive(s) != admission::duplicate) return "a changeset was merged twice";
        for (const replica& author : past_.authors) {
            if (author.rows() != third.rows()) return "the authors' rows differ";
            if (author.merged() != third.merged()) return "the devices know different changes";
            if (author.digest() != third.digest()) return "digests of the rows differ";
            if (author.open_digest() != third.open_digest()) return "digests of the open conflicts differ";
            if (author.counts() != third.counts()) return "the devices count differently";
        }
        return {};
    }

 private:
    /// What a device can merge of the changesets that arrived: those whose authors' knowledge is there, too.
    [[nodiscard]] write_set merged_of(write_set arrived) const {
        write_set out = 0;
        for (bool more = true; more;) {
            more = false;
            for (std::size_t i = 0; i < past_.writes.size(); ++i) {
                const write_set bit = write_set{1} << i;
                if ((arrived & bit) == 0 || (out & bit) != 0 || (past_.seen[i] & ~out) != 0) continue;
                out |= bit;
                more = true;
            }
        }
        return out;
    }

    [[nodiscard]] std::string compare(const replica& device, write_set merged) {
        const auto known = met_.find(merged);
        if (known != met_.end())
            return device.rows() == known->second ? ""
                                                  : "two devices with the same changes have different rows";
        met_.emplace(merged, device.rows());
        if (!device.digests_add_up()) return "the digests are not those of the rows";
        meaning now{{device.digest(), device.open_digest()}, {}, {}};
        reference::accounts counts;
        for (std::size_t key = 0; key < keys; ++key) {
            const row_state& row = device.rows()[key];
            const reference::history told = past_.told_of(key, merged);
            const reference::row_view shown = border::tell(row, table_);
            const auto listed = border::tell(open_conflicts(row, table_), table_);
            if (shown != reference::replay(told, told_table_)) return "the model shows something else";
            if (listed != reference::conflicts(told, told_table_)) return "the model lists other conflicts";
            const auto row_counts = reference::conserve(told, told_table_, shown, listed);
            if (!row_counts) return "a write is lost, or counted twice";
            counts += *row_counts;
            now.add(shown, listed, told_table_);
        }
        if (border::tell(device.counts()) != counts) return "the model counts other writes";
        for (const meaning& other : meanings_)
            if (!now.agrees(other)) return "equal digests of unequal rows, or unequal ones of equal rows";
        meanings_.push_back(std::move(now));
        return {};
    }

    const table_traits& table_;
    reference::table told_table_;
    history past_;
    std::map<write_set, std::array<row_state, keys>> met_{};
    std::vector<meaning> meanings_{};
};

setting setting_of(delete_policy policy, merge_rule f2, bool row_there) {
    return {{"t", policy, {{"f1", merge_rule::lww}, {"f2", f2}}}, row_there};
}

std::vector<setting> settings() {
    std::vector<setting> out;
    for (const bool row_there : {true, false})
        for (const delete_policy policy : {delete_policy::later_wins, delete_policy::delete_wins})
            out.push_back(setting_of(policy, merge_rule::lww, row_there));
    out.push_back(setting_of(delete_policy::later_wins, merge_rule::max, true));
    out.push_back(setting_of(delete_policy::delete_wins, merge_rule::min, true));
    return out;
}

plan plan_of(std::size_t number, std::size_t writes) {
    plan out;
    out.writes = writes;
    for (std::size_t d = 0; d < devices; ++d)
        for (std::size_t n = 0; n < writes; ++n, number /= kinds)
            out.does[d][n] = static_cast<kind>(number % kinds);
    return out;
}

std::size_t plans(std::size_t writes) {
    std::size_t out = 1;
    for (std::size_t i = 0; i < devices * writes; ++i) out *= kinds;
    return out;
}

/// Runs one plan under one knowledge, in `orders`. Returns the number of executions.
std::size_t run(const setting& where, plan what, const knowledge& knows, const std::vector<order>& orders) {
    what.knows = knows;
    for (std::size_t time = 0; time < clock_relations; ++time) {
        what.time = static_cast<clocks>(time);
        trial t(where, what);
        for (const order& o : orders) {
            const std::string wrong = t.deliver(o);
            if (wrong.empty()) continue;
            std::ostringstream text;
            for (const std::size_t n : o) text << ' ' << (n < what.writes ? 'A' : 'B') << n % what.writes + 1;
            FAIL(wrong << ": " << what.text() << "; arrive" << text.str());
        }
    }
    return clock_relations * orders.size();
}

using orders_by_knowledge = std::map<knowledge, std::vector<order>>;

/// Every order of delivery, under the knowledge that it implies.
orders_by_knowledge implied(std::size_t writes) {
    orders_by_knowledge out;
    for (const order& o : all_orders(devices * writes)) out[knowledge_of(o, writes)].push_back(o);
    return out;
}

/// Which of `all` plans to try: those of CASASYNC_PART=i/n, so that machines can share the work, or every
/// one.
std::pair<std::size_t, std::size_t> part_of(std::size_t all) {
    std::size_t part = 1, parts = 1;
    if (const char* text = std::getenv("CASASYNC_PART")) {
        char slash = 0;
        std::istringstream in(text);
        REQUIRE((in >> part >> slash >> parts && slash == '/' && part >= 1 && part <= parts));
    }
    return {all * (part - 1) / parts, all * part / parts};
}

/// Runs the plans of this part. Returns the number of executions.
std::size_t run_all(const setting& where, std::size_t writes, const orders_by_knowledge& deliveries) {
    const auto [first, last] = part_of(plans(writes));
    std::size_t executions = 0;
    for (std::size_t number = first; number < last; ++number)
        for (const auto& [knows, orders] : deliveries)
            executions += run(where, plan_of(number, writes), knows, orders);
    return executions;
}

/// Returns how many of `all` executions are in this part.
std::size_t share(std::size_t all, std::size_t writes) {
    const auto [first, last] = part_of(plans(writes));
    return all / plans(writes) * (last - first);
}

}  // namespace

TEST_CASE("two devices write twice, every order of delivery: 294,912 executions in each of 6 settings",
          "[interleaving]") {
    const orders_by_knowledge deliveries = implied(2);
    CHECK(deliveries.size() == 11);
    for (const setting& where : settings()) {
        CAPTURE(where.row_there, static_cast<int>(where.table.policy),
                static_cast<int>(where.table.columns[1].rule));
        CHECK(run_all(where, 2, deliveries) == share(294'912, 2));
    }
}

TEST_CASE("two devices write twice, whatever they know, every order of delivery: 5,898,240 executions",
          "[interleaving]") {
    orders_by_knowledge deliveries;
    for (const knowledge& k : all_knowledge(2)) deliveries[k] = all_orders(4);
    CHECK(deliveries.size() == 20);
    CHECK(run_all(settings().front(), 2, deliveries) == share(5'898'240, 2));
}

TEST_CASE("two devices write three times, every order of delivery: 566,231,040 executions",
          "[.soak][interleaving]") {
    CHECK(run_all(settings().front(), 3, implied(3)) == share(566'231'040, 3));
}
