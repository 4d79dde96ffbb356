// SPDX-License-Identifier: MIT
#include <casasync/openssl/cipher.hpp>

#include <casasync/openssl/hash.hpp>
#include <casasync/openssl/random.hpp>

#include <algorithm>
#include <bit>

namespace casasync::openssl {
namespace {

constexpr std::size_t length_bytes = 4;
constexpr std::size_t padded_bytes_min = 256;

/// Returns the key for one kind of one device's envelopes.
key256 envelope_key(const key256& vault_key, const envelope_header& head) {
    const bytes_view label = as_bytes("casasync/v1/env");
    bytes info(label.begin(), label.end());
    info.insert(info.end(), head.device.octets.begin(), head.device.octets.end());
    info.push_back(static_cast<std::uint8_t>(head.kind));
    return to_key256(hkdf_sha256(vault_key, head.vault.view(), info, 32)).value();
}

/// Returns length || payload || zeros.
bytes pad(bytes_view payload) {
    bytes out(padded_size(length_bytes + payload.size()));
    detail::put_be(out.data(), static_cast<std::uint32_t>(payload.size()));
    std::copy(payload.begin(), payload.end(), out.begin() + length_bytes);
    return out;
}

/// Returns the payload that pad() was given. \errors authentication_failed: whoever holds the key did not
/// write this with seal().
result<bytes> unpad(bytes_view text) {
    const error altered{errc::authentication_failed,
                        "A changeset opens but its padding is wrong; nothing of it was applied."};
    if (text.size() < length_bytes) return altered;
    const auto size = detail::get_be<std::uint32_t>(text.data());
    if (size > text.size() - length_bytes || padded_size(length_bytes + size) != text.size()) return altered;
    const bytes_view zeros = text.subspan(length_bytes + size);
    if (!std::all_of(zeros.begin(), zeros.end(), [](std::uint8_t b) { return b == 0; })) return altered;
    const bytes_view payload = text.subspan(length_bytes, size);
    return bytes(payload.begin(), payload.end());
}

}  // namespace

std::size_t padded_size(std::size_t size) noexcept {
    if (size <= padded_bytes_min) return padded_bytes_min;
    const auto exponent = static_cast<unsigned>(std::bit_width(size)) - 1;
    const auto kept = static_cast<unsigned>(std::bit_width(exponent));
    const std::size_t mask = (std::size_t{1} << (exponent - kept)) - 1;
    return (size + mask) & ~mask;
}

vault_cipher::vault_cipher(vault_id vault, const key256& key, std::uint32_t epoch) : vault_(vault) {
    add_key(epoch, key);
}

void vault_cipher::add_key(std::uint32_t epoch, const key256& key) {
    keys_.insert_or_assign(epoch, key);
}

const key256* vault_cipher::key_of(const envelope_header& head) const noexcept {
    const auto it = keys_.find(head.epoch);
    return head.vault == vault_ && it != keys_.end() ? &it->second : nullptr;
}

result<bytes> vault_cipher::seal(const envelope_header& head, bytes_view payload) {
    if (payload.size() > limits::part_payload_bytes_max) return errc::limit_exceeded;
    const key256* key = key_of(head);
    if (key == nullptr) return errc::invalid_argument;
    const bytes text = pad(payload);
    envelope_header full = head;
    random{}.fill(full.nonce);
    full.ciphertext_bytes = static_cast<std::uint32_t>(text.size());
    const auto header = encode_header(full);
    auto sealed = aead_seal(envelope_key(*key, full), full.nonce,
                            bytes_view(header).first(envelope_authenticated_bytes), text);
    if (!sealed) return sealed;
    sealed->insert(sealed->begin(), header.begin(), header.end());
    return sealed;
}

result<bytes> vault_cipher::open(bytes_view envelope) const {
    const auto head = decode_header(envelope);
    if (!head) return head.failure();
    const key256* key = key_of(*head);
    if (key == nullptr) return errc::authentication_failed;
    const auto text =
        aead_open(envelope_key(*key, *head), head->nonce, envelope.first(envelope_authenticated_bytes),
                  envelope.subspan(envelope_header_bytes));
    if (!text) return text.failure();
    return unpad(*text);
}

digest256 vault_cipher::digest(bytes_view data) const {
    return sha256(data);
}

}  // namespace casasync::openssl
