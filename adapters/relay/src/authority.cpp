// SPDX-License-Identifier: MIT
#include "authority.hpp"

#include "target.hpp"

#include <algorithm>

namespace casasync::relay {
namespace {

bool is_one_of(char c, std::string_view set) noexcept {
    return set.find(c) != std::string_view::npos;
}

bool is_host(std::string_view host, bool in_brackets) noexcept {
    if (host.empty() || host.size() > 253) return false;
    return std::all_of(host.begin(), host.end(), [&](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || is_one_of(c, in_brackets ? ".:" : ".-_");
    });
}

}  // namespace

result<host_port> parse_host_port(std::string_view text) {
    host_port out;
    const bool in_brackets = text.starts_with('[');
    const std::size_t host_end = in_brackets ? text.find(']') : text.find(':');
    if (in_brackets && host_end == std::string_view::npos) return errc::malformed_text;
    out.host = in_brackets ? text.substr(1, host_end - 1) : text.substr(0, host_end);
    std::transform(out.host.begin(), out.host.end(), out.host.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    if (!is_host(out.host, in_brackets)) return errc::malformed_text;
    if (host_end == std::string_view::npos) return out;
    std::string_view rest = text.substr(host_end + (in_brackets ? 1 : 0));
    if (rest.empty()) return out;
    const auto port = parse_number(rest.substr(1));
    if (rest.front() != ':' || !port || *port > 65535) return errc::malformed_text;
    out.port = static_cast<std::uint16_t>(*port);
    return out;
}

bool is_loopback_host(std::string_view host) noexcept {
    const bool is_v4 =
        std::all_of(host.begin(), host.end(), [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
    return host == "localhost" || host == "::1" || (is_v4 && host.starts_with("127."));
}

std::string authority_text(const host_port& at) {
    const bool is_v6 = at.host.find(':') != std::string::npos;
    std::string out = is_v6 ? "[" + at.host + "]" : at.host;
    if (at.port && *at.port != 80 && *at.port != 443) out += ":" + std::to_string(*at.port);
    return out;
}

result<authorities> authorities::make(const host_port& listening, const std::vector<std::string>& origins) {
    authorities out;
    for (const std::string& text : origins) {
        const auto origin = parse_host_port(text);
        if (!origin)
            return error{errc::invalid_argument,
                         "The origin " + text + " is not HOST or HOST:PORT, such as relay.example."};
        out.known_.push_back(authority_text(*origin));
    }
    out.any_loopback_ = is_loopback_host(listening.host);
    const bool wildcard = listening.host == "0.0.0.0" || listening.host == "::";
    if (wildcard && origins.empty())
        return error{errc::invalid_argument,
                     "Listening at every address of this machine, the relay has to be told by which name "
                     "clients call it: give --origin HOST[:PORT]."};
    if (!wildcard) out.known_.push_back(authority_text(listening));
    return out;
}

std::optional<std::string> authorities::accept(std::string_view host_header) const {
    const auto parsed = parse_host_port(host_header);
    if (!parsed) return std::nullopt;
    std::string text = authority_text(*parsed);
    if (any_loopback_ && is_loopback_host(parsed->host)) return text;
    return std::find(known_.begin(), known_.end(), text) != known_.end() ? std::optional(text) : std::nullopt;
}

}  // namespace casasync::relay
