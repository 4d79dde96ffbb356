// SPDX-License-Identifier: MIT
#include "resume.hpp"
#include "wall_clock.hpp"

#include <casasync/agent/setup.hpp>
#include <casasync/beast/relay.hpp>
#include <casasync/openssl/random.hpp>
#include <casasync/openssl/vault_keys.hpp>

#include <utility>

namespace casasync::agent {
namespace {

credentials fresh_credentials(const std::string& relay) {
    openssl::random random;
    credentials keys;
    keys.identity = openssl::device_identity::make(random);
    keys.device = keys.identity.id();
    keys.relay = relay;
    random.fill(keys.vault_key);
    const bytes entry = openssl::first_entry(keys.identity, keys.vault_key, now_s());
    if (keys.members.append(entry, openssl::verifier{})) keys.vault = keys.members.vault();
    keys.step = setup::init;
    return keys;
}

/// Makes the vault at the relay, which gives the device's key. What it is made of is kept before the relay
/// hears of it: the same again gives the same key.
result<void> register_vault(const init_options& o, credentials& keys) {
    if (auto ok = write_credentials(o.path, keys); !ok) return ok.failure();
    beast::endpoint at;
    at.url = keys.relay;
    const auto in = beast::attach(at, keys.vault, keys.identity, keys.members.entries(), o.create_token);
    if (!in) return in.failure();
    keys.device_key = in->device_key;
    keys.key_version = in->key_version;
    return write_credentials(o.path, keys);
}

/// Opens the vault that an interrupted init made, or makes it.
result<sqlite::vault> take_up(const init_options& o, const credentials& keys) {
    auto vault = sqlite::vault::open(o.path);
    if (vault || vault.code() != errc::not_a_vault) return vault;
    return sqlite::vault::create(o.path, {keys.vault, keys.device, o.device_name, keys.relay});
}

}  // namespace

result<link> init_vault(const init_options& o, progress_sink progress) {
    const auto origin = beast::parse_origin(o.relay);
    if (!origin) return origin.failure();
    auto begun = find_begun(o.path, setup::init);
    if (!begun) return begun.failure();
    const bool same_relay = *begun && (*begun)->relay == origin->text;
    if (!same_relay && is_vault(o.path)) return vault_exists(o.path);
    credentials keys = same_relay ? **begun : fresh_credentials(origin->text);
    if (keys.device_key == openssl::key256{})
        if (auto ok = register_vault(o, keys); !ok) return give_up(o.path, ok.failure());

    auto vault = take_up(o, keys);
    if (!vault) return vault.failure();
    if (auto ok = o.track(*vault); !ok) return ok.failure();
    keys.step = setup::done;
    if (auto ok = write_credentials(o.path, keys); !ok) return ok.failure();
    return link::make(std::move(*vault), o.path, std::move(keys), std::move(progress));
}

}  // namespace casasync::agent
