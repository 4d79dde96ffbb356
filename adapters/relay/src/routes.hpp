// SPDX-License-Identifier: MIT
#pragma once

/// The table of docs/WIRE.md, "Routes".
#include "core.hpp"
#include "exchange.hpp"

#include <casasync/limits.hpp>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

namespace casasync::relay {

/// Who may call a route.
enum class access : std::uint8_t { anybody, device, side_token };

/// What is counted against a limit.
enum class counted : std::uint8_t {
    nothing,
    push,
    pull,
    new_pairing,
    claim,
    claim_in_all,
    claim_failed,
    attach,
    live
};

struct route {
    verb method = verb::other;
    std::string_view path{};  ///< segments; one in braces stands for any: "vaults/{v}/changesets"
    access who = access::anybody;
    void (*handle)(context&, const exchange_ptr&) = nullptr;
    std::size_t body_bytes_max = 0;
    std::string_view media{};                  ///< required content type; empty: any
    std::span<const std::string_view> keys{};  ///< of the query
    counted limit = counted::nothing;
    bool any_host = false;         ///< answers whatever the Host header says
    bool names_vault = false;      ///< the path's second segment is the vault
    bool open_to_removed = false;  ///< devices that were removed may call it
    bool open_to_deleted = false;  ///< devices of a vault that was deleted may call it
};

/// Whether any route has this path, and the one that has the method, too.
struct route_match {
    bool path_known = false;
    const route* to = nullptr;
};
[[nodiscard]] std::span<const route> all_routes() noexcept;
[[nodiscard]] route_match find_route(verb method, const target& where) noexcept;

/// Returns what a client needs to take a snapshot.
[[nodiscard]] boost::json::object description_of(const snapshot_row& s);

// info_routes.cpp
void get_info(context&, const exchange_ptr&);
void get_health(context&, const exchange_ptr&);
void get_readiness(context&, const exchange_ptr&);
// vault_routes.cpp
void get_vault(context&, const exchange_ptr&);
void put_ack(context&, const exchange_ptr&);
// member_routes.cpp
void attach_device(context&, const exchange_ptr&);
void get_members(context&, const exchange_ptr&);
void post_member(context&, const exchange_ptr&);
// deletion_routes.cpp
void delete_vault(context&, const exchange_ptr&);
// changeset_routes.cpp
void push_changesets(context&, const exchange_ptr&);
void pull_changesets(context&, const exchange_ptr&);
void get_changeset(context&, const exchange_ptr&);
// live_routes.cpp
void open_live(context&, const exchange_ptr&);
// snapshot_routes.cpp
void begin_snapshot(context&, const exchange_ptr&);
void put_snapshot_part(context&, const exchange_ptr&);
void complete_snapshot(context&, const exchange_ptr&);
void get_latest_snapshot(context&, const exchange_ptr&);
void get_snapshot_content(context&, const exchange_ptr&);
// pairing_routes.cpp
void create_pairing(context&, const exchange_ptr&);
void claim_pairing(context&, const exchange_ptr&);
void put_message(context&, const exchange_ptr&);
void get_message(context&, const exchange_ptr&);
void delete_mailbox(context&, const exchange_ptr&);

}  // namespace casasync::relay
