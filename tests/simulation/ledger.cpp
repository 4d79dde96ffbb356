// SPDX-License-Identifier: MIT
#include "ledger.hpp"

#include <algorithm>

namespace simulation {
namespace {

std::set<row_name> rows_of(const picture& p) {
    std::set<row_name> out;
    for (const auto& [cell, value] : p) out.insert(cell.row);
    return out;
}

/// Returns the cells of a row, in a picture or any other map by cell.
template <class Cells, class Visit>
void each_cell(Cells& cells, const row_name& row, Visit visit) {
    for (auto it = cells.lower_bound(cell_name{row, ""}); it != cells.end() && it->first.row == row; ++it)
        visit(it->first, it->second);
}

/// Tells whether a row that was there was taken away and inserted again: only an INSERT writes such a note
/// (app_writes.cpp).
bool is_anew(const picture& before, const picture& after, const row_name& row) {
    const auto old = before.find({row, "note"}), now = after.find({row, "note"});
    return now != after.end() && now->second.starts_with("'new ") &&
           (old == before.end() || old->second != now->second);
}

}  // namespace

std::string text_of(const cell_name& c) {
    return c.row.table + "[" + c.row.key + "]." + c.column;
}

bool ledger::is_own(std::size_t device, const written& w) const {
    while (w.device != device) {
        const auto copy = origins_.find(device);
        if (copy == origins_.end() || w.number >= copy->second.writes) return false;
        device = copy->second.device;
    }
    return true;
}

void ledger::overwrite(std::size_t device, const knowledge& before, const cell_name& cell) {
    const auto book = books_.find(cell);
    if (book == books_.end()) return;
    const bool blind = before.parked.contains(cell.row);
    const auto shown = before.shown.find(cell);
    const auto [first, last] = before.open.equal_range(cell);
    for (written& w : book->second) {
        const bool known =
            (shown != before.shown.end() && shown->second == w.value) ||
            std::any_of(first, last, [&](const auto& loser) { return loser.second == w.value; });
        if (blind ? is_own(device, w) : known) w.overwritten = true;
    }
}

void ledger::add(std::size_t device, const cell_name& cell, const std::string& value) {
    if (value == "NULL") return;  // what is not there cannot be lost
    books_[cell].push_back({.device = device, .value = value, .number = writes_});
    ++writes_;
}

void ledger::settled(std::size_t device, const knowledge& before, const row_name& row) {
    each_cell(books_, row, [&](const cell_name& cell, const auto&) { overwrite(device, before, cell); });
}

void ledger::wrote(std::size_t device, const knowledge& before, const picture& after,
                   const std::set<row_name>& replaced, const std::set<row_name>& named) {
    const std::set<row_name> then = rows_of(before.shown), now = rows_of(after);
    std::set<row_name> rows = then;
    rows.insert(now.begin(), now.end());
    rows.insert(replaced.begin(), replaced.end());
    rows.insert(named.begin(), named.end());
    for (const row_name& row : rows) {
        const bool there = then.contains(row), stays = now.contains(row);
        const bool whole = !there || !stays || replaced.contains(row) ||
                           (named.contains(row) && is_anew(before.shown, after, row));
        if (whole) settled(device, before, row);
        if (!stays) continue;
        each_cell(after, row, [&](const cell_name& cell, const std::string& value) {
            const auto old = before.shown.find(cell);
            if (!whole && old != before.shown.end() && old->second == value) return;
            overwrite(device, before, cell);
            add(device, cell, value);
        });
    }
}

void ledger::decided(std::size_t device, const knowledge& before, const cell_name& cell,
                     const std::string& value) {
    overwrite(device, before, cell);
    add(device, cell, value);
}

template <class Visit>
void ledger::each_of(Visit visit) {
    for (auto& [cell, book] : books_)
        for (written& w : book) visit(w);
}

void ledger::sent(std::size_t device) {
    each_of([&](written& w) { w.sent = w.sent || w.device == device; });
}

void ledger::went_back(std::size_t device, std::size_t writes) {
    each_of([&](written& w) {
        if (w.device != device || w.number < writes) return;
        w.only_there = true;
        w.excused = w.excused || !w.sent;
    });
}

void ledger::relay_lost() {
    each_of([](written& w) {
        w.excused = w.excused || w.only_there;
        w.sent = false;
    });
}

void ledger::removed(std::size_t device) {
    each_of([&](written& w) {
        if (w.device != device) return;
        w.only_there = true;
        w.excused = w.excused || !w.sent;
    });
}

std::string ledger::missing(const picture& shown, const losers& open) const {
    for (const auto& [cell, book] : books_) {
        const auto now = shown.find(cell);
        const auto [first, last] = open.equal_range(cell);
        for (const written& w : book) {
            if (w.overwritten || w.excused || (now != shown.end() && now->second == w.value)) continue;
            if (std::any_of(first, last, [&](const auto& loser) { return loser.second == w.value; }))
                continue;
            return "what device " + std::to_string(w.device) + " wrote to " + text_of(cell) +
                   " is lost: " + w.value;
        }
    }
    return "";
}

}  // namespace simulation
