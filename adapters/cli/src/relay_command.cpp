// SPDX-License-Identifier: MIT
#include "commands.hpp"

#include <casasync/relay/command.hpp>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <memory>

namespace casasync::cli {
namespace {

struct relay_options {
    std::string listen{};
    relay::server_options server{};
};

result<int> run_relay(relay_options& o) {
    if (auto ok = relay::set_listen(o.server, o.listen); !ok) return ok.failure();
    return relay::run_relay_command(o.server);
}

}  // namespace

void add_relay_command(CLI::App& app, program& run) {
    const auto o = std::make_shared<relay_options>();
    CLI::App* command =
        add_command(app, run, "relay", "Run a relay until it is stopped; the same as casasync-relay",
                    [o] { return run_relay(*o); });
    command->add_option("--listen", o->listen, "HOST:PORT to accept connections at; port 0: any free one")
        ->required();
    command->add_option("--data", o->server.data, "folder of everything the relay keeps")->required();
    command
        ->add_option("--origin", o->server.origins,
                     "HOST or HOST:PORT that clients may call this relay; as often as needed")
        ->allow_extra_args(false);
    command->add_option("--create-token", o->server.create_token, "asked of whoever creates a vault");
    command->add_flag("--verbose", o->server.verbose, "a JSON line a request on stderr");
}

}  // namespace casasync::cli
