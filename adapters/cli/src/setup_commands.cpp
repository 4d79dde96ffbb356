// SPDX-License-Identifier: MIT
#include "commands.hpp"
#include "examine.hpp"
#include "show.hpp"
#include "words.hpp"

#include <casasync/agent/setup.hpp>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <memory>
#include <vector>

namespace casasync::cli {
namespace {

struct init_options {
    std::string db{}, relay{}, name = host_name(), track = "all", integer_keys{}, token{};
    std::vector<std::string> references{};
};

/// Tracks what is not tracked yet: after an interruption some of it is.
result<void> track_missing(sqlite::vault& vault, const std::vector<std::string>& tables,
                           const sqlite::track_options& how, const reference_map& references) {
    const auto done = vault.tracked();
    if (!done) return done.failure();
    for (const std::string& table : tables)
        if (std::find(done->begin(), done->end(), table) == done->end()) {
            sqlite::track_options mine = how;
            if (const auto refers = references.find(table); refers != references.end())
                mine.references = refers->second;
            if (auto ok = vault.track(table, mine); !ok) return ok.failure();
        }
    return {};
}

result<int> init(const console& out, const init_options& o) {
    if (auto ok = require_file(o.db); !ok) return ok.failure();
    const auto keys = agent::find_credentials(o.db);
    if (keys && *keys && (*keys)->step == agent::setup::done && sqlite::vault::open(o.db))
        return error{errc::already_exists,
                     printable(o.db) +
                         " is a vault already. Nothing was changed. casasync status tells how it "
                         "stands; to add a device, run casasync pair."};
    sqlite::track_options how;
    how.natural_integer_key = o.integer_keys == "natural";
    const auto wanted = o.track == "all" ? std::vector<std::string>() : split_at_commas(o.track);
    const auto references = references_of(o.references);
    if (!references) return references.failure();
    auto looked = examine(o.db, wanted);
    if (!looked) return looked.failure();
    if (!looked->refused.empty()) return untrackable_error(looked->refused);
    for (const auto& [table, columns] : *references)
        if (std::find(looked->tables.begin(), looked->tables.end(), table) == looked->tables.end())
            return error{errc::invalid_argument, "--references names " + table +
                                                     ", which is not one of the tables to track. Nothing was "
                                                     "changed."};
    put_parents_first(looked->tables, *references);

    agent::init_options options{o.db, o.relay, o.name, o.token, {}};
    options.track = [&](sqlite::vault& vault) {
        return track_missing(vault, looked->tables, how, *references);
    };
    auto device = agent::init_vault(options);
    if (!device) return device.failure();
    if (auto synced = device->sync(); !synced)
        return error{synced.code(), "The vault is made, but it is not synced yet: " +
                                        sentence_of(synced.failure()) + " Then run casasync sync."};
    const std::string id = device->keys().vault.text();
    if (out.json()) {
        out.print({{"vault", id},
                   {"device", device->keys().device.text()},
                   {"name", json_of_text(o.name)},
                   {"relay", device->keys().relay},
                   {"tracked", json_of_names(looked->tables)}});
        return exit_ok;
    }
    out.line("Made " + printable(o.db) + " the vault " + id + " at " + device->keys().relay + ".");
    out.line("Tracking " + joined(looked->tables) + ".");
    out.line("Its keys are in " + printable(agent::key_file_of(o.db)) + ": keep that file to yourself.");
    out.line("To add another device, run: casasync pair " + printable(o.db));
    return exit_ok;
}

}  // namespace

void add_setup_commands(CLI::App& app, program& run) {
    const auto o = std::make_shared<init_options>();
    CLI::App* command =
        add_command(app, run, "init", "Make an SQLite file a vault and register it at a relay",
                    [&run, o] { return init(run.out, *o); });
    command->add_option("DB", o->db, "the SQLite file")->required();
    command->add_option("--relay", o->relay, "URL of the relay")->required();
    command->add_option("--name", o->name, "what this device is called; this machine's name if not given");
    command->add_option("--track", o->track, "tables, as in a,b,c; all of them if not given");
    command
        ->add_option("--integer-keys", o->integer_keys,
                     "natural: an INTEGER PRIMARY KEY means the same thing on every device")
        ->check(CLI::IsMember({"natural"}));
    command
        ->add_option("--references", o->references,
                     "TABLE.COLUMN=PARENT: it holds integer keys of PARENT, though no foreign key says so")
        ->allow_extra_args(false);
    command->add_option("--create-token", o->token, "what the relay's operator asks for")
        ->envname("CASASYNC_CREATE_TOKEN");
}

}  // namespace casasync::cli
