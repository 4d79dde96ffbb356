// SPDX-License-Identifier: MIT
#pragma once

/// Reading casasync's links: fields in one order, each once.
#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>

namespace casasync::agent {

inline constexpr std::size_t link_bytes_max = 2048;

/// Takes "name=value" and the & behind it off the front of `rest`; returns the value.
[[nodiscard]] inline std::optional<std::string_view> take_field(std::string_view& rest,
                                                                std::string_view name) {
    if (!rest.starts_with(name)) return std::nullopt;
    rest.remove_prefix(name.size());
    const std::string_view value = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), value.size() + 1));
    return value;
}

}  // namespace casasync::agent
