// SPDX-License-Identifier: MIT
#include "commands.hpp"
#include "show.hpp"
#include "sql.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace casasync::cli {
namespace {

struct conflict_options {
    std::string db{}, id{};
    bool all = false;
};

result<int> list_conflicts(const console& out, const conflict_options& o) {
    auto vault = open_vault(o.db);
    if (!vault) return vault.failure();
    const auto found = vault->conflicts(!o.all);
    if (!found) return found.failure();
    if (out.json()) {
        boost::json::array list;
        for (const auto& c : *found) list.push_back(json_of(c));
        out.print(list);
        return exit_ok;
    }
    for (const auto& c : *found) out.line(text_of(c));
    if (found->empty()) out.line(o.all ? "There was never a conflict." : "No open conflicts.");
    return exit_ok;
}

enum class decision { restore, keep };

result<int> decide(const console& out, const conflict_options& o, decision what) {
    auto vault = open_vault(o.db);
    if (!vault) return vault.failure();
    const auto done = what == decision::restore ? vault->restore(o.id) : vault->keep(o.id);
    if (!done) return done.failure();
    if (out.json()) {
        out.print(json_of(*done));
        return exit_ok;
    }
    const std::string where =
        row_text(*done) + (done->column ? "  " + printable(*done->column) : std::string());
    if (what == decision::keep)
        out.line("Kept what is shown in " + where +
                 ". The conflict closes on every device with the next sync.");
    else if (done->column)
        out.line("Restored " + text_of(done->loser) + " in " + where + ". It goes out with the next sync.");
    else
        out.line("Deleted the row " + where + " again. It goes out with the next sync.");
    return exit_ok;
}

/// A row and perhaps one of its columns, as typed.
struct cell_name {
    std::string db{}, table{};
    std::vector<std::string> words{};  ///< the key's values, then perhaps a column
};

/// Splits the words after the table: as many as the key has columns, then at most one more.
result<std::pair<std::vector<std::string>, std::optional<std::string>>> split(const cell_name& o) {
    auto file = sql_file::open(o.db, sql_file::access::read);
    if (!file) return file.failure();
    std::size_t key_columns = 0;
    auto ok = file->each("SELECT name FROM pragma_table_info(?1) WHERE pk > 0", {o.table},
                         [&](const std::vector<std::string>&) { return ++key_columns, true; });
    if (!ok) return ok.failure();
    if (key_columns == 0)
        return error{errc::not_found, "There is no table " + o.table + " with a key. Check its name."};
    if (o.words.size() < key_columns || o.words.size() > key_columns + 1)
        return error{errc::invalid_argument,
                     "The key of " + o.table + " has " + counted(key_columns, "column") +
                         ": give that many values, then perhaps the name of a column."};
    std::vector<std::string> key(o.words.begin(), o.words.begin() + static_cast<std::ptrdiff_t>(key_columns));
    std::optional<std::string> column;
    if (o.words.size() > key_columns) column = o.words.back();
    return std::pair(std::move(key), std::move(column));
}

/// True when the story tells of a write already: it is what is shown, or it lost.
bool is_told(const sqlite::cell_history& cell, const sqlite::kept_write& w) {
    const auto same = [&w](const value& what, const sqlite::author& by) {
        return what == w.what && by.device == w.by.device && by.at == w.by.at;
    };
    return (cell.shown && same(*cell.shown, cell.by)) ||
           std::any_of(cell.lost.begin(), cell.lost.end(),
                       [&](const sqlite::conflict_info& c) { return same(c.loser, c.loser_by); });
}

boost::json::array json_of_writes(const std::vector<sqlite::kept_write>& writes) {
    boost::json::array out;
    for (const auto& w : writes) out.push_back(json_of(w));
    return out;
}

boost::json::object json_of_cell(const sqlite::cell_history& cell) {
    boost::json::array replaced;
    for (const auto& c : cell.lost) replaced.push_back(json_of(c));
    return {{"column", json_of_text(cell.column)},
            {"value", cell.shown ? json_of(*cell.shown) : boost::json::value(nullptr)},
            {"by", json_of(cell.by)},
            {"replaced", std::move(replaced)},
            {"writes", json_of_writes(cell.writes)}};
}

void print_json(const console& out, const sqlite::row_history& row) {
    boost::json::array cells, deletes;
    for (const auto& cell : row.cells) cells.push_back(json_of_cell(cell));
    for (const auto& c : row.lost_deletes) deletes.push_back(json_of(c));
    const auto author_or_null = [](const sqlite::author& by, bool known) {
        return known ? boost::json::value(json_of(by)) : boost::json::value(nullptr);
    };
    out.print({{"visible", row.visible},
               {"born", author_or_null(row.born, true)},
               {"deleted", author_or_null(row.deleted, row.deleted.at != 0)},
               {"cells", std::move(cells)},
               {"lost_deletes", std::move(deletes)},
               {"row_writes", json_of_writes(row.row_writes)}});
}

void print_text(const console& out, const sqlite::row_history& row, bool one_cell) {
    if (!one_cell) {
        out.line("born: " + text_of(row.born));
        if (row.deleted.at != 0) out.line("deleted: " + text_of(row.deleted));
        if (!row.visible) out.line("The row is not shown.");
    }
    for (const auto& cell : row.cells) {
        const std::string shown = cell.shown ? text_of(*cell.shown) : std::string("not shown");
        out.line(printable(cell.column) + " = " + shown + "  (" + text_of(cell.by) + ")");
        for (const auto& w : cell.writes)
            if (!is_told(cell, w)) out.line("    earlier: " + text_of(w) + "  (" + text_of(w.by) + ")");
        for (const auto& c : cell.lost)
            out.line("    lost " + text_of(c.loser) + "  (" + text_of(c.loser_by) + ")  " +
                     std::string(name_of(c.reason)) + (c.open ? ", open: " : ", closed: ") + c.id);
    }
    for (const auto& w : row.row_writes)
        if (!one_cell) out.line(text_of(w) + "  (" + text_of(w.by) + ")");
    for (const auto& c : row.lost_deletes)
        out.line("lost DELETE  (" + text_of(c.loser_by) + ")  " + (c.open ? "open: " : "closed: ") + c.id);
}

result<int> explain_row(const console& out, const cell_name& o) {
    auto vault = open_vault(o.db);
    if (!vault) return vault.failure();
    const auto named = split(o);
    if (!named) return named.failure();
    const auto& [key, column] = *named;
    auto row = vault->why(o.table, key);
    if (!row) return row.failure();
    if (column) {
        std::erase_if(row->cells,
                      [&name = *column](const sqlite::cell_history& cell) { return cell.column != name; });
        if (row->cells.empty())
            return error{errc::not_found,
                         "Nothing is known of a column " + *column + " of this row. Check its name."};
    }
    if (out.json())
        print_json(out, *row);
    else
        print_text(out, *row, column.has_value());
    return exit_ok;
}

}  // namespace

