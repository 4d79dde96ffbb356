// SPDX-License-Identifier: MIT
#include <casasync/openssl/pairing_code.hpp>

#include <algorithm>

namespace casasync::openssl {
namespace {

constexpr std::string_view digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";  // Crockford: no I, L, O, U
constexpr std::size_t slot_chars = 4;
constexpr std::size_t code_chars = 11;

/// Returns x times the generator of GF(32), made with x^5 + x^2 + 1.
std::uint8_t times_generator(std::uint8_t x) {
    const unsigned doubled = x * 2U;
    return static_cast<std::uint8_t>(doubled < 32 ? doubled : doubled ^ 0x25U);
}

/// Returns the sum of the symbols, each times another power of the generator (the last times the first
/// power, the check itself counts once): one other symbol, or two changed about, is always another sum.
std::uint8_t check_of(const std::array<std::uint8_t, 10>& symbols) {
    std::uint8_t sum = 0;
    for (const std::uint8_t s : symbols) sum = times_generator(static_cast<std::uint8_t>(sum ^ s));
    return sum;
}

/// Returns the value of a typed character, or 32 for one that no code has.
std::uint8_t value_of(char c) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (c == 'O') c = '0';
    if (c == 'I' || c == 'L') c = '1';
    return static_cast<std::uint8_t>(std::min(digits.find(c), digits.size()));
}

}  // namespace

std::optional<pairing_slot> pairing_slot::parse(std::string_view text) {
    if (text.size() != slot_chars) return std::nullopt;
    std::uint32_t number = 0;
    for (const char c : text) {
        const std::size_t value = digits.find(c);
        if (value == std::string_view::npos) return std::nullopt;
        number = number * 32 + static_cast<std::uint32_t>(value);
    }
    return pairing_slot(number);
}

std::string pairing_slot::text() const {
    std::string out(slot_chars, '0');
    for (std::size_t i = 0; i < slot_chars; ++i)
        out[i] = digits[(number_ >> (5 * (slot_chars - 1 - i))) % 32];
    return out;
}

result<pairing_code> pairing_code::parse(std::string_view typed) {
    std::array<std::uint8_t, code_chars> read{};
    std::size_t n = 0;
    for (const char c : typed) {
        if (c == '-' || c == ' ' || c == '\t' || c == '\n' || c == '\r') continue;
        const std::uint8_t value = value_of(c);
        if (value >= digits.size())
            return error{errc::malformed_text,
                         "The pairing code has a character that no code has; it is made of digits and the "
                         "letters A to Z without I, L, O and U. Nothing was sent."};
        if (n < code_chars) read[n] = value;
        ++n;
    }
    if (n != code_chars)
        return error{errc::malformed_text, "The pairing code has " + std::to_string(n) +
                                               " characters instead of " + std::to_string(code_chars) +
                                               "; type all of it as the other device shows it. Nothing was "
                                               "sent."};
    pairing_code out;
    std::copy_n(read.begin(), out.symbols_.size(), out.symbols_.begin());
    if (check_of(out.symbols_) != read.back())
        return error{errc::malformed_text,
                     "The pairing code has a typing mistake; compare it with the one the other device shows. "
                     "Nothing was sent."};
    return out;
}

std::string pairing_code::text() const {
    std::string out;
    for (std::size_t i = 0; i < code_chars; ++i) {
        if (i == 4 || i == 8) out += '-';
        out += digits[i < symbols_.size() ? symbols_[i] : check_of(symbols_)];
    }
    return out;
}

pairing_slot pairing_code::slot() const noexcept {
    std::uint32_t number = 0;
    for (std::size_t i = 0; i < slot_chars; ++i) number = number * 32 + symbols_[i];
    return pairing_slot(number);
}

void pairing_code::write_slot(pairing_slot slot) noexcept {
    for (std::size_t i = 0; i < slot_chars; ++i)
        symbols_[i] = static_cast<std::uint8_t>((slot.number() >> (5 * (slot_chars - 1 - i))) % 32);
}

pairing_secret pairing_code::secret() const {
    pairing_secret out;
    for (std::size_t i = slot_chars; i < symbols_.size(); ++i)
        out.value.push_back(static_cast<std::uint8_t>(digits[symbols_[i]]));
    return out;
}

}  // namespace casasync::openssl
