// SPDX-License-Identifier: MIT
// A file that is to be an ordinary one again.
#include "commands.hpp"
#include "show.hpp"
#include "words.hpp"

#include <casasync/agent/setup.hpp>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <iostream>
#include <memory>

namespace casasync::cli {
namespace {

struct options {
    std::string db{};
    bool yes = false;
};

/// What the file has in its vault and not in its tables.
struct left_behind {
    sqlite::vault_status status{};
    std::size_t deleted = 0;

    [[nodiscard]] std::size_t unsent() const { return status.captured + status.pending_out; }
};

result<left_behind> look(const std::string& db) {
    auto vault = open_vault(db);
    if (!vault) return vault.failure();
    auto status = vault->status();
    if (!status) return status.failure();
    const auto deleted = vault->deleted();
    if (!deleted) return deleted.failure();
    return left_behind{std::move(*status), deleted->size()};
}

void show(const console& out, const std::string& db, const left_behind& what) {
    out.line(printable(db) +
             " becomes an ordinary SQLite file: its rows stay as they are, and sync no more.");
    if (what.unsent() > 0)
        out.line("There are changes that no other device has. They stay in this file alone.");
    const auto lost = [&](std::size_t n, const char* one, const char* where) {
        if (n > 0) out.line("Not kept here: " + counted(n, one) + "; " + where);
    };
    lost(what.status.open_conflicts, "open conflict", "casasync conflicts lists what lost.");
    lost(what.status.parked, "row", "they cannot be shown in their table; casasync integrity lists them.");
    lost(what.deleted, "deleted row", "casasync deleted lists them.");
    lost(what.status.pending_in, "changeset", "they came in and wait.");
}

/// Tells whether the person wants it.
bool confirmed(const console& out, const options& o) {
    if (o.yes) return true;
    out.note("Leave the vault? Type yes, or anything else to leave everything as it is:");
    std::string said;
    return std::getline(std::cin, said) && (said == "yes" || said == "y");
}

result<int> leave(const console& out, const options& o) {
    if (auto ok = require_file(o.db); !ok) return ok.failure();
    const auto what = look(o.db);
    if (!what && what.code() != errc::not_a_vault) return what.failure();
    if (what) {
        if (!out.json()) show(out, o.db, *what);
        if (!confirmed(out, o)) return error{errc::canceled, "Nothing was changed."};
    }
    if (auto ok = agent::leave_vault(o.db); !ok) return ok.failure();
    if (out.json()) {
        out.print({{"left", what ? json_of_text(what->status.vault.text()) : nullptr}});
        return exit_ok;
    }
    out.line("Done. The other devices list this one until it is removed there: casasync devices remove.");
    out.line(
        "To make it a device again, run casasync pair there and casasync join here: its rows are brought "
        "along.");
    return exit_ok;
}

}  // namespace

void add_leave_command(CLI::App& app, program& run) {
    const auto o = std::make_shared<options>();
    CLI::App* const command =
        add_command(app, run, "leave", "Make a vault an ordinary file again; its rows stay",
                    [&run, o] { return leave(run.out, *o); });
    command->add_option("DB", o->db, "the vault file")->required();
    command->add_flag("--yes", o->yes, "do not ask");
}

}  // namespace casasync::cli
