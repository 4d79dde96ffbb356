// SPDX-License-Identifier: MIT
#include "json.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <exception>

namespace casasync::beast {
namespace {
constexpr std::size_t depth_max = 8;
}  // namespace

result<boost::json::object> parse_object(bytes_view text) {
    try {
        boost::json::parse_options options;
        options.max_depth = depth_max;
        boost::json::error_code ec;
        auto value =
            boost::json::parse({reinterpret_cast<const char*>(text.data()), text.size()}, ec, {}, options);
        if (ec || !value.is_object()) return errc::malformed_answer;
        return std::move(value.get_object());
    } catch (const std::exception&) {
        return errc::malformed_answer;
    }
}

std::optional<std::uint64_t> number_in(const boost::json::object& in, std::string_view key) {
    const auto* value = in.if_contains(key);
    const auto* number = value != nullptr ? value->if_int64() : nullptr;
    if (number == nullptr || *number < 0) return std::nullopt;
    const auto n = static_cast<std::uint64_t>(*number);
    return n > json_integer_max ? std::nullopt : std::optional(n);
}

std::optional<std::string_view> text_in(const boost::json::object& in, std::string_view key) {
    const auto* value = in.if_contains(key);
    const auto* text = value != nullptr ? value->if_string() : nullptr;
    if (text == nullptr) return std::nullopt;
    return std::string_view(text->data(), text->size());
}

std::optional<bool> truth_in(const boost::json::object& in, std::string_view key) {
    const auto* value = in.if_contains(key);
    const auto* truth = value != nullptr ? value->if_bool() : nullptr;
    return truth != nullptr ? std::optional<bool>(*truth) : std::nullopt;
}

const boost::json::array* array_in(const boost::json::object& in, std::string_view key) {
    const auto* value = in.if_contains(key);
    return value != nullptr ? value->if_array() : nullptr;
}

}  // namespace casasync::beast
