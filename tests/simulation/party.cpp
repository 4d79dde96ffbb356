// SPDX-License-Identifier: MIT
#include "party.hpp"

#include <algorithm>
#include <limits>
#include <sstream>

namespace simulation {

using namespace casasync;

namespace {

/// What is looked at: table, its key as SQL, a column.
struct watched {
    const char *table, *key, *column;
    bool next_version;
};
constexpr watched every_cell[] = {
    {"account", "quote(id)", "name", false},    {"txn", "quote(id)", "amount", false},
    {"txn", "quote(id)", "note", false},        {"txn", "quote(id)", "account", false},
    {"txn", "quote(id)", "place", true},        {"tag", "quote(txn) || ',' || quote(name)", "color", false},
    {"budget", "quote(month)", "amount", true}, {"item", "quote(label)", "note", false},
};
constexpr const char* not_booked =
    "SELECT id, label, inside FROM item ORDER BY id; SELECT item, color, size FROM pin ORDER BY item, color";

/// Reads what no fault disturbs, and what counts as no call.
class undisturbed {
 public:
    explicit undisturbed(casasync_test::disk& d) : disk_(d), before_(d.pause(true)) {}
    undisturbed(const undisturbed&) = delete;
    undisturbed& operator=(const undisturbed&) = delete;
    ~undisturbed() { disk_.pause(before_); }

