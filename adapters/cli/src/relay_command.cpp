// SPDX-License-Identifier: MIT
#include "commands.hpp"

#include <casasync/relay/command.hpp>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

namespace casasync::cli {

void add_relay_command(CLI::App& app, program& run) {
    relay::add_relay_command_line(
        *app.add_subcommand("relay", "Run a relay until it is stopped, or look after one; as casasync-relay"),
        run.exit);
}

}  // namespace casasync::cli
