// SPDX-License-Identifier: MIT
#include "arrival.hpp"

#include "membership.hpp"
#include "metered.hpp"
#include "resume.hpp"

#include <casasync/beast/relay.hpp>
#include <casasync/openssl/cipher.hpp>
#include <casasync/openssl/snapshot_cipher.hpp>
#include <casasync/snapshot_transfer.hpp>

#include <utility>

namespace casasync::agent {

result<void> enter(const std::string& path, credentials& keys) {
    beast::endpoint at;
    at.url = keys.relay;
    const auto in = beast::attach(at, keys.vault, keys.identity, {});
    if (!in) return in.failure();
    keys.device_key = in->device_key;
    keys.key_version = in->key_version;
    auto relay = make_client(keys);
    if (!relay) return relay.failure();
    const auto entries = relay->members(0);
    if (!entries) return entries.failure();
    auto list = verify_members(keys.vault, *entries, openssl::verifier{});
    if (list) keys.members = std::move(*list);
    const auto ring = vault_keys_of(keys);
    if (!ring || !keys.members.is_active(keys.device))
        return error{
            errc::members_fork,
            "The relay's list of the vault's devices is not the one that the other device gave keys "
            "for. Nothing was loaded, and your data is safe. Pair again; if it happens again, do not "
            "trust this relay."};
    keys.epoch = ring->rbegin()->first;
    keys.vault_key = ring->rbegin()->second;
    return write_credentials(path, keys);
}

namespace {

/// Makes the file from the newest snapshot.
result<sqlite::vault> download(const newcomer_file& o, const credentials& keys,
                               const progress_sink& progress) {
    auto relay = make_client(keys);
    if (!relay) return relay.failure();
    auto members = membership::make(o.path, keys);
    if (!members) return members.failure();
    metered transport(*relay, *members, o.path, progress);
    auto found = find_snapshot<openssl::snapshot_opener>(keys.vault, members->cipher(), transport);
    if (!found && found.code() == errc::device_revoked) return give_up(o.path, found.failure());
    if (!found) return found.failure();
    if (!*found)
        return error{errc::not_found,
                     "There is no snapshot of the vault at the relay. Nothing was changed. Run casasync pair "
                     "on the other device again, which offers one, and join with the new code."};
    return sqlite::vault::join(o.path, {keys.vault, keys.device, o.name, keys.relay}, (*found)->source(),
                               (*found)->manifest().at, {}, o.numbers);
}

}  // namespace

result<void> load(const newcomer_file& o, const credentials& keys, const progress_sink& progress) {
    auto vault = is_vault(o.path) ? sqlite::vault::open(o.path) : download(o, keys, progress);
    if (!vault) return vault.failure();
    auto device = link::make(std::move(*vault), o.path, keys, progress);
    if (!device) return device.failure();
    if (auto synced = device->sync(); !synced) return synced.failure();
    credentials whole = device->keys();
    whole.step = setup::done;
    whole.pairing.clear();
    return write_credentials(o.path, whole);
}

}  // namespace casasync::agent
