// SPDX-License-Identifier: MIT
#include <casasync/openssl/vault_keys.hpp>

#include <casasync/openssl/hash.hpp>
#include <casasync/openssl/hpke.hpp>
#include <casasync/openssl/random.hpp>

#include <algorithm>

namespace casasync::openssl {
namespace {

/// Returns label || vault || epoch.
bytes about(std::string_view label, const vault_id& vault, std::uint32_t epoch) {
    bytes out(label.begin(), label.end());
    out.insert(out.end(), vault.octets.begin(), vault.octets.end());
    out.resize(out.size() + 4);
    detail::put_be(&out[out.size() - 4], epoch);
    return out;
}

digest256 check_of(const key256& vault_key) {
    bytes all(as_bytes("casasync/v1/kc").begin(), as_bytes("casasync/v1/kc").end());
    all.insert(all.end(), vault_key.begin(), vault_key.end());
    return sha256(all);
}

bytes signed_by(const device_identity& self, member_entry e) {
    e.signer = self.id();
    e.signature = sign(self.signing, signed_bytes(encode_unsigned(e)));
    return encode(e);
}

member_entry follow(const member_list& list, member_entry_kind kind, std::uint64_t created) {
    member_entry e;
    e.kind = kind;
    e.index = static_cast<std::uint32_t>(list.entries().size());
    e.previous = list.head();
    e.vault = list.vault();
    e.created = created;
    return e;
}

/// Seals the key of the epoch that ends under that of `epoch`, the next one.
std::array<std::uint8_t, 72> seal_previous(const vault_id& vault, std::uint32_t epoch, const rotation& what) {
    nonce192 nonce{};
    random{}.fill(nonce);
    const bytes sealed =
        aead_seal(what.next_key, nonce, about("casasync/v1/previous", vault, epoch), what.last_key).value();
    std::array<std::uint8_t, 72> out{};
    std::copy(nonce.begin(), nonce.end(), out.begin());
    std::copy(sealed.begin(), sealed.end(), out.begin() + nonce.size());
    return out;
}

result<key256> open_previous(const vault_id& vault, std::uint32_t epoch, const key256& key,
                             const member_entry& e) {
    nonce192 nonce{};
    std::copy_n(e.previous_key.begin(), nonce.size(), nonce.begin());
    const auto text = aead_open(key, nonce, about("casasync/v1/previous", vault, epoch),
                                bytes_view(e.previous_key).subspan(nonce.size()));
    if (!text) return text.failure();
    return to_key256(*text);
}

result<sealed_vault_key> wrap(const member_list& list, device_id device, std::uint32_t epoch,
                              const key256& vault_key) {
    key256 ephemeral{};
    random{}.fill(ephemeral);
    const auto sealed = hpke_seal(list.find(device)->keys.agreement, ephemeral,
                                  {about("casasync/v1/wrap", list.vault(), epoch), device.octets}, vault_key);
    if (!sealed) return sealed.failure();
    sealed_vault_key out{device, {}};
    std::copy(sealed->begin(), sealed->end(), out.sealed.begin());
    return out;
}

/// Returns the key of the list's newest epoch, out of the entry that began it.
result<key256> unwrap(const member_list& list, const device_identity& self) {
    const member_entry& e = list.beginning(list.epoch());
    const device_id id = self.id();
    const auto mine = std::find_if(e.wraps.begin(), e.wraps.end(),
                                   [&](const sealed_vault_key& k) { return k.device == id; });
    if (mine == e.wraps.end()) return errc::device_revoked;
    const auto text = hpke_open(
        self.agreement, {about("casasync/v1/wrap", list.vault(), list.epoch()), id.octets}, mine->sealed);
    if (!text) return text.failure();
    return to_key256(*text);
}

}  // namespace

bytes first_entry(const device_identity& self, const key256& vault_key, std::uint64_t created) {
    member_entry e = follow({}, member_entry_kind::first, created);
    e.keys = self.public_keys();
    e.key_check = check_of(vault_key);
    return signed_by(self, e);
}

bytes kit_entry(const member_list& list, const device_identity& self, const device_keys& kit,
                std::uint64_t created) {
    member_entry e = follow(list, member_entry_kind::kit, created);
    e.keys = kit;
    return signed_by(self, e);
}

bytes add_entry(const member_list& list, const device_identity& self, const device_keys& added,
                std::uint64_t created) {
    member_entry e = follow(list, member_entry_kind::add, created);
    e.keys = added;
    return signed_by(self, e);
}

bytes copy_entry(const member_list& list, const device_identity& self, const device_keys& added,
                 std::uint64_t created) {
    member_entry e = follow(list, member_entry_kind::copy, created);
    e.keys = added;
    return signed_by(self, e);
}

result<bytes> rotate_entry(const member_list& list, const device_identity& self, const rotation& what,
                           std::uint64_t created) {
    member_entry e = follow(list, member_entry_kind::rotate, created);
    const std::uint32_t epoch = list.epoch() + 1;
    e.key_check = check_of(what.next_key);
    e.previous_key = seal_previous(list.vault(), epoch, what);
    e.removed = what.removed;
    e.ends = what.ends;
    std::sort(e.removed.begin(), e.removed.end());
    std::sort(e.ends.begin(), e.ends.end(),
              [](const stream_end& a, const stream_end& b) { return a.device < b.device; });
    for (const auto& [id, m] : list.devices()) {
        if (!m.active() || std::binary_search(e.removed.begin(), e.removed.end(), id)) continue;
        auto sealed = wrap(list, id, epoch, what.next_key);
        if (!sealed) return sealed.failure();
        e.wraps.push_back(*sealed);
    }
    return signed_by(self, e);
}

result<vault_key_ring> open_vault_keys(const member_list& list, const device_identity& self,
                                       std::uint32_t epoch, const key256& last) {
    auto key = epoch == list.epoch() ? result<key256>(last) : unwrap(list, self);
    vault_key_ring out;
    for (std::uint32_t e = list.epoch(); e > 0; --e) {
        if (!key) return key.failure();
        const member_entry& began = list.beginning(e);
        if (check_of(*key) != began.key_check) return errc::members_fork;
        out.emplace(e, *key);
        if (e > 1) key = open_previous(list.vault(), e, *key, began);
    }
    return out;
}

}  // namespace casasync::openssl
