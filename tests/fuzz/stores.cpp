// SPDX-License-Identifier: MIT
#include "stores.hpp"

#include <casasync/codec.hpp>

#include <utility>

namespace casasync_fuzz {

using namespace casasync;

namespace {

late_clock clock_of_all;

std::string text_of(const value& v) {
    bytes out;
    detail::writer w(out);
    detail::put_value(w, v);
    return to_hex(out);
}
std::string text_of(const stamp& s) {
    return std::to_string(s.when.packed) + "/" + s.replica.text();
}

}  // namespace

store make_store(std::uint8_t device) {
    memory_identity who;
    who.device.octets[0] = who.replica.octets[0] = device;
    return store(who, clock_of_all);
}

void must_be_consistent(const store& s) {
    vault_digest sum;
    for (const memory_table& t : s.tables()) {
        const auto all = t.shown();
        std::size_t visible = 0;
        for (const auto& [key, row] : t.registers()) {
            sum.rows += row_digest(t.traits, key, row);
            sum.open += conflict_digest(t.traits, key, open_conflicts(row, t.traits));
            const auto shown = all.find(key);
            must((shown != all.end()) == is_visible(row, t.traits.policy),
                 "a hidden row is shown, or the other way");
            if (shown == all.end()) continue;
            ++visible;
            must(shown->second == t.show(row), "what is shown is not what the registers say");
        }
        must(visible == all.size(), "a row without registers is shown");
    }
    must(sum == s.digest(), "the running digests are not those of the registers");
}

view view_of(const store& s) {
    view out;
    out.digest = s.digest();
    for (const memory_table& t : s.tables())
        for (const auto& [key, values] : t.shown())
            for (std::size_t c = 0; c <= values.size(); ++c)
                if (c == values.size())
                    out.rows[t.traits.name][key];  // also a row without columns is one
                else if (!values[c].is_null())
                    out.rows[t.traits.name][key][t.traits.columns[c].name] = values[c];
    for (const memory_conflict& c : s.conflicts()) {
        std::string column = "(row)";
        for (const memory_table& t : s.tables())
            if (t.traits.name == c.table && c.what.column) column = t.traits.columns[*c.what.column].name;
        out.conflicts.insert(c.table + "/" + to_hex(c.key) + "." + column + ": " + text_of(c.what.loser) +
                             " " + text_of(c.what.what) + " to " + text_of(c.what.winner) + " " +
                             std::string(name_of(c.what.why)));
    }
    return out;
}

void must_agree(const view& a, const view& b, const char* what) {
    if (a == b) return;
    std::string text = what;
    for (const std::string& c : a.conflicts)
        if (a.conflicts.count(c) > b.conflicts.count(c)) text += "; the first has more of " + c;
    for (const std::string& c : b.conflicts)
        if (b.conflicts.count(c) > a.conflicts.count(c)) text += "; the second has more of " + c;
    if (a.rows != b.rows) text += "; other rows";
    if (a.digest.rows != b.digest.rows) text += "; other digest of rows";
    if (a.digest.open != b.digest.open) text += "; other digest of conflicts";
    throw finding(text);
}

bytes snapshot_of(store& s) {
    bytes out;
    const auto written = s.write_snapshot([&out](bytes_view part) -> result<void> {
        out.insert(out.end(), part.begin(), part.end());
        return {};
    });
    must(written.ok(), "a snapshot cannot be written");
    return out;
}

result<void> merge_snapshot(store& s, const bytes& snapshot) {
    bool given = false;
    const snapshot_source once = [&]() -> result<bytes> {
        return std::exchange(given, true) ? bytes{} : snapshot;
    };
    return s.merge_snapshot(once, *s.position());
}

std::size_t deliver(store& s, const changeset& c) {
    const inbound_part part{0, c.device, c.seq, 0, 1, encode(c)};
    must(s.accept(std::span(&part, 1), *s.position()).ok(), "a store does not accept");
    const auto report = s.merge_inbox(0);
    must(report.ok(), "a store does not merge");
    must_be_consistent(s);
    return report->changesets;
}

}  // namespace casasync_fuzz
