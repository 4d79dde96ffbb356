// SPDX-License-Identifier: MIT
#include <casasync/agent/link.hpp>

#include "membership.hpp"
#include "metered.hpp"
#include "spool_file.hpp"
#include "turn.hpp"
#include "wall_clock.hpp"

#include <casasync/openssl/cipher.hpp>
#include <casasync/openssl/random.hpp>
#include <casasync/openssl/snapshot_cipher.hpp>
#include <casasync/snapshot_transfer.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <utility>

namespace casasync::agent {
namespace {

constexpr int tries_max = 5;
constexpr int offers_max = 2;  // a relay forgets what two snapshots cover
constexpr std::chrono::minutes offer_pause{10};

error too_busy() {
    return {
        errc::relay_unavailable,
        "Other devices changed the vault at the same moment, again and again. Nothing is lost. Try again."};
}

/// Adds what another round did.
void add(sync_report& sum, sync_report round) {
    round.sealed += sum.sealed;
    round.pushed += sum.pushed;
    round.received += sum.received;
    round.merged += sum.merged;
    round.rows += sum.rows;
    round.snapshot_merged |= sum.snapshot_merged;
    sum = std::move(round);
}

}  // namespace

struct link::state {
    sqlite::vault vault;
    std::string path;
    membership members;
    beast::client relay;
    progress_sink progress;
    std::atomic<bool> canceled{false};
    std::size_t changes = 0;                              ///< sealed since the last snapshot
    std::chrono::steady_clock::time_point offer_again{};  ///< not before, after one that failed

