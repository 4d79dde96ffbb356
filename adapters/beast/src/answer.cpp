// SPDX-License-Identifier: MIT
#include "answer.hpp"

#include "json.hpp"

#include <algorithm>
#include <charconv>

namespace casasync::beast {
namespace {

constexpr std::uint64_t retry_after_s_max = std::uint64_t{24} * 3600;
constexpr std::string_view problem_prefix = "urn:casasync:problem:";

/// A kind of refusal: docs/WIRE.md, "Errors". The sentence goes on after "The relay <url> ".
struct problem {
    std::string_view type;
    errc code;
    std::string_view sentence;
};

constexpr problem problems[] = {
    {"unauthenticated", errc::unauthenticated,
     "does not accept this device's key: the device is not known there, or the relay's data was replaced. "
     "Changes stay on this device."},
    {"clock-skew", errc::clock_skew,
     "finds this device's time too far off. Set the device's clock and try again."},
    {"device-revoked", errc::device_revoked,
     "says that this device was removed from the vault. The data on this device stays; to sync again, pair "
     "it anew."},
    {"not-found", errc::not_found, "has no such thing."},
    {"seq-conflict", errc::seq_conflict,
     "holds another change of this device under the same number: this file is probably a copy, or was "
     "restored "
     "from a backup. Nothing was overwritten."},
    {"seq-gap", errc::seq_gap, "lacks earlier changes of this device. Nothing is lost: they are still here."},
    {"stamp-ahead", errc::stamp_ahead,
     "finds this device's clock too far ahead. Set the clock; the changes stay on this device until then."},
    {"vault-deleted", errc::vault_deleted,
     "says that the vault was deleted there. The data on this device stays."},
    {"client-too-old", errc::client_too_old,
     "takes only newer versions of this app. Nothing is lost: changes stay on this device and go once it is "
     "updated."},
    {"cursor-mismatch", errc::log_mismatch,
     "has another history than this device knows: it was reset or restored. The data on this device is "
     "safe."},
    {"history-compacted", errc::history_compacted,
     "no longer keeps the changes this device asks for; a snapshot has to be merged first."},
    {"stale-epoch", errc::stale_epoch,
     "says that the vault has a newer key than this device knows. Nothing is lost: the changes are still "
     "here, and go under the new key."},
    {"members-fork", errc::members_fork,
     "has another list of the vault's devices than this one. Nothing was sent and nothing was changed. If "
     "the "
     "relay's data was replaced, restore it; otherwise somebody may be at work who should not be."},
    {"snapshot-older", errc::already_exists, "has a newer snapshot already."},
    {"device-limit", errc::limit_exceeded,
     "takes no more devices for this vault. Remove one that is no longer used."},
    {"crowded", errc::pairing_used,
     "says that somebody else used this pairing code. It is void now; make a new one on the other device."},
    {"pairing-expired", errc::pairing_expired,
     "says that the pairing code is past its time. Make a new one on the other device."},
    {"precondition-failed", errc::pairing_used,
     "already holds another pairing message in this place. Make a new code on the other device."},
    {"too-large", errc::limit_exceeded, "finds the request too large."},
    {"wrong-authority", errc::wrong_relay,
     "does not serve this host name. Use the URL its operator gave, or have him add the name to the relay's "
     "origins."},
    {"unavailable", errc::relay_unavailable, "cannot serve now. Nothing is lost; try again later."},
    {"vault-quota", errc::quota_exceeded,
     "has no room left for this vault. Nothing is lost: the changes stay on this device and go when there is "
     "room, by themselves. Room comes when every device has synced, when one that is no longer used is "
     "removed, or when the operator raises the quota."},
};

/// Returns who deleted the vault, where a refusal says so. Nothing is verified.
std::optional<openssl::vault_deletion> deletion_in(const boost::json::object& body) {
    const auto* const value = body.if_contains("deletion");
    const auto* const said = value == nullptr ? nullptr : value->if_object();
    if (said == nullptr) return std::nullopt;
    const auto device = id_in<device_id>(*said, "device");
    const auto created = number_in(*said, "created");
    const auto nonce = id_in<mailbox_id>(*said, "nonce");
    const auto signature = from_base64url(text_in(*said, "signature").value_or(""));
    if (!device || !created || !nonce || !signature || signature->size() != 64) return std::nullopt;
    openssl::vault_deletion out{*device, *created, nonce->octets, {}};
    std::copy(signature->begin(), signature->end(), out.signature.begin());
    return out;
}

refusal_hints hints_in(const http_answer& answer, const boost::json::object* body) {
    refusal_hints out;
    if (const auto s = parse_decimal(answer.field("retry-after")))
        out.retry_after_s = static_cast<std::uint32_t>(std::min(*s, retry_after_s_max));
    if (body != nullptr)
        out.server_time = static_cast<std::int64_t>(number_in(*body, "server_time").value_or(0));
    if (body != nullptr) out.deletion = deletion_in(*body);
    return out;
}

std::string again_in(const refusal_hints& hints) {
    return hints.retry_after_s == 0 ? "later" : "in " + std::to_string(hints.retry_after_s) + " s";
}

/// Returns the error for a status that does not depend on what the body says: of a relay, or of a proxy
/// before it.
std::optional<error> by_status(unsigned status, const std::string& relay, const refusal_hints& hints) {
    if (status == 429)
        return error{errc::too_many_requests,
                     relay + "asks to slow down. Nothing is lost; try again " + again_in(hints) + "."};
    if (status >= 500 || status == 408 || status == 425)
        return error{errc::relay_unavailable, relay + "cannot serve now (HTTP " + std::to_string(status) +
                                                  "). Nothing is lost; try again " + again_in(hints) + "."};
    return std::nullopt;
}

error refusal_of(const http_answer& answer, const relay_origin& origin, refusal_hints& hints) {
    const std::string relay = "The relay " + origin.text + " ";
    auto body = answer.is("application/problem+json") ? parse_object(answer.body)
                                                      : result<boost::json::object>(errc::malformed_answer);
    hints = hints_in(answer, body ? &*body : nullptr);
    const std::string_view type = body ? text_in(*body, "type").value_or("") : "";
    if (type.starts_with(problem_prefix)) {
        const auto* const known =
            std::find_if(std::begin(problems), std::end(problems),
                         [&](const problem& p) { return p.type == type.substr(problem_prefix.size()); });
        if (known != std::end(problems)) return {known->code, relay + std::string(known->sentence)};
    }
    if (auto plain = by_status(answer.status, relay, hints)) return *plain;
    if (type.starts_with(problem_prefix))
        return {errc::relay_refused, relay +
                                         "refused: " + printable(text_in(*body, "detail").value_or(type)) +
                                         " (HTTP " + std::to_string(answer.status) + ")."};
    if (answer.status >= 300 && answer.status < 400)
        return not_a_relay(origin,
                           "the answer is a redirect to another place, which a casasync relay never gives");
    return not_a_relay(origin, "something answers that is not a casasync relay (HTTP " +
                                   std::to_string(answer.status) + ")");
}

/// A word that is not known, or none, asks for nothing.
snapshot_need need_in(std::string_view word) {
    if (word == "high") return snapshot_need::high;
    return word == "low" ? snapshot_need::low : snapshot_need::none;
}

}  // namespace

result<http_connection> connection_to(const endpoint& at) {
    auto origin = parse_origin(at.url, at.allow_plain_http);
    if (!origin) return origin.failure();
    if (at.user_agent.empty() || printable(at.user_agent) != at.user_agent)
        return error{errc::invalid_argument, "The user agent has to be one short line of ASCII."};
    const std::string by = at.proxy ? *at.proxy : proxy_of_environment(*origin);
    if (by.empty()) return http_connection::make(at, *origin, {});
    auto through = parse_proxy(by);
    if (!through) return through.failure();
    return http_connection::make(at, *origin, std::move(*through));
}

result<http_answer> ask(http_connection& http, const http_request& request,
                        const std::vector<unsigned>& expected, refusal_hints* hints) {
    auto answer = http.exchange(request);
    refusal_hints said;
    if (answer && std::find(expected.begin(), expected.end(), answer->status) == expected.end())
        answer = refusal_of(*answer, http.origin(), said);
    if (hints != nullptr) *hints = said;
    return answer;
}

result<relay_state> state_in(const http_answer& answer, const relay_origin& origin) {
    const std::string_view generation = answer.field("casasync-generation");
    if (generation.empty()) return not_a_relay(origin, "something answers that is not a casasync relay");
    const auto id = generation_id::parse(generation);
    const auto head = parse_decimal(answer.field("casasync-head"));
    const auto floor = parse_decimal(answer.field("casasync-floor"));
    const auto time = parse_decimal(answer.field("casasync-time"));
    const auto members = parse_decimal(answer.field("casasync-members"));
    if (!id || !head || !floor || !time || !members || *floor > *head) return malformed(origin);
    return relay_state{*id,      *head,
                       *floor,   static_cast<unix_ms>(*time),
                       *members, need_in(answer.field("casasync-snapshot-wanted"))};
}

error malformed(const relay_origin& origin) {
    return {errc::malformed_answer,
            "The relay " + origin.text +
                " gives an answer that does not make sense. Nothing of it was used and "
                "this device's data is safe; a newer casasync may understand it."};
}

error not_a_relay(const relay_origin& origin, const std::string& what) {
    return {errc::wrong_relay, "At " + origin.text + " " + what +
                                   ". Check the relay's URL, and whether this network asks to sign in first. "
                                   "This device's data is safe."};
}

std::optional<std::uint64_t> parse_decimal(std::string_view text) {
    std::uint64_t value = 0;
    const auto [last, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc{} || last != text.data() + text.size() || value > json_integer_max)
        return std::nullopt;
    if (text.size() > 1 && text.front() == '0') return std::nullopt;
    return value;
}

std::string printable(std::string_view text) {
    std::string out(text.substr(0, 200));
    std::replace_if(
        out.begin(), out.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
    return out;
}

}  // namespace casasync::beast
