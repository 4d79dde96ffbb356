// SPDX-License-Identifier: MIT
#include "commands.hpp"
#include "show.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace casasync::cli {
namespace {

struct log_options {
    std::string db{}, table{}, since{}, id{};
    std::vector<std::string> key{};
};

/// Reads exactly `n` digits off the front of `text`.
std::optional<int> digits(std::string_view& text, std::size_t n) {
    int out = 0;
    if (text.size() < n) return std::nullopt;
    for (const char c : text.substr(0, n)) {
        if (c < '0' || c > '9') return std::nullopt;
        out = out * 10 + (c - '0');
    }
    text.remove_prefix(n);
    return out;
}

bool skip(std::string_view& text, char c) {
    if (text.empty() || text.front() != c) return false;
    text.remove_prefix(1);
    return true;
}

/// Returns the milliseconds since 1970 of "2026-11-25" or "2026-11-25 12:30", both UTC.
std::optional<unix_ms> time_of(std::string_view text) {
    using namespace std::chrono;
    const auto y = digits(text, 4);
    if (!y || !skip(text, '-')) return std::nullopt;
    const auto m = digits(text, 2);
    if (!m || !skip(text, '-')) return std::nullopt;
    const auto d = digits(text, 2);
    if (!d) return std::nullopt;
    const year_month_day day{year{*y}, month{static_cast<unsigned>(*m)},
                             std::chrono::day{static_cast<unsigned>(*d)}};
    if (!day.ok()) return std::nullopt;
    const unix_ms midnight = duration_cast<milliseconds>(sys_days{day}.time_since_epoch()).count();
    if (text.empty()) return midnight;
    if (!skip(text, ' ') && !skip(text, 'T')) return std::nullopt;
    const auto hour = digits(text, 2);
    if (!hour || *hour > 23 || !skip(text, ':')) return std::nullopt;
    const auto minute = digits(text, 2);
    if (!minute || *minute > 59 || !text.empty()) return std::nullopt;
    return midnight + (*hour * 60LL + *minute) * 60'000;
}

/// True when a key is the one that was typed: compared as text, as the shell would show it.
bool is_key(std::span<const value> key, std::span<const std::string> typed) {
    if (typed.empty()) return true;
    if (key.size() != typed.size()) return false;
    for (std::size_t i = 0; i < key.size(); ++i) {
        const std::string shown = key[i].kind() == value_kind::text ? key[i].text() : text_of(key[i]);
        if (shown != typed[i]) return false;
    }
    return true;
}

/// A conflict or a kept write, and when this device last heard of it.
struct log_entry {
    unix_ms at = 0;
    boost::json::object json{};
    std::string text{};
};

log_entry entry_of(const sqlite::conflict_info& c) {
    boost::json::object json = json_of(c);
    json["entry"] = "conflict";
    return {c.noticed_at, std::move(json),
            text_of(c) + "\n    noticed " + time_text(c.noticed_at / 1000) +
                (c.open ? ", open" : ", closed " + time_text(c.closed_at / 1000))};
}

log_entry entry_of(const sqlite::kept_write& w) {
    boost::json::object json = json_of(w);
    json["entry"] = "write";
    return {w.merged_at, std::move(json),
            row_text(w) + (w.column ? "  " + printable(*w.column) : "") + "  " + text_of(w) + "  (" +
                text_of(w.by) + ")"};
}

/// The log as far as it was asked for, newest first.
result<std::vector<log_entry>> read_log(sqlite::vault& vault, const log_options& o, unix_ms since) {
    const auto conflicts = vault.conflicts(false);
    if (!conflicts) return conflicts.failure();
    const auto writes = vault.kept_writes(o.table, since);
    if (!writes) return writes.failure();
    std::vector<log_entry> out;
    for (const auto& c : *conflicts)
        if ((o.table.empty() || c.table == o.table) && is_key(c.key, o.key) &&
            std::max(c.noticed_at, c.closed_at) >= since)
            out.push_back(entry_of(c));
    for (auto w = writes->rbegin(); w != writes->rend(); ++w)
        if (is_key(w->key, o.key)) out.push_back(entry_of(*w));
    std::stable_sort(out.begin(), out.end(),
                     [](const log_entry& a, const log_entry& b) { return a.at > b.at; });
    return out;
}

result<int> print_log(const console& out, const log_options& o) {
    unix_ms since = 0;
    if (!o.since.empty()) {
        const auto time = time_of(o.since);
        if (!time)
            return error{errc::invalid_argument,
                         "--since " + o.since +
                             " is not a time. Give a day as 2026-11-25, or with a time "
                             "as \"2026-11-25 12:30\", in UTC."};
        since = *time;
    }
    auto vault = open_vault(o.db);
    if (!vault) return vault.failure();
    const auto entries = read_log(*vault, o, since);
    if (!entries) return entries.failure();
    if (out.json()) {
        boost::json::array list;
        for (const auto& e : *entries) list.push_back(e.json);
        out.print(list);
        return exit_ok;
    }
    for (const auto& e : *entries) out.line(e.text);
    if (entries->empty()) out.line("The log has no such entry: no write has lost there unseen.");
    return exit_ok;
}

boost::json::object json_of_deleted(const sqlite::deleted_row& row) {
    boost::json::object values;
    for (const auto& [column, what] : row.values) values[printable(column)] = json_of(what);
    return {{"id", row.id},
            {"table", json_of_text(row.table)},
            {"key", json_of(row.key)},
            {"key_taken", row.key_taken},
            {"values", std::move(values)},
            {"deleted", json_of(row.deleted_by)}};
}

result<int> print_deleted(const console& out, const log_options& o) {
    auto vault = open_vault(o.db);
    if (!vault) return vault.failure();
    const auto rows = vault->deleted(o.table);
    if (!rows) return rows.failure();
    if (out.json()) {
        boost::json::array list;
        for (const auto& row : *rows) list.push_back(json_of_deleted(row));
        out.print(list);
        return exit_ok;
    }
    for (const auto& row : *rows) {
        out.line(row.id + "  " + row_text(row) + "  deleted: " + text_of(row.deleted_by));
        std::string values;
        for (const auto& [column, what] : row.values)
            values += (values.empty() ? "" : ", ") + printable(column) + " " + text_of(what);
        if (!values.empty()) out.line("    " + values);
    }
    if (rows->empty()) out.line("Nothing was deleted there.");
    return exit_ok;
}

result<int> undelete(const console& out, const log_options& o) {
    auto vault = open_vault(o.db);
    if (!vault) return vault.failure();
    const auto row = vault->undelete(o.id);
    if (!row) return row.failure();
    if (out.json())
        out.print(json_of_deleted(*row));
    else
        out.line("Brought back " + row_text(*row) +
                 " with all its fields; the other devices get it with the next sync.");
    return exit_ok;
}

result<int> print_integrity(const console& out, const std::string& db) {
    auto vault = open_vault(db);
    if (!vault) return vault.failure();
    const auto parked = vault->integrity();
    if (!parked) return parked.failure();
    if (out.json()) {
        boost::json::array list;
        for (const auto& p : *parked)
            list.push_back(boost::json::object{{"table", json_of_text(p.table)},
                                               {"key", json_of(p.key)},
                                               {"key_taken", p.key_taken},
                                               {"reason", p.reason},
                                               {"detail", json_of_text(p.detail)}});
        out.print(list);
        return exit_ok;
    }
    for (const auto& p : *parked) {
        out.line(row_text(p) + "  (" + p.reason + ")");
        out.line("    " + printable(p.detail));
    }
    if (parked->empty()) out.line("Every row of the vault is shown in its table.");
    return exit_ok;
}

}  // namespace

