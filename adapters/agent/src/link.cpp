// SPDX-License-Identifier: MIT
#include <casasync/agent/link.hpp>

#include "metered.hpp"
#include "spool_file.hpp"
#include "turn.hpp"

#include <casasync/openssl/cipher.hpp>
#include <casasync/openssl/random.hpp>
#include <casasync/openssl/snapshot_cipher.hpp>
#include <casasync/snapshot_transfer.hpp>

#include <algorithm>
#include <atomic>
#include <utility>

namespace casasync::agent {
namespace {

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
    credentials keys;
    beast::client relay;
    progress_sink progress;
    openssl::vault_cipher cipher{keys.vault, keys.vault_key, keys.epoch, keys.identity};
    std::atomic<bool> canceled{false};
    std::size_t changes = 0;  ///< sealed since the last snapshot

    [[nodiscard]] result<sync_report> sync_rounds(relay_state& heard);
    [[nodiscard]] result<void> note(const result<sync_report>& done, const relay_state& heard);
    [[nodiscard]] result<void> offer();
};

result<sync_report> link::state::sync_rounds(relay_state& heard) {
    sync_report sum;
    metered transport(relay, progress);
    do {
        session s(vault, cipher);
        auto done = casasync::sync<openssl::snapshot_opener>(s, vault, cipher, transport);
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
    metered transport(relay, progress);
    openssl::random random;
    auto made = casasync::offer_snapshot<openssl::snapshot_sealer>(vault, cipher, transport, *spool, random);
    if (!made) return made.failure();
    changes = 0;
    return {};
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
    return link(std::unique_ptr<state>(
        new state{std::move(vault), path, std::move(keys), std::move(*relay), std::move(progress)}));
}

result<sync_report> link::sync() {
    state& s = *state_;
    const auto held = turn::take(s.path, s.canceled);
    if (!held) return held.failure();
    relay_state heard;
    auto done = s.sync_rounds(heard);
    if (auto ok = s.note(done, heard); done && !ok) return ok.failure();
    if (done && s.changes >= snapshot_changes) {
        s.changes = 0;  // tried again only after as many changes more: others get them from the log as well
        if (auto ok = s.offer(); !ok)
            done->alarms.push_back("All changes are at the relay, but no snapshot could be made: " +
                                   ok.failure().text());
    }
    return done;
}

result<void> link::offer_snapshot() {
    const auto held = turn::take(state_->path, state_->canceled);
    if (!held) return held.failure();
    return state_->offer();
}

sqlite::vault& link::vault() noexcept {
    return state_->vault;
}
beast::client& link::relay() noexcept {
    return state_->relay;
}
const credentials& link::keys() const noexcept {
    return state_->keys;
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
