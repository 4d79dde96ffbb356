// SPDX-License-Identifier: MIT
#include <casasync/relay/command.hpp>

#include <sysexits.h>

#include <CLI/CLI.hpp>

#include <cstdio>
#include <string>

int main(int argc, char** argv) {
    casasync::relay::server_options options;
    std::string listen = "127.0.0.1:8440";
    CLI::App app("Keeps the sealed changesets of casasync vaults and hands them to their devices.",
                 "casasync-relay");
    app.add_option("--listen", listen, "HOST:PORT to listen at; port 0: any free one")->capture_default_str();
    app.add_option("--data", options.data, "directory of everything the relay keeps")->required();
    app.add_option("--origin", options.origins,
                   "HOST[:PORT] by which clients call this relay; may be repeated");
    app.add_option("--create-token", options.create_token, "asked of whoever creates a vault")
        ->envname("CASASYNC_CREATE_TOKEN");
    app.add_option("--vault-bytes-max", options.vault_bytes_max, "changesets one vault may store")
        ->capture_default_str();
    app.add_flag("--verbose", options.verbose, "one JSON line a request to stderr");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        return app.exit(e) == 0 ? EX_OK : EX_USAGE;
    }
    if (const auto set = casasync::relay::set_listen(options, listen); !set) {
        std::fprintf(stderr, "casasync-relay: %s\n", set.failure().text().c_str());
        return EX_USAGE;
    }
    return casasync::relay::run_relay_command(options);
}
