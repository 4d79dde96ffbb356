// SPDX-License-Identifier: MIT
#include "conditional.hpp"
#include "reply.hpp"
#include "routes.hpp"

#include <casasync/openssl/hash.hpp>

#include <boost/json/array.hpp>

namespace casasync::relay {
namespace {

std::string_view state_of(const device_row& d, std::uint64_t now) noexcept {
    if (d.revoked) return "revoked";
    return is_awake(d.last_seen, now) ? "active" : "dormant";
}

}  // namespace

void get_vault(context& c, const exchange_ptr& x) {
    const member& who = *x->who;
    boost::json::array devices;
    read_store& store = c.read(who.vault);
    for (const device_row& d : store.log.devices(who.vault_row))
        devices.push_back({{"id", d.id.text()},
                           {"state", state_of(d, c.shared.now_s())},
                           {"ack", d.ack},
                           {"last_seq", d.last_seq},
                           {"last_seen", d.last_seen}});
    boost::json::value snapshot;  // null: there is none
    if (const auto s = store.snapshots.latest(who.vault_row))
        snapshot = {{"snapshot_id", s->plan.id.text()}, {"pos", s->plan.pos}, {"size", s->plan.size}};
    const std::string_view wanted = snapshot_wanted(who, c.shared.options.vault_bytes_max);
    answer out = json_answer(200, {{"generation", who.generation.text()},
                                   {"head", who.head},
                                   {"floor", who.floor},
                                   {"epoch", who.epoch},
                                   {"members", who.members},
                                   {"bytes", who.bytes},
                                   {"quota", c.shared.options.vault_bytes_max},
                                   {"devices", std::move(devices)},
                                   {"snapshot", std::move(snapshot)},
                                   {"hints", {{"snapshot_wanted", wanted}}}});
    const std::string tag = "\"" + to_base64url(openssl::sha256(out.body)).substr(0, 22) + "\"";
    if (names_tag(x->in.if_none_match, tag)) return reply(c.shared, x, not_modified(tag));
    out.fields = "ETag: " + tag + "\r\n";
    reply(c.shared, x, std::move(out));
}

void put_ack(context& c, const exchange_ptr& x) {
    const member& who = *x->who;
    if (x->where.segments[3] != who.device.text()) return reply(c.shared, x, unauthenticated());
    const auto body = json_body(*x);
    const auto pos = body ? number_in(*body, "pos") : std::nullopt;
    if (!pos) return reply(c.shared, x, malformed("The body has to be {pos}."));
    if (*pos > who.head) return reply(c.shared, x, cursor_mismatch(who.head));
    write(c, x, [who, ack = *pos, &shared = c.shared](write_store& store) {
        note_ack(shared, store, who, ack);
        return verdict{};
    });
}

}  // namespace casasync::relay
