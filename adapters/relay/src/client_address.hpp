// SPDX-License-Identifier: MIT
#pragma once

/// Whose request it is: the address that a connection comes from, or the one that a trusted proxy names.
/// Limits by address count the former, unless the operator says which proxies may be believed.
#include "exchange.hpp"

#include <casasync/result.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace casasync::relay {

/// An IPv6 address; an IPv4 one as ::ffff:a.b.c.d.
using ip_address = std::array<std::uint8_t, 16>;

/// Returns the address that is written as text, IPv6 without brackets; nothing for anything else.
[[nodiscard]] std::optional<ip_address> parse_address(std::string_view text);

/// Returns what is counted of an address.
[[nodiscard]] peer peer_of(const ip_address& address) noexcept;

class trusted_proxies {
 public:
    /// \param listed addresses, or networks as 10.0.0.0/8 \errors invalid_argument for one that is neither
    [[nodiscard]] static result<trusted_proxies> make(const std::vector<std::string>& listed);

    [[nodiscard]] bool trusts(const ip_address& address) const noexcept;

    /// Returns whose request it is that came from `from`: where that is a trusted proxy, the last address of
    /// X-Forwarded-For that is none; what stands before it is anybody's word.
    [[nodiscard]] ip_address client_of(ip_address from, std::string_view forwarded_for) const;

 private:
    struct network {
        ip_address address{};
        unsigned bits = 0;  ///< of 128
    };
    std::vector<network> networks_{};
};

}  // namespace casasync::relay
