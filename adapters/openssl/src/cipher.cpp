// SPDX-License-Identifier: MIT
#include <casasync/openssl/cipher.hpp>

#include <casasync/openssl/hash.hpp>
#include <casasync/openssl/random.hpp>

#include <algorithm>
#include <bit>
#include <utility>

namespace casasync::openssl {
namespace {

constexpr std::size_t length_bytes = 4;
constexpr std::size_t keys_bytes = 64;
constexpr std::size_t author_bytes = keys_bytes + sizeof(signature512);
constexpr std::size_t front_bytes = length_bytes + author_bytes;
constexpr std::size_t padded_bytes_min = 256;

/// Returns the key for one kind of one device's envelopes.
key256 envelope_key(const key256& vault_key, const envelope_header& head) {
    const bytes_view label = as_bytes("casasync/v1/env");
    bytes info(label.begin(), label.end());
    info.insert(info.end(), head.device.octets.begin(), head.device.octets.end());
    info.push_back(static_cast<std::uint8_t>(head.kind));
    return to_key256(hkdf_sha256(vault_key, head.vault.view(), info, 32)).value();
}

/// Returns what the author signs: everything of the header that is bound, and the payload.
bytes signed_text(bytes_view authenticated, bytes_view payload) {
    const digest256 hash = sha256(payload);
    bytes out;
    for (const bytes_view part : {as_bytes("casasync/v1/env"), authenticated, bytes_view(hash)})
        out.insert(out.end(), part.begin(), part.end());
    return out;
}

/// Returns length || author's public keys || signature || payload || zeros.
bytes pad(const device_keys& author, const signature512& s, bytes_view payload) {
    bytes out(padded_size(front_bytes + payload.size()));
    detail::put_be(out.data(), static_cast<std::uint32_t>(payload.size()));
    auto at = out.begin() + length_bytes;
    at = std::copy(author.signing.begin(), author.signing.end(), at);
    at = std::copy(author.agreement.begin(), author.agreement.end(), at);
    at = std::copy(s.begin(), s.end(), at);
    std::copy(payload.begin(), payload.end(), at);
    return out;
}

const error& altered() {
    static const error why{errc::authentication_failed,
                           "A changeset opens but is not what its author would have written; nothing of it "
                           "was applied."};
    return why;
}

/// Returns where in `text` the payload is. \errors authentication_failed: whoever holds the key did not
/// write this with seal().
result<bytes_view> unpad(bytes_view text) {
    if (text.size() < front_bytes) return altered();
    const auto size = detail::get_be<std::uint32_t>(text.data());
    if (size > text.size() - front_bytes || padded_size(front_bytes + size) != text.size()) return altered();
    const bytes_view zeros = text.subspan(front_bytes + size);
    if (!std::all_of(zeros.begin(), zeros.end(), [](std::uint8_t b) { return b == 0; })) return altered();
    return text.subspan(front_bytes, size);
}

/// Tells whether the device that the header names wrote this.
bool is_authors(const envelope_header& head, bytes_view authenticated, bytes_view text, bytes_view payload) {
    device_keys author;
    signature512 s{};
    auto at = text.begin() + length_bytes;
    std::copy_n(at, author.signing.size(), author.signing.begin());
    std::copy_n(at + 32, author.agreement.size(), author.agreement.begin());
    std::copy_n(at + keys_bytes, s.size(), s.begin());
    return device_of(author, verifier{}) == head.device &&
           is_signed(author.signing, signed_text(authenticated, payload), s);
}

}  // namespace

std::size_t padded_size(std::size_t size) noexcept {
    if (size <= padded_bytes_min) return padded_bytes_min;
    const auto exponent = static_cast<unsigned>(std::bit_width(size)) - 1;
    const auto kept = static_cast<unsigned>(std::bit_width(exponent));
    const std::size_t mask = (std::size_t{1} << (exponent - kept)) - 1;
    return (size + mask) & ~mask;
}

vault_cipher::vault_cipher(member_list members, vault_key_ring keys, const device_identity& self)
    : members_(std::move(members)),
      keys_(std::move(keys)),
      signing_(self.signing),
      self_(self.public_keys()),
      device_(self.id()) {}

void vault_cipher::update(member_list members, vault_key_ring keys) {
    members_ = std::move(members);
    keys_ = std::move(keys);
}

bool vault_cipher::admits(const envelope_header& head) const {
    if (head.vault != members_.vault() || !keys_.contains(head.epoch)) return false;
    if (head.kind == envelope_kind::snapshot_manifest) return members_.is_active(head.device);
    return members_.admits(head.device, head.epoch, head.seq);
}

result<bytes> vault_cipher::seal(const envelope_header& head, bytes_view payload) {
    if (payload.size() > limits::envelope_payload_bytes_max) return errc::limit_exceeded;
    if (head.vault != members_.vault() || head.device != device_) return errc::invalid_argument;
    const auto key = keys_.find(members_.epoch());
    if (key == keys_.end() || !members_.is_active(device_)) return errc::device_revoked;
    envelope_header full = head;
    full.epoch = key->first;
    random{}.fill(full.nonce);
    full.ciphertext_bytes = static_cast<std::uint32_t>(padded_size(front_bytes + payload.size()));
    const auto header = encode_header(full);
    const bytes_view authenticated = bytes_view(header).first(envelope_authenticated_bytes);
    const bytes text = pad(self_, sign(signing_, signed_text(authenticated, payload)), payload);
    auto sealed = aead_seal(envelope_key(key->second, full), full.nonce, authenticated, text);
    if (!sealed) return sealed;
    sealed->insert(sealed->begin(), header.begin(), header.end());
    return sealed;
}

result<bytes> vault_cipher::open(bytes_view envelope) const {
    const auto head = decode_header(envelope);
    if (!head) return head.failure();
    if (!admits(*head)) return errc::authentication_failed;
    const bytes_view authenticated = envelope.first(envelope_authenticated_bytes);
    const auto text = aead_open(envelope_key(keys_.at(head->epoch), *head), head->nonce, authenticated,
                                envelope.subspan(envelope_header_bytes));
    if (!text) return text.failure();
    const auto payload = unpad(*text);
    if (!payload) return payload.failure();
    if (!is_authors(*head, authenticated, *text, *payload)) return altered();
    return bytes(payload->begin(), payload->end());
}

std::optional<digest256> vault_cipher::members_head(std::uint32_t count) const {
    if (count > members_.entries().size()) return std::nullopt;
    return count == 0 ? digest256{} : sha256(members_.entries()[count - 1]);
}

digest256 vault_cipher::digest(bytes_view data) const {
    return sha256(data);
}

}  // namespace casasync::openssl
