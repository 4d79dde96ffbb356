// SPDX-License-Identifier: MIT
#include "commands.hpp"
#include "show.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <memory>
#include <optional>
#include <string>

namespace casasync::cli {
namespace {

struct history_options {
    std::string db{};
    std::optional<std::string> keep{};
    std::optional<std::uint32_t> days{};
};

std::string_view name_of(sqlite::history_kept keep) {
    return keep == sqlite::history_kept::all ? "all" : "conflicts";
}

void print(const console& out, const sqlite::history_info& h) {
    if (out.json()) {
        out.print({{"keep", name_of(h.policy.keep)},
                   {"days", h.policy.days},
                   {"open_conflicts", h.open},
                   {"decided_conflicts", h.decided},
                   {"writes", h.writes}});
        return;
    }
    const std::string time = h.policy.days == 0 ? "for good" : "for " + counted(h.policy.days, "day");
    out.line(h.policy.keep == sqlite::history_kept::all
                 ? "This device keeps every write, and conflicts that were decided, " + time + "."
                 : "This device keeps conflicts that were decided " + time + ", and no other write.");
    out.line("Kept: " + counted(h.open, "open conflict") + ", " + std::to_string(h.decided) + " decided, " +
             counted(h.writes, "write") + ".");
}

result<int> history(const console& out, const history_options& o) {
    auto vault = open_vault(o.db);
    if (!vault) return vault.failure();
    auto now = vault->history();
    if (!now) return now.failure();
    if (o.keep || o.days) {
        sqlite::history_policy policy = now->policy;
        if (o.keep)
            policy.keep = *o.keep == "all" ? sqlite::history_kept::all : sqlite::history_kept::conflicts;
        if (o.days) policy.days = *o.days;
        now = vault->set_history(policy);
        if (!now) return now.failure();
    }
    print(out, *now);
    return exit_ok;
}

}  // namespace

void add_history_command(CLI::App& app, program& run) {
    const auto o = std::make_shared<history_options>();
    CLI::App* command = add_command(app, run, "history", "Tell or set what this device keeps of the past",
                                    [&run, o] { return history(run.out, *o); });
    command->add_option("DB", o->db, "the vault file")->required();
    command
        ->add_option("--keep", o->keep, "conflicts: writes that lost unseen. all: every write, from now on")
        ->check(CLI::IsMember({"conflicts", "all"}));
    command->add_option("--days", o->days, "how long; 0: for good. Open conflicts always stay");
}

}  // namespace casasync::cli
