// SPDX-License-Identifier: MIT
#pragma once

#include "json.hpp"

#include <casasync/openssl/aead.hpp>

#include <optional>
#include <string_view>

namespace casasync::beast {

/// Returns a key of 32 bytes, written as 43 characters of base64url.
[[nodiscard]] inline std::optional<openssl::key256> key_in(const boost::json::object& in,
                                                           std::string_view name) {
    const auto text = text_in(in, name);
    if (!text) return std::nullopt;
    const auto data = from_base64url(*text);
    if (!data) return std::nullopt;
    const auto key = openssl::to_key256(*data);
    return key ? std::optional<openssl::key256>(*key) : std::nullopt;
}

}  // namespace casasync::beast
