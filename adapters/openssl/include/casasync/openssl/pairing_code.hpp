// SPDX-License-Identifier: MIT
#pragma once

/// The code that a person types to add a device: "7KQ2-M4ZP-9TX".
///
///     slot      4 characters: which pairing it is at the relay; public
///     password  6 characters, 30 random bits: what both devices prove to each other that they know
///     check     1 character: a typing mistake is found before anything is sent
///
/// The characters are Crockford's base 32. The check makes the eleven a codeword over GF(32): any one wrong
/// character and any two that changed places are found.
#include <casasync/bytes.hpp>
#include <casasync/result.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace casasync::openssl {

/// Number of a pairing at a relay: 20 bits.
class pairing_slot {
 public:
    static constexpr std::uint32_t count = std::uint32_t{1} << 20;

    /// Returns a slot from `random`, which models random_source.
    template <class Random>
    [[nodiscard]] static pairing_slot make(Random& random) {
        std::array<std::uint8_t, 3> data{};
        random.fill(data);
        const std::uint32_t wide = (std::uint32_t{data[0]} << 16) | (std::uint32_t{data[1]} << 8) | data[2];
        return pairing_slot(wide % count);
    }
    /// Returns the slot of exactly the 4 characters that text() writes.
    [[nodiscard]] static std::optional<pairing_slot> parse(std::string_view text);

    [[nodiscard]] std::string text() const;
    [[nodiscard]] std::uint32_t number() const noexcept { return number_; }

    friend bool operator==(const pairing_slot&, const pairing_slot&) = default;

 private:
    friend class pairing_code;
    explicit pairing_slot(std::uint32_t number) noexcept : number_(number) {}

    std::uint32_t number_ = 0;
};

/// What both devices know and the relay does not.
struct pairing_secret {
    /// How it came to the new device. The value is its first byte where a key is made of it.
    enum class kind : std::uint8_t { typed = 't', scanned = 'q' };

    kind how = kind::typed;
    bytes value{};  ///< the 6 characters of a code, or the 16 random bytes of a link

    friend bool operator==(const pairing_secret&, const pairing_secret&) = default;
};

/// A pairing code. Whoever knows it while it is good can become a device: it is shown to one person, once.
class pairing_code {
 public:
    /// Returns a code for this slot with a fresh password from `random`, which models random_source.
    template <class Random>
    [[nodiscard]] static pairing_code make(pairing_slot slot, Random& random) {
        std::array<std::uint8_t, 6> data{};
        random.fill(data);
        pairing_code out;
        out.write_slot(slot);
        for (std::size_t i = 0; i < data.size(); ++i)
            out.symbols_[4 + i] = static_cast<std::uint8_t>(data[i] % 32);
        return out;
    }

    /// Returns the code that a person typed. Case, spaces and dashes do not matter; O is read as 0, I and L
    /// as 1. \errors malformed_text, with a sentence, when the characters cannot be a code or do not fit
    /// together
    [[nodiscard]] static result<pairing_code> parse(std::string_view typed);

    /// Returns the code for people: "7KQ2-M4ZP-9TX".
    [[nodiscard]] std::string text() const;
    [[nodiscard]] pairing_slot slot() const noexcept;
    [[nodiscard]] pairing_secret secret() const;

    friend bool operator==(const pairing_code&, const pairing_code&) = default;

 private:
    pairing_code() = default;
    void write_slot(pairing_slot slot) noexcept;

    std::array<std::uint8_t, 10> symbols_{};  ///< of slot and password, 0 .. 31 each
};

}  // namespace casasync::openssl
