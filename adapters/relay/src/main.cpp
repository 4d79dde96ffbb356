// SPDX-License-Identifier: MIT
#include <casasync/relay/command.hpp>

#include <sysexits.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <cstdio>
#include <exception>

static int run(int argc, char** argv) {
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

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "casasync-relay: something went wrong that should not: %s\n", e.what());
        return EX_SOFTWARE;
    }
}
