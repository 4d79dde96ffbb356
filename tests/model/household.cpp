// SPDX-License-Identifier: MIT
#include "household.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace property {

using namespace casasync;

namespace {

constexpr unix_ms start = 1'800'000'000'000;
constexpr unix_ms drift = unix_ms{5} * 60 * 1000;

table_traits table_of(const setup& begin, bool older) {
    table_traits out{"t",
                     begin.policy,
                     {{"a", merge_rule::lww},
                      {"b", merge_rule::lww},
                      {"high", merge_rule::max},
                      {"low", merge_rule::min}}};
    if (older) out.columns = {out.columns[2], out.columns[0]};
    return out;
}

bool is_older(const setup& begin, std::size_t number) {
    return begin.older && number + 1 == begin.devices;
}

memory_identity identity(std::size_t number) {
    memory_identity who;
    who.device.octets.fill(static_cast<std::uint8_t>(number + 1));
    who.replica.octets.fill(static_cast<std::uint8_t>(number + 1));
    who.vault.octets.fill(7);
    return who;
}

std::vector<value> key_values(std::size_t n) {
    if (n % 2 == 0) return {value("k")};
    return {value(std::string("k\0", 2)), value(7)};
}

/// Neighbours meet: equal as numbers, or as bytes, or not quite.
const std::vector<value>& pool() {
    using reals = std::numeric_limits<double>;
    static const std::vector<value> all{{0},
                                        {-0.0},
                                        {0.0},
                                        {},
                                        {reals::quiet_NaN()},
                                        {1},
                                        {1.0},
                                        {"1"},
                                        {(std::int64_t{1} << 53) + 1},
                                        {9007199254740992.0},
                                        {std::numeric_limits<std::int64_t>::max()},
                                        {9223372036854775808.0},
                                        {-reals::infinity()},
                                        {std::numeric_limits<std::int64_t>::min()},
                                        {""},
                                        {bytes{}},
                                        {std::string("a\0b", 3)},
                                        {"a"},
                                        {std::string("\xff\xfe")},
                                        {bytes{'a', 0, 'b'}},
                                        {reals::denorm_min()}};
    return all;
}

unix_ms instant(std::size_t n) {
    static constexpr std::array<unix_ms, 12> all{start,
                                                 start,
                                                 start,
                                                 start + 1,
                                                 start + 1,
                                                 start + 2,
                                                 start + 60'000,
                                                 start + drift,
                                                 start + drift + 1,
                                                 start - 1,
                                                 start + 2 * drift,
                                                 0};
    return all[n % all.size()];
}

std::string of_key(const bytes& key) {
    return {key.begin(), key.end()};
}

std::string device_text(const store& s) {
    return "device " + std::to_string(s.device().octets[0] - 1) + ": ";
}

}  // namespace

member::member(std::size_t number, const setup& begin) : clock{start}, data(identity(number), clock) {
    const bool older = is_older(begin, number);
    const std::vector<std::vector<std::string>> groups{{"a", "b"}};
    const auto made = data.create_table(
        table_of(begin, older), begin.grouped && !older ? groups : std::vector<std::vector<std::string>>{});
    CASASYNC_ASSERT(made.ok());
}

household::household(const setup& begin) : begin_(begin), table_(border::tell(table_of(begin, false))) {
    for (std::size_t i = 0; i < begin.devices; ++i) members_.emplace_back(i, begin);
}

std::string household::take(const step& s) {
    member& m = members_[s.device % members_.size()];
    member& other = members_[s.other % members_.size()];
    switch (s.what) {
        case does::write:
        case does::erase:
            write(m, s);
            return wrong_;  // nothing that the model knows of has changed
        case does::set_clock:
            m.clock.time = instant(s.a);
            return wrong_;
        case does::restore:
        case does::keep:
            answer_conflict(m, s);
            break;
        case does::seal:
            seal(m);
            break;
        case does::send:
            send(m, other, static_cast<delivery>(s.a % deliveries), s.b);
            if (s.b % 2 == 1) merge(other);
            return wrong_.empty() ? compare(other) : wrong_;
        case does::snapshot:
            snapshot(m, other);
            return wrong_.empty() ? compare(other) : wrong_;
        case does::merge:
            merge(m);
            break;
    }
    return wrong_.empty() ? compare(m) : wrong_;
}

void household::write(member& m, const step& s) {
    const std::vector<value> key = key_values(s.key);
    if (s.what == does::erase) {
        if (!m.data.erase("t", key).ok()) fail("an erase failed");
    } else {
        static constexpr std::array<const char*, 4> names{"a", "b", "high", "low"};
        std::map<std::string, value> cells;
        for (std::size_t c = 0; c < names.size(); ++c)
            if ((s.a >> c & 1U) != 0 && m.data.tables().front().traits.column(names[c]))
                cells[names[c]] = pool()[(begin_.pool + (s.b >> (2 * c) & 3U)) % pool().size()];
        if (!m.data.write("t", key, cells).ok()) fail("a write failed");
    }
    m.unsealed = true;
}

void household::seal(member& m) {
    const auto before = m.data.tables().front().shown();
    sealing(m, [&] { return m.data.seal().ok(); });
    const memory_table& after = m.data.tables().front();
    const auto shown = after.shown();
    if (before.size() != shown.size()) return fail("sealing changed which rows are shown");
    for (const auto& [key, values] : before)
        for (column_no c = 0; c < values.size(); ++c)
            if (after.traits.columns[c].rule == merge_rule::lww && shown.at(key)[c] != values[c])
                fail("sealing changed what is shown");
}

