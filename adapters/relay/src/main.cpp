// SPDX-License-Identifier: MIT
#include <casasync/relay/command.hpp>

#include <sysexits.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

int main(int argc, char** argv) {
    int exit = EX_OK;
    CLI::App app("Keeps the sealed changesets of casasync vaults and hands them to their devices.",
                 "casasync-relay");
    casasync::relay::add_relay_command_line(app, exit);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        return app.exit(e) == 0 ? EX_OK : EX_USAGE;
    }
    return exit;
}
