// SPDX-License-Identifier: MIT
#include <casasync/beast/mailbox.hpp>
#include <casasync/limits.hpp>

#include "answer.hpp"
#include "json.hpp"

#include <algorithm>

namespace casasync::beast {
namespace {

/// A side token goes into a header field: it must be what one may hold.
bool is_token(std::string_view text) {
    return !text.empty() && text.size() <= 200 && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
               c == '_';
    });
}

}  // namespace

struct mailbox::state {
    http_connection http;
    mailbox_id id{};
    openssl::pairing_slot slot;
    side mine{};
    std::string token{};
    std::int64_t expires_at = 0;

    /// Asks for message `n` of `from`, or for the mailbox itself. One that is gone is told as such.
    result<http_answer> call(std::string_view method, const std::string& path, bytes_view body,
                             const std::vector<unsigned>& expected, std::uint32_t wait_s = 0) {
        http_request request;
        request.method = method;
        request.target = "/v1/mailboxes/" + id.text() + path;
        if (wait_s > 0) request.target += "?wait=" + std::to_string(wait_s);
        request.fields.emplace_back("Authorization", "Bearer " + token);
        if (!body.empty()) request.fields.emplace_back("Content-Type", octets_type);
        request.body = body;
        request.wait = std::chrono::seconds(wait_s);
        auto answer = ask(http, request, expected);
        if (!answer && (answer.code() == errc::not_found || answer.code() == errc::unauthenticated))
            return error{
                errc::pairing_expired,
                "The pairing is over: its time is up, or the other device ended it. Make a new code."};
        return answer;
    }
};

mailbox::mailbox(std::unique_ptr<state> s) noexcept : state_(std::move(s)) {}
mailbox::mailbox(mailbox&&) noexcept = default;
mailbox& mailbox::operator=(mailbox&&) noexcept = default;
mailbox::~mailbox() = default;

result<mailbox> mailbox::opened(const endpoint& at, std::optional<openssl::pairing_slot> slot,
                                const bytes& answer) {
    auto http = connection_to(at);
    if (!http) return http.failure();
    const auto body = parse_object(answer);
    if (!body) return malformed(http->origin());
    const side mine = slot ? side::new_device : side::old_device;
    if (!slot) slot = openssl::pairing_slot::parse(text_in(*body, "slot").value_or(""));
    const auto id = id_in<mailbox_id>(*body, "mailbox_id");
    const auto token = text_in(*body, "side_token");
    const auto expires = number_in(*body, "expires_at");
    if (!slot || !id || !token || !is_token(*token) || !expires) return malformed(http->origin());
    return mailbox(std::make_unique<state>(
        state{std::move(*http), *id, *slot, mine, std::string(*token), static_cast<std::int64_t>(*expires)}));
}

mailbox_id mailbox::id() const noexcept {
    return state_->id;
}
openssl::pairing_slot mailbox::slot() const noexcept {
    return state_->slot;
}
std::int64_t mailbox::expires_at() const noexcept {
    return state_->expires_at;
}

result<void> mailbox::put(std::uint8_t n, bytes_view message) {
    if (n > 7 || message.empty())
        return error{errc::invalid_argument, "A mailbox has messages 0 to 7, none empty."};
    if (message.size() > limits::mailbox_message_bytes_max)
        return error{errc::limit_exceeded, "A pairing message is larger than a mailbox takes."};
    const std::string path =
        std::string("/") + static_cast<char>(state_->mine) + "/" + std::to_string(static_cast<unsigned>(n));
    const auto answer = state_->call("PUT", path, message, {200, 201, 204});
    return answer ? result<void>() : answer.failure();
}

result<std::optional<bytes>> mailbox::get(side from, std::uint8_t n, std::uint32_t wait_s) {
    if (n > 7) return error{errc::invalid_argument, "A mailbox has messages 0 to 7."};
    const std::string path =
        std::string("/") + static_cast<char>(from) + "/" + std::to_string(static_cast<unsigned>(n));
    auto answer = state_->call("GET", path, {}, {200, 204}, std::min(wait_s, limits::wait_s_max));
    if (!answer) return answer.failure();
    if (answer->status == 204) return std::optional<bytes>();
    if (!answer->is(octets_type))
        return not_a_relay(state_->http.origin(), "something answers that is not a casasync relay");
    if (answer->body.empty() || answer->body.size() > limits::mailbox_message_bytes_max)
        return malformed(state_->http.origin());
    return std::optional<bytes>(std::move(answer->body));
}

result<void> mailbox::remove() {
    const auto answer = state_->call("DELETE", "", {}, {200, 204});
    return answer || answer.code() == errc::pairing_expired ? result<void>() : answer.failure();
}

void mailbox::cancel() {
    state_->http.cancel();
}

result<mailbox> claim_mailbox(const endpoint& at, openssl::pairing_slot slot) {
    auto http = connection_to(at);
    if (!http) return http.failure();
    http_request request;
    request.method = "POST";
    request.target = "/v1/pairings/" + slot.text() + "/claim";
    request.repeatable = false;
    const auto answer = ask(*http, request, {200, 201});
    if (!answer && answer.code() == errc::not_found)
        return error{
            errc::pairing_wrong_code,
            "The relay " + http->origin().text +
                " knows no such pairing code: it is wrong, or it has expired. Make a new one on the other "
                "device, and check that both use the same relay."};
    if (!answer) return answer.failure();
    if (!answer->is(json_type))
        return not_a_relay(http->origin(), "something answers that is not a casasync relay");
    return mailbox::opened(at, slot, answer->body);
}

}  // namespace casasync::beast
