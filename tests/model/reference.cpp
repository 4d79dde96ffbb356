// SPDX-License-Identifier: MIT
#include "reference.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace reference {

namespace {

double number(const value& v) {
    double d = 0;
    std::memcpy(&d, &v.real_bits, sizeof d);
    return d;
}

/// Compares an INTEGER to a REAL, exactly.
std::partial_ordering against(std::int64_t i, double d) {
    constexpr double beyond = 9223372036854775808.0;  // 2^63
    if (d >= beyond) return std::partial_ordering::less;
    if (d < -beyond) return std::partial_ordering::greater;
    const auto below = static_cast<std::int64_t>(std::floor(d));
    if (i != below) return i <=> below;
    return std::floor(d) < d ? std::partial_ordering::less : std::partial_ordering::equivalent;
}

/// True when `a` is the greater amount: numbers before text before blobs; where an INTEGER equals a REAL, the
/// REAL; -0.0 before 0.0.
bool exceeds(const value& a, const value& b) {
    const auto is_number = [](const value& v) { return v.kind == type::integer || v.kind == type::real; };
    if (is_number(a) != is_number(b) || (!is_number(a) && a.kind != b.kind)) return a.kind > b.kind;
    if (a.kind == type::integer && b.kind == type::integer) return a.integer > b.integer;
    if (a.kind == type::integer) return against(a.integer, number(b)) > 0;
    if (b.kind == type::integer) return against(b.integer, number(a)) <= 0;
    if (a.kind != type::real) return a.content > b.content;
    if (number(a) != number(b)) return number(a) > number(b);
    return !std::signbit(number(a)) && std::signbit(number(b));
}

/// True when a column under `r` that holds `old` takes `v`. NULL never wins.
bool takes(rule r, const value& old, const value& v) {
    if (v.kind == type::null || old.kind == type::null) return v.kind != type::null;
    return r == rule::greatest ? exceeds(v, old) : exceeds(old, v);
}

std::vector<const operation*> by_stamp(const history& row) {
    std::vector<const operation*> out;
    for (const operation& o : row) out.push_back(&o);
    std::sort(out.begin(), out.end(),
              [](const operation* a, const operation* b) { return a->when < b->when; });
    return out;
}

bool covers(const operation& y, const operation& w, const std::string& column) {
    return saw(y, w) && (y.what != action::update || y.cells.contains(column));
}

bool is_covered(const history& row, const operation& w, const std::string& column) {
    return std::any_of(row.begin(), row.end(), [&](const operation& y) { return covers(y, w, column); });
}

bool is_seen(const history& row, const operation& w) {
    return std::any_of(row.begin(), row.end(), [&](const operation& y) { return saw(y, w); });
}

/// A write that nobody covers.
struct live_write {
    stamp when{};
    value what{};
};

std::vector<live_write> live_writes(const history& row, const std::string& column) {
    std::vector<live_write> out;
    for (const operation* o : by_stamp(row))
        if (o->cells.contains(column) && !is_covered(row, *o, column))
            out.push_back({o->when, o->cells.at(column)});
    return out;
}

/// True when a later one of `all` has the value of `w`.
bool repeated_later(const std::vector<live_write>& all, const stamp& when, const value& what) {
    return std::any_of(all.begin(), all.end(),
                       [&](const live_write& l) { return l.when > when && l.what == what; });
}

void name_winner(lost_write& w, const row_view& row, const shown_cell* shown) {
    if (!row.visible) {
        w.winner = row.dead;
        w.why = reason::hidden_by_delete;
    } else if (shown == nullptr) {
        w.winner = row.born;
    } else {
        w.winner = shown->when;
        if (shown->when.time == w.loser.time) w.why = reason::tie;
    }
}

const shown_cell* find(const row_view& row, const std::string& column) {
    const auto it = row.cells.find(column);
    return it == row.cells.end() ? nullptr : &it->second;
}

bool is_listed(const std::vector<lost_write>& all, const std::optional<std::string>& column,
               const stamp& when) {
    return std::any_of(all.begin(), all.end(),
                       [&](const lost_write& l) { return l.column == column && l.loser == when; });
}

/// Adds a write to the one class that it is in; false when it is in none, or in two.
bool add(accounts& sums, bool superseded, bool applied, bool lost, bool absorbed) {
    ++sums.writes;
    sums.superseded += superseded ? 1 : 0;
    sums.applied += applied ? 1 : 0;
    sums.lost += lost ? 1 : 0;
    sums.absorbed += absorbed ? 1 : 0;
    return superseded + applied + lost + absorbed == 1;
}

/// True when a later write of the column has the value of `w`.
bool said_later(const history& row, const operation& w, const std::string& column) {
    return std::any_of(row.begin(), row.end(), [&](const operation& o) {
        const auto it = o.cells.find(column);
        return o.when > w.when && it != o.cells.end() && it->second == w.cells.at(column);
    });
}

bool account_cell(accounts& sums, const history& row, const table& t, const operation& w,
                  const std::string& column, const row_view& view, const std::vector<lost_write>& listed) {
    const value& what = w.cells.at(column);
    const shown_cell* shown = find(view, column);
    const bool live = !is_covered(row, w, column);
    if (t.columns.at(column) != rule::last) {
        const bool holds = shown != nullptr && shown->what == what && !said_later(row, w, column);
        return add(sums, false, holds, false, !holds);
    }
    const bool applied = live && shown != nullptr && shown->when == w.when && shown->what == what;
    const bool lost = is_listed(listed, column, w.when);
    const bool same_elsewhere =
        (shown != nullptr && shown->what == what) || repeated_later(live_writes(row, column), w.when, what);
    return add(sums, !live, applied, lost, live && !applied && same_elsewhere);
}

bool account_delete(accounts& sums, const history& row, const operation& w, const row_view& view,
                    const std::vector<lost_write>& listed) {
    const bool seen = is_seen(row, w);
    const bool greatest = w.when == view.dead;
    return add(sums, seen || !greatest, !seen && greatest && !view.visible,
               is_listed(listed, std::nullopt, w.when), false);
}

/// True when each thing that is shown or listed is a write of the row.
bool all_written(const history& row, const row_view& view, const std::vector<lost_write>& listed) {
    const auto wrote = [&](const std::string& column, const stamp* when, const value& what) {
        return std::any_of(row.begin(), row.end(), [&](const operation& o) {
            const auto it = o.cells.find(column);
            return it != o.cells.end() && it->second == what && (when == nullptr || o.when == *when);
        });
    };
    for (const lost_write& l : listed)
        if (l.column && !wrote(*l.column, &l.loser, l.what)) return false;
    return std::all_of(view.cells.begin(), view.cells.end(),
                       [&](const auto& cell) { return wrote(cell.first, nullptr, cell.second.what); });
}

}  // namespace

