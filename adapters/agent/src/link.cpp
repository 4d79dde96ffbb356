// SPDX-License-Identifier: MIT
#include "install_mark.hpp"
#include "link_state.hpp"
#include "metered.hpp"
#include "spool_file.hpp"
#include "succession.hpp"
#include "turn.hpp"
#include "wall_clock.hpp"

#include <casasync/beast/relay.hpp>
#include <casasync/device_sync.hpp>
#include <casasync/openssl/cipher.hpp>
#include <casasync/openssl/random.hpp>
#include <casasync/openssl/snapshot_cipher.hpp>
#include <casasync/snapshot_transfer.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace casasync::agent {

namespace {

constexpr int offers_max = 2;  // a relay forgets what two snapshots cover
constexpr std::chrono::minutes offer_pause{10};

}  // namespace

result<void> link::state::reread() {
    if (auto ok = members.reread(); !ok) return ok;
    const credentials& keys = members.keys();
    relay.sign_as(keys.device, keys.device_key, keys.key_version);
    return {};
}

std::string link::state::name_of(const device_id& device) {
    std::string out = device.text();
    if (const auto known = vault.devices())
        for (const sqlite::device_info& d : *known)
            if (d.id == device && !d.name.empty()) out = d.name;
    return out;
}

std::uint64_t link::state::relay_time(const relay_state& heard) const {
    return heard.time > 0 ? static_cast<std::uint64_t>(heard.time) / 1000 : now_s();
}

error link::state::vault_was_deleted(const device_id& by) {
    return {errc::vault_deleted,
            "The vault was deleted at the relay by " + name_of(by) +
                ". Everything on this device stays, and nothing is sent any more. casasync leave makes the "
                "file an "
                "ordinary one; for 30 days the recovery kit brings the vault back (casasync join NEW_FILE "
                "--recovery)."};
}

result<sync_report> link::state::sync_rounds(relay_state& heard) {
    auto done = sessions(heard);
    if (done || done.code() != errc::stamp_ahead) return done;
    const auto dated = vault.restamp(heard.time);
    if (!dated) return dated.failure();
    if (*dated == 0) return done;  // the clock is wrong still
    done = sessions(heard);
    if (done)
        done->alarms.emplace_back("This device's clock was far ahead for a while. What was written then (" +
                                  std::to_string(*dated) + " changes) is dated now, and was sent.");
    return done;
}

result<sync_report> link::state::sessions(relay_state& heard) {
    sync_report sum;
    metered transport(relay, members, path, progress);
    do {
        session s(vault, members.cipher());
        auto done = casasync::sync<openssl::snapshot_opener>(s, vault, members.cipher(), transport);
        heard = s.report().relay;
        changes += s.report().sealed;
        if (!done && transport.deleted_by()) return vault_was_deleted(*transport.deleted_by());
        if (!done) return done.failure();
        add(sum, std::move(*done));
    } while (sum.more);
    return sum;
}

result<bool> link::state::is_copy() {
    if (auto ok = recognise_copy(vault, path); !ok) return ok.failure();
    const auto noted = vault.copied();
    if (!noted) return noted.failure();
    const auto& next = members.keys().next;
    return *noted || (next && next->identity.id() == vault.device());
}

result<std::uint64_t> link::state::last_seq_at_relay() {
    auto there = relay.info();
    if (!there && there.code() == errc::log_mismatch)  // it was told an ack of the log that it had
        there = relay.info();
    if (!there) return there.failure();
    const auto self = std::find_if(there->devices.begin(), there->devices.end(),
                                   [&](const beast::device_info& d) { return d.id == vault.device(); });
    return self == there->devices.end() ? 0 : self->last_seq;
}

unix_ms link::state::now() const {
    return static_cast<unix_ms>(now_s()) * 1000;
}