 private:
    casasync_test::disk& disk_;
    bool before_;
};

}  // namespace

std::string text_of(const value& v) {
    switch (v.kind()) {
        case value_kind::null:
            return "NULL";
        case value_kind::integer:
            return std::to_string(v.integer());
        case value_kind::real:
            return std::to_string(v.real());
        case value_kind::text:
            return "'" + v.text() + "'";
        case value_kind::blob:
            return "blob of " + std::to_string(v.blob().size());
    }
    return "";
}

row_name row_of(const std::string& table, const std::vector<value>& key) {
    row_name out{table, ""};
    for (const value& v : key) out.key += (out.key.empty() ? "" : ",") + text_of(v);
    return out;
}

party::party(std::size_t n, loopback::relay& relay, std::uint64_t seed)
    : machine("d" + std::to_string(n), static_cast<std::uint8_t>(n + 1)),
      network(seed),
      way(relay, network, machine.who().device),
      number(n),
      beside{machine.who().device, {}, {}} {
    machine.keys() = casasync_test::plain_cipher(n + 1);
}

result<void> party::open() {
    if (machine.has_app() && !machine.sql().is_open()) machine.close();
    if (!machine.has_app())
        if (auto ok = machine.open(false); !ok) return ok;
    if (!machine.sql().is_open()) return errc::io_failed;
    if (machine.has_vault()) return {};
    if (auto ok = machine.open_vault(); !ok) return ok;
    auto ok = recognise_copy();
    if (!ok) machine.close();
    return ok;
}

void party::begin_anew() {
    const undisturbed now(machine.storage());
    machine.close();
    if (joined) static_cast<void>(open());
}

result<void> party::recognise_copy() {
    sqlite::vault& vault = machine.vault();
    if (beside.next == vault.device()) finish_succession();
    if (beside.self != vault.device()) return vault.note_copied();  // keys of who went on from it
    if (!beside.mark || beside.mark->device != vault.device()) return {};
    const auto known = vault.made(beside.mark->envelope);
    if (!known) return known.failure();
    return *known ? result<void>{} : vault.note_copied();
}

void party::finish_succession() {
    beside.self = *std::exchange(beside.next, std::nullopt);
    way.sign_as(beside.self);
}

void party::put(const saved_files& files, bool all) {
    machine.restore(files.files);
    upgraded = files.upgraded;
    expected.reset();
    put_back = true;
    if (!all) return;
    beside = files.beside;
    way.sign_as(beside.self);
    doubtful = true;
}

party_image party::image() {
    return {machine.storage().image(), machine.keys(), beside};
}

void party::become(const party_image& image) {
    machine.restore(image.files);
    machine.keys() = image.keys;
    beside = image.beside;
    joined = true;
}

namespace {

picture look_at(casasync_test::app& app, bool upgraded) {
    picture out;
    std::string sql;
    for (const watched& w : every_cell)
        if (!w.next_version || upgraded)
            sql += std::string(sql.empty() ? "" : " UNION ALL ") + "SELECT '" + w.table + "', " + w.key +
                   ", '" + w.column + "', quote(" + w.column + ") FROM " + w.table;
    std::istringstream lines(app.rows(sql));
    for (std::string line; std::getline(lines, line);) {
        std::istringstream parts(line);
        std::string table, key, column, text;
        std::getline(parts, table, '|');
        std::getline(parts, key, '|');
        std::getline(parts, column, '|');
        std::getline(parts, text, '|');
        if (text.size() < 2) {
            out[{{"error", ""}, ""}] = line;
            return out;
        }
        out[{{table.substr(2), key.substr(2)}, column.substr(2)}] = text.substr(2);
    }
    return out;
}

}  // namespace

picture party::rows() {
    const undisturbed now(machine.storage());
    return look_at(machine.sql(), upgraded);
}

bool party::has_more_columns() {
    const undisturbed now(machine.storage());
    return !machine.sql().rows("SELECT place FROM txn LIMIT 0").starts_with("error");
}

std::string party::other_rows() {
    const undisturbed now(machine.storage());
    std::string out;
    std::istringstream queries(not_booked);
    for (std::string sql; std::getline(queries, sql, ';');) out += machine.sql().rows(sql);
    return out;
}

namespace {

/// Returns the row a lost note of an item is of: it begins with the item's label.
std::optional<row_name> item_of(const sqlite::conflict_info& c) {
    if (c.table != "item" || c.column != "note" || c.loser.kind() != value_kind::text) return std::nullopt;
    return row_name{"item", "'" + c.loser.text().substr(0, c.loser.text().find(' ')) + "'"};
}

}  // namespace

std::set<row_name> party::named(const sqlite::conflict_info& c) {
    if (c.table != "item") return {row_of(c.table, c.key)};
    // Numbers change, and that of a row that is deleted may be another's by now: an item goes by its label.
    if (const auto item = item_of(c)) return {*item};
    std::set<row_name> out;
    const std::string found =
        machine.sql().rows("SELECT quote(label) FROM item WHERE id = " + text_of(c.key.at(0)));
    if (found.size() >= 4) out.insert({"item", found.substr(2, found.size() - 4)});
    if (const auto list = machine.vault().conflicts(false))
        for (const auto& other : *list)
            if (const auto item = other.key == c.key ? item_of(other) : std::nullopt) out.insert(*item);
    return out;
}

std::optional<row_name> party::booked(const sqlite::conflict_info& c) {
    if (c.table == "pin" || (c.table == "item" && c.column && *c.column != "note")) return std::nullopt;
    const auto names = named(c);
    return names.size() == 1 ? std::optional(*names.begin()) : std::nullopt;
}

losers party::open_conflicts() {
    const undisturbed now(machine.storage());
    losers out;
    const auto list = machine.vault().conflicts(true);
    if (!list) return out;
    for (const auto& c : *list)
        if (const auto row = booked(c); row && c.column)
            out.emplace(cell_name{*row, *c.column}, text_of(c.loser));
    return out;
}

knowledge party::know(bool whole_rows) {
    const undisturbed now(machine.storage());
    knowledge out{{}, open_conflicts(), {}};  // listing conflicts seals, and a parked row may come back
    if (const auto list = machine.vault().integrity())
        for (const auto& p : *list) out.parked.insert(row_of(p.table, p.key));
    out.shown = rows();
    if (whole_rows && !upgraded) add_unknown(out.shown);
    return out;
}

std::optional<holdings> party::has_at_most(const last_seqs& sent) {
    return has([&](const device_id& self) { return sent.contains(self) ? sent.at(self) : 0; });
}

std::optional<holdings> party::has_at_least(bool when_put_back) {
    return has([&](const device_id&) {
        const auto known = machine.vault().known_of_relay();
        if (!known) return std::uint64_t{0};
        return when_put_back ? known->last_sent : std::numeric_limits<std::uint64_t>::max();
    });
}

template <class OwnMax>
std::optional<holdings> party::has(OwnMax own_max) {
    const undisturbed now(machine.storage());
    if (!open()) return std::nullopt;
    const auto merged = machine.vault().merged();
    if (!merged) return std::nullopt;
    holdings out = below(merged->seen);
    const device_id self = machine.vault().device();
    std::erase_if(out, [self, last = own_max(self)](const auto& one) {
        return one.first == self && one.second > last;
    });
    return out;
}

void party::add_unknown(picture& to) {
    std::vector<row_name> rows;
    for (const auto& [cell, value] : to)
        if (cell.row.table == "txn" && cell.column == "note") rows.push_back(cell.row);
    for (const row_name& row : rows) {
        const std::string key[] = {row.key.substr(1, row.key.size() - 2)};
        const auto story = machine.vault().why(row.table, key);
        if (!story) continue;
        for (const auto& c : story->cells)
            if (c.column == "place" && c.shown) to[{row, c.column}] = text_of(*c.shown);
    }
}

void party::add_parked(picture& to) {
    const auto list = machine.vault().integrity();
    if (!list) return;
    for (const auto& p : *list) {
        if (p.table == "item" || p.table == "pin") continue;  // not parked, or not booked
        std::vector<std::string> key;
        for (const value& v : p.key) key.push_back(v.text());
        const auto story = machine.vault().why(p.table, key);
        if (!story) continue;
        for (const auto& c : story->cells)
            if (c.shown) to[{row_of(p.table, p.key), c.column}] = text_of(*c.shown);
    }
}

}  // namespace simulation
