// SPDX-License-Identifier: MIT
#include "pairing_message.hpp"
#include "resume.hpp"

#include "metered.hpp"

#include <casasync/agent/setup.hpp>
#include <casasync/beast/mailbox.hpp>
#include <casasync/limits.hpp>
#include <casasync/openssl/cipher.hpp>
#include <casasync/openssl/pairing_code.hpp>
#include <casasync/openssl/random.hpp>
#include <casasync/openssl/snapshot_cipher.hpp>
#include <casasync/snapshot_transfer.hpp>

#include <utility>

namespace casasync::agent {
namespace {

using openssl::pairing_side;

result<void> put(beast::mailbox& box, const openssl::pairing_code& code, std::uint8_t n, const bytes& text) {
    const auto sealed = code.seal(pairing_side::new_device, n, text);
    if (!sealed) return sealed.failure();
    return box.put(n, *sealed);
}

result<bytes> receive(beast::mailbox& box, const openssl::pairing_code& code) {
    for (;;) {
        auto message = box.get(pairing_side::old_device, 0, limits::wait_s_max);
        if (!message) return message.failure();
        if (*message) return code.open(pairing_side::old_device, 0, **message);
    }
}

/// Asks through the mailbox for the keys.
result<welcome> ask(beast::mailbox& box, const openssl::pairing_code& code, const hello& who) {
    if (auto ok = put(box, code, 0, encode(who)); !ok) return ok.failure();
    const auto answer = receive(box, code);
    if (!answer) return answer.failure();
    return decode_welcome(*answer);
}

/// Gets the keys and stores them, before the other device hears that they arrived. The key file is made
/// first, so that a folder that cannot be written does not cost the code.
result<credentials> pair(const join_options& o, const std::string& relay, const openssl::pairing_code& code) {
    openssl::random random;
    credentials keys;
    keys.device = device_id::make(random);
    keys.relay = relay;
    keys.step = setup::join;
    keys.pairing = code.mailbox();
    if (auto ok = write_credentials(o.path, keys); !ok) return ok.failure();
    beast::endpoint at;
    at.url = relay;
    auto box = beast::claim_mailbox(at, code.mailbox());
    if (!box) return give_up(o.path, box.failure());
    const auto told = ask(*box, code, {keys.device, o.device_name});
    if (!told) return give_up(o.path, told.failure());
    keys.vault = told->vault;
    keys.epoch = told->epoch;
    keys.vault_key = told->vault_key;
    keys.device_key = told->device_key;
    keys.key_version = told->key_version;
    if (auto ok = write_credentials(o.path, keys); !ok) return ok.failure();
    // From here on this device needs nothing more of the other one, whether it hears of that or not.
    static_cast<void>(put(*box, code, 1, encode_stored()));
    return keys;
}

/// Makes the file from the newest snapshot.
result<sqlite::vault> download(const join_options& o, const credentials& keys,
                               const progress_sink& progress) {
    auto relay = make_client(keys);
    if (!relay) return relay.failure();
    metered transport(*relay, progress);
    const openssl::vault_cipher cipher(keys.vault, keys.vault_key, keys.epoch);
    auto found = find_snapshot<openssl::snapshot_opener>(keys.vault, cipher, transport);
    if (!found) return found.failure();
    if (!*found)
        return error{errc::not_found,
                     "There is no snapshot of the vault at the relay. Nothing was changed. Run casasync pair "
                     "on the other device again, which offers one, and join with the new code."};
    return sqlite::vault::join(o.path, {keys.vault, keys.device, o.device_name, keys.relay},
                               (*found)->source(), (*found)->manifest().at);
}

}  // namespace

result<link> join_vault(const join_options& o, progress_sink progress) {
    const auto code = openssl::pairing_code::parse(o.code);
    if (!code) return code.failure();
    const auto origin = beast::parse_origin(o.relay);
    if (!origin) return origin.failure();
    const auto begun = find_begun(o.path, setup::join);
    if (!begun) return begun.failure();
    const bool same_code =
        *begun && (*begun)->pairing == code->mailbox() && !(*begun)->vault.is_zero();  // the keys came
    if (!same_code && is_vault(o.path)) return vault_exists(o.path);
    auto keys = same_code ? result<credentials>(**begun) : pair(o, origin->text, *code);
    if (!keys) return keys.failure();

    auto vault = is_vault(o.path) ? sqlite::vault::open(o.path) : download(o, *keys, progress);
    if (!vault) return vault.failure();
    auto device = link::make(std::move(*vault), o.path, *keys, std::move(progress));
    if (!device) return device.failure();
    if (auto synced = device->sync(); !synced) return synced.failure();
    keys->step = setup::done;
    keys->pairing.reset();
    if (auto ok = write_credentials(o.path, *keys); !ok) return ok.failure();
    return device;
}

}  // namespace casasync::agent
