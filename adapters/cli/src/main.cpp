// SPDX-License-Identifier: MIT
#include "commands.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <exception>
#include <string>

namespace {

int run(int argc, char** argv) {
    using namespace casasync::cli;
    program state;
    CLI::App app("casasync keeps one person's SQLite data the same on all of that person's devices.",
                 "casasync");
    app.set_version_flag("--version", "casasync " CASASYNC_VERSION);
    app.require_subcommand(1);
    add_setup_commands(app, state);
    add_pairing_commands(app, state);
    add_leave_command(app, state);
    add_vault_command(app, state);
    add_sync_command(app, state);
    add_status_commands(app, state);
    add_device_commands(app, state);
    add_verify_command(app, state);
    add_conflict_commands(app, state);
    add_log_commands(app, state);
    add_history_command(app, state);
    add_track_commands(app, state);
    add_migrate_command(app, state);
    add_relay_command(app, state);
    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp& e) {
        return app.exit(e);
    } catch (const CLI::CallForVersion& e) {
        return app.exit(e);
    } catch (const CLI::ParseError& e) {
        const std::string what = e.what();
        return state.out.fail(
            {casasync::errc::invalid_argument,
             what + (what.ends_with('.') ? "" : ".") + " Run casasync --help, or casasync COMMAND --help."});
    }
    return state.exit;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& e) {
        casasync::cli::console().note(std::string("something went wrong that should not: ") + e.what());
        return 70;  // EX_SOFTWARE
    }
}
