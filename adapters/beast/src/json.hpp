// SPDX-License-Identifier: MIT
#pragma once

/// JSON from a relay, read with suspicion: every getter tells a value of the wrong kind from a right one.
#include <casasync/bytes.hpp>
#include <casasync/result.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace casasync::beast {

/// Numbers on the wire stay below 2^53, as JSON's readers agree on no more.
inline constexpr std::uint64_t json_integer_max = (std::uint64_t{1} << 53) - 1;

/// Returns the object in `text`. \errors malformed_answer for anything else, also deeper than 8.
[[nodiscard]] result<boost::json::object> parse_object(bytes_view text);

/// Returns a whole number from 0 to 2^53 - 1.
[[nodiscard]] std::optional<std::uint64_t> number_in(const boost::json::object& in, std::string_view key);
/// Returns a text; a view into `in`.
[[nodiscard]] std::optional<std::string_view> text_in(const boost::json::object& in, std::string_view key);
[[nodiscard]] std::optional<bool> truth_in(const boost::json::object& in, std::string_view key);
/// Returns an array, or null.
[[nodiscard]] const boost::json::array* array_in(const boost::json::object& in, std::string_view key);

/// Returns an id of 22 characters of base64url.
template <class Id>
[[nodiscard]] std::optional<Id> id_in(const boost::json::object& in, std::string_view key) {
    const auto text = text_in(in, key);
    if (!text) return std::nullopt;
    const auto id = Id::parse(*text);
    return id ? std::optional<Id>(*id) : std::nullopt;
}

}  // namespace casasync::beast
