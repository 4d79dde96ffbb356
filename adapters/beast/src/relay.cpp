// SPDX-License-Identifier: MIT
#include <casasync/beast/relay.hpp>

#include "answer.hpp"
#include "json.hpp"
#include "keys.hpp"
#include "seconds.hpp"

#include <casasync/openssl/hash.hpp>
#include <casasync/openssl/random.hpp>
#include <casasync/openssl/request_signature.hpp>

#include <algorithm>
#include <array>

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
    const auto has = [&](boost::json::string_view feature) {
        return features != nullptr && std::any_of(features->begin(), features->end(), is(feature));
    };
    return relay_info{static_cast<unix_ms>(*time) * 1000, has("longpoll"), has("ws")};
}

namespace {

/// Returns the request to attach, signed for this relay as of `now`.
http_request attach_request(const relay_origin& origin, vault_id vault, const openssl::device_identity& self,
                            const std::string& token, const std::string& json) {
    const auto text = openssl::attach_text(origin.authority, openssl::sha256(as_bytes(json)));
    http_request out;
    out.method = "POST";
    out.target = "/v1/vaults/" + vault.text() + "/attach";
    out.fields = {{"Content-Type", std::string(json_type)},
                  {"Casasync-Attach", openssl::to_base64(openssl::sign(self.signing, text))}};
    if (!token.empty()) out.fields.emplace_back("Authorization", "Bearer " + token);
    out.body = as_bytes(json);
    out.repeatable = false;  // the nonce counts once
    return out;
}

std::string attach_body(device_id device, const std::vector<bytes>& members, std::int64_t created,
                        std::uint64_t last_seq) {
    openssl::random random;
    std::array<std::uint8_t, 16> nonce{};
    random.fill(nonce);
    std::string list;
    for (const bytes& entry : members)
        list += (list.empty() ? R"(")" : R"(,")") + to_base64url(entry) + R"(")";
    return R"({"members":[)" + list + R"(],"device":")" + device.text() + R"(","created":)" +
           std::to_string(created) + R"(,"last_seq":)" + std::to_string(last_seq) + R"(,"nonce":")" +
           to_base64url(nonce) + R"("})";
}

}  // namespace

result<attached_device> attach(const endpoint& at, vault_id vault, const openssl::device_identity& self,
                               const std::vector<bytes>& members, const std::string& token,
                               std::uint64_t last_seq) {
    auto http = connection_to(at);
    if (!http) return http.failure();
    if (printable(token) != token)
        return error{errc::invalid_argument, "The relay's token is not one line of ASCII."};
    refusal_hints hints;
    const auto try_at = [&](std::int64_t created) {
        const std::string json = attach_body(self.id(), members, created, last_seq);
        return ask(*http, attach_request(http->origin(), vault, self, token, json), {200, 201}, &hints);
    };
    auto answer = try_at(unix_seconds());
    if (!answer && answer.code() == errc::clock_skew && hints.server_time != 0)
        answer = try_at(hints.server_time);
    if (!answer && answer.code() == errc::unauthenticated && !members.empty())
        return error{errc::unauthenticated,
                     "The relay " + http->origin().text +
                         " does not accept this device. Either it makes vaults only for people with a token" +
                         (token.empty() ? ", which its operator gives out" : ", and this one is wrong") +
                         "; or a proxy before it does not pass on the name " + http->origin().authority +
                         " (the Host header). This device's data is safe."};
    if (!answer) return answer.failure();
    if (!answer->is(json_type))
        return not_a_relay(http->origin(), "something answers that is not a casasync relay");
    const auto body = parse_object(answer->body);
    if (!body) return malformed(http->origin());
    const auto key = key_in(*body, "device_key");
    const auto version = number_in(*body, "key_ver");
    if (!key || !version || *version == 0 || *version > 0xFFFFFFFFU) return malformed(http->origin());
    return attached_device{*key, static_cast<std::uint32_t>(*version)};
}

}  // namespace casasync::beast
