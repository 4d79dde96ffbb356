// SPDX-License-Identifier: MIT
#include <casasync/relay/command.hpp>

#include "authority.hpp"

#include <sysexits.h>

#include <csignal>
#include <cstdio>

namespace casasync::relay {
namespace {

int exit_code_of(errc code) noexcept {
    switch (code) {
        case errc::relay_unavailable:
            return EX_UNAVAILABLE;
        case errc::io_failed:
            return EX_CANTCREAT;
        default:
            return EX_CONFIG;
    }
}

}  // namespace

result<void> set_listen(server_options& options, std::string_view host_and_port) {
    const auto at = parse_host_port(host_and_port);
    if (!at || !at->port)
        return error{errc::malformed_text,
                     "The address to listen at has to be HOST:PORT, such as 127.0.0.1:8440 or [::1]:8440."};
    options.host = at->host;
    options.port = *at->port;
    return {};
}

int run_relay_command(const server_options& options) {
    sigset_t stop_signals;
    sigemptyset(&stop_signals);
    sigaddset(&stop_signals, SIGINT);
    sigaddset(&stop_signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &stop_signals, nullptr);

    auto relay = server::start(options);
    if (!relay) {
        std::fprintf(stderr, "casasync-relay: %s\n", relay.failure().text().c_str());
        return exit_code_of(relay.code());
    }
    std::printf("casasync-relay listening on %s\n", (*relay)->address().c_str());
    std::fflush(stdout);
    int received = 0;
    sigwait(&stop_signals, &received);
    (*relay)->stop();
    return EX_OK;
}

}  // namespace casasync::relay
