// SPDX-License-Identifier: MIT
#pragma once

/// The code that a person types to add a device: 128 random bits that name a mailbox at the relay and seal
/// what passes through it. The relay learns the mailbox and nothing of the secret.
///
///     code    = 26 characters of Crockford base32 for the secret, 2 check characters, in groups of 4
///     mailbox = HKDF-SHA256(secret, info "casasync/v1/mailbox"), 16 bytes
///     key     = HKDF-SHA256(secret, info "casasync/v1/pairing"), 32 bytes
///     message = nonce[24] || XAES-256-GCM(key, nonce, aad = "casasync/v1/pairing" || side || number, text)
#include <casasync/bytes.hpp>
#include <casasync/ids.hpp>
#include <casasync/limits.hpp>
#include <casasync/result.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace casasync::openssl {

/// Who wrote a pairing message. The value is the letter in the relay's path.
enum class pairing_side : char {
    old_device = 'a',  ///< opened the mailbox
    new_device = 'b',  ///< claimed it
};

inline constexpr std::size_t pairing_message_bytes_max = limits::mailbox_message_bytes_max - 40;

/// A pairing code. Whoever knows it can read the pairing: it is shown to one person, once.
class pairing_code {
 public:
    /// Returns a fresh code from `random`, which models random_source.
    template <class Random>
    [[nodiscard]] static pairing_code make(Random& random) {
        pairing_code code;
        random.fill(code.secret_);
        return code;
    }

    /// Returns the code that a person typed. Case, spaces and dashes do not matter; O is read as 0, I and L
    /// as 1.
    /// \errors malformed_text, with a sentence, when the characters cannot be a code or do not fit together.
    /// Any one wrong character and any two neighbours swapped are found.
    [[nodiscard]] static result<pairing_code> parse(std::string_view typed);

    /// Returns the code for people: "7KQ2-M4ZP-...", 7 groups of 4.
    [[nodiscard]] std::string text() const;

    /// Returns the relay's mailbox for this code.
    [[nodiscard]] mailbox_id mailbox() const;

    /// Returns message `number` (0 .. 7) of `from`, sealed. \errors limit_exceeded above
    /// pairing_message_bytes_max.
    [[nodiscard]] result<bytes> seal(pairing_side from, std::uint8_t number, bytes_view message) const;

    /// Returns the message that `from` sealed as its `number`. \errors pairing_wrong_code for bytes that this
    /// code does not open.
    [[nodiscard]] result<bytes> open(pairing_side from, std::uint8_t number, bytes_view sealed) const;

    friend bool operator==(const pairing_code&, const pairing_code&) = default;

 private:
    pairing_code() = default;

    std::array<std::uint8_t, 16> secret_{};
};

}  // namespace casasync::openssl
