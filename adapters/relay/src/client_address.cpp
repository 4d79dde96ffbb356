// SPDX-License-Identifier: MIT
#include "client_address.hpp"

#include "target.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>

namespace casasync::relay {
namespace {

constexpr ip_address mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

bool is_v4(const ip_address& a) noexcept {
    return std::equal(mapped.begin(), mapped.begin() + 12, a.begin());
}

bool same_bits(const ip_address& a, const ip_address& b, unsigned bits) noexcept {
    const auto whole = static_cast<std::ptrdiff_t>(bits / 8);
    if (!std::equal(a.begin(), a.begin() + whole, b.begin())) return false;
    const unsigned rest = bits % 8;
    return rest == 0 || (a[bits / 8] ^ b[bits / 8]) >> (8 - rest) == 0;
}

std::string_view trimmed(std::string_view text) noexcept {
    while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
    while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
    return text;
}

/// Takes the last entry off a list with commas.
std::string_view take_last(std::string_view& list) noexcept {
    const std::size_t comma = list.rfind(',');
    const std::string_view out = comma == std::string_view::npos ? list : list.substr(comma + 1);
    list = comma == std::string_view::npos ? std::string_view() : list.substr(0, comma);
    return trimmed(out);
}

}  // namespace

std::optional<ip_address> parse_address(std::string_view text) {
    const std::string copy(text);
    ip_address out{};
    if (inet_pton(AF_INET6, copy.c_str(), out.data()) == 1) return out;
    out = mapped;
    if (inet_pton(AF_INET, copy.c_str(), out.data() + 12) == 1) return out;
    return std::nullopt;
}

peer peer_of(const ip_address& address) noexcept {
    peer out;
    if (is_v4(address)) {
        out.loopback = address[12] == 127;
        std::copy(address.begin() + 12, address.end(), out.block.begin());
        return out;
    }
    ip_address loopback{};
    loopback[15] = 1;
    out.loopback = address == loopback;
    std::copy(address.begin(), address.begin() + 8, out.block.begin());
    out.block[15] = 6;  // apart from IPv4 addresses
    return out;
}

result<trusted_proxies> trusted_proxies::make(const std::vector<std::string>& listed) {
    trusted_proxies out;
    for (const std::string& text : listed) {
        const std::size_t slash = text.find('/');
        const auto address = parse_address(std::string_view(text).substr(0, slash));
        const unsigned size = address && is_v4(*address) ? 32 : 128;
        const auto bits = slash == std::string::npos ? std::optional<std::uint64_t>(size)
                                                     : parse_number(std::string_view(text).substr(slash + 1));
        if (!address || !bits || *bits > size)
            return error{errc::invalid_argument,
                         "The trusted proxy " + text +
                             " is neither an address, such as 192.0.2.7, nor a network, "
                             "such as 10.0.0.0/8."};
        out.networks_.push_back({*address, 128 - size + static_cast<unsigned>(*bits)});
    }
    return out;
}

bool trusted_proxies::trusts(const ip_address& address) const noexcept {
    return std::any_of(networks_.begin(), networks_.end(),
                       [&](const network& n) { return same_bits(n.address, address, n.bits); });
}

ip_address trusted_proxies::client_of(ip_address from, std::string_view forwarded_for) const {
    while (trusts(from) && !forwarded_for.empty()) {
        const auto before = parse_address(take_last(forwarded_for));
        if (!before) break;
        from = *before;
    }
    return from;
}

}  // namespace casasync::relay
