// SPDX-License-Identifier: MIT
#pragma once

/// The relay as a program: what `casasync-relay` and `casasync relay` have in common.
#include <casasync/relay/server.hpp>

#include <string_view>

namespace CLI {
class App;
}

namespace casasync::relay {

/// Takes "HOST:PORT" apart; an IPv6 address in brackets. \errors malformed_text.
[[nodiscard]] result<void> set_listen(server_options& options, std::string_view host_and_port);
/// The same for the address of the metrics.
[[nodiscard]] result<void> set_metrics(server_options& options, std::string_view host_and_port);

/// Adds to `app` the options of a relay, and its commands backup, restore, stats and vaults: docs/RELAY.md.
/// What is chosen runs while the command line is parsed, and leaves its exit code in `exit`, of sysexits.h:
/// 0, 64 (options), 66 (no data), 69 (address or data in use), 73 (cannot create or write), 78 (options or
/// data that make no sense). An error is one sentence on stderr. `exit` must live as long as `app`.
///
/// A relay runs until SIGINT or SIGTERM, then stops gracefully; it prints the line "casasync-relay listening
/// on http://127.0.0.1:8440" to stdout, flushed, once it accepts connections. Blocks both signals in the
/// calling thread, so call it before others are started.
void add_relay_command_line(CLI::App& app, int& exit);

}  // namespace casasync::relay
