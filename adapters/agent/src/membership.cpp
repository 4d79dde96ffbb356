// SPDX-License-Identifier: MIT
#include "membership.hpp"

#include <utility>

namespace casasync::agent {
namespace {

error removed_from_vault() {
    return {
        errc::device_revoked,
        "This device was removed from the vault by another one. Everything on it stays; it no longer sends "
        "or receives. To sync again, leave the vault (casasync leave) and join with a code from another "
        "device: "
        "what is in the file comes along."};
}

error broken_list(errc why) {
    return {why,
            "The relay's list of the vault's devices does not go on from the one this device knows, or was "
            "altered. Nothing was sent under it, and everything on this device is safe. Compare casasync "
            "devices on your devices; if the relay was restored from a backup, sync the others first."};
}

}  // namespace

result<openssl::vault_key_ring> vault_keys_of(const credentials& keys) {
    auto ring = openssl::open_vault_keys(keys.members, keys.identity, keys.epoch, keys.vault_key);
    if (!ring && ring.code() == errc::device_revoked)
        return openssl::vault_key_ring{{keys.epoch, keys.vault_key}};
    if (!ring) return broken_list(ring.code());
    return ring;
}

membership::membership(std::string vault_path, credentials keys, openssl::vault_key_ring ring)
    : path_(std::move(vault_path)),
      keys_(std::move(keys)),
      cipher_(keys_.members, std::move(ring), keys_.identity) {}

result<membership> membership::make(std::string vault_path, credentials keys) {
    auto ring = vault_keys_of(keys);
    if (!ring) return ring.failure();
    return membership(std::move(vault_path), std::move(keys), std::move(*ring));
}

result<void> membership::reread() {
    auto found = find_credentials(path_);
    if (!found) return found.failure();
    const bool news = *found && ((*found)->device != keys_.device ||
                                 (*found)->members.entries().size() > list().entries().size());
    if (!news) return {};
    auto ring = vault_keys_of(**found);
    if (!ring) return ring.failure();
    keys_ = std::move(**found);
    cipher_ = openssl::vault_cipher(keys_.members, std::move(*ring), keys_.identity);
    return {};
}

result<void> membership::catch_up(beast::client& relay) {
    const auto more = relay.members(list().entries().size());
    if (!more) return more.failure();
    member_list longer = list();
    for (const bytes& entry : *more)
        if (auto ok = longer.append(entry, openssl::verifier{}); !ok) return broken_list(ok.code());
    if (auto ok = keep(std::move(longer)); !ok) return ok.failure();
    return list().is_active(keys_.device) ? result<void>() : removed_from_vault();
}

result<void> membership::keep(member_list longer) {
    credentials fresh = keys_;
    fresh.members = std::move(longer);
    auto ring = vault_keys_of(fresh);
    if (!ring) return ring.failure();
    fresh.epoch = ring->rbegin()->first;
    fresh.vault_key = ring->rbegin()->second;
    if (fresh == keys_) return {};
    if (auto ok = write_credentials(path_, fresh); !ok) return ok.failure();
    keys_ = std::move(fresh);
    cipher_.update(keys_.members, std::move(*ring));
    return {};
}

result<void> membership::take(const std::string& vault_path, credentials keys) {
    auto ring = vault_keys_of(keys);
    if (!ring) return ring.failure();
    if (auto ok = write_credentials(vault_path, keys); !ok) return ok.failure();
    keys_ = std::move(keys);
    cipher_ = openssl::vault_cipher(keys_.members, std::move(*ring), keys_.identity);
    return {};
}

result<bool> membership::append(beast::client& relay, const bytes& entry) {
    const auto taken = relay.add_member_entry(entry);
    if (!taken) return taken.failure();
    if (auto ok = catch_up(relay); !ok) return ok.failure();
    return taken;
}

}  // namespace casasync::agent