accounts& accounts::operator+=(const accounts& other) {
    writes += other.writes;
    applied += other.applied;
    superseded += other.superseded;
    absorbed += other.absorbed;
    lost += other.lost;
    return *this;
}

bool saw(const operation& y, const operation& w) {
    if (y.when.author == w.when.author) return w.when < y.when;
    return !y.blind && y.seen[w.changeset];
}

row_view replay(const history& row, const table& t) {
    row_view out;
    std::map<std::string, shown_cell> amounts;  // these belong to the key for good
    for (const operation* o : by_stamp(row)) {
        if (o->what == action::remove) {
            out.dead = o->when;
            out.visible = false;
            continue;
        }
        out.touched = o->when;
        if (o->what == action::insert) {  // a new life: what was written before is not of it
            out.born = o->when;
            out.cells.clear();
            out.visible = true;
        } else if (t.policy == deletes::lose_to_later_edits && out.born.time != 0) {
            out.visible = true;
        }
        for (const auto& [column, what] : o->cells) {
            const rule r = t.columns.at(column);
            if (r == rule::last) {
                out.cells[column] = {what, o->when};
                continue;
            }
            const auto [it, first] = amounts.try_emplace(column, shown_cell{what, o->when});
            if (!first && takes(r, it->second.what, what)) it->second.what = what;
            it->second.when = o->when;
        }
    }
    out.cells.insert(amounts.begin(), amounts.end());
    if (!out.visible) out.cells.clear();
    return out;
}

std::vector<lost_write> conflicts(const history& row, const table& t) {
    std::vector<lost_write> out;
    const row_view view = replay(row, t);
    for (const auto& [column, r] : t.columns) {
        if (r != rule::last) continue;
        const shown_cell* shown = find(view, column);
        const std::vector<live_write> live = live_writes(row, column);
        for (const live_write& w : live) {
            if (shown != nullptr && (shown->when == w.when || shown->what == w.what)) continue;
            if (repeated_later(live, w.when, w.what)) continue;
            lost_write lost{column, w.when, w.what, {}, reason::older};
            name_winner(lost, view, shown);
            out.push_back(std::move(lost));
        }
    }
    for (const operation& o : row)
        if (o.what == action::remove && o.when == view.dead && view.visible && !is_seen(row, o))
            out.push_back({std::nullopt, o.when, {}, view.touched, reason::delete_undone});
    return out;
}

std::optional<accounts> conserve(const history& row, const table& t, const row_view& shown,
                                 const std::vector<lost_write>& listed) {
    accounts out;
    if (!all_written(row, shown, listed)) return std::nullopt;
    for (const operation& w : row) {
        for (const auto& [column, what] : w.cells)
            if (!account_cell(out, row, t, w, column, shown, listed)) return std::nullopt;
        if (w.what == action::remove && !account_delete(out, row, w, shown, listed)) return std::nullopt;
    }
    return out;
}

}  // namespace reference
