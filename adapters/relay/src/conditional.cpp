// SPDX-License-Identifier: MIT
#include "conditional.hpp"

#include "target.hpp"

#include <algorithm>

namespace casasync::relay {

bool names_tag(std::string_view if_none_match, std::string_view tag) noexcept {
    while (!if_none_match.empty()) {
        std::string_view one = if_none_match.substr(0, if_none_match.find(','));
        if_none_match.remove_prefix(std::min(if_none_match.size(), one.size() + 1));
        while (one.starts_with(' ')) one.remove_prefix(1);
        while (one.ends_with(' ')) one.remove_suffix(1);
        if (one == "*" || one == tag) return true;
    }
    return false;
}

std::optional<byte_range> range_of(std::string_view range, std::uint64_t whole) {
    constexpr std::string_view unit = "bytes=";
    if (!range.starts_with(unit)) return std::nullopt;
    range.remove_prefix(unit.size());
    const std::size_t dash = range.find('-');
    if (dash == std::string_view::npos) return std::nullopt;
    const auto first = parse_number(range.substr(0, dash));
    const auto last = parse_number(range.substr(dash + 1));
    if (dash == 0) {
        if (!last) return std::nullopt;
        const std::uint64_t size = std::min(*last, whole);
        return byte_range{whole - size, size};
    }
    const bool open = dash + 1 == range.size();
    if (!first || (!open && (!last || *last < *first))) return std::nullopt;
    if (*first >= whole) return byte_range{};
    return byte_range{*first, open ? whole - *first : std::min(*last, whole - 1) - *first + 1};
}

std::string content_range(const byte_range& part, std::uint64_t whole) {
    const std::string of = "/" + std::to_string(whole);
    if (part.size == 0) return "bytes *" + of;
    return "bytes " + std::to_string(part.offset) + "-" + std::to_string(part.offset + part.size - 1) + of;
}

}  // namespace casasync::relay
