// SPDX-License-Identifier: MIT
#include "arrival.hpp"
#include "membership.hpp"
#include "resume.hpp"
#include "wall_clock.hpp"

#include <casasync/agent/setup.hpp>
#include <casasync/beast/relay.hpp>
#include <casasync/openssl/random.hpp>
#include <casasync/openssl/recovery_words.hpp>

#include <utility>

namespace casasync::agent {
namespace {

constexpr const char* by_kit = "recovery kit";  // in the key file, where a join has its code

error no_kit_of(const recover_options& o, const error& why) {
    if (why.code != errc::unauthenticated && why.code != errc::device_revoked) return why;
    return {why.code,
            "The relay " + o.relay + " has no vault " + o.vault.text() +
                " that these words are the kit of: another kit took its place, it was used up, or the "
                "vault's id or the relay is another. Nothing was changed."};
}

/// Returns the relay as the kit may speak to it.
result<beast::client> client_of_kit(const recover_options& o, const openssl::device_identity& kit) {
    credentials keys;
    keys.vault = o.vault;
    keys.device = kit.id();
    keys.relay = o.relay;
    beast::endpoint at;
    at.url = o.relay;
    const auto in = beast::attach(at, o.vault, kit, {});
    if (!in) return no_kit_of(o, in.failure());
    keys.device_key = in->device_key;
    keys.key_version = in->key_version;
    return make_client(keys);
}

/// Adds the new device to the list in the kit's name, and gets the vault's key with the kit's.
result<void> let_in(const recover_options& o, const openssl::device_identity& kit, credentials& keys) {
    auto relay = client_of_kit(o, kit);
    if (!relay) return relay.failure();
    for (int tries = 0; tries < 5; ++tries) {
        const auto entries = relay->members(0);
        if (!entries) return entries.failure();
        const auto list = verify_members(o.vault, *entries, openssl::verifier{});
        if (!list) return list.failure();
        const auto ring = openssl::open_vault_keys(*list, kit, 0, {});
        if (!ring) return no_kit_of(o, ring.failure());
        keys.epoch = ring->rbegin()->first;
        keys.vault_key = ring->rbegin()->second;
        if (list->is_active(keys.device)) return {};
        const auto added =
            relay->add_member_entry(openssl::add_entry(*list, kit, keys.identity.public_keys(), now_s()));
        if (!added) return added.failure();
    }
    return errc::relay_unavailable;
}

/// Keeps the new device's keys before the relay hears of them: an interruption does not add another.
result<credentials> begin(const recover_options& o) {
    auto begun = find_begun(o.path, setup::join);
    if (!begun) return begun.failure();
    if (*begun && (*begun)->pairing == by_kit && (*begun)->vault == o.vault) return std::move(**begun);
    if (is_vault(o.path)) return vault_exists(o.path);
    openssl::random random;
    credentials keys;
    keys.vault = o.vault;
    keys.identity = openssl::device_identity::make(random);
    keys.device = keys.identity.id();
    keys.relay = o.relay;
    keys.step = setup::join;
    keys.pairing = by_kit;
    if (auto ok = write_credentials(o.path, keys); !ok) return ok.failure();
    return keys;
}

}  // namespace

result<std::string> make_recovery_kit(link& device) {
    openssl::recovery_secret secret{};
    openssl::random{}.fill(secret);
    const auto kit = openssl::recovery_identity(secret);
    if (auto ok = device.replace_kit(kit.public_keys()); !ok) return ok.failure();
    return openssl::to_words(secret);
}

result<link> recover_vault(recover_options o, progress_sink progress) {
    const auto origin = beast::parse_origin(o.relay);
    if (!origin) return origin.failure();
    o.relay = origin->text;
    const auto secret = openssl::parse_words(o.words);
    if (!secret) return secret.failure();
    const auto kit = openssl::recovery_identity(*secret);
    auto keys = begin(o);
    if (!keys) return keys.failure();
    if (keys->members.entries().empty()) {
        if (auto ok = let_in(o, kit, *keys); !ok) return give_up(o.path, ok.failure());
        if (auto ok = enter(o.path, *keys); !ok) return give_up(o.path, ok.failure());
    }
    if (auto ok = load({o.path, o.device_name, {}}, *keys, progress); !ok) return ok.failure();
    auto device = link::open(o.path, std::move(progress));
    if (!device) return device;
    // The words were typed somewhere: they are good for one time.
    if (auto ok = device->remove_device(kit.id()); !ok)
        return error{ok.code(), "The vault is back and " + o.path +
                                    " is one of its devices, but the kit that was typed is still good: " +
                                    ok.failure().text() +
                                    " Run casasync recovery, which makes a new one and voids it."};
    return device;
}

}  // namespace casasync::agent
