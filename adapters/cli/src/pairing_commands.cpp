// SPDX-License-Identifier: MIT
#include "commands.hpp"
#include "show.hpp"
#include "words.hpp"

#include <casasync/agent/setup.hpp>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <memory>

namespace casasync::cli {
namespace {

void show_code(const console& out, const agent::invitation& invited, const std::string& relay) {
    if (out.json()) {
        out.print({{"code", invited.code()}, {"expires_at", invited.expires_at()}, {"relay", relay}});
        return;
    }
    out.line("Code: " + invited.code());
    out.line("It is good for one device, until " + time_text(invited.expires_at()) +
             ". Who has it can read the vault: show it to nobody else. On the new device run:");
    out.line("    casasync join FILE --relay " + relay + " --code " + invited.code());
    out.line("Waiting for the new device.");
}

result<int> pair(const console& out, const std::string& db) {
    if (auto ok = require_file(db); !ok) return ok.failure();
    progress bar;
    auto device = agent::link::open(db, bar.sink());
    if (!device) return device.failure();
    auto invited = agent::invitation::make(*device);
    if (!invited) return invited.failure();
    show_code(out, *invited, device->keys().relay);
    const auto name = invited->wait();
    bar.clear();
    if (!name) return name.failure();
    if (out.json())
        out.print({{"joined", json_of_text(*name)}});
    else
        out.line(printable(*name) + " has the keys now and is loading the vault.");
    return exit_ok;
}

struct join_options {
    std::string db{}, relay{}, code{}, name = host_name();
};

result<int> join(const console& out, const join_options& o) {
    progress bar;
    auto device = agent::join_vault({o.db, o.relay, o.code, o.name}, bar.sink());
    bar.clear();
    if (!device) return device.failure();
    const auto status = device->vault().status();
    if (!status) return status.failure();
    if (out.json()) {
        out.print({{"vault", status->vault.text()},
                   {"device", status->device.text()},
                   {"name", json_of_text(o.name)},
                   {"relay", device->keys().relay},
                   {"digest", status->digest}});
        return exit_ok;
    }
    out.line("Made " + printable(o.db) + ", a device of the vault " + status->vault.text() + ", as " +
             printable(o.name) + ".");
    out.line("It is in sync; digest " + status->digest + ".");
    return exit_ok;
}

}  // namespace

void add_pairing_commands(CLI::App& app, program& run) {
    const auto db = std::make_shared<std::string>();
    CLI::App* invite = add_command(app, run, "pair", "Show a code for a new device and wait for it",
                                   [&run, db] { return pair(run.out, *db); });
    invite->add_option("DB", *db, "the vault file")->required();

    const auto o = std::make_shared<join_options>();
    CLI::App* enter = add_command(app, run, "join", "Make a new file that is a device of an existing vault",
                                  [&run, o] { return join(run.out, *o); });
    enter->add_option("DB", o->db, "the file to make")->required();
    enter->add_option("--relay", o->relay, "URL of the relay")->required();
    enter->add_option("--code", o->code, "the code that casasync pair shows on the other device")->required();
    enter->add_option("--name", o->name, "what this device is called; this machine's name if not given");
}

}  // namespace casasync::cli
