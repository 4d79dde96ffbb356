// SPDX-License-Identifier: MIT
#include "target.hpp"

#include <algorithm>
#include <charconv>

namespace casasync::relay {
namespace {

constexpr std::uint64_t number_max = (std::uint64_t{1} << 53) - 1;
constexpr std::size_t target_bytes_max = 2048;

bool allowed(char c) noexcept {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("-_/=&?").find(c) != std::string_view::npos;
}

/// Takes what is before the next `separator` off the front of `text`, and the separator.
std::string_view take_until(std::string_view& text, char separator) {
    const std::size_t end = text.find(separator);
    const std::string_view piece = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return piece;
}

bool read_path(std::string_view path, target& out) {
    if (!path.starts_with('/')) return false;
    path.remove_prefix(1);
    if (path.starts_with("v1/")) path.remove_prefix(3);
    const bool ends_in_slash = path.ends_with('/');
    while (!path.empty()) {
        if (out.segment_count == target::segments_max) return false;
        out.segments[out.segment_count] = take_until(path, '/');
        if (out.segments[out.segment_count++].empty()) return false;
    }
    return !ends_in_slash;
}

bool read_query(std::string_view query, target& out) {
    if (query.empty() || query.ends_with('&')) return false;
    while (!query.empty()) {
        std::string_view pair = take_until(query, '&');
        if (out.key_count == target::keys_max || pair.find('=') == std::string_view::npos) return false;
        const std::string_view key = take_until(pair, '=');
        if (key.empty() || out.value(key)) return false;
        out.keys[out.key_count++] = {key, pair};
    }
    return true;
}

}  // namespace

std::optional<std::uint64_t> parse_number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc{} || end != text.data() + text.size() || value > number_max) return std::nullopt;
    if (text.size() > 1 && text.front() == '0') return std::nullopt;
    return value;
}

std::optional<std::string_view> target::value(std::string_view key) const noexcept {
    for (std::size_t i = 0; i < key_count; ++i)
        if (keys[i].first == key) return keys[i].second;
    return std::nullopt;
}

bool target::only_has(std::span<const std::string_view> known) const noexcept {
    return std::all_of(
        keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(key_count),
        [&](const auto& k) { return std::find(known.begin(), known.end(), k.first) != known.end(); });
}

result<target> parse_target(std::string_view text) {
    const bool clean = text.size() <= target_bytes_max && std::all_of(text.begin(), text.end(), allowed) &&
                       text.find("//") == std::string_view::npos;
    if (!clean) return errc::malformed_text;
    target out;
    const std::size_t question = text.find('?');
    if (!read_path(text.substr(0, question), out)) return errc::malformed_text;
    if (question == std::string_view::npos) return out;
    const std::string_view query = text.substr(question + 1);
    if (query.find('?') != std::string_view::npos || !read_query(query, out)) return errc::malformed_text;
    return out;
}

}  // namespace casasync::relay
