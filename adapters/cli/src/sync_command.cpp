// SPDX-License-Identifier: MIT
#include "commands.hpp"
#include "show.hpp"

#include <casasync/agent/agent.hpp>
#include <casasync/agent/link.hpp>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <csignal>
#include <iterator>
#include <memory>
#include <vector>

namespace casasync::cli {
namespace {

struct sync_options {
    std::string db{};
    bool watch = false, private_timing = false;
};

boost::json::array names_json(const std::vector<sqlite::device_info>& devices) {
    boost::json::array out;
    for (const auto& device : devices) out.push_back(json_of_text(device.name));
    return out;
}

boost::json::array numbers_json(const std::vector<sqlite::renumbered_row>& rows) {
    boost::json::array out;
    for (const auto& r : rows)
        out.push_back(boost::json::object{{"table", json_of_text(r.table)}, {"was", r.was}, {"is", r.is}});
    return out;
}

/// Returns what is in the second list and not in the first.
std::vector<sqlite::renumbered_row> fresh_numbers(const std::vector<sqlite::renumbered_row>& before,
                                                  const std::vector<sqlite::renumbered_row>& after) {
    std::vector<sqlite::renumbered_row> out;
    std::copy_if(after.begin(), after.end(), std::back_inserter(out),
                 [&](const auto& r) { return std::find(before.begin(), before.end(), r) == before.end(); });
    return out;
}

void print_json(const console& out, const sync_report& done, const sqlite::vault_status& status,
                const std::vector<sqlite::device_info>& added,
                const std::vector<sqlite::renumbered_row>& moved) {
    boost::json::array alarms;
    for (const std::string& alarm : done.alarms) alarms.push_back(json_of_text(alarm));
    out.print({{"sent", done.pushed},
               {"received", done.received},
               {"merged", done.merged},
               {"rows", done.rows},
               {"refused", done.refused},
               {"snapshot_merged", done.snapshot_merged},
               {"devices_added", names_json(added)},
               {"renumbered", numbers_json(moved)},
               {"in_sync", status.in_sync},
               {"parked", status.parked},
               {"open_conflicts", status.open_conflicts},
               {"digest", status.digest},
               {"alarms", std::move(alarms)}});
}

void print_text(const console& out, const sync_report& done, const sqlite::vault_status& status) {
    out.line("Sent " + counted(done.pushed, "changeset") + ", merged " + counted(done.merged, "changeset") +
             " (" + counted(done.rows, "row") + ")" + (status.in_sync ? "; in sync." : "."));
    if (status.open_conflicts > 0)
        out.line(counted(status.open_conflicts, "open conflict") + ": see casasync conflicts.");
    if (status.parked > 0)
        out.line(counted(status.parked, "row") + (status.parked == 1 ? " waits" : " wait") +
                 " to be shown, or to be shown whole: see casasync status.");
}

result<int> sync_once(const console& out, const sync_options& o) {
    progress bar;
    auto device = agent::link::open(o.db, bar.sink());
    if (!device) return device.failure();
    const auto before = device->vault().status();
    if (!before) return before.failure();
    const auto numbers = device->vault().renumbered();
    if (!numbers) return numbers.failure();
    const auto done = device->sync();
    bar.clear();
    if (!done) return done.failure();
    for (const std::string& alarm : done->alarms) out.note(printable(alarm));
    const auto status = device->vault().status();
    if (!status) return status.failure();
    const auto added = agent::devices_added(before->devices, status->devices);
    for (const auto& fresh : added) {
        const member_device* const m = device->keys().members.find(fresh.id);
        out.note(printable(fresh.name) + " is a new device of this vault since the last sync" +
                 (m != nullptr && m->copy ? ": a file of device " + m->added_by.text() +
                                                " that was restored from a backup, or copied"
                                          : "") +
                 ". If nobody you trust added it, see casasync devices.");
    }
    const auto now = device->vault().renumbered();
    if (!now) return now.failure();
    const auto moved = fresh_numbers(*numbers, *now);
    for (const auto& r : moved)
        out.note("Row " + std::to_string(r.was) + " of " + printable(r.table) + " is row " +
                 std::to_string(r.is) +
                 " here now: another device had given out that number, too. Both rows are there, and what "
                 "refers to them follows.");
    if (out.json())
        print_json(out, *done, *status, added, moved);
    else
        print_text(out, *done, *status);
    return done->refused > 0 ? exit_data : exit_ok;
}

/// Runs the agent until SIGINT or SIGTERM. They are blocked before a thread starts, and waited for here.
result<int> watch(const console& out, const sync_options& o) {
    ::sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ends, nullptr);
    agent::agent_options options;
    options.path = o.db;
    options.private_timing = o.private_timing;
    options.on_event = [&out](const std::string& url) {
        if (out.json())
            out.print({{"event", url}});
        else
            out.line(url);
    };
    auto running = agent::agent::start(std::move(options));
    if (!running) return running.failure();
    int signal = 0;
    sigwait(&ends, &signal);
    running->stop();
    return exit_ok;
}

}  // namespace

void add_sync_command(CLI::App& app, program& run) {
    const auto o = std::make_shared<sync_options>();
    CLI::App* command = add_command(app, run, "sync", "Send and receive changes", [&run, o]() -> result<int> {
        if (auto ok = require_file(o->db); !ok) return ok.failure();
        if (o->private_timing && !o->watch)
            return error{errc::invalid_argument,
                         "--private-timing needs --watch: without it, one sync sends what is there. Nothing "
                         "was changed."};
        return o->watch ? watch(run.out, *o) : sync_once(run.out, *o);
    });
    command->add_option("DB", o->db, "the vault file")->required();
    command->add_flag("--watch", o->watch, "keep going until stopped, and print what happens");
    command->add_flag("--private-timing", o->private_timing,
                      "with --watch: send once a minute, so that the relay does not see when you type");
}

}  // namespace casasync::cli
