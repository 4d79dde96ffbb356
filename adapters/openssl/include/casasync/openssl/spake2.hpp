// SPDX-License-Identifier: MIT
#pragma once

/// SPAKE2-P256-SHA256-HKDF-HMAC: two sides that know the same short password agree on a key, and whoever is
/// between them learns nothing that lets him try passwords: he has one guess a run.
/// Source: RFC 9382 (SPAKE2, a Password-Authenticated Key Exchange), with the points M and N of section 6.
#include <casasync/bytes.hpp>
#include <casasync/envelope.hpp>
#include <casasync/result.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace casasync::openssl {

enum class spake2_side : std::uint8_t { a, b };

/// A number below the order of P-256, big-endian.
using spake2_scalar = std::array<std::uint8_t, 32>;

inline constexpr std::size_t spake2_message_bytes = 65;  ///< an uncompressed point

/// Returns the password as a number: scrypt(secret, salt, N = 2^14, r = 8, p = 1, 40 bytes) mod n.
/// \errors invalid_argument for the one in 2^256 that gives 0
/// \cost   some 30 ms and 16 MiB. Thread-safe: pure.
[[nodiscard]] result<spake2_scalar> spake2_password(bytes_view secret, bytes_view salt);

/// What both sides know now. Wiped when it goes.
struct spake2_keys {
    std::array<std::uint8_t, 16> shared{};  ///< Ke
    digest256 transcript{};                 ///< SHA-256(TT): of everything that was said
    digest256 confirmation_a{};             ///< cA, by which A proves that it has the key
    digest256 confirmation_b{};             ///< cB; neither is compared but by equal_constant_time

    spake2_keys() = default;
    spake2_keys(const spake2_keys&) = default;
    spake2_keys& operator=(const spake2_keys&) = default;
    ~spake2_keys();
};

/// Both sides' names, and what else has to be the same on both. Views into the caller's bytes.
struct spake2_context {
    bytes_view name_a{}, name_b{}, aad{};
};

/// One side of one run; use it once. Its secret is wiped when it goes.
class spake2 {
 public:
    /// \param password  from spake2_password: not 0
    /// \param random    models random_source; 40 bytes are taken
    template <class Random>
    spake2(spake2_side side, const spake2_scalar& password, Random& random) : side_(side), w_(password) {
        std::array<std::uint8_t, 40> wide{};
        random.fill(wide);
        begin(wide);
    }
    spake2(const spake2&) = default;
    spake2& operator=(const spake2&) = default;
    ~spake2();

    /// Returns pA or pB, for the other side.
    [[nodiscard]] const std::array<std::uint8_t, spake2_message_bytes>& message() const noexcept {
        return message_;
    }

    /// Returns the keys that follow from the other side's message. They are good for nothing before the other
    /// side's confirmation was compared.
    /// \errors malformed_text for bytes that are no point of the curve, or one that makes the key 0
    [[nodiscard]] result<spake2_keys> finish(bytes_view peer, const spake2_context& context) const;

 private:
    void begin(std::array<std::uint8_t, 40>& wide);

    spake2_side side_;
    spake2_scalar w_{}, x_{};
    std::array<std::uint8_t, spake2_message_bytes> message_{};
};

}  // namespace casasync::openssl
