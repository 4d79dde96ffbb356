// SPDX-License-Identifier: MIT
#include "commands.hpp"

#include <casasync/ids.hpp>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

namespace {

/// Returns what was typed, the last word first, as CLI11 takes it. An id may begin with a dash: where it is
/// no option's value, it goes behind "--", so as not to pass for an option.
std::vector<std::string> typed(int argc, char** argv) {
    std::vector<std::string> words, behind;
    int i = 1;
    for (std::string_view before; i < argc && std::string_view(argv[i]) != "--"; before = argv[i++]) {
        const std::string_view word = argv[i];
        const bool id = word.starts_with('-') && casasync::device_id::parse(word).ok();
        (id && before != "--vault" ? behind : words).emplace_back(word);
    }
    if (i < argc) behind.insert(behind.end(), argv + i + 1, argv + argc);
    if (!behind.empty()) words.emplace_back("--");
    words.insert(words.end(), behind.begin(), behind.end());
    std::reverse(words.begin(), words.end());
    return words;
}

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
        app.parse(typed(argc, argv));
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