/// Makes this device, and with it the vault, known to a relay that no longer knows its key. Its stream begins
/// with what is kept here: others may lack any of it.
result<void> link::state::attach_again() {
    const auto known = vault.known_of_relay();
    if (!known) return known.failure();
    credentials keys = members.keys();
    beast::endpoint at;
    at.url = keys.relay;
    const auto in =
        beast::attach(at, keys.vault, keys.identity, keys.members.entries(), {}, known->forgotten);
    if (!in) return in.failure();
    keys.device_key = in->device_key;
    keys.key_version = in->key_version;
    if (auto ok = members.take(path, std::move(keys)); !ok) return ok;
    return reread();
}

result<bool> link::state::give_members(const relay_state& heard) {
    std::uint64_t there = heard.members;
    if (heard.generation.is_zero()) {  // it refused what it was asked
        const auto now = relay.info();
        if (!now) return now.failure();
        there = now->relay.members;
    }
    if (there >= members.list().entries().size()) return false;
    if (auto ok = attach_again(); !ok) return ok.failure();
    return true;
}

result<void> link::state::become_new_device() {
    return agent::become_new_device(path, vault, members, relay);
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
    metered transport(relay, members, path, progress);
    openssl::random random;
    auto made = casasync::offer_snapshot<openssl::snapshot_sealer>(vault, members.cipher(), transport, *spool,
                                                                   random);
    if (!made) return made.failure();
    changes = 0;
    return {};
}

result<std::optional<snapshot_origin>> link::state::newest_snapshot() {
    metered transport(relay, members, path, progress);
    return casasync::newest_snapshot<openssl::snapshot_opener>(vault.id(), members.cipher(), transport);
}

result<void> link::state::merge_newest_snapshot() {
    metered transport(relay, members, path, progress);
    const auto merged = merge_latest_snapshot<openssl::snapshot_opener>(vault, members.cipher(), transport);
    return merged ? result<void>{} : merged.failure();
}

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
        if (auto ok = renew_snapshot(*this); !ok) return ok.failure();
    for (int n = 0; n < offers_max && asked(); ++n) {
        const auto now = relay.info();  // another device may have made one
        if (!now) return now.failure();
        heard = now->relay;
        if (!asked()) break;
        if (auto ok = renew_snapshot(*this); !ok) return ok.failure();
        any = true;
    }
    return any;
}

link::link(std::unique_ptr<state> s) noexcept : state_(std::move(s)) {}
link::link(link&&) noexcept = default;
link& link::operator=(link&&) noexcept = default;
link::~link() = default;

result<link> link::open(const std::string& path, progress_sink progress) {
    auto vault = open_vault(path);
    if (!vault) return vault.failure();
    auto keys = read_credentials(path);
    if (!keys) return keys.failure();
    return make(std::move(*vault), path, std::move(*keys), std::move(progress));
}

result<link> link::make(sqlite::vault vault, const std::string& path, credentials keys,
                        progress_sink progress) {
    if (keys.next && keys.next->identity.id() == vault.device()) {
        auto finished = finish_succession(path, std::move(keys));
        if (!finished) return finished.failure();
        keys = std::move(*finished);
    }
    const bool ours = keys.device == vault.device() || went_on_from(keys, vault.device());
    if (keys.vault != vault.id() || !ours)
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
    if (auto ok = s.reread(); !ok) return ok.failure();
    const std::size_t known = s.members.list().entries().size();
    relay_state heard;
    auto done = sync_and_mend(s, heard);
    if (done) {
        s.retire_kits(s.relay_time(heard));
        if (auto news = s.news_of_kit(known)) done->alarms.push_back(std::move(*news));
    }
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
    if (auto ok = state_->reread(); !ok) return ok.failure();
    return renew_snapshot(*state_);
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

result<sqlite::vault> open_vault(const std::string& path) {
    auto vault = sqlite::vault::open(path);
    if (!vault) return vault;
    const auto keys = find_credentials(path);
    if (!keys) return keys.failure();
    const bool older = *keys && (*keys)->vault == vault->id() && went_on_from(**keys, vault->device());
    if (auto ok = older ? vault->note_copied() : recognise_copy(*vault, path); !ok) return ok.failure();
    return vault;
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
