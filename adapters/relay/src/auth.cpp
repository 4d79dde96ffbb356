// SPDX-License-Identifier: MIT
#include "auth.hpp"

#include "routes.hpp"

#include <casasync/openssl/hash.hpp>
#include <casasync/openssl/request_signature.hpp>

namespace casasync::relay {
namespace {

constexpr std::uint64_t skew_s_max = 300;

std::uint64_t distance(std::uint64_t a, std::uint64_t b) noexcept {
    return a > b ? a - b : b - a;
}

/// Checks a signature. The work is the same whether the device is known or not.
bool is_signed(const core& shared, const exchange& x, std::string_view authority, std::uint64_t ack,
               const openssl::signature_claims& claims, const std::optional<member>& known) {
    const request& in = x.in;
    const openssl::signed_parts parts{in.method_text,  authority,
                                      in.target,       in.has_body ? in.content_digest : std::string_view{},
                                      in.content_type, ack};
    const master_key* const master = find(shared.masters, claims.key_version);
    const openssl::key256& from = (master != nullptr ? *master : shared.masters.front()).key;
    const openssl::key256 key = openssl::derive_device_key(from, claims.vault, claims.device,
                                                           claims.key_version, known ? known->created : 0);
    return openssl::verify_request(key, parts, claims, in.signature) && known.has_value() &&
           master != nullptr;
}

}  // namespace

answer unauthenticated() {
    return problem(401, "unauthenticated", "The relay does not accept this request's signature or token.");
}

answer device_revoked() {
    return problem(403, "device-revoked", "This device was removed from the vault.");
}

answer clock_skew(std::uint64_t now_s) {
    return problem(401, "clock-skew", "The request's time is too far from the relay's.",
                   {{"server_time", now_s}});
}

answer cursor_mismatch(std::uint64_t head) {
    return problem(409, "cursor-mismatch", "This position is not one of the vault's log here.",
                   {{"head", head}});
}

std::optional<answer> authenticate(context& c, exchange& x, std::string_view authority) {
    const auto claims = openssl::parse_signature_input(x.in.signature_input, x.in.has_body);
    const auto ack = parse_number(x.in.ack);
    const openssl::signature_claims of = claims ? *claims : openssl::signature_claims{};
    const std::uint64_t now = c.shared.now_s();
    if (claims && distance(of.created, now) > skew_s_max) return clock_skew(now);

    read_store& store = c.read(of.vault);
    const auto known = store.log.find(of.vault, of.device);
    const bool path_fits = !x.to->names_vault || x.where.segments[1] == of.vault.text();
    const bool body_covered = !x.in.has_body || !x.in.content_digest.empty();
    const bool good = is_signed(c.shared, x, authority, ack.value_or(0), of, known);
    if (!good || !claims || !ack || !path_fits || !body_covered) return unauthenticated();

    x.who = known;
    if (known->revoked && !x.to->open_to_removed) return device_revoked();
    if (known->purge_at != 0 && !x.to->open_to_deleted)
        if (const auto d = store.deletions.find(known->vault_row)) return vault_deleted(*d);
    if (*ack > known->head) return cursor_mismatch(known->head);
    x.ack = *ack;
    x.nonce = claims->nonce;
    return std::nullopt;
}

void add_log_state(answer& out, const member& who, const core& shared) {
    out.fields += "Casasync-Generation: " + who.generation.text() +
                  "\r\nCasasync-Head: " + std::to_string(who.head) +
                  "\r\nCasasync-Floor: " + std::to_string(who.floor) +
                  "\r\nCasasync-Members: " + std::to_string(who.members) +
                  "\r\nCasasync-Time: " + std::to_string(shared.now_ms()) + "\r\n";
    const std::string_view wanted = snapshot_wanted(who, shared.options.vault_bytes_max);
    if (!wanted.empty()) out.fields += "Casasync-Snapshot-Wanted: " + std::string(wanted) + "\r\n";
}

bool same_token(std::string_view a, std::string_view b) {
    return openssl::equal_constant_time(openssl::sha256(as_bytes(a)), openssl::sha256(as_bytes(b)));
}

std::string_view bearer_token(std::string_view authorization) noexcept {
    constexpr std::string_view scheme = "Bearer ";
    return authorization.starts_with(scheme) ? authorization.substr(scheme.size()) : std::string_view{};
}

}  // namespace casasync::relay
