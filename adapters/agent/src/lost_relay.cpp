// SPDX-License-Identifier: MIT
// A relay that was emptied, or restored from a backup, gets again what it has lost, without anybody doing
// anything: the list of devices and a snapshot from everyone, and from each device its own changesets.
#include "link_state.hpp"
#include "wall_clock.hpp"

#include <casasync/beast/relay.hpp>

#include <algorithm>

namespace casasync::agent {
namespace {

constexpr unix_ms feed_pause = unix_ms{24} * 3600 * 1000;

/// Tells whether a sync has shown that the relay's log is not what it was.
bool has_lost(const result<sync_report>& done, const sqlite::relay_memory& before, const relay_state& heard) {
    if (done) return heard.head < before.head;
    return done.code() == errc::wrong_relay || done.code() == errc::log_mismatch ||
           done.code() == errc::seq_gap;
}

}  // namespace

/// Makes this device, and with it the vault, known to a relay that no longer knows its key.
result<void> link::state::attach_again() {
    const auto known = vault.known_of_relay();
    if (!known) return known.failure();
    credentials keys = members.keys();
    beast::endpoint at;
    at.url = keys.relay;
    const auto in =
        beast::attach(at, keys.vault, keys.identity, keys.members.entries(), {}, known->last_sent);
    if (!in) return in.failure();
    keys.device_key = in->device_key;
    keys.key_version = in->key_version;
    if (auto ok = members.take(path, std::move(keys)); !ok) return ok;
    return reread();
}

/// \param certain  false: it may have lost something
result<sync_report> link::state::feed(relay_state& heard, bool certain) {
    auto done = sync_rounds(heard);
    if (!done && done.code() == errc::wrong_relay) done = sync_rounds(heard);  // from the log's beginning
    if (!done && done.code() != errc::seq_gap) return done;
    const auto known = vault.known_of_relay();
    if (!known) return known.failure();
    const auto there = relay.info();
    if (!there) return there.failure();
    const auto self =
        std::find_if(there->devices.begin(), there->devices.end(),
                     [&](const beast::device_info& d) { return d.id == members.keys().device; });
    const std::uint64_t has = self == there->devices.end() ? 0 : self->last_seq;
    if (done && !certain && has >= known->last_sent) return done;
    const auto whole = has < known->last_sent ? vault.send_again(has) : result<bool>(true);
    if (!whole) return whole.failure();
    if (!*whole)
        return error{errc::seq_gap,
                     "The relay has lost changes of this device that were sent more than 30 days ago, and "
                     "takes no newer ones without them. Everything is safe on this device, and it goes on "
                     "receiving. Leave the vault (casasync leave), and join again."};
    auto again = sync_rounds(heard);
    if (!again) return again;
    if (done)
        add(*done, std::move(*again));
    else
        done = std::move(again);
    if (auto ok = offer(); !ok) return ok.failure();
    if (auto ok = vault.note_relay_fed(); !ok) return ok.failure();
    done->alarms.emplace_back(
        "The relay had lost something: it was emptied, or restored from a backup. This device gave it again "
        "what it has, and nothing was lost here.");
    return done;
}

result<sync_report> link::state::sync_and_feed(relay_state& heard) {
    const auto before = vault.known_of_relay();
    if (!before) return before.failure();
    auto done = sync_as_itself(heard);
    if (!done && done.code() == errc::unauthenticated) {
        if (auto ok = attach_again(); !ok) return ok.failure();
        done = sync_as_itself(heard);
    }
    const bool certain = has_lost(done, *before, heard);
    if (!certain && !(done && done->snapshot_merged)) return done;
    const unix_ms now = static_cast<unix_ms>(now_s()) * 1000;
    if (before->fed_at != 0 && now - before->fed_at < feed_pause) {
        if (done && certain)
            done->alarms.emplace_back(
                "The relay has lost something for the second time within a day. It is not given it again "
                "before "
                "a day is over; everything on this device is safe. Ask its operator.");
        return done;
    }
    auto fed = feed(heard, certain);
    if (!fed) heard.head = before->head;  // so that the next sync finds it shorter again
    if (!fed || !done) return fed;
    add(*done, std::move(*fed));
    return done;
}

}  // namespace casasync::agent
