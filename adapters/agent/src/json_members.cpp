// SPDX-License-Identifier: MIT
#include "json_members.hpp"

#include <boost/json/parse.hpp>

#include <utility>

namespace casasync::agent {

json_members::json_members(std::string_view text) {
    constexpr std::size_t most = std::size_t{1} << 20;
    boost::system::error_code failed;
    boost::json::value parsed;
    if (text.size() <= most) parsed = boost::json::parse(text, failed);
    if (failed || !parsed.is_object())
        bad_ = true;
    else
        in_ = std::move(parsed.get_object());
}

std::string json_members::text(std::string_view key) {
    const auto* found = in_.if_contains(key);
    if (found == nullptr || !found->is_string()) {
        bad_ = true;
        return {};
    }
    return std::string(std::string_view(found->get_string()));
}

std::uint64_t json_members::number(std::string_view key, std::uint64_t least, std::uint64_t most) {
    const auto* found = in_.if_contains(key);
    const bool whole = found != nullptr && found->is_int64() && found->get_int64() >= 0;
    const auto n = whole ? static_cast<std::uint64_t>(found->get_int64()) : 0;
    if (!whole || n < least || n > most) bad_ = true;
    return n;
}

bool json_members::truth(std::string_view key) {
    const auto* found = in_.if_contains(key);
    if (found == nullptr || !found->is_bool()) bad_ = true;
    return found != nullptr && found->is_bool() && found->get_bool();
}

std::vector<std::string> json_members::texts(std::string_view key) {
    const auto* found = in_.if_contains(key);
    std::vector<std::string> out;
    if (found == nullptr || !found->is_array()) {
        bad_ = true;
        return out;
    }
    for (const auto& one : found->get_array()) {
        if (!one.is_string())
            bad_ = true;
        else
            out.emplace_back(std::string_view(one.get_string()));
    }
    return out;
}

openssl::key256 json_members::key(std::string_view name) {
    const auto data = from_base64url(text(name));
    const auto parsed = data ? openssl::to_key256(*data) : result<openssl::key256>(data.failure());
    if (!parsed) bad_ = true;
    return parsed ? *parsed : openssl::key256{};
}

}  // namespace casasync::agent
