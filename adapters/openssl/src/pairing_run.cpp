// SPDX-License-Identifier: MIT
#include <casasync/openssl/pairing_run.hpp>

#include <casasync/openssl/hash.hpp>

#include <algorithm>
#include <utility>

namespace casasync::openssl {
namespace {

constexpr std::uint8_t proto = 1;
constexpr std::size_t way_bytes = 1 + spake2_message_bytes;
constexpr std::size_t confirmation_bytes = 32;

void add_bytes(bytes& to, bytes_view more) {
    to.insert(to.end(), more.begin(), more.end());
}

/// Returns what both sides must agree on besides the secret.
bytes context_of(const pairing_place& at) {
    bytes out;
    add_bytes(out, as_bytes("casasync/v1/pair"));
    out.push_back(static_cast<std::uint8_t>(at.origin.size() >> 8));
    out.push_back(static_cast<std::uint8_t>(at.origin.size()));
    add_bytes(out, as_bytes(at.origin));
    add_bytes(out, at.mailbox.view());
    out.push_back(proto);
    return out;
}

result<spake2_scalar> password_of(const pairing_place& at, const pairing_secret& secret) {
    bytes text{static_cast<std::uint8_t>(secret.how)};
    add_bytes(text, secret.value);
    bytes salt;
    add_bytes(salt, as_bytes("casasync/v1/pair"));
    add_bytes(salt, at.mailbox.view());
    return spake2_password(text, salt);
}

result<spake2_keys> finish(const spake2& run, bytes_view peer, const bytes& aad) {
    return run.finish(peer, {as_bytes("casasync-old"), as_bytes("casasync-new"), aad});
}

nonce192 nonce_of(std::uint8_t number) {
    nonce192 out{};
    out.back() = number;
    return out;
}

error wrong_guess() {
    return {errc::pairing_wrong_code,
            "The other side does not know this pairing code: it was mistyped there, or somebody tried to "
            "guess it. Your data is safe and nothing was changed. Make a new code."};
}

}  // namespace

pairing_channel::pairing_channel(const pairing_place& at, const spake2_keys& keys)
    : aad_(context_of(at)), keys_(keys) {}

key256 pairing_channel::key_of(pairing_side from) const {
    bytes info = aad_;
    info.push_back(static_cast<std::uint8_t>(from));
    return to_key256(hkdf_sha256(keys_.shared, keys_.transcript, info, 32)).value();
}

result<bytes> pairing_channel::seal(pairing_side from, std::uint8_t number, bytes_view message) const {
    if (message.size() > pairing_message_bytes_max) return errc::limit_exceeded;
    return aead_seal(key_of(from), nonce_of(number), {}, message);
}

result<bytes> pairing_channel::open(pairing_side from, std::uint8_t number, bytes_view sealed) const {
    auto opened = aead_open(key_of(from), nonce_of(number), {}, sealed);
    if (!opened)
        return error{errc::pairing_wrong_code,
                     "A pairing message was altered on its way. Your data is safe and nothing was changed. "
                     "Make a new code."};
    return opened;
}

unsigned pairing_channel::check(device_id new_device) const {
    bytes info;
    add_bytes(info, as_bytes("casasync/v1/check"));
    add_bytes(info, aad_);
    add_bytes(info, new_device.view());
    const bytes wide = hkdf_sha256(keys_.shared, {}, info, 8);
    std::uint64_t number = 0;
    for (const std::uint8_t b : wide) number = number << 8 | b;
    return static_cast<unsigned>(number % 90 + 10);
}

result<pairing_host> pairing_host::make(pairing_place at, std::span<const pairing_secret> secrets) {
    pairing_host out;
    random source;
    for (const pairing_secret& secret : secrets) {
        const auto password = password_of(at, secret);
        if (!password) return password.failure();
        out.ways_.push_back({secret.how, spake2(spake2_side::a, *password, source)});
    }
    out.at_ = std::move(at);
    return out;
}

bytes pairing_host::offer() const {
    bytes out;
    for (const way& w : ways_) {
        out.push_back(static_cast<std::uint8_t>(w.how));
        add_bytes(out, w.run.message());
    }
    return out;
}

result<pairing_host::met> pairing_host::receive(bytes_view answer) const {
    if (answer.size() != way_bytes + confirmation_bytes) return wrong_guess();
    const auto chosen = std::find_if(ways_.begin(), ways_.end(), [&](const way& w) {
        return static_cast<std::uint8_t>(w.how) == answer[0];
    });
    if (chosen == ways_.end()) return wrong_guess();
    const auto keys = finish(chosen->run, answer.subspan(1, spake2_message_bytes), context_of(at_));
    if (!keys || !equal_constant_time(keys->confirmation_b, answer.subspan(way_bytes))) return wrong_guess();
    const digest256& proof = keys->confirmation_a;
    return met{{proof.begin(), proof.end()}, pairing_channel(at_, *keys)};
}

result<pairing_guest> pairing_guest::make(pairing_place at, const pairing_secret& secret, bytes_view offer) {
    bytes_view theirs;
    for (; offer.size() >= way_bytes; offer = offer.subspan(way_bytes))
        if (offer[0] == static_cast<std::uint8_t>(secret.how))
            theirs = offer.subspan(1, spake2_message_bytes);
    if (!offer.empty()) return wrong_guess();
    if (theirs.empty())
        return error{errc::pairing_wrong_code,
                     "The other device takes no typed code now, because several were tried in vain. Use the "
                     "link or the QR code that it shows. Your data is safe and nothing was changed."};
    const auto password = password_of(at, secret);
    if (!password) return password.failure();
    random source;
    const spake2 run(spake2_side::b, *password, source);
    const auto keys = finish(run, theirs, context_of(at));
    if (!keys) return wrong_guess();
    pairing_guest out;
    out.at_ = std::move(at);
    out.keys_ = *keys;
    out.answer_.push_back(static_cast<std::uint8_t>(secret.how));
    add_bytes(out.answer_, run.message());
    add_bytes(out.answer_, keys->confirmation_b);
    return out;
}

result<pairing_channel> pairing_guest::confirm(bytes_view proof) const {
    if (!equal_constant_time(keys_.confirmation_a, proof)) return wrong_guess();
    return pairing_channel(at_, keys_);
}

}  // namespace casasync::openssl
