// SPDX-License-Identifier: MIT
#include "link_state.hpp"
#include "turn.hpp"
#include "wall_clock.hpp"

#include <casasync/device_sync.hpp>
#include <casasync/openssl/random.hpp>
#include <casasync/openssl/vault_keys.hpp>

#include <algorithm>

namespace casasync::agent {
namespace {

constexpr int tries_max = 5;

bool is_in(const std::vector<device_id>& list, device_id d) {
    return std::find(list.begin(), list.end(), d) != list.end();
}

error too_busy() {
    return {
        errc::relay_unavailable,
        "Other devices changed the vault at the same moment, again and again. Nothing is lost. Try again."};
}

}  // namespace

std::vector<device_id> link::state::to_remove(device_id device, bool with_copies) const {
    std::vector<device_id> out;
    for (const auto& [id, m] : members.list().devices()) {
        const bool wanted = id == device || (with_copies && members.list().is_copy_of(id, device));
        if (wanted && m.active() && id != members.keys().device) out.push_back(id);
    }
    // A recovery kit that one of them made goes with it, where there is one that was there before.
    for (const auto& [id, m] : members.list().devices())
        if (m.kit && m.active() && is_in(out, m.added_by) && !is_in(out, id) &&
            members.list().may_withdraw(id, members.keys().device, out))
            out.push_back(id);
    return out;
}

result<bool> link::state::rotate(std::vector<device_id> gone, std::uint64_t at) {
    const auto now = relay.info();
    if (!now) return now.failure();
    const credentials& keys = members.keys();
    openssl::rotation what{std::move(gone), {}, keys.vault_key, {}};
    openssl::random{}.fill(what.next_key);
    for (const auto& [id, m] : members.list().devices()) {
        if (!m.active()) continue;
        const auto known = std::find_if(now->devices.begin(), now->devices.end(),
                                        [&id = id](const beast::device_info& d) { return d.id == id; });
        what.ends.push_back({id, known == now->devices.end() ? 0 : known->last_seq});
    }
    const auto entry = openssl::rotate_entry(members.list(), keys.identity, what, at);
    if (!entry) return entry.failure();
    return members.append(relay, *entry);
}

std::vector<device_id> link::state::kits_but(device_id kept, bool own_only) const {
    const device_id self = members.keys().device;
    std::vector<device_id> out;
    for (const auto& [id, m] : members.list().devices())
        if (m.kit && m.active() && id != kept && (!own_only || members.list().may_withdraw(id, self, out)))
            out.push_back(id);
    return out;
}

void link::state::retire_kits(std::uint64_t at) {
    const member_device* const newest = members.list().newest_kit();
    if (newest == nullptr || newest->added_at > at || at - newest->added_at < kit_wait_s ||
        !members.list().is_active(newest->added_by))
        return;
    const auto gone = kits_but(device_of(newest->keys, openssl::verifier{}), false);
    // Whoever syncs next does it otherwise; until then the kit from before is good.
    if (!gone.empty() && rotate(gone, at)) static_cast<void>(replace_snapshot());
}

std::optional<std::string> link::state::news_of_kit(std::size_t known) {
    const member_device* const kit = members.list().newest_kit();
    if (kit == nullptr || kit->added_by == members.keys().device || told_kit == kit->added_index)
        return std::nullopt;
    const auto& all = members.list().devices();
    const bool replaces = std::any_of(all.begin(), all.end(), [&](const auto& d) {
        const bool heard = d.second.active() || kit->added_index >= known;
        return d.second.kit && d.second.added_index < kit->added_index && heard;
    });
    if (!replaces) return std::nullopt;
    told_kit = kit->added_index;
    return "A new recovery kit was made by " + name_of(kit->added_by) +
           ". It takes the place of the one before " + std::to_string(kit_wait_s / 3600) +
           " hours after that. If it is none of yours, remove that device until then: casasync devices "
           "remove.";
}

result<void> link::state::replace_snapshot() {
    const auto now = relay.info();
    if (!now) return now.failure();
    return now->relay.wanted == snapshot_need::high ? renew_snapshot(*this) : result<void>();
}

result<void> link::add_device(const device_keys& keys) {
    state& s = *state_;
    const auto held = turn::take(s.path, s.canceled);
    if (!held) return held.failure();
    if (auto ok = s.reread(); !ok) return ok.failure();
    const device_id added = device_of(keys, openssl::verifier{});
    for (int tries = 0; tries < tries_max; ++tries) {
        const member_device* const known = s.members.list().find(added);
        if (known != nullptr && known->active()) return {};
        if (known != nullptr)
            return error{
                errc::invalid_argument,
                "This device was removed from the vault. It can come back under new keys: leave the vault "
                "there (casasync leave), and join again."};
        const auto stored = s.members.append(
            s.relay, openssl::add_entry(s.members.list(), s.members.keys().identity, keys, now_s()));
        if (!stored) return stored.failure();
    }
    return s.members.list().is_active(added) ? result<void>() : too_busy();
}

result<std::vector<device_id>> link::remove_device(device_id device, bool with_copies) {
    state& s = *state_;
    const auto held = turn::take(s.path, s.canceled);
    if (!held) return held.failure();
    if (auto ok = s.reread(); !ok) return ok.failure();
    if (device == s.members.keys().device)
        return error{errc::invalid_argument,
                     "A device cannot remove itself. Nothing was changed; run this on another one."};
    for (int tries = 0; tries < tries_max; ++tries) {
        // A vault that is full, or a clock that is wrong, is no reason to keep a device in.
        relay_state heard;
        static_cast<void>(sync_as_itself(s, heard));
        if (auto ok = s.members.catch_up(s.relay); !ok) return ok.failure();
        const member_device* const known = s.members.list().find(device);
        if (known == nullptr) return error{errc::not_found, "The vault has no such device."};
        if (known->kit && known->active() &&
            !s.members.list().may_withdraw(device, s.members.keys().device, {}))
            return error{errc::invalid_argument,
                         "Only another recovery kit takes the place of one, 72 hours after it was made: "
                         "casasync recovery. Nothing was changed."};
        const std::vector<device_id> gone = s.to_remove(device, with_copies);
        if (gone.empty()) return gone;
        const auto stored = s.rotate(gone, now_s());
        if (!stored) return stored.failure();
        if (!*stored) continue;
        // Others get on without: the log has everything, and pairing offers a snapshot.
        static_cast<void>(s.replace_snapshot());
        return gone;
    }
    return too_busy();
}

result<void> link::replace_kit(const device_keys& kit) {
    state& s = *state_;
    const auto held = turn::take(s.path, s.canceled);
    if (!held) return held.failure();
    if (auto ok = s.reread(); !ok) return ok.failure();
    const device_id added = device_of(kit, openssl::verifier{});
    for (int tries = 0; tries < tries_max; ++tries) {
        relay_state heard;
        if (const auto synced = sync_as_itself(s, heard); !synced) return synced.failure();
        const std::uint64_t at = s.relay_time(heard);
        if (s.members.list().find(added) == nullptr) {
            const auto stored = s.members.append(
                s.relay, openssl::kit_entry(s.members.list(), s.members.keys().identity, kit, at));
            if (!stored) return stored.failure();
            if (!*stored) continue;
        }
        const auto sealed = s.rotate(s.kits_but(added, true), at);
        if (!sealed) return sealed.failure();
        if (*sealed) return renew_snapshot(s);
    }
    return too_busy();
}

result<std::uint64_t> link::delete_vault() {
    state& s = *state_;
    const auto held = turn::take(s.path, s.canceled);
    if (!held) return held.failure();
    if (auto ok = s.reread(); !ok) return ok.failure();
    return s.relay.delete_vault(s.members.keys().identity);
}

}  // namespace casasync::agent
