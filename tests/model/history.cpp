// SPDX-License-Identifier: MIT
#include "history.hpp"

#include "border.hpp"

#include <utility>

namespace interleaving {

using namespace casasync;

namespace {

constexpr unix_ms start = 1'800'000'000'000;

unix_ms wall(clocks time, std::size_t device, std::size_t n) {
    const auto step = static_cast<unix_ms>(10 * n);
    if (device == 0 || time == clocks::equal) return start + step;
    return start + step + (time == clocks::half_a_step_apart ? 5 : 1000);
}

/// Few values, so that the devices write equal ones at times; one sets f2 back to where it began.
int f1_of(std::size_t device, std::size_t n) {
    return static_cast<int>((device + n) % 3 + 1);
}
int f2_of(std::size_t device, std::size_t n) {
    return static_cast<int>((2 * device + n + 1) % 3 + 1);
}

constexpr std::array<const char*, kinds> names{"insert", "update_f1", "update_f2",  "update_both",
                                               "remove", "reinsert",  "change_key", "nothing"};

}  // namespace

std::string plan::text() const {
    std::string out;
    for (std::size_t d = 0; d < devices; ++d) {
        out += d == 0 ? "A:" : "; B:";
        for (std::size_t n = 0; n < writes; ++n)
            out += std::string(" ") + names[static_cast<std::size_t>(does[d][n])] + " (knows " +
                   std::to_string(knows[d][n]) + ")";
    }
    return out + "; clocks " + std::to_string(static_cast<int>(time));
}

history::history(const setting& where, const plan& what) : beginning(where.table, 9, start) {
    writes.resize(devices * what.writes);
    seen.resize(writes.size());
    const sealed first =
        replica(where.table, 8, start - 1).write(where.row_there ? kind::insert : kind::nothing, 0, 2);
    beginning.receive(first);
    tell(first, 0, {});
    for (std::size_t d = 0; d < devices; ++d) {
        authors.emplace_back(where.table, static_cast<std::uint8_t>(d + 1), start);
        authors[d].receive(first);
    }
    std::array<std::size_t, devices> done{};
    while (done[0] + done[1] < writes.size())
        for (std::size_t d = 0; d < devices; ++d)
            while (done[d] < what.writes && done[1 - d] >= what.knows[d][done[d]]) write(d, done[d]++, what);
}

void history::write(std::size_t device, std::size_t n, const plan& what) {
    const std::size_t number = device * what.writes + n, other = 1 - device;
    for (std::size_t i = 0; i < what.knows[device][n]; ++i) {
        authors[device].receive(writes[other * what.writes + i]);
        if (writes[other * what.writes + i].body.tables.empty()) continue;  // nothing to wait for
        seen[number] |= write_set{1} << (other * what.writes + i);
    }
    for (std::size_t i = 0; i < n; ++i) seen[number] |= write_set{1} << (device * what.writes + i);
    authors[device].set_wall(wall(what.time, device, n));
    writes[number] = authors[device].write(what.does[device][n], f1_of(device, n), f2_of(device, n));
    reference::changeset_set known{1};
    for (std::size_t i = 0; i < writes.size(); ++i)
        if ((seen[number] >> i & 1U) != 0) known.set(i + 1);
    tell(writes[number], number + 1, known);
}

void history::tell(const sealed& s, std::size_t changeset, const reference::changeset_set& known) {
    for (const table_changes& t : s.body.tables)
        for (const row_change& r : t.rows)
            told[r.key[0]].push_back(border::tell(r.op, t.table.columns, changeset, known));
}

reference::history history::told_of(std::size_t key, write_set merged) const {
    reference::history out;
    for (const reference::operation& o : told[key])
        if (o.changeset == 0 || (merged >> (o.changeset - 1) & 1U) != 0) out.push_back(o);
    return out;
}

std::vector<knowledge> all_knowledge(std::size_t writes) {
    std::vector<knowledge> out;
    const auto may_be = [&](const knowledge& k) {
        for (std::size_t d = 0; d < devices; ++d)
            for (std::size_t n = 0; n < writes; ++n) {
                if (n > 0 && k[d][n] < k[d][n - 1]) return false;
                for (std::size_t i = 0; i < k[d][n]; ++i)  // who is known here cannot have known this write
                    if (k[1 - d][i] > n) return false;
            }
        return true;
    };
    const std::size_t base = writes + 1;
    std::size_t all = 1;
    for (std::size_t i = 0; i < devices * writes; ++i) all *= base;
    for (std::size_t number = 0; number < all; ++number) {
        knowledge k{};
        std::size_t rest = number;
        for (std::size_t i = 0; i < devices * writes; ++i, rest /= base)
            k[i / writes][i % writes] = static_cast<std::uint8_t>(rest % base);
        if (may_be(k)) out.push_back(k);
    }
    return out;
}

}  // namespace interleaving
