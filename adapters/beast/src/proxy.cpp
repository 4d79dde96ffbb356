// SPDX-License-Identifier: MIT
#include <casasync/beast/proxy.hpp>

#include <casasync/bytes.hpp>
#include <casasync/openssl/hash.hpp>

#include <cstdlib>
#include <optional>

namespace casasync::beast {
namespace {

error no_proxy_url(const std::string& why) {
    return {errc::malformed_text,
            "The proxy's URL is not one: " + why +
                " It looks like http://proxy.example:3128, and comes from https_proxy or "
                "all_proxy in the environment. Nothing was sent, your data is safe."};
}

std::optional<unsigned> hex_digit(char c) {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
    if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
    return std::nullopt;
}

std::optional<std::string> percent_decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        if (i + 2 >= text.size()) return std::nullopt;
        const auto high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
        if (!high || !low) return std::nullopt;
        out += static_cast<char>(*high * 16 + *low);
        i += 2;
    }
    return out;
}

std::string_view environment(const char* name, const char* other) {
    for (const char* const n : {name, other})
        if (const char* const set = std::getenv(n); set != nullptr && *set != '\0') return set;
    return {};
}

/// Tells whether `host` is the one that `entry` of a list names, or in the domain.
bool is_in(std::string_view host, std::string_view entry) {
    while (!entry.empty() && (entry.front() == ' ' || entry.front() == '.')) entry.remove_prefix(1);
    while (!entry.empty() && entry.back() == ' ') entry.remove_suffix(1);
    if (entry.empty() || host.size() < entry.size()) return false;
    if (entry == "*") return true;
    const std::string_view before = host.substr(0, host.size() - entry.size());
    return host.ends_with(entry) && (before.empty() || before.ends_with('.'));
}

}  // namespace

result<proxy> parse_proxy(std::string_view url) {
    if (const std::size_t scheme = url.find("://"); scheme != std::string_view::npos) {
        if (url.substr(0, scheme) != "http")
            return no_proxy_url("it begins with something else than http://.");
        url.remove_prefix(scheme + 3);
    }
    proxy out;
    if (const std::size_t at = url.rfind('@'); at != std::string_view::npos) {
        const auto who = percent_decoded(url.substr(0, at));
        if (!who)
            return no_proxy_url(
                "its name or password has a % that is followed by no two hexadecimal digits.");
        out.authorization = "Basic " + openssl::to_base64(as_bytes(*who));
        url.remove_prefix(at + 1);
    }
    auto where = parse_origin("http://" + std::string(url), true);
    if (!where) return no_proxy_url("behind http:// and the name there is no host with a port.");
    out.at = std::move(*where);
    return out;
}

std::string proxy_of_environment(const relay_origin& relay) {
    if (!relay.tls) return {};
    std::string_view near = environment("no_proxy", "NO_PROXY");
    while (!near.empty()) {
        const std::size_t comma = near.find(',');
        if (is_in(relay.host, near.substr(0, comma))) return {};
        near = comma == std::string_view::npos ? std::string_view() : near.substr(comma + 1);
    }
    const std::string_view mine = environment("https_proxy", "HTTPS_PROXY");
    return std::string(mine.empty() ? environment("all_proxy", "ALL_PROXY") : mine);
}

}  // namespace casasync::beast
