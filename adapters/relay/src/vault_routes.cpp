// SPDX-License-Identifier: MIT
#include "reply.hpp"
#include "routes.hpp"

#include <boost/json/array.hpp>

namespace casasync::relay {
void get_vault(context& c, const exchange_ptr& x) {
    const member& who = *x->who;
    boost::json::array devices;
    for (const device_row& d : c.read.log.devices(who.vault_row))
        devices.push_back({{"id", d.id.text()},
                           {"state", d.revoked ? "revoked" : "active"},
                           {"ack", d.ack},
                           {"last_seq", d.last_seq},
                           {"last_seen", d.last_seen}});
    boost::json::value snapshot;  // null: there is none
    if (const auto s = c.read.snapshots.latest(who.vault_row))
        snapshot = {{"snapshot_id", s->plan.id.text()}, {"pos", s->plan.pos}, {"size", s->plan.size}};
    reply(c.shared, x,
          json_answer(200, {{"generation", who.generation.text()},
                            {"head", who.head},
                            {"floor", 0},
                            {"epoch", who.epoch},
                            {"members", who.members},
                            {"bytes", c.read.log.bytes_used(who.vault_row)},
                            {"devices", std::move(devices)},
                            {"snapshot", std::move(snapshot)}}));
}

void put_ack(context& c, const exchange_ptr& x) {
    const member& who = *x->who;
    if (x->where.segments[3] != who.device.text()) return reply(c.shared, x, unauthenticated());
    const auto body = json_body(*x);
    const auto pos = body ? number_in(*body, "pos") : std::nullopt;
    if (!pos) return reply(c.shared, x, malformed("The body has to be {pos}."));
    if (*pos > who.head) return reply(c.shared, x, cursor_mismatch(who.head));
    write(c, x, [row = who.device_row, ack = *pos, now = c.shared.now_s()](write_store& store) {
        store.log.touch(row, ack, now);
        return verdict{};
    });
}

}  // namespace casasync::relay
