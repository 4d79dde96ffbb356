// SPDX-License-Identifier: MIT
// A device's live channel, up to where it is one: what comes then is live_channel.hpp.
#include "http_text.hpp"
#include "reply.hpp"
#include "routes.hpp"

#include <casasync/openssl/hash.hpp>
#include <casasync/openssl/websocket_accept.hpp>

#include <algorithm>

namespace casasync::relay {
namespace {

constexpr std::string_view subprotocol = "casasync.v1";
constexpr std::string_view version = "13";

answer upgrade_required() {
    answer out =
        problem(426, "upgrade-required",
                "This route is a WebSocket, version 13, that speaks casasync.v1; or pull with wait.");
    out.fields = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n";
    return out;
}

/// Tells whether a request asks for a WebSocket as it should.
bool asks_for_channel(const request& in) {
    const auto key = openssl::from_base64(in.websocket_key);
    return lists(in.upgrade, "websocket") && lists(in.connection, "upgrade") &&
           in.websocket_version == version && lists(in.websocket_protocol, subprotocol) && key &&
           key->size() == 16;
}

}  // namespace

void open_live(context& c, const exchange_ptr& x) {
    if (!asks_for_channel(x->in)) return reply(c.shared, x, upgrade_required());
    answer out;
    out.status = 101;
    out.fields = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
                 openssl::websocket_accept(x->in.websocket_key) +
                 "\r\nSec-WebSocket-Protocol: " + std::string(subprotocol) + "\r\n";
    add_log_state(out, *x->who, c.shared);
    const vault_id vault = x->who->vault;
    const device_id device = x->who->device;
    x->go_live(std::move(out),
               {vault.octets, device.octets, [&c, vault, device]() -> std::optional<live_view> {
                    try {
                        const auto who = c.read(vault).log.find(vault, device);
                        if (!who) return live_view{0, {}, true};
                        return live_view{who->head, who->generation, who->revoked || who->purge_at != 0};
                    } catch (const database_error&) {
                        return std::nullopt;
                    }
                }});
}

}  // namespace casasync::relay
