// SPDX-License-Identifier: MIT
#pragma once

/// What a client has already, and which part of something it wants: If-None-Match, Range and If-Range of
/// RFC 9110. They are not signed, so nothing is changed by them.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace casasync::relay {

/// Tells whether an If-None-Match names `tag`, which is quoted.
[[nodiscard]] bool names_tag(std::string_view if_none_match, std::string_view tag) noexcept;

struct byte_range {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;  ///< 0: nothing of what was asked for is there

    friend bool operator==(const byte_range&, const byte_range&) = default;
};

/// Returns the part of `whole` bytes that a Range asks for. Nothing: there is none, it asks for several, or
/// it does not make sense, and then it does not count.
[[nodiscard]] std::optional<byte_range> range_of(std::string_view range, std::uint64_t whole);

/// Returns "bytes 0-99/2500", or "bytes */2500" for a part that is not there.
[[nodiscard]] std::string content_range(const byte_range& part, std::uint64_t whole);

}  // namespace casasync::relay
