// SPDX-License-Identifier: MIT
#include <casasync/beast/relay.hpp>

#include "answer.hpp"
#include "json.hpp"
#include "keys.hpp"

#include <algorithm>

namespace casasync::beast {

result<relay_info> probe(const endpoint& at) {
    auto http = connection_to(at);
    if (!http) return http.failure();
    http_request request;
    request.method = "GET";
    request.target = "/v1/info";
    const auto answer = ask(*http, request, {200});
    if (!answer) return answer.failure();
    const error other = not_a_relay(http->origin(), "something answers that is not a casasync relay");
    if (!answer->is(json_type)) return other;
    const auto body = parse_object(answer->body);
    if (!body) return other;
    const auto* const proto = array_in(*body, "proto");
    const auto time = number_in(*body, "time");
    if (proto == nullptr || !time) return other;
    const auto is = [](const auto& wanted) {
        return [&](const boost::json::value& v) { return v == wanted; };
    };
    if (std::none_of(proto->begin(), proto->end(), is(1)))
        return error{errc::wrong_relay,
                     "The relay " + http->origin().text +
                         " speaks no protocol that this casasync knows; update the older one."};
    const auto* const features = array_in(*body, "features");
    return relay_info{static_cast<unix_ms>(*time) * 1000,
                      features != nullptr && std::any_of(features->begin(), features->end(),
                                                         is(boost::json::string_view("longpoll")))};
}

result<created_vault> create_vault(const endpoint& at, vault_id vault, device_id device,
                                   const std::string& token) {
    auto http = connection_to(at);
    if (!http) return http.failure();
    if (printable(token) != token)
        return error{errc::invalid_argument, "The relay's token is not one line of ASCII."};
    const std::string json = R"({"vault":")" + vault.text() + R"(","device":")" + device.text() + R"("})";
    http_request request;
    request.method = "POST";
    request.target = "/v1/vaults";
    request.fields.emplace_back("Content-Type", json_type);
    if (!token.empty()) request.fields.emplace_back("Authorization", "Bearer " + token);
    request.body = as_bytes(json);
    const auto answer = ask(*http, request, {200, 201});
    if (!answer) {
        if (answer.code() != errc::unauthenticated) return answer.failure();
        return error{errc::unauthenticated,
                     "The relay " + http->origin().text + " makes vaults only for people with a token; " +
                         (token.empty() ? "ask its operator for one." : "it does not accept this one.")};
    }
    if (!answer->is(json_type))
        return not_a_relay(http->origin(), "something answers that is not a casasync relay");
    const auto body = parse_object(answer->body);
    if (!body) return malformed(http->origin());
    const auto generation = id_in<generation_id>(*body, "generation");
    const auto key = key_in(*body, "device_key");
    const auto head = number_in(*body, "head");
    const auto floor = number_in(*body, "floor");
    if (!generation || !key || !head || !floor) return malformed(http->origin());
    return created_vault{*generation, *key, *head, *floor};
}

}  // namespace casasync::beast