void add_conflict_commands(CLI::App& app, program& run) {
    const auto o = std::make_shared<conflict_options>();
    CLI::App* list =
        add_command(app, run, "conflicts", "List writes that lost against another device's, unseen",
                    [&run, o] { return list_conflicts(run.out, *o); });
    list->add_option("DB", o->db, "the vault file")->required();
    list->add_flag("--all", o->all, "also those that are closed");

    const auto add_decision = [&](const char* name, const char* help, decision what) {
        CLI::App* command =
            add_command(app, run, name, help, [&run, o, what] { return decide(run.out, *o, what); });
        command->add_option("DB", o->db, "the vault file")->required();
        command->add_option("ID", o->id, "the conflict, as casasync conflicts lists it")->required();
    };
    add_decision("restore", "Write the value back that lost; closes the conflict everywhere",
                 decision::restore);
    add_decision("keep", "Confirm what is shown; closes the conflict everywhere", decision::keep);

    const auto cell = std::make_shared<cell_name>();
    CLI::App* why = add_command(app, run, "why", "Tell who wrote a row or a cell, when, and what it replaced",
                                [&run, cell] { return explain_row(run.out, *cell); });
    why->add_option("DB", cell->db, "the vault file")->required();
    why->add_option("TABLE", cell->table, "the table")->required();
    why->add_option("KEY", cell->words, "the key's values, then perhaps a column")->required();
}

}  // namespace casasync::cli
