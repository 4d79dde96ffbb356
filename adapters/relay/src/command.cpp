// SPDX-License-Identifier: MIT
#include <casasync/relay/command.hpp>

#include <casasync/relay/upkeep.hpp>

#include "authority.hpp"
#include "shards.hpp"

#include <sysexits.h>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>

namespace casasync::relay {
namespace {

/// What a command line says.
struct arguments {
    server_options server{};
    std::string listen = "127.0.0.1:8440", metrics{}, other{};
    std::int64_t keep_days = 7, dormant_days = 0;
    bool json = false, drop_before = false;
};

int exit_code_of(errc code) noexcept {
    switch (code) {
        case errc::relay_unavailable:
            return EX_UNAVAILABLE;
        case errc::not_found:
            return EX_NOINPUT;
        case errc::io_failed:
        case errc::already_exists:
            return EX_CANTCREAT;
        case errc::malformed_text:
            return EX_USAGE;
        default:
            return EX_CONFIG;
    }
}

/// Tells what went wrong, if something did. Returns the exit code.
int end_of(const result<void>& done) {
    if (done) return EX_OK;
    std::fprintf(stderr, "casasync-relay: %s\n", done.failure().text().c_str());
    return exit_code_of(done.code());
}

/// A certificate that cannot be used is no reason to stop: the one before is still there.
void reload(server& relay) {
    if (const auto done = relay.reload_certificate(); !done)
        std::fprintf(stderr, "casasync-relay: %s\n", done.failure().text().c_str());
}

result<void> run(arguments& a) {
    if (const auto set = set_listen(a.server, a.listen); !set) return set;
    if (const auto set = set_metrics(a.server, a.metrics); !a.metrics.empty() && !set) return set;
    a.server.keep.at_least = std::chrono::hours(24 * a.keep_days);
    a.server.keep.dormant_expire = std::chrono::hours(24 * a.dormant_days);
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);  // also without a certificate: whoever renews one need not know
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    auto relay = server::start(a.server);
    if (!relay) return relay.failure();
    std::printf("casasync-relay listening on %s\n", (*relay)->address().c_str());
    if (const std::string at = (*relay)->metrics_address(); !at.empty())
        std::printf("casasync-relay metrics at %s\n", at.c_str());
    std::fflush(stdout);
    for (int received = SIGHUP; received == SIGHUP;) {
        if (sigwait(&signals, &received) == 0 && received == SIGHUP) reload(**relay);
    }
    (*relay)->stop();
    return {};
}

std::uint64_t now_s() {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
            .count());
}

void print(const boost::json::object& o, bool json) {
    if (json) {
        std::printf("%s\n", boost::json::serialize(o).c_str());
        return;
    }
    for (const auto& [key, value] : o)
        std::printf("%-16s %s\n", std::string(key).c_str(),
                    value.is_string() ? value.as_string().c_str() : boost::json::serialize(value).c_str());
}

result<void> show_stats(const arguments& a) {
    const auto s = summarize(a.server.data, now_s());
    if (!s) return s.failure();
    print({{"vaults", s->vaults},
           {"devices", s->devices},
           {"dormant", s->dormant},
           {"changesets", s->changesets},
           {"forgotten", s->forgotten},
           {"changeset_bytes", s->changeset_bytes},
           {"snapshot_bytes", s->snapshot_bytes},
           {"shards", s->shards},
           {"file_bytes", s->file_bytes},
           {"free_bytes", s->free_bytes}},
          a.json);
    return {};
}

result<void> show_vaults(const arguments& a) {
    const auto all = list_vaults(a.server.data, now_s());
    if (!all) return all.failure();
    for (const vault_summary& v : *all) {
        print({{"vault", v.id.text()},
               {"created", v.created},
               {"last_seen", v.last_seen},
               {"devices", v.devices},
               {"dormant", v.dormant},
               {"head", v.head},
               {"floor", v.floor},
               {"bytes", v.bytes},
               {"snapshot_bytes", v.snapshot_bytes}},
              a.json);
        if (!a.json) std::printf("\n");
    }
    return {};
}

result<void> rotate_key(const arguments& a) {
    const auto number = rotate_master_key(a.server.data, !a.drop_before);
    if (!number) return number.failure();
    print({{"master_key", *number}, {"accepts_before", !a.drop_before}}, a.json);
    return {};
}

