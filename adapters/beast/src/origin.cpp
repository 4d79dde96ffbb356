// SPDX-License-Identifier: MIT
#include <casasync/beast/origin.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>

namespace casasync::beast {
namespace {

error refused(std::string_view url, const std::string& why) {
    std::string shown(url.substr(0, 200));
    std::replace_if(
        shown.begin(), shown.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
    return {errc::malformed_text,
            "\"" + shown + "\" is not a relay's URL: " + why + " It looks like https://relay.example."};
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

bool is_ipv4(const std::string& host) {
    in_addr address{};
    return inet_pton(AF_INET, host.c_str(), &address) == 1;
}

bool is_ipv6(const std::string& host) {
    in6_addr address{};
    return inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

/// Letters, digits and hyphens in labels of 1 to 63 characters. A name whose last label is a number must be
/// an address, or resolvers would read "1.2.3" in their own ways.
bool is_name(const std::string& host) {
    if (host.empty() || host.size() > 253) return false;
    std::size_t label = 0;
    bool numeric = true;
    for (const char c : host) {
        if (c == '.') {
            if (label == 0) return false;
            label = 0;
            numeric = true;
            continue;
        }
        const bool digit = c >= '0' && c <= '9';
        if (!digit && !(c >= 'a' && c <= 'z') && c != '-') return false;
        numeric = numeric && digit;
        if (++label > 63) return false;
    }
    return label > 0 && (!numeric || is_ipv4(host));
}

bool is_loopback(const std::string& host) {
    return host == "localhost" || host.ends_with(".localhost") || host == "::1" ||
           (is_ipv4(host) && host.starts_with("127."));
}

/// Splits "host:port" or "[v6]:port" and fills `out`. Returns what is wrong, empty if nothing is.
std::string split_authority(std::string_view authority, relay_origin& out) {
    std::string_view port;
    bool has_port = false;
    if (authority.starts_with('[')) {
        const std::size_t end = authority.find(']');
        if (end == std::string_view::npos) return "the bracket of its address is not closed.";
        out.host = lower(authority.substr(1, end - 1));
        if (!is_ipv6(out.host)) return "what is in brackets is not an IPv6 address.";
        const std::string_view rest = authority.substr(end + 1);
        if (!rest.empty() && rest.front() != ':')
            return "behind the bracket there is something else than a port.";
        has_port = !rest.empty();
        port = has_port ? rest.substr(1) : rest;
    } else {
        const std::size_t colon = authority.find(':');
        out.host = lower(authority.substr(0, colon));
        if (out.host.empty()) return "it has no host.";
        if (!is_name(out.host))
            return "its host is neither a name of letters, digits, hyphens and dots nor an address.";
        has_port = colon != std::string_view::npos;
        port = has_port ? authority.substr(colon + 1) : std::string_view();
    }
    const unsigned standard = out.tls ? 443 : 80;
    unsigned number = standard;
    if (has_port) {
        const auto [last, failed] = std::from_chars(port.data(), port.data() + port.size(), number);
        if (failed != std::errc{} || last != port.data() + port.size() || number < 1 || number > 65535)
            return "its port is not a number from 1 to 65535.";
    }
    out.port = std::to_string(number);
    out.authority = out.host.find(':') == std::string::npos ? out.host : "[" + out.host + "]";
    if (number != standard) out.authority += ":" + out.port;
    out.text = (out.tls ? "https://" : "http://") + out.authority;
    return {};
}

}  // namespace

result<relay_origin> parse_origin(std::string_view url, bool allow_plain_http) {
    relay_origin out;
    const std::string scheme = lower(url.substr(0, 8));
    if (scheme.starts_with("https://"))
        out.tls = true;
    else if (!scheme.starts_with("http://"))
        return refused(url, "it begins neither with https:// nor with http://.");
    std::string_view rest = url.substr(out.tls ? 8 : 7);
    if (rest.find('@') != std::string_view::npos) return refused(url, "it has a user name in it.");
    if (rest.find_first_of("?#") != std::string_view::npos)
        return refused(url, "it has a query or a fragment.");
    if (rest.ends_with('/')) rest.remove_suffix(1);
    if (rest.find('/') != std::string_view::npos)
        return refused(url, "it has a path; give it up to the host and port.");
    const std::string wrong = split_authority(rest, out);
    if (!wrong.empty()) return refused(url, wrong);
    if (!out.tls && !allow_plain_http && !is_loopback(out.host))
        return error{errc::malformed_text,
                     out.text +
                         " is a plain http URL of another machine, where anybody on the way could read "
                         "this device's key. Use https://, or allow plain http in a network you trust."};
    return out;
}

}  // namespace casasync::beast
