// SPDX-License-Identifier: MIT
#pragma once

/// The relay: a blind, append-only log of sealed changesets for each vault, over HTTP as in docs/WIRE.md.
/// It never sees a key or the content of a vault.
#include <casasync/environment.hpp>
#include <casasync/result.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace casasync::relay {

/// Token buckets: so many requests at once, and refilled at that pace. 0: no limit. A client on the relay's
/// own machine gets `loopback_factor` times as much.
struct rate_limits {
    unsigned claims_per_minute = 10;          ///< tries of a pairing code, for each address (IPv6: /64)
    unsigned claims_per_minute_in_all = 100;  ///< above that, addresses that failed lately have to wait
    unsigned attaches_per_minute = 10;        ///< devices that come to a vault, for each address
    unsigned new_pairings_per_hour = 6;       ///< for each vault
    unsigned pushes_per_minute = 300;         ///< for each device
    unsigned pulls_per_minute = 600;          ///< for each device
    unsigned lives_per_minute = 30;           ///< live channels that are opened, for each device
    unsigned loopback_factor = 10;
};

/// How long a client may take. A body may take one second more for every 32 KiB.
struct deadlines {
    std::chrono::milliseconds head{10'000};  ///< from a request's first byte to its last header line; for TLS
    std::chrono::milliseconds body{30'000};  ///< for the body after that, and for reading the answer
    std::chrono::milliseconds idle{60'000};  ///< between two requests of a connection
    std::chrono::milliseconds live{120'000};         ///< between two messages of a live channel's client
    std::chrono::milliseconds live_life{3'600'000};  ///< of a live channel
};

/// How much of a vault's log is kept. The rule is in docs/RELAY.md, "What it forgets".
struct retention {
    std::chrono::seconds at_least{std::chrono::hours(7 * 24)};  ///< unless the vault is nearly full
    std::chrono::seconds dormant_expire{0};  ///< a device not seen for so long holds nothing back; 0: it does
    std::chrono::seconds every{600};         ///< how often all vaults are looked at
};

struct server_options {
    std::string host = "127.0.0.1";  ///< address or name to listen at; IPv6 without brackets
    std::uint16_t port = 0;          ///< 0: any free one, see server::address()
    std::string data{};              ///< directory of everything the relay keeps; made if missing
    /// SQLite files that vaults are spread over, 1 to 64; fixed when the data is made. 0: as it is; one for
    /// new data.
    unsigned shards = 0;
    /// What clients may call this relay, as "host" or "host:port": the Host header of each request must be
    /// one of them, or the address listened at. On loopback every loopback authority is accepted as well.
    std::vector<std::string> origins{};
    std::string
        tls_certificate{};  ///< PEM file, with the chain above it: clients speak TLS 1.3 with the relay
    std::string tls_key{};  ///< PEM file of its private key; both or neither
    /// Addresses, or networks as 10.0.0.0/8, of proxies whose X-Forwarded-For is believed: limits by address
    /// then count the client.
    std::vector<std::string> trusted_proxies{};
    std::string create_token{};  ///< asked of whoever creates a vault; empty: anybody may
    unsigned min_client = 1;     ///< the lowest protocol that a client may speak; others are told to update
    rate_limits rates{};
    deadlines patience{};
    std::uint64_t vault_bytes_max = std::uint64_t{1} << 30;  ///< changesets one vault may store
    retention keep{};
    std::string metrics_host{};  ///< address of GET /metrics, which nobody signs; empty: there is none
    std::uint16_t metrics_port = 0;
    std::size_t connections_max = 1024;  ///< open at once; more are answered 503
    unsigned io_threads = 2;
    bool verbose = false;  ///< one JSON line a request to stderr: ids cut to 6 characters, no bodies, no keys
    std::function<unix_ms()> clock{};  ///< empty: the system's; called from several threads
};

/// A running relay. start() returns once connections are accepted.
class server {
 public:
    /// \errors invalid_argument for options that make no sense, or do not fit `data`; io_failed when `data`
    /// cannot be made, read or
    ///         written, or the certificate not be read; not_a_database, unknown_format_version when what is
    ///         there is not this relay's; relay_unavailable when the address is taken, or another relay uses
    ///         `data`
    [[nodiscard]] static result<std::unique_ptr<server>> start(const server_options& options);

    server(const server&) = delete;
    server& operator=(const server&) = delete;
    /// stop()
    ~server();

    /// Returns the URL: "http://127.0.0.1:8440", or "https://" with a certificate.
    [[nodiscard]] std::string address() const;

    /// Returns the URL of the metrics; empty if there are none.
    [[nodiscard]] std::string metrics_address() const;

    /// Reads certificate and key again, for connections from now on; after an error the ones before stay in
    /// use. Any thread. \errors as for start()
    [[nodiscard]] result<void> reload_certificate();

    /// Forgets now what may be forgotten, of all vaults; it happens by itself every `retention::every`. Any
    /// thread.
    void tidy();

    /// Stops accepting, lets requests that are under way finish (at most 10 s), answers long polls at once,
    /// writes everything to the database and closes it. A second call does nothing. Any thread.
    void stop();

 private:
    struct state;
    explicit server(std::unique_ptr<state> s) noexcept;

    std::unique_ptr<state> state_;
};

}  // namespace casasync::relay