void add_options(CLI::App& app, const std::shared_ptr<arguments>& a) {
    server_options& o = a->server;
    app.add_option("--listen", a->listen, "HOST:PORT to listen at; port 0: any free one")
        ->capture_default_str();
    app.add_option("--data", o.data, "directory of everything the relay keeps");
    app.add_option(
           "--shards", o.shards,
           "SQLite files that vaults are spread over; fixed when the data is made, 1 unless given then")
        ->check(CLI::Range(1U, shards_max));
    app.add_option("--origin", o.origins, "HOST[:PORT] by which clients call this relay; may be repeated")
        ->allow_extra_args(false);
    app.add_option("--tls-cert", o.tls_certificate, "PEM file of the certificate and its chain: speak TLS")
        ->envname("CASASYNC_TLS_CERT");
    app.add_option("--tls-key", o.tls_key, "PEM file of the certificate's private key")
        ->envname("CASASYNC_TLS_KEY");
    app.add_option("--trusted-proxy", o.trusted_proxies,
                   "address or network of a proxy whose X-Forwarded-For is believed; may be repeated")
        ->allow_extra_args(false)
        ->envname("CASASYNC_TRUSTED_PROXY");
    app.add_option("--create-token", o.create_token, "asked of whoever creates a vault")
        ->envname("CASASYNC_CREATE_TOKEN");
    app.add_option("--min-client", o.min_client, "the lowest protocol that a client may speak")
        ->capture_default_str();
    app.add_option("--vault-bytes-max", o.vault_bytes_max, "changesets one vault may store")
        ->capture_default_str();
    app.add_option("--connections-max", o.connections_max, "connections open at once")->capture_default_str();
    app.add_option("--keep-days", a->keep_days, "how old a changeset has to be to be forgotten")
        ->capture_default_str()
        ->check(CLI::Range(0, 36'500));
    app.add_option("--dormant-days", a->dormant_days,
                   "a device not seen for so long keeps nothing from being forgotten; 0: it does")
        ->capture_default_str()
        ->check(CLI::Range(0, 36'500));
    app.add_option("--metrics", a->metrics, "HOST:PORT for GET /metrics; without it there are none");
    app.add_flag("--verbose", o.verbose, "one JSON line a request to stderr");
}

using work = result<void> (*)(arguments&);

CLI::App* add_command(CLI::App& app, const std::shared_ptr<arguments>& a, int& exit, const std::string& name,
                      const std::string& help, const std::string& other, work body) {
    CLI::App* const command = app.add_subcommand(name, help);
    command->add_option("--data", a->server.data, "the relay's data directory")->required();
    if (other.empty())
        command->add_flag("--json", a->json, "as JSON, one value a line");
    else
        command->add_option(other, a->other, "directory of the backup")->required();
    command->final_callback([a, &exit, body] { exit = end_of(body(*a)); });
    return command;
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

result<void> set_metrics(server_options& options, std::string_view host_and_port) {
    const auto at = parse_host_port(host_and_port);
    if (!at || !at->port)
        return error{errc::malformed_text,
                     "The address of the metrics has to be HOST:PORT, such as 127.0.0.1:9440."};
    options.metrics_host = at->host;
    options.metrics_port = *at->port;
    return {};
}

void add_relay_command_line(CLI::App& app, int& exit) {
    const auto a = std::make_shared<arguments>();
    add_options(app, a);
    app.require_subcommand(0, 1);
    app.final_callback([&app, a, &exit] {
        if (app.get_subcommands().empty()) exit = end_of(run(*a));
    });
    add_command(app, a, exit, "backup", "Copy everything into another directory, also while the relay runs",
                "--to", [](arguments& o) { return back_up(o.server.data, o.other); });
    add_command(app, a, exit, "restore", "Make a data directory from a backup", "--from",
                [](arguments& o) { return restore(o.other, o.server.data); });
    CLI::App* const rotate =
        add_command(app, a, exit, "rotate-key", "Make a new master key; the relay must not run", "",
                    [](arguments& o) { return rotate_key(o); });
    rotate->add_flag("--drop-before", a->drop_before, "the one before is not accepted any more");
    add_command(app, a, exit, "stats", "What all vaults together take", "",
                [](arguments& o) { return show_stats(o); });
    add_command(app, a, exit, "vaults", "What each vault takes, the largest first", "",
                [](arguments& o) { return show_vaults(o); });
}

}  // namespace casasync::relay
