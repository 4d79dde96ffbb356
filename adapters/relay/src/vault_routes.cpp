// SPDX-License-Identifier: MIT
#include "reply.hpp"
#include "routes.hpp"

#include <casasync/openssl/random.hpp>
#include <casasync/openssl/request_signature.hpp>

#include <boost/json/array.hpp>

namespace casasync::relay {
namespace {

constexpr std::uint32_t first_key_version = 1;

std::string key_of(const core& shared, const member& m) {
    return to_base64url(
        openssl::derive_device_key(shared.master, m.vault, m.device, first_key_version, m.created));
}

/// Returns the device's row as it is in the job's transaction.
member found(write_store& store, vault_id vault, device_id device) {
    auto m = store.read.find(vault, device);
    if (!m) throw damage("a device that was stored is not there");
    return *m;
}

answer already_exists(std::string_view detail) {
    return problem(409, "already-exists", detail);
}

verdict create(write_store& store, const core& shared, vault_id vault, device_id device) {
    openssl::random random;
    const auto made = store.log.create(vault, device, generation_id::make(random), shared.now_s());
    if (made == log_writer::creation::taken) return refuse(already_exists("There is a vault of this id."));
    const member m = found(store, vault, device);
    return {json_answer(made == log_writer::creation::made ? 201 : 200, {{"generation", m.generation.text()},
                                                                         {"device_key", key_of(shared, m)},
                                                                         {"head", m.head},
                                                                         {"floor", 0}}),
            true, std::nullopt, m};
}

verdict enrol(write_store& store, const core& shared, const member& by, device_id device) {
    using enrolment = log_writer::enrolment;
    const enrolment done = store.log.enrol(by.vault_row, device, shared.now_s());
    if (done == enrolment::revoked)
        return refuse(already_exists("This device was removed; it comes back under a new id."));
    if (done == enrolment::too_many)
        return refuse(problem(409, "device-limit",
                              "The vault has as many devices as a relay takes; remove one.",
                              {{"limit", limits::devices_max}}));
    const member m = found(store, by.vault, device);
    return {json_answer(done == enrolment::made ? 201 : 200,
                        {{"device", device.text()}, {"device_key", key_of(shared, m)}}),
            true, std::nullopt, std::nullopt};
}

}  // namespace

void create_vault(context& c, const exchange_ptr& x) {
    const auto body = json_body(*x);
    const auto vault = body ? id_in<vault_id>(*body, "vault") : std::nullopt;
    const auto device = body ? id_in<device_id>(*body, "device") : std::nullopt;
    if (!vault || !device) return reply(c.shared, x, malformed("The body has to be {vault, device}."));
    write(c, x, [&shared = c.shared, v = *vault, d = *device](write_store& store) {
        return create(store, shared, v, d);
    });
}

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
                            {"bytes", c.read.log.bytes_used(who.vault_row)},
                            {"devices", std::move(devices)},
                            {"snapshot", std::move(snapshot)}}));
}

void enrol_device(context& c, const exchange_ptr& x) {
    const auto body = json_body(*x);
    const auto device = body ? id_in<device_id>(*body, "device") : std::nullopt;
    if (!device) return reply(c.shared, x, malformed("The body has to be {device}."));
    write(c, x, [&shared = c.shared, by = *x->who, d = *device](write_store& store) {
        return enrol(store, shared, by, d);
    });
}

void revoke_device(context& c, const exchange_ptr& x) {
    const auto device = id_at<device_id>(*x, 3);
    if (!device) return reply(c.shared, x, not_found());
    write(c, x, [by = *x->who, d = *device](write_store& store) {
        const auto known = store.read.find(by.vault, d);
        if (!known) return refuse(not_found());
        store.log.revoke(known->device_row);
        store.snapshots.give_up(by.vault_row, known->device_row);
        return verdict{{}, true, by.vault.octets, {}};  // its long polls end
    });
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
