// SPDX-License-Identifier: MIT
// The vault itself, at the relay.
#include "commands.hpp"
#include "show.hpp"
#include "words.hpp"

#include <casasync/agent/link.hpp>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <iostream>
#include <memory>

namespace casasync::cli {
namespace {

struct deletion_options {
    std::string db{};
    bool yes = false;
};

/// Tells whether the person wants it.
bool really(const console& out, const agent::link& link, const deletion_options& o) {
    if (o.yes) return true;
    const auto& devices = link.keys().members.devices();
    const bool kit = std::any_of(devices.begin(), devices.end(),
                                 [](const auto& d) { return d.second.kit && d.second.active(); });
    out.note(
        "This deletes the vault at the relay, for all its devices. Their files stay as they are, and are "
        "kept "
        "together by nothing any more.");
    out.note(kit ? "For 30 days its recovery kit can bring it back."
                 : "It has no recovery kit, so that nobody can bring it back.");
    out.note("Delete the vault? Type yes, or anything else to leave everything as it is:");
    std::string said;
    return std::getline(std::cin, said) && (said == "yes" || said == "y");
}

result<int> delete_vault(const console& out, const deletion_options& o) {
    if (auto ok = require_file(o.db); !ok) return ok.failure();
    auto link = agent::link::open(o.db);
    if (!link) return link.failure();
    if (!really(out, *link, o)) return error{errc::canceled, "Nothing was changed."};
    const auto until = link->delete_vault();
    if (!until) return until.failure();
    if (out.json()) {
        out.print({{"deleted", link->keys().vault.text()}, {"purge_at", *until}});
        return exit_ok;
    }
    out.line("The vault is deleted at the relay, which keeps it until " +
             time_text(static_cast<std::int64_t>(*until)) +
             " for its recovery kit. The other devices hear of it by their next sync.");
    out.line("casasync leave makes " + printable(o.db) + " an ordinary file.");
    return exit_ok;
}

}  // namespace

void add_vault_command(CLI::App& app, program& run) {
    CLI::App* const vault = app.add_subcommand("vault", "The vault at the relay");
    vault->require_subcommand(1);
    const auto o = std::make_shared<deletion_options>();
    CLI::App* const command =
        add_command(*vault, run, "delete", "Delete the vault at the relay, for all its devices; files stay",
                    [&run, o] { return delete_vault(run.out, *o); });
    command->add_option("DB", o->db, "the vault file")->required();
    command->add_flag("--yes", o->yes, "do not ask");
}

}  // namespace casasync::cli
