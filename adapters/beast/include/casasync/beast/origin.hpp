// SPDX-License-Identifier: MIT
#pragma once

/// Where a relay is, and how patient to be with it.
#include <casasync/result.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace casasync::beast {

/// A relay's URL, taken apart.
struct relay_origin {
    bool tls = false;
    std::string host{};       ///< lower case; an IPv6 address without brackets
    std::string port{};       ///< decimal
    std::string authority{};  ///< what goes into the Host header: without a default port
    std::string text{};       ///< the URL again, normalised: "https://relay.example"

    friend bool operator==(const relay_origin&, const relay_origin&) = default;
};

/// Returns the parts of `url`: http:// or https://, a host, perhaps a port, nothing else but a final slash.
/// \errors malformed_text, with a sentence that names what is wrong; also for plain http to another machine
/// unless `allow_plain_http`: the device's key would travel readable. Thread-safe: pure.
[[nodiscard]] result<relay_origin> parse_origin(std::string_view url, bool allow_plain_http = false);

/// A relay as the caller knows it.
struct endpoint {
    std::string url{};              ///< see parse_origin
    bool allow_plain_http = false;  ///< also to machines other than this one
    std::string ca_file{};  ///< PEM file of authorities to trust besides the system's (where SSL_CERT_FILE
                            ///< and SSL_CERT_DIR may name others); empty: none
    std::optional<std::string> proxy{};  ///< see parse_proxy; empty: none; not set: see proxy_of_environment
    std::string user_agent = "casasync/0.1";
    std::chrono::milliseconds connect_timeout{10'000};  ///< name, connection and TLS together
    std::chrono::milliseconds ping{45'000};  ///< of a live channel; after two without an answer it is broken
    std::chrono::milliseconds answer_timeout{30'000};  ///< without any progress, on top of a long poll's wait
};

}  // namespace casasync::beast
