// SPDX-License-Identifier: MIT
#include "commands.hpp"
#include "compare.hpp"
#include "show.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <memory>
#include <vector>

namespace casasync::cli {
namespace {

struct verify_options {
    std::string db{}, other{};
};

/// What was found of one file, or of both together.
struct findings {
    std::vector<sqlite::verify_report> files{};
    std::vector<table_difference> tables{};
    bool digests_differ = false;

    [[nodiscard]] bool all_well() const {
        return !digests_differ && tables.empty() &&
               std::all_of(files.begin(), files.end(), [](const sqlite::verify_report& r) {
                   return r.digest_matches && r.conflicts_match && r.differences.empty();
               });
    }
};

result<std::vector<std::string>> check_file(const std::string& path, findings& into) {
    auto vault = open_vault(path);
    if (!vault) return vault.failure();
    progress bar;
    auto report = vault->verify([&](std::size_t rows) { bar.at("verifying", rows, 0, "rows"); });
    if (!report) return report.failure();
    into.files.push_back(std::move(*report));
    return vault->tracked();
}

result<findings> examine_files(const verify_options& o) {
    findings out;
    auto tables = check_file(o.db, out);
    if (!tables) return tables.failure();
    if (o.other.empty()) return out;
    const auto others = check_file(o.other, out);
    if (!others) return others.failure();
    for (const std::string& table : *others)
        if (std::find(tables->begin(), tables->end(), table) == tables->end()) tables->push_back(table);
    out.digests_differ = out.files[0].digest != out.files[1].digest;
    progress bar;
    auto rows = compare_rows(o.db, o.other, *tables,
                             [&](std::size_t done) { bar.at("comparing", done, tables->size(), "tables"); });
    if (!rows) return rows.failure();
    out.tables = std::move(*rows);
    return out;
}

void print_json(const console& out, const findings& found) {
    boost::json::array files, tables;
    for (const auto& r : found.files) {
        boost::json::array differences;
        for (const std::string& text : r.differences) differences.push_back(json_of_text(text));
        files.push_back({{"digest", r.digest},
                         {"digest_matches", r.digest_matches},
                         {"conflicts_match", r.conflicts_match},
                         {"rows", r.rows},
                         {"differences", std::move(differences)}});
    }
    for (const auto& t : found.tables) {
        boost::json::array keys;
        for (const std::string& key : t.examples) keys.push_back(json_of_text(key));
        tables.push_back({{"table", json_of_text(t.table)},
                          {"only_first", t.only_first},
                          {"only_second", t.only_second},
                          {"keys", std::move(keys)}});
    }
    out.print({{"ok", found.all_well()}, {"files", std::move(files)}, {"tables", std::move(tables)}});
}

void print_file(const console& out, const std::string& path, const sqlite::verify_report& r) {
    const bool well = r.digest_matches && r.conflicts_match && r.differences.empty();
    out.line(printable(path) + ": " + counted(r.rows, "row") + ", digest " + r.digest +
             (well ? ", all as it should be" : ""));
    if (!r.digest_matches) out.line("    the digest that is kept along is another one");
    if (!r.conflicts_match) out.line("    the list of open conflicts is not what the rows say");
    for (const std::string& text : r.differences) out.line("    " + printable(text));
}

void print_text(const console& out, const verify_options& o, const findings& found) {
    print_file(out, o.db, found.files[0]);
    if (o.other.empty()) return;
    print_file(out, o.other, found.files[1]);
    if (found.digests_differ)
        out.line("The digests differ: one has changes that the other has not. Run casasync sync on both.");
    for (const auto& t : found.tables) {
        out.line(printable(t.table) + ": " + counted(t.only_first, "row") + " only in the first, " +
                 counted(t.only_second, "row") + " only in the second, such as");
        for (const std::string& key : t.examples) out.line("    " + printable(key));
    }
    if (found.all_well()) out.line("Both are the same: digests, and every row of every tracked table.");
}

}  // namespace

void add_verify_command(CLI::App& app, program& run) {
    const auto o = std::make_shared<verify_options>();
    CLI::App* command =
        add_command(app, run, "verify", "Recompute the digest; with another file, compare every row",
                    [&run, o]() -> result<int> {
                        const auto found = examine_files(*o);
                        if (!found) return found.failure();
                        run.out.json() ? print_json(run.out, *found) : print_text(run.out, *o, *found);
                        return found->all_well() ? exit_ok : exit_differs;
                    });
    command->add_option("DB", o->db, "the vault file")->required();
    command->add_option("OTHER_DB", o->other, "another device's file of the same vault");
}

}  // namespace casasync::cli