void household::answer_conflict(member& m, const step& s) {
    const auto open = m.data.conflicts();
    if (open.empty()) return;
    const memory_conflict& c = open[s.a % open.size()];
    const bool may_have_closed = m.unsealed, taken_back = s.what == does::restore;
    bool done = false;
    sealing(m, [&] {
        done = (taken_back ? m.data.restore(c) : m.data.keep(c)).ok();
        return done || may_have_closed;
    });
    m.unsealed = done;
    if (!done || s.b % 2 == 0) return;
    seal(m);
    const auto still = m.data.conflicts();
    if (std::find(still.begin(), still.end(), c) != still.end())
        return fail("an answered conflict stays open");
    if (!taken_back) return;
    const auto row = m.data.tables().front().read(c.key);
    const bool is_back = c.what.column ? row && (*row)[*c.what.column] == c.what.what : !row;
    if (!is_back) fail("what was restored is not shown");
}

void household::send(const member& from, member& to, delivery how, std::size_t which) {
    std::vector<std::size_t> parcel;
    for (std::size_t i = 0; i < sent_.size(); ++i)
        if (from.received[i]) parcel.push_back(i);
    if (how == delivery::backwards) std::reverse(parcel.begin(), parcel.end());
    for (std::size_t i = 0; i < parcel.size(); ++i) {
        if (how == delivery::every_other && i % 2 != which / 2 % 2) continue;
        if (how == delivery::one && i != which / 2 % parcel.size()) continue;
        arrive(to, parcel[i]);
    }
}

void household::arrive(member& to, std::size_t changeset) {
    if (!to.data.accept({&sent_[changeset].part, 1}, *to.data.position()).ok()) fail("an accept failed");
    to.received.set(changeset);
}

void household::merge(member& m) {
    sealing(m, [&] { return m.data.merge_inbox(0).ok(); });
    find_merged(m);
}

/// What may be merged: all its author had merged is here, and its stamps are not too far ahead of the clock.
void household::find_merged(member& m) {
    const auto is_held = [&m](const sent_changeset& c) {
        return static_cast<unix_ms>(c.greatest >> 16) > m.clock.time + drift;
    };
    for (bool more = true; more;) {
        more = false;
        for (std::size_t i = 0; i < sent_.size(); ++i) {
            const sent_changeset& c = sent_[i];
            if (!m.received[i] || m.merged[i] || (c.seen & ~m.merged).any() || is_held(c)) continue;
            m.merged.set(i);
            more = true;
        }
    }
    for (std::size_t i = 0; i < sent_.size(); ++i)
        if (m.received[i] && !m.merged[i]) ++(is_held(sent_[i]) ? held_ : waiting_);
}

void household::snapshot(member& from, member& to) {
    std::deque<bytes> frames;
    const snapshot_sink sink = [&frames, this](bytes_view frame) {
        note(frame);
        frames.emplace_back(frame.begin(), frame.end());
        return result<void>();
    };
    const snapshot_source source = [&frames]() -> result<bytes> {
        if (frames.empty()) return bytes{};
        bytes next = std::move(frames.front());
        frames.pop_front();
        return next;
    };
    sealing(from, [&] { return from.data.write_snapshot(sink).ok(); });
    sealing(to, [&] { return to.data.merge_snapshot(source, *to.data.position()).ok(); });
    to.received |= from.received;
    to.skipped = to.skipped || (from.merged & ~to.merged).any();
    to.merged |= from.merged;
}

template <class Call>
void household::sealing(member& m, Call&& call) {
    const changeset_set before = m.merged;
    if (!call()) return fail(device_text(m.data) + "a call failed");
    m.unsealed = false;
    auto parts = m.data.outbox(limits::changeset_bytes_max);
    for (outbound_part& p : *parts) {
        if (!m.data.settle(std::uint64_t{p.seq}).ok()) fail("a settle failed");
        record(m, std::move(p), before);
    }
}

void household::record(member& m, outbound_part part, const changeset_set& seen) {
    const auto c = decode(part.payload);
    if (!c || part.parts != 1) return fail("a sealed changeset does not decode");
    note(part.payload);
    const std::size_t number = sent_.size();
    if (number >= seen.size()) return fail("the script is too long for the model");
    for (const table_changes& t : c->tables)
        for (const row_change& r : t.rows) record_operation(r, t, seen);
    m.received.set(number);
    m.merged.set(number);
    sent_.push_back({{0, m.data.device(), part.seq, part.part, part.parts, std::move(part.payload)},
                     seen,
                     greatest_stamp(*c).when.packed});
}

void household::record_operation(const row_change& r, const table_changes& t, const changeset_set& seen) {
    const reference::operation o = border::tell(r.op, t.table.columns, sent_.size(), seen);
    if (!stamps_.insert({o.when.time, o.when.author}).second) fail("a stamp was issued twice");
    for (std::size_t i = 0; i < sent_.size(); ++i)
        if (seen[i] && sent_[i].greatest >= o.when.time)
            fail("a stamp is not above all that its author had seen");
    const bool older = is_older(begin_, static_cast<std::size_t>(o.when.author - 1));
    if (begin_.grouped && !older && o.cells.contains("a") != o.cells.contains("b"))
        fail("one member of a group was written alone");
    row_truth& row = rows_[of_key(bytes(r.key))];
    row.changesets.set(o.changeset);
    row.all.push_back(o);
}

}  // namespace property
