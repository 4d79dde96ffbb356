// SPDX-License-Identifier: MIT
#include "succession.hpp"

#include "wall_clock.hpp"

#include <casasync/agent/link.hpp>
#include <casasync/beast/relay.hpp>
#include <casasync/openssl/random.hpp>
#include <casasync/openssl/vault_keys.hpp>

#include <utility>

namespace casasync::agent {
namespace {

constexpr int entry_tries_max = 5;

/// Makes the keys of the new device, or takes those of a try that was interrupted.
result<void> make_keys(const std::string& vault_path, membership& members) {
    credentials keys = members.keys();
    const member_device* const begun = keys.next ? members.list().find(keys.next->identity.id()) : nullptr;
    if (keys.next && (begun == nullptr || begun->active())) return {};
    openssl::random random;
    keys.next.emplace().identity = openssl::device_identity::make(random);
    return members.take(vault_path, std::move(keys));
}

result<void> enter_list(membership& members, beast::client& relay) {
    const device_keys next = members.keys().next->identity.public_keys();
    const device_id id = members.keys().next->identity.id();
    for (int tries = 0; tries < entry_tries_max; ++tries) {
        if (members.list().find(id) != nullptr) return {};
        const auto stored = members.append(
            relay, openssl::copy_entry(members.list(), members.keys().identity, next, now_s()));
        if (!stored) return stored.failure();
    }
    if (members.list().find(id) != nullptr) return {};
    return error{
        errc::relay_unavailable,
        "Other devices changed the vault at the same moment, again and again. Nothing is lost. Try again."};
}

/// Gets the new device's key for the relay.
result<void> attach_new(const std::string& vault_path, membership& members) {
    credentials keys = members.keys();
    beast::endpoint at;
    at.url = keys.relay;
    const auto in = beast::attach(at, keys.vault, keys.next->identity, keys.members.entries());
    if (!in) return in.failure();
    keys.next->device_key = in->device_key;
    keys.next->key_version = in->key_version;
    return members.take(vault_path, std::move(keys));
}

}  // namespace

result<credentials> finish_succession(const std::string& vault_path, credentials keys) {
    keys.identity = keys.next->identity;
    keys.device = keys.identity.id();
    keys.device_key = keys.next->device_key;
    keys.key_version = keys.next->key_version;
    keys.next.reset();
    if (auto ok = write_credentials(vault_path, keys); !ok) return ok.failure();
    return keys;
}

bool went_on_from(const credentials& keys, device_id device) {
    return keys.members.is_copy_of(keys.device, device);
}

result<void> become_new_device(const std::string& vault_path, sqlite::vault& vault, membership& members,
                               beast::client& relay) {
    if (auto ok = make_keys(vault_path, members); !ok) return ok.failure();
    if (auto ok = enter_list(members, relay); !ok) return ok.failure();
    if (auto ok = attach_new(vault_path, members); !ok) return ok.failure();
    if (auto ok = vault.succeed(members.keys().next->identity.id()); !ok) return ok.failure();
    auto keys = finish_succession(vault_path, members.keys());
    if (!keys) return keys.failure();
    relay.sign_as(keys->device, keys->device_key, keys->key_version);
    return members.take(vault_path, std::move(*keys));
}

}  // namespace casasync::agent
