// SPDX-License-Identifier: MIT
#pragma once

/// How two devices prove to each other, through a mailbox that others may read and write, that they know the
/// same code, and what they then say to each other in secret: docs/WIRE.md, "Pairing".
///
///     host  -> guest, 0   for each way to know a secret: kind u8, pA[65]
///     guest -> host,  0   kind u8, pB[65], cB[32]
///     host  -> guest, 1   cA[32]; only after cB was found right
///     both,  1 or 2 ..    sealed
#include <casasync/bytes.hpp>
#include <casasync/ids.hpp>
#include <casasync/limits.hpp>
#include <casasync/openssl/aead.hpp>
#include <casasync/openssl/pairing_code.hpp>
#include <casasync/openssl/random.hpp>
#include <casasync/openssl/spake2.hpp>
#include <casasync/result.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace casasync::openssl {

/// Who wrote a pairing message. The value is the letter in the relay's path.
enum class pairing_side : char {
    old_device = 'a',  ///< the host: made the pairing, SPAKE2's A
    new_device = 'b',  ///< the guest: claimed it, SPAKE2's B
};

inline constexpr std::size_t pairing_message_bytes_max = limits::mailbox_message_bytes_max - aead_tag_bytes;

/// Where a run takes place. A secret that is tried elsewhere gives other keys.
struct pairing_place {
    std::string origin{};  ///< the relay's URL, normalised
    mailbox_id mailbox{};
};

/// What two devices can say to each other once each has proved that it knows the secret.
class pairing_channel {
 public:
    /// Returns message `number` (0 .. 7) of `from`, sealed. Each number seals one message.
    /// \errors limit_exceeded above pairing_message_bytes_max
    [[nodiscard]] result<bytes> seal(pairing_side from, std::uint8_t number, bytes_view message) const;
    /// Returns the message that `from` sealed as its `number`. \errors pairing_wrong_code for other bytes
    [[nodiscard]] result<bytes> open(pairing_side from, std::uint8_t number, bytes_view sealed) const;

    /// Returns the two digits, 10 .. 99, that the new device shows and a person types on the old one.
    [[nodiscard]] unsigned check(device_id new_device) const;

 private:
    friend class pairing_host;
    friend class pairing_guest;
    pairing_channel(const pairing_place& at, const spake2_keys& keys);
    [[nodiscard]] key256 key_of(pairing_side from) const;

    bytes aad_{};
    spake2_keys keys_{};
};

/// The side of a run that has the vault.
class pairing_host {
 public:
    /// \param secrets  each another kind \errors those of spake2_password
    [[nodiscard]] static result<pairing_host> make(pairing_place at, std::span<const pairing_secret> secrets);

    /// Returns message 0.
    [[nodiscard]] bytes offer() const;

    struct met {
        bytes proof{};  ///< message 1
        pairing_channel channel;
    };
    /// Returns how to go on after the guest's message 0. That was its one guess.
    /// \errors pairing_wrong_code
    [[nodiscard]] result<met> receive(bytes_view answer) const;

 private:
    struct way {
        pairing_secret::kind how{};
        spake2 run;
    };
    pairing_host() = default;

    pairing_place at_{};
    std::vector<way> ways_{};
};

/// The side that wants to become a device.
class pairing_guest {
 public:
    /// Takes the host's message 0. \errors pairing_wrong_code when it has no such kind, or makes no sense;
    /// those of spake2_password
    [[nodiscard]] static result<pairing_guest> make(pairing_place at, const pairing_secret& secret,
                                                    bytes_view offer);

    /// Returns message 0. It lets whoever gets it try one secret, so each one that is sent is a guess given.
    [[nodiscard]] const bytes& answer() const noexcept { return answer_; }
    /// Takes the host's message 1. \errors pairing_wrong_code: whoever is there does not know the secret
    [[nodiscard]] result<pairing_channel> confirm(bytes_view proof) const;

 private:
    pairing_guest() = default;

    pairing_place at_{};
    spake2_keys keys_{};
    bytes answer_{};
};

}  // namespace casasync::openssl
