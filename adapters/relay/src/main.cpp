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
    std::int64_t keep_days = 7, dormant_days = 0;
    app.add_option("--keep-days", keep_days, "how old a changeset has to be to be forgotten")
        ->capture_default_str()
        ->check(CLI::Range(0, 36'500));
    app.add_option("--dormant-days", dormant_days,
                   "a device not seen for so long keeps nothing from being forgotten; 0: it does")
        ->capture_default_str()
        ->check(CLI::Range(0, 36'500));
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
    options.keep.at_least = std::chrono::hours(24 * keep_days);
    options.keep.dormant_expire = std::chrono::hours(24 * dormant_days);
    return casasync::relay::run_relay_command(options);
}
