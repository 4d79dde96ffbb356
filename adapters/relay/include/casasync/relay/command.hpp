// SPDX-License-Identifier: MIT
#pragma once

/// The relay as a program: what `casasync-relay` and `casasync relay` have in common.
#include <casasync/relay/server.hpp>

#include <string>
#include <string_view>

namespace casasync::relay {

/// Takes "HOST:PORT" apart; an IPv6 address in brackets. \errors malformed_text.
[[nodiscard]] result<void> set_listen(server_options& options, std::string_view host_and_port);

/// Runs a relay until SIGINT or SIGTERM, then stops it gracefully. Prints the line
/// "casasync-relay listening on http://127.0.0.1:8440" to stdout, flushed, once it accepts connections; an
/// error is one sentence on stderr. Blocks both signals in the calling thread, so call it before others are
/// started.
/// \return an exit code of sysexits.h: 0, 69 (address or data in use), 73 (cannot create or write), 78
///         (options or data that make no sense)
[[nodiscard]] int run_relay_command(const server_options& options);

}  // namespace casasync::relay
