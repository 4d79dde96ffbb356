// SPDX-License-Identifier: MIT
// What must be true of a household: after each step of one device, and once all have met.
#include "household.hpp"

#include <algorithm>

namespace property {

using namespace casasync;

namespace {

std::string name_of(const member& m) {
    return "device " + std::to_string(m.data.device().octets[0] - 1) + ": ";
}

/// True when the digests that a store has added up are those of its registers.
bool digests_add_up(const store& s) {
    digest128 rows, open;
    for (const memory_table& t : s.tables())
        for (const auto& [key, row] : t.registers()) {
            rows += row_digest(t.traits, key, row);
            open += conflict_digest(t.traits, key, open_conflicts(row, t.traits));
        }
    return rows == s.digest().rows && open == s.digest().open;
}

/// A snapshot does not tell of writes that were overwritten before: who merged one counts fewer of them.
bool counts_agree(const member& m, const reference::accounts& expected) {
    const reference::accounts counted = border::tell(m.data.counts());
    if (!m.skipped) return counted == expected;
    return counted.applied == expected.applied && counted.lost == expected.lost &&
           counted.absorbed <= expected.absorbed && counted.superseded <= expected.superseded;
}

}  // namespace

std::string household::compare(const member& m) {
    reference::accounts counts;
    for (auto& [key, row] : rows_)
        if (std::string wrong = compare_row(m, key, ask(row, m.merged), counts); !wrong.empty())
            return name_of(m) + wrong;
    if (!counts_agree(m, counts)) return name_of(m) + "the model counts other writes";
    if (!digests_add_up(m.data)) return name_of(m) + "the digests are not those of the rows";
    note(m.data.digest());
    const auto met = std::find_if(digests_.begin(), digests_.end(),
                                  [&m](const auto& entry) { return entry.first == m.merged; });
    if (met == digests_.end())
        digests_.emplace_back(m.merged, m.data.digest());
    else if (met->second != m.data.digest())
        return name_of(m) + "another device had other digests after the same changes";
    return {};
}

/// The model knows nothing of devices: who knows the same gets the same answers, worked out once.
const row_answers& household::ask(row_truth& row, const changeset_set& merged) const {
    const changeset_set known = merged & row.changesets;
    for (const row_answers& a : row.answers)
        if (a.known == known) return a;
    reference::history some;
    for (const reference::operation& o : row.all)
        if (known[o.changeset]) some.push_back(o);
    row_answers out{known, reference::replay(some, table_), reference::conflicts(some, table_), {}};
    out.counts = reference::conserve(some, table_, out.view, out.conflicts);
    return row.answers.emplace_back(std::move(out));
}

std::string household::compare_row(const member& m, const std::string& key, const row_answers& expected,
                                   reference::accounts& counts) const {
    const memory_table& t = m.data.tables().front();
    const bytes packed(key.begin(), key.end());
    const auto row = t.find(packed);
    if (!row) return expected.known.none() ? "" : "a row has no registers";
    if (expected.known.none()) return "a row has registers that nobody wrote";
    if (border::tell(*row, t.traits) != expected.view) return "the model has other registers";
    if (border::tell(open_conflicts(*row, t.traits), t.traits) != expected.conflicts)
        return "the model lists other conflicts";
    if (!expected.counts) return "a write is lost, or counted twice";
    counts += *expected.counts;
    return m.unsealed ? "" : compare_shown(m, packed, expected.view);
}

std::string household::compare_shown(const member& m, const bytes& key,
                                     const reference::row_view& expected) const {
    const memory_table& t = m.data.tables().front();
    const auto shown = t.read(key);
    if (!shown) return expected.visible ? "a row is not shown" : "";
    if (!expected.visible) return "a row is shown that should not be";
    std::size_t found = 0;
    for (column_no c = 0; c < shown->size(); ++c) {
        const auto cell = expected.cells.find(t.traits.columns[c].name);
        const reference::value what = cell == expected.cells.end() ? reference::value{} : cell->second.what;
        if (border::tell((*shown)[c]) != what) return "the model shows another value";
        found += cell != expected.cells.end() ? 1 : 0;
    }
    return found == expected.cells.size() ? "" : "a column is not shown";
}

std::string household::meet() {
    for (member& m : members_) {
        m.clock.time = 1'800'000'000'000 + 86'400'000;
        seal(m);
    }
    for (std::size_t i = 0; i < members_.size(); ++i) {
        for (std::size_t n = 0; n < sent_.size();
             ++n)  // forwards here, backwards there, and from another start
            arrive(members_[i], i % 2 == 0 ? (n + i) % sent_.size() : sent_.size() - 1 - n);
        merge(members_[i]);
        if (!wrong_.empty()) return wrong_;
        if (members_[i].merged.count() != sent_.size()) return name_of(members_[i]) + "the model still waits";
        if (std::string wrong = compare(members_[i]); !wrong.empty()) return wrong;
    }
    if (std::string wrong = all_equal(); !wrong.empty()) return wrong;
    return all_silent();
}

std::string household::all_equal() const {
    const store& first = members_.front().data;
    for (const member& m : members_) {
        if (m.data.digest() != first.digest()) return name_of(m) + "digests differ after all have met";
        if (m.data.merged() != first.merged()) return name_of(m) + "contexts differ after all have met";
        const memory_table &mine = m.data.tables().front(), &other = first.tables().front();
        if (mine.traits == other.traits &&
            (mine.registers() != other.registers() || mine.shown() != other.shown()))
            return name_of(m) + "rows differ after all have met";
    }
    return {};
}

std::string household::all_silent() {
    const std::size_t changesets = sent_.size();
    for (member& m : members_) {
        const auto digest = m.data.digest();
        const auto registers = m.data.tables().front().registers();
        const hlc clock = m.data.clock();
        const accounts counts = m.data.counts();
        for (std::size_t n = 0; n < changesets; ++n) arrive(m, n);
        merge(m);
        snapshot(&m == &members_.front() ? members_.back() : members_.front(), m);
        seal(m);
        if (!wrong_.empty()) return wrong_;
        if (m.data.pending_in() != 0) return name_of(m) + "something still waits";
        if (sent_.size() != changesets) return name_of(m) + "something new was sealed though nobody wrote";
        if (m.data.digest() != digest || m.data.tables().front().registers() != registers ||
            m.data.clock() != clock || m.data.counts() != counts)
            return name_of(m) + "what was known has changed a row";
    }
    return {};
}

void household::note(const vault_digest& d) {
    bytes data;
    detail::writer w(data);
    for (const digest128& sum : {d.rows, d.open}) {
        w.u64(sum.high);
        w.u64(sum.low);
    }
    note(data);
}

void household::count(tally& sums) const {
    sums.fingerprint += fingerprint_;
    sums.changesets += sent_.size();
    sums.held += held_;
    sums.waiting += waiting_;
    for (const auto& [key, row] : rows_) {
        sums.operations += row.all.size();
        sums.writes += *reference::conserve(row.all, table_, reference::replay(row.all, table_),
                                            reference::conflicts(row.all, table_));
    }
}

std::string play(const script& s, tally& sums) {
    household home(s.begin);
    ++sums.runs;
    sums.steps += s.steps.size();
    for (std::size_t i = 0; i < s.steps.size(); ++i)
        if (std::string wrong = home.take(s.steps[i]); !wrong.empty())
            return "step " + std::to_string(i) + ": " + wrong;
    if (std::string wrong = home.meet(); !wrong.empty()) return wrong;
    home.count(sums);
    return {};
}

std::string play(const script& s) {
    tally none;
    return play(s, none);
}

}  // namespace property