    [[nodiscard]] result<sync_report> sync_rounds(relay_state& heard);
    [[nodiscard]] result<void> note(const result<sync_report>& done, const relay_state& heard);
    [[nodiscard]] result<void> offer();
    [[nodiscard]] result<bool> rotate(std::vector<device_id> gone);
    [[nodiscard]] std::vector<device_id> kits_but(device_id kept) const;
    [[nodiscard]] result<bool> offer_if_wanted(const result<sync_report>& done, relay_state heard);
    [[nodiscard]] result<void> replace_snapshot();
};

result<sync_report> link::state::sync_rounds(relay_state& heard) {
    sync_report sum;
    metered transport(relay, members, progress);
    do {
        session s(vault, members.cipher());
        auto done = casasync::sync<openssl::snapshot_opener>(s, vault, members.cipher(), transport);
        heard = s.report().relay;
        changes += s.report().sealed;
        if (!done) return done.failure();
        add(sum, std::move(*done));
    } while (sum.more);
    return sum;
}

result<void> link::state::note(const result<sync_report>& done, const relay_state& heard) {
    if (!done && done.code() == errc::canceled) return {};
    std::string failure;
    if (!done)
        failure = failure_text(done.failure());
    else if (done->refused > 0)
        failure = failure_text({errc::authentication_failed, done->alarms.front()});
    return vault.note_sync(heard.head, heard.time, failure,
                           done ? std::optional(done->refused) : std::nullopt);
}

result<void> link::state::offer() {
    auto spool = spool_file::make(path);
    if (!spool) return spool.failure();
    metered transport(relay, members, progress);
    openssl::random random;
    auto made = casasync::offer_snapshot<openssl::snapshot_sealer>(vault, members.cipher(), transport, *spool,
                                                                   random);
    if (!made) return made.failure();
    changes = 0;
    return {};
}

/// Offers a snapshot where the relay asks for one, or this device has made many changes. The device that
/// sent something last comes first; in need, any. Returns whether it did.
result<bool> link::state::offer_if_wanted(const result<sync_report>& done, relay_state heard) {
    const bool full = !done && done.code() == errc::quota_exceeded;
    const auto asked = [&] {
        return heard.wanted == snapshot_need::high ||
               (done && done->pushed > 0 && heard.wanted != snapshot_need::none);
    };
    if ((!done && !full) || std::chrono::steady_clock::now() < offer_again) return false;
    bool any = done && changes >= snapshot_changes;
    changes = any ? 0 : changes;
    if (any)
        if (auto ok = offer(); !ok) return ok.failure();
    for (int n = 0; n < offers_max && asked(); ++n) {
        const auto now = relay.info();  // another device may have made one
        if (!now) return now.failure();
        heard = now->relay;
        if (!asked()) break;
        if (auto ok = offer(); !ok) return ok.failure();
        any = true;
    }
    return any;
}

/// Ends the epoch without these devices. False: the vault changed meanwhile.
result<bool> link::state::rotate(std::vector<device_id> gone) {
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
    const auto entry = openssl::rotate_entry(members.list(), keys.identity, what, now_s());
    if (!entry) return entry.failure();
    return members.append(relay, *entry);
}

std::vector<device_id> link::state::kits_but(device_id kept) const {
    std::vector<device_id> out;
    for (const auto& [id, m] : members.list().devices())
        if (m.kit && m.active() && id != kept) out.push_back(id);
    return out;
}

/// Offers a snapshot in place of one whose maker is no member any more, where the log alone does not do.
result<void> link::state::replace_snapshot() {
    const auto now = relay.info();
    if (!now) return now.failure();
    return now->relay.wanted == snapshot_need::high ? offer() : result<void>();
}

link::link(std::unique_ptr<state> s) noexcept : state_(std::move(s)) {}
link::link(link&&) noexcept = default;
link& link::operator=(link&&) noexcept = default;
link::~link() = default;

result<link> link::open(const std::string& path, progress_sink progress) {
    auto vault = sqlite::vault::open(path);
    if (!vault) return vault.failure();
    auto keys = read_credentials(path);
    if (!keys) return keys.failure();
    return make(std::move(*vault), path, std::move(*keys), std::move(progress));
}

result<link> link::make(sqlite::vault vault, const std::string& path, credentials keys,
                        progress_sink progress) {
    if (keys.vault != vault.id() || keys.device != vault.device())
        return error{errc::missing_credentials,
                     "The key file " + key_file_of(path) +
                         " belongs to another vault. The data is safe. Put the key file of this vault back, "
                         "or join again with a code from another device, into a new file."};
    auto relay = make_client(keys);
    if (!relay) return relay.failure();
    auto members = membership::make(path, std::move(keys));
    if (!members) return members.failure();
    return link(std::unique_ptr<state>(
        new state{std::move(vault), path, std::move(*members), std::move(*relay), std::move(progress)}));
}

result<sync_report> link::sync() {
    state& s = *state_;
    const auto held = turn::take(s.path, s.canceled);
    if (!held) return held.failure();
    if (auto ok = s.members.reread(); !ok) return ok.failure();
    relay_state heard;
    auto done = s.sync_rounds(heard);
    if (auto ok = s.note(done, heard); done && !ok) return ok.failure();
    const auto offered = s.offer_if_wanted(done, heard);
    if (!offered) {
        s.offer_again = std::chrono::steady_clock::now() + offer_pause;
        if (done)
            done->alarms.push_back("All changes are at the relay, but no snapshot could be made: " +
                                   offered.failure().text());
    }
    if (done || !offered || !*offered) return done;
    auto again = s.sync_rounds(heard);  // the vault was full: there may be room now
    if (auto ok = s.note(again, heard); again && !ok) return ok.failure();
    return again;
}

result<void> link::offer_snapshot() {
    const auto held = turn::take(state_->path, state_->canceled);
    if (!held) return held.failure();
    if (auto ok = state_->members.reread(); !ok) return ok.failure();
    return state_->offer();
}

result<void> link::add_device(const device_keys& keys) {
    state& s = *state_;
    const auto held = turn::take(s.path, s.canceled);
    if (!held) return held.failure();
    if (auto ok = s.members.reread(); !ok) return ok.failure();
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

result<void> link::remove_device(device_id device) {
    state& s = *state_;
    const auto held = turn::take(s.path, s.canceled);
    if (!held) return held.failure();
    if (auto ok = s.members.reread(); !ok) return ok.failure();
    if (device == s.members.keys().device)
        return error{errc::invalid_argument,
                     "A device cannot remove itself. Nothing was changed; run this on another one."};
    for (int tries = 0; tries < tries_max; ++tries) {
        // A vault that is full, or a clock that is wrong, is no reason to keep a device in.
        relay_state heard;
        static_cast<void>(s.sync_rounds(heard));
        if (auto ok = s.members.catch_up(s.relay); !ok) return ok.failure();
        const member_device* const known = s.members.list().find(device);
        if (known == nullptr) return error{errc::not_found, "The vault has no such device."};
        if (!known->active()) return {};
        const auto stored = s.rotate({device});
        if (!stored) return stored.failure();
        // Others get on without: the log has everything, and pairing offers a snapshot.
        if (*stored) static_cast<void>(s.replace_snapshot());
    }
    return s.members.list().is_active(device) ? too_busy() : result<void>();
}

result<void> link::replace_kit(const device_keys& kit) {
    state& s = *state_;
    const auto held = turn::take(s.path, s.canceled);
    if (!held) return held.failure();
    if (auto ok = s.members.reread(); !ok) return ok.failure();
    const device_id added = device_of(kit, openssl::verifier{});
    for (int tries = 0; tries < tries_max; ++tries) {
        relay_state heard;
        if (const auto synced = s.sync_rounds(heard); !synced) return synced.failure();
        if (s.members.list().find(added) == nullptr) {
            const auto stored = s.members.append(
                s.relay, openssl::kit_entry(s.members.list(), s.members.keys().identity, kit, now_s()));
            if (!stored) return stored.failure();
            if (!*stored) continue;
        }
        const auto sealed = s.rotate(s.kits_but(added));
        if (!sealed) return sealed.failure();
        if (*sealed) return s.offer();
    }
    return too_busy();
}

sqlite::vault& link::vault() noexcept {
    return state_->vault;
}
beast::client& link::relay() noexcept {
    return state_->relay;
}
const credentials& link::keys() const noexcept {
    return state_->members.keys();
}
const std::string& link::path() const noexcept {
    return state_->path;
}
void link::cancel() {
    state_->canceled = true;
    state_->relay.cancel();
}

result<beast::client> make_client(const credentials& keys, beast::endpoint at) {
    beast::client_options options;
    options.relay = std::move(at);
    options.relay.url = keys.relay;
    options.vault = keys.vault;
    options.device = keys.device;
    options.device_key = keys.device_key;
    options.key_version = keys.key_version;
    return beast::client::make(options);
}

std::string failure_text(const error& failure) {
    return std::string(name_of(failure.code)) + ": " + failure.text();
}

error parse_failure(std::string_view text) {
    const std::size_t colon = text.find(": ");
    if (colon != std::string_view::npos)
        for (int code = 1; code <= static_cast<int>(errc::canceled); ++code)
            if (name_of(static_cast<errc>(code)) == text.substr(0, colon))
                return {static_cast<errc>(code), std::string(text.substr(colon + 2))};
    return {errc::io_failed, std::string(text)};
}

std::vector<sqlite::device_info> devices_added(std::span<const sqlite::device_info> before,
                                               std::span<const sqlite::device_info> after) {
    std::vector<sqlite::device_info> out;
    for (const sqlite::device_info& device : after) {
        const bool known = std::any_of(before.begin(), before.end(), [&](const sqlite::device_info& b) {
            return b.id == device.id && !b.name.empty();
        });
        if (!known && !device.self && !device.name.empty()) out.push_back(device);
    }
    return out;
}

}  // namespace casasync::agent
