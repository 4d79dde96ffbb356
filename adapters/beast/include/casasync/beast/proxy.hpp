// SPDX-License-Identifier: MIT
#pragma once

/// The way out of a network that lets nobody out but through an HTTP proxy. It is asked for a tunnel
/// (CONNECT, RFC 9110 section 9.3.6) in which TLS is spoken with the relay, so that it sees the relay's name
/// and nothing else.
#include <casasync/beast/origin.hpp>
#include <casasync/result.hpp>

#include <string>
#include <string_view>

namespace casasync::beast {

struct proxy {
    relay_origin at{};            ///< where it listens
    std::string authorization{};  ///< for the field Proxy-Authorization; empty: none

    friend bool operator==(const proxy&, const proxy&) = default;
};

/// Returns the parts of `url`: perhaps http://, perhaps name:password@ with percent-encoding, a host, perhaps
/// a port, 80 if not. \errors malformed_text, with a sentence that names what is wrong and shows no password.
/// Thread-safe: pure.
[[nodiscard]] result<proxy> parse_proxy(std::string_view url);

/// Returns the URL of the proxy that the process's environment names for `relay`, as other programs read it:
/// the first that is set of https_proxy, HTTPS_PROXY, all_proxy and ALL_PROXY, unless no_proxy or NO_PROXY
/// lists the relay's host, a domain above it, or *. Empty: none; also for a relay without TLS, which is near.
[[nodiscard]] std::string proxy_of_environment(const relay_origin& relay);

}  // namespace casasync::beast
