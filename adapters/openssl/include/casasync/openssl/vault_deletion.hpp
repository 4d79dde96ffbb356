// SPDX-License-Identifier: MIT
#pragma once

/// A device's word that its vault is to go from a relay. The relay keeps it, so that every other device can
/// see for itself who deleted the vault: docs/WIRE.md, "Deleting a vault".
#include <casasync/members.hpp>
#include <casasync/openssl/identity.hpp>

#include <array>
#include <cstdint>
#include <string_view>

namespace casasync::openssl {

struct vault_deletion {
    device_id device{};
    std::uint64_t created = 0;  ///< unix seconds
    std::array<std::uint8_t, 16> nonce{};
    signature512 signature{};

    friend bool operator==(const vault_deletion&, const vault_deletion&) = default;
};

/// Signs for one relay. \param authority  what its Host header is: request_signature.hpp
[[nodiscard]] vault_deletion delete_vault(const device_identity& by, std::string_view authority,
                                          vault_id vault, std::uint64_t created);

/// Tells whether a member of `list` signed this for this relay and vault. Thread-safe: pure.
[[nodiscard]] bool holds(const vault_deletion& word, std::string_view authority, const member_list& list);

}  // namespace casasync::openssl
