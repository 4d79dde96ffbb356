// SPDX-License-Identifier: MIT
#include "commands.hpp"
#include "show.hpp"
#include "sql.hpp"
#include "words.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace casasync::cli {
namespace {

struct options {
    std::string db{};
    std::vector<std::string> tables{}, rules{}, groups{}, references{};
    std::string policy = "later_wins", integer_keys{};
};

result<sqlite::track_options> track_options_of(const options& o) {
    sqlite::track_options out;
    out.natural_integer_key = o.integer_keys == "natural";
    out.policy = o.policy == "delete_wins" ? delete_policy::delete_wins : delete_policy::later_wins;
    for (const std::string& text : o.rules) {
        const std::size_t equals = text.rfind('=');
        const std::string rule = equals == std::string::npos ? "" : text.substr(equals + 1);
        if (equals == 0 || (rule != "max" && rule != "min" && rule != "lww"))
            return error{errc::invalid_argument, "A rule reads COLUMN=max, COLUMN=min or COLUMN=lww, not " +
                                                     text + ". Nothing was changed."};
        out.rules[text.substr(0, equals)] = rule == "max"   ? merge_rule::max
                                            : rule == "min" ? merge_rule::min
                                                            : merge_rule::lww;
    }
    for (const std::string& text : o.groups) {
        out.groups.push_back(split_at_commas(text));
        if (out.groups.back().size() < 2)
            return error{errc::invalid_argument,
                         "A group names two or more columns, as in --group amount,currency. Nothing was "
                         "changed."};
    }
    return out;
}

result<std::set<std::string>> columns_of(const std::string& db, const std::string& table) {
    std::set<std::string> out;
    auto file = sql_file::open(db, sql_file::access::read);
    if (!file) return file.failure();
    const auto read = file->each("SELECT name FROM pragma_table_info(?1)", {table}, [&](const auto& row) {
        out.insert(row[0]);
        return true;
    });
    if (!read) return read.failure();
    return out;
}

/// The rules and groups of a call, table by table: each goes to the tables that have its columns.
/// \errors invalid_argument when a column is in none of them
result<std::vector<sqlite::track_options>> for_each_table(const options& o, const sqlite::track_options& all,
                                                          const reference_map& references) {
    std::vector<sqlite::track_options> out;
    for (const auto& [table, columns] : references)
        if (std::find(o.tables.begin(), o.tables.end(), table) == o.tables.end())
            return error{errc::invalid_argument, "--references names " + table +
                                                     ", which is not one of the tables to track. Nothing was "
                                                     "changed."};
    std::set<std::string> known;
    for (const std::string& table : o.tables) {
        auto columns = columns_of(o.db, table);
        if (!columns) return columns.failure();
        sqlite::track_options& mine = out.emplace_back(all);
        if (const auto refers = references.find(table); refers != references.end())
            mine.references = refers->second;
        const auto missing = [&](const std::string& column) { return columns->count(column) == 0; };
        std::erase_if(mine.rules, [&](const auto& rule) { return missing(rule.first); });
        std::erase_if(mine.groups,
                      [&](const auto& group) { return std::any_of(group.begin(), group.end(), missing); });
        for (const auto& [column, rule] : mine.rules) known.insert(column);
        for (const auto& group : mine.groups) known.insert(group.begin(), group.end());
    }
    std::set<std::string> named;
    for (const auto& [column, rule] : all.rules) named.insert(column);
    for (const auto& group : all.groups) named.insert(group.begin(), group.end());
    for (const std::string& column : named)
        if (known.count(column) == 0)
            return error{errc::invalid_argument,
                         "None of these tables has the column " + column +
                             ", or not with the rest of its group. Nothing was changed."};
    return out;
}

result<int> track(const console& out, options o) {
    const auto how = track_options_of(o);
    if (!how) return how.failure();
    const auto references = references_of(o.references);
    if (!references) return references.failure();
    put_parents_first(o.tables, *references);
    auto vault = open_vault(o.db);
    if (!vault) return vault.failure();
    const auto refused = vault->check(o.tables);
    if (!refused) return refused.failure();
    if (!refused->empty()) return untrackable_error(*refused);
    const auto each = for_each_table(o, *how, *references);
    if (!each) return each.failure();
    for (std::size_t i = 0; i < o.tables.size(); ++i)
        if (auto ok = vault->track(o.tables[i], (*each)[i]); !ok) return ok.failure();
    const auto all = vault->tracked();
    if (!all) return all.failure();
    if (out.json())
        out.print({{"tracked", json_of_names(*all)}});
    else
        out.line("Tracking " + joined(*all) + ".");
    return exit_ok;
}

result<int> untrack(const console& out, const options& o) {
    auto vault = open_vault(o.db);
    if (!vault) return vault.failure();
    if (auto ok = vault->untrack(o.tables.front()); !ok) return ok.failure();
    const auto left = vault->tracked();
    if (!left) return left.failure();
    if (out.json())
        out.print({{"tracked", json_of_names(*left)}});
    else
        out.line("No longer tracking " + printable(o.tables.front()) + " on this device; its rows stay.");
    return exit_ok;
}

}  // namespace

void add_track_commands(CLI::App& app, program& run) {
    const auto o = std::make_shared<options>();
    CLI::App* add = add_command(app, run, "track", "Make tables part of the vault",
                                [&run, o] { return track(run.out, *o); });
    add->add_option("DB", o->db, "the vault file")->required();
    add->add_option("TABLE", o->tables, "tables to track")->required();
    add->add_option("--delete-policy", o->policy, "who wins when one device deletes what another edits")
        ->check(CLI::IsMember({"later_wins", "delete_wins"}));
    add->add_option("--rule", o->rules, "COLUMN=max or COLUMN=min: the greatest or least amount wins")
        ->allow_extra_args(false);
    add->add_option("--group", o->groups, "columns that are always taken together: amount,currency")
        ->allow_extra_args(false);
    add->add_option("--integer-keys", o->integer_keys,
                    "natural: an INTEGER PRIMARY KEY means the same thing on every device")
        ->check(CLI::IsMember({"natural"}));
    add->add_option("--references", o->references,
                    "TABLE.COLUMN=PARENT: it holds integer keys of PARENT, though no foreign key says so")
        ->allow_extra_args(false);

    const auto u = std::make_shared<options>();
    CLI::App* remove = add_command(app, run, "untrack", "Take a table out of the vault on this device",
                                   [&run, u] { return untrack(run.out, *u); });
    remove->add_option("DB", u->db, "the vault file")->required();
    remove->add_option("TABLE", u->tables, "the table")->required()->expected(1);
}

}  // namespace casasync::cli