void add_log_commands(CLI::App& app, program& run) {
    const auto o = std::make_shared<log_options>();
    CLI::App* log = add_command(app, run, "log", "Tell of every write that lost unseen, open or closed",
                                [&run, o] { return print_log(run.out, *o); });
    log->add_option("DB", o->db, "the vault file")->required();
    CLI::Option* table = log->add_option("--table", o->table, "only this table");
    log->add_option("--key", o->key, "only the row with this key, a value a column")->needs(table);
    log->add_option("--since", o->since, "only what was noticed or closed since this day, UTC");

    const auto d = std::make_shared<log_options>();
    CLI::App* list = add_command(app, run, "deleted", "List rows that were deleted, with what they held",
                                 [&run, d] { return print_deleted(run.out, *d); });
    list->add_option("DB", d->db, "the vault file")->required();
    list->add_option("--table", d->table, "only this table");
    CLI::App* back = add_command(app, run, "undelete", "Bring a deleted row back whole, on every device",
                                 [&run, d] { return undelete(run.out, *d); });
    back->add_option("DB", d->db, "the vault file")->required();
    back->add_option("ID", d->id, "the row, as casasync deleted lists it")->required();

    const auto db = std::make_shared<std::string>();
    CLI::App* integrity = add_command(app, run, "integrity",
                                      "List rows that are in the vault and cannot be shown at the moment",
                                      [&run, db] { return print_integrity(run.out, *db); });
    integrity->add_option("DB", *db, "the vault file")->required();
}

}  // namespace casasync::cli
