// SPDX-License-Identifier: MIT
#pragma once

/// Which names this relay answers to: the Host header of a request is part of what its signature covers, so a
/// request made for another relay, or rewritten by a proxy, is refused.
#include <casasync/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace casasync::relay {

struct host_port {
    std::string host{};                   ///< lower case; an IPv6 address without its brackets
    std::optional<std::uint16_t> port{};  ///< as written
};

/// Returns the parts of "host", "host:port" or "[v6]:port". \errors malformed_text.
[[nodiscard]] result<host_port> parse_host_port(std::string_view text);

/// "localhost", 127.0.0.0/8 and ::1.
[[nodiscard]] bool is_loopback_host(std::string_view host) noexcept;

/// Returns "host" or "host:port", an IPv6 address in brackets; without the default ports 80 and 443.
[[nodiscard]] std::string authority_text(const host_port& at);

class authorities {
 public:
    /// \param listening what the relay listens at
    /// \errors invalid_argument for an origin that is none, or none at all on a wildcard address
    [[nodiscard]] static result<authorities> make(const host_port& listening,
                                                  const std::vector<std::string>& origins);

    /// Returns the text a signature covers for this Host header; nothing if the relay does not answer to it.
    [[nodiscard]] std::optional<std::string> accept(std::string_view host_header) const;

 private:
    std::vector<std::string> known_{};
    bool any_loopback_ = false;
};

}  // namespace casasync::relay
