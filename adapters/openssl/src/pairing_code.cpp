// SPDX-License-Identifier: MIT
#include <casasync/openssl/pairing_code.hpp>

#include <casasync/openssl/aead.hpp>
#include <casasync/openssl/hash.hpp>
#include <casasync/openssl/random.hpp>

#include <algorithm>

namespace casasync::openssl {
namespace {

constexpr std::string_view digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";  // Crockford: no I, L, O, U
constexpr std::size_t secret_chars = 26;
constexpr std::size_t code_chars = secret_chars + 2;
constexpr unsigned check_modulus = 1021;  // the largest prime that two characters hold

using symbols = std::array<std::uint8_t, code_chars>;

/// Returns the digits read as one number in base 32, modulo a prime: another digit, or two neighbours
/// swapped, always gives another remainder.
unsigned check_of(const symbols& code) {
    unsigned rest = 0;
    for (std::size_t i = 0; i < secret_chars; ++i) rest = (rest * 32 + code[i]) % check_modulus;
    return rest;
}

/// Returns the value of a typed character, or 32 for one that no code has.
std::uint8_t value_of(char c) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (c == 'O') c = '0';
    if (c == 'I' || c == 'L') c = '1';
    return static_cast<std::uint8_t>(std::min(digits.find(c), digits.size()));
}

/// Returns the 128 bits as 26 digits, the first of which holds 3 bits, and the two check digits.
symbols encode(const std::array<std::uint8_t, 16>& secret) {
    symbols code{};
    for (std::size_t bit = 0; bit < 128; ++bit) {
        const unsigned one = (secret[bit / 8] >> (7 - bit % 8)) & 1U;
        const std::size_t place = bit + 2;
        code[place / 5] = static_cast<std::uint8_t>(code[place / 5] | (one << (4 - place % 5)));
    }
    const unsigned check = check_of(code);
    code[secret_chars] = static_cast<std::uint8_t>(check / 32);
    code[secret_chars + 1] = static_cast<std::uint8_t>(check % 32);
    return code;
}

std::array<std::uint8_t, 16> decode(const symbols& code) {
    std::array<std::uint8_t, 16> secret{};
    for (std::size_t bit = 0; bit < 128; ++bit) {
        const std::size_t place = bit + 2;
        const unsigned one = (code[place / 5] >> (4 - place % 5)) & 1U;
        secret[bit / 8] = static_cast<std::uint8_t>(secret[bit / 8] | (one << (7 - bit % 8)));
    }
    return secret;
}

key256 message_key(bytes_view secret) {
    return to_key256(hkdf_sha256(secret, {}, as_bytes("casasync/v1/pairing"), 32)).value();
}

bytes associated_data(pairing_side from, std::uint8_t number) {
    const bytes_view label = as_bytes("casasync/v1/pairing");
    bytes out(label.begin(), label.end());
    out.push_back(static_cast<std::uint8_t>(from));
    out.push_back(number);
    return out;
}

}  // namespace

result<pairing_code> pairing_code::parse(std::string_view typed) {
    symbols code{};
    std::size_t n = 0;
    for (const char c : typed) {
        if (c == '-' || c == ' ' || c == '\t' || c == '\n' || c == '\r') continue;
        const std::uint8_t value = value_of(c);
        if (value >= digits.size())
            return error{errc::malformed_text,
                         "The pairing code has a character that no code has; it is made of digits and the "
                         "letters A to Z without I, L, O and U."};
        if (n < code_chars) code[n] = value;
        ++n;
    }
    if (n != code_chars)
        return error{errc::malformed_text, "The pairing code has " + std::to_string(n) +
                                               " characters instead of " + std::to_string(code_chars) +
                                               "; type all of it as the other device shows it."};
    if (code[0] > 7 || check_of(code) != code[secret_chars] * 32U + code[secret_chars + 1])
        return error{
            errc::malformed_text,
            "The pairing code has a typing mistake; compare it with the one the other device shows."};
    pairing_code out;
    out.secret_ = decode(code);
    return out;
}

std::string pairing_code::text() const {
    const symbols code = encode(secret_);
    std::string out;
    for (std::size_t i = 0; i < code_chars; ++i) {
        if (i > 0 && i % 4 == 0) out += '-';
        out += digits[code[i]];
    }
    return out;
}

mailbox_id pairing_code::mailbox() const {
    return mailbox_id::from(hkdf_sha256(secret_, {}, as_bytes("casasync/v1/mailbox"), 16)).value();
}

result<bytes> pairing_code::seal(pairing_side from, std::uint8_t number, bytes_view message) const {
    if (message.size() > pairing_message_bytes_max) return errc::limit_exceeded;
    nonce192 nonce{};
    random{}.fill(nonce);
    auto sealed = aead_seal(message_key(secret_), nonce, associated_data(from, number), message);
    if (sealed) sealed->insert(sealed->begin(), nonce.begin(), nonce.end());
    return sealed;
}

result<bytes> pairing_code::open(pairing_side from, std::uint8_t number, bytes_view sealed) const {
    const error wrong{errc::pairing_wrong_code,
                      "The pairing message does not open with this code. Nothing was changed; ask the other "
                      "device for a new code."};
    nonce192 nonce{};
    if (sealed.size() < nonce.size()) return wrong;
    std::copy_n(sealed.begin(), nonce.size(), nonce.begin());
    auto message =
        aead_open(message_key(secret_), nonce, associated_data(from, number), sealed.subspan(nonce.size()));
    if (!message) return wrong;
    return message;
}

}  // namespace casasync::openssl
