// SPDX-License-Identifier: MIT
#include "routes.hpp"

#include <algorithm>

namespace casasync::relay {
namespace {

constexpr std::size_t json_bytes_max = std::size_t{4} << 10;
constexpr std::string_view json = "application/json";
constexpr std::string_view octets = "application/octet-stream";
constexpr std::string_view envelopes = "application/vnd.casasync.envelopes";
constexpr std::string_view pull_keys[] = {"after", "log", "limit", "max_bytes", "wait"};
constexpr std::string_view wait_key[] = {"wait"};
constexpr std::string_view after_key[] = {"after"};
constexpr std::size_t attach_bytes_max = limits::members_bytes_max / 3 * 4 + (std::size_t{8} << 10);
constexpr std::size_t entry_json_bytes_max = std::size_t{16} << 10;

constexpr route info_route(std::string_view path, void (*handle)(context&, const exchange_ptr&),
                           bool any_host) {
    route r{verb::get, path, access::anybody, handle};
    r.any_host = any_host;
    return r;
}

constexpr route vault_route(verb method, std::string_view path, void (*handle)(context&, const exchange_ptr&),
                            std::size_t body_bytes_max = 0, std::string_view media = {},
                            std::span<const std::string_view> keys = {}, counted limit = counted::nothing) {
    route r{method, path, access::device, handle, body_bytes_max, media, keys, limit};
    r.names_vault = true;
    return r;
}

/// A device that was removed may read who removed it, and one of a deleted vault who is who.
constexpr route members_route() {
    route r = vault_route(verb::get, "vaults/{v}/members", get_members, 0, {}, after_key);
    r.open_to_removed = true;
    r.open_to_deleted = true;
    return r;
}

/// Once more, when the answer was lost.
constexpr route deletion_route() {
    route r = vault_route(verb::del, "vaults/{v}", delete_vault, json_bytes_max, json);
    r.open_to_deleted = true;
    return r;
}

const route routes[] = {
    vault_route(verb::post, "vaults/{v}/changesets", push_changesets, limits::request_bytes_max, envelopes,
                {}, counted::push),
    vault_route(verb::get, "vaults/{v}/changesets", pull_changesets, 0, {}, pull_keys, counted::pull),
    vault_route(verb::get, "vaults/{v}/changesets/{pos}", get_changeset, 0, {}, {}, counted::pull),
    vault_route(verb::get, "vaults/{v}/live", open_live, 0, {}, {}, counted::live),
    vault_route(verb::get, "vaults/{v}", get_vault),
    deletion_route(),
    members_route(),
    vault_route(verb::post, "vaults/{v}/members", post_member, entry_json_bytes_max, json),
    vault_route(verb::put, "vaults/{v}/devices/{d}/ack", put_ack, json_bytes_max, json),
    vault_route(verb::post, "vaults/{v}/snapshots", begin_snapshot, json_bytes_max, json),
    vault_route(verb::get, "vaults/{v}/snapshots/latest", get_latest_snapshot),
    vault_route(verb::put, "vaults/{v}/snapshots/{s}/parts/{n}", put_snapshot_part,
                limits::snapshot_part_bytes),
    vault_route(verb::post, "vaults/{v}/snapshots/{s}/complete", complete_snapshot,
                limits::manifest_bytes_max, octets),
    vault_route(verb::get, "vaults/{v}/snapshots/{s}/content", get_snapshot_content),
    {verb::post,
     "vaults/{v}/attach",
     access::anybody,
     attach_device,
     attach_bytes_max,
     json,
     {},
     counted::attach},
    {verb::post, "pairings", access::device, create_pairing, 0, {}, {}, counted::new_pairing},
    {verb::post, "pairings/{slot}/claim", access::anybody, claim_pairing, 0, {}, {}, counted::claim},
    {verb::put, "mailboxes/{m}/{side}/{n}", access::side_token, put_message,
     limits::mailbox_message_bytes_max},
    {verb::get, "mailboxes/{m}/{side}/{n}", access::side_token, get_message, 0, {}, wait_key},
    {verb::del, "mailboxes/{m}", access::side_token, delete_mailbox},
    info_route("info", get_info, false),
    info_route("healthz", get_health, true),
    info_route("readyz", get_readiness, true),
};

bool fits(std::string_view path, const target& where) noexcept {
    for (std::size_t i = 0; i < where.segment_count; ++i) {
        const std::string_view wanted = path.substr(0, path.find('/'));
        if (wanted.empty() || (wanted.front() != '{' && wanted != where.segments[i])) return false;
        path.remove_prefix(std::min(path.size(), wanted.size() + 1));
    }
    return path.empty();
}

}  // namespace

std::span<const route> all_routes() noexcept {
    return routes;
}

route_match find_route(verb method, const target& where) noexcept {
    route_match out;
    for (const route& r : routes) {
        if (!fits(r.path, where)) continue;
        out.path_known = true;
        if (r.method == method && out.to == nullptr) out.to = &r;
    }
    return out;
}

}  // namespace casasync::relay
