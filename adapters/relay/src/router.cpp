// SPDX-License-Identifier: MIT
#include "router.hpp"

#include "auth.hpp"
#include "claim_limit.hpp"
#include "http_text.hpp"
#include "reply.hpp"

#include <casasync/openssl/hash.hpp>
#include <casasync/openssl/request_signature.hpp>

#include <algorithm>

namespace casasync::relay {
namespace {

constexpr std::uint64_t visit_s = 60;  // last_seen is not written more often

/// Tells whether a Content-Type is `wanted`, whatever its parameters.
bool is_media(std::string_view value, std::string_view wanted) {
    value = value.substr(0, value.find(';'));
    while (value.ends_with(' ')) value.remove_suffix(1);
    return std::equal(value.begin(), value.end(), wanted.begin(), wanted.end(), [](char a, char b) {
        return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
    });
}

/// Returns the protocol that a client says it speaks, as in "casasync/0.1; proto=1"; one that says nothing
/// speaks the first.
std::uint64_t protocol_of(std::string_view client) {
    constexpr std::string_view label = "; proto=";
    const std::size_t at = client.rfind(label);
    return at == std::string_view::npos ? 1 : parse_number(client.substr(at + label.size())).value_or(1);
}

answer client_too_old(unsigned min_client) {
    answer out = problem(426, "client-too-old", "This relay takes only newer clients; update the app.");
    out.fields = "Casasync-Min-Client: " + std::to_string(min_client) + "\r\n";
    return out;
}

/// Which limit counts a request, and whose it is.
struct quota {
    rate limit{};
    std::array<std::uint8_t, 16> whose{};
    std::string_view name{};
};

quota quota_of(const exchange& x, const rate_limits& limits) {
    switch (x.to->limit) {
        case counted::push:
            return {{limits.pushes_per_minute, 60'000}, x.who->device.octets, "push"};
        case counted::pull:
            return {{limits.pulls_per_minute, 60'000}, x.who->device.octets, "pull"};
        case counted::live:
            return {{limits.lives_per_minute, 60'000}, x.who->device.octets, "live"};
        case counted::new_pairing:
            return {{limits.new_pairings_per_hour, 3'600'000}, x.who->vault.octets, "pairing"};
        case counted::claim:
            return {{limits.claims_per_minute, 60'000}, x.in.from.block, "claim"};
        case counted::attach:
            return {{limits.attaches_per_minute, 60'000}, x.in.from.block, "attach"};
        case counted::claim_in_all:
        case counted::claim_failed:
        case counted::nothing:
            break;
    }
    return {};
}

}  // namespace

service::admission router::admit(exchange& x) {
    std::optional<answer> refused;
    try {
        refused = check(x);
    } catch (const database_error&) {
        refused = unavailable();
    }
    if (!refused) return {std::nullopt, x.to->body_bytes_max};
    if (x.who) add_log_state(*refused, *x.who, c_.shared);
    return {std::move(refused), 0};
}

std::optional<answer> router::check(exchange& x) {
    auto where = parse_target(x.in.target);
    if (!where)
        return malformed("The target holds something else than A-Z a-z 0-9 - _ / = & ?, or is too long.");
    x.where = *where;
    const route_match match = find_route(x.in.method, x.where);
    if (!match.path_known) return not_found();
    if (match.to == nullptr) return plain_problem(405, "Method Not Allowed");
    const route& to = *match.to;
    const auto authority = c_.shared.names.accept(x.in.host);
    if (!authority && !to.any_host)
        return problem(421, "wrong-authority", "This relay does not serve the host name of the request.");
    if (to.handle != get_info && !to.any_host && protocol_of(x.in.client) < c_.shared.options.min_client)
        return client_too_old(c_.shared.options.min_client);
    if (!x.where.only_has(to.keys)) return malformed("The query holds a key that is not known here.");
    if (!x.in.content_encoding.empty() && x.in.content_encoding != "identity")
        return problem(415, "unsupported-media", "A body has to come without Content-Encoding.");
    if (!to.media.empty() && !is_media(x.in.content_type, to.media))
        return problem(415, "unsupported-media", "The body has to be " + std::string(to.media) + ".");
    x.to = &to;
    if (auto refused = check_caller(x, authority.value_or(""))) return refused;
    return check_rate(x);
}

std::optional<answer> router::check_caller(exchange& x, const std::string& authority) {
    switch (x.to->who) {
        case access::device:
            return authenticate(c_, x, authority);
        case access::side_token: {
            const auto id = id_at<mailbox_id>(x, 1);
            const digest256 hash = openssl::sha256(as_bytes(bearer_token(x.in.authorization)));
            if (!id || !c_.read_pairings().mailboxes.find(*id, hash)) return unauthenticated();
            break;
        }
        case access::anybody:
            break;
    }
    return std::nullopt;
}

std::optional<answer> router::check_rate(exchange& x) {
    const rate_limits& limits = c_.shared.options.rates;
    quota q = quota_of(x, limits);
    if (x.in.from.loopback) q.limit.tokens *= limits.loopback_factor;
    if (q.limit.tokens == 0) return std::nullopt;
    const auto kind = static_cast<std::uint8_t>(x.to->limit);
    const auto count =
        c_.shared.limiter.take({kind, q.whose}, q.limit, static_cast<unix_ms>(c_.shared.now_ms()));
    const std::string name = "\"" + std::string(q.name) + "\"";
    x.rate = "RateLimit-Policy: " + name + ";q=" + std::to_string(q.limit.tokens) +
             ";w=" + std::to_string(q.limit.period_ms / 1000) + "\r\nRateLimit: " + name +
             ";r=" + std::to_string(count.left) + ";t=" + std::to_string(count.reset_s) + "\r\n";
    unsigned wait_s = count.wait_s;
    if (wait_s == 0 && x.to->limit == counted::claim) wait_s = crowd_wait_s(c_.shared, x.in.from);
    if (wait_s == 0) return std::nullopt;
    return too_many(q.name, wait_s);
}

void router::answered(const exchange& x, unsigned status, std::size_t bytes_out,
                      std::chrono::microseconds took) {
    c_.shared.counts.count(method_of(x.in.method), x.to != nullptr ? x.to->path : "", status,
                           x.in.body.size(), bytes_out, took);
}

void router::handle(const exchange_ptr& x) {
    if (x->in.has_body && !x->in.content_digest.empty()) {
        const auto said = openssl::parse_content_digest(x->in.content_digest);
        if (!said || *said != x->in.body_hash)
            return reply(c_.shared, x,
                         problem(400, "bad-digest", "The body is not what Content-Digest says."));
    }
    try {
        note_visit(*x);
        x->to->handle(c_, x);
    } catch (const database_error&) {
        reply(c_.shared, x, unavailable());
    }
}

void router::note_visit(const exchange& x) {
    if (!x.who || x.to->limit == counted::push) return;
    const std::uint64_t now = c_.shared.now_s();
    if (x.ack <= x.who->ack && now < x.who->last_seen + visit_s) return;
    // A full queue is no reason to refuse a read: the next request says the same.
    (void)c_.shared.home_of(x.who->vault)
        .write.submit({[&shared = c_.shared, who = *x.who, ack = x.ack](write_store& store) {
                           note_ack(shared, store, who, ack);
                           return verdict{};
                       },
                       [](const verdict&) {}, 0});
}

}  // namespace casasync::relay
