// SPDX-License-Identifier: MIT
#pragma once

/// What is asked of a relay before a device has a key there. Each call makes a connection of its own and
/// blocks. Errors in common: malformed_text (the URL), offline, wrong_relay, relay_unavailable,
/// too_many_requests, malformed_answer, each with a sentence.
#include <casasync/beast/origin.hpp>
#include <casasync/environment.hpp>
#include <casasync/ids.hpp>
#include <casasync/openssl/identity.hpp>
#include <casasync/result.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace casasync::beast {

struct relay_info {
    unix_ms time = 0;        ///< the relay's clock, to the second
    bool long_poll = false;  ///< pull may wait for news
    bool live = false;       ///< it has a live channel
};

/// Returns what the relay says of itself; wrong_relay when something else answers there.
[[nodiscard]] result<relay_info> probe(const endpoint& at);

struct attached_device {
    openssl::key256 device_key{};  ///< signs the device's requests; the same after each attach
    std::uint32_t key_version = 1;
};

/// Makes the device known to the relay, and with it the vault, if it is not there yet.
/// \param last_seq  of what the device has sent elsewhere: where its stream goes on if the relay does not
/// know it \param members  the vault's list of devices as it is known here, or nothing when the relay has it
/// \param token    what the relay's operator asks of those who make vaults, where he asks for one
/// \errors unauthenticated when the list does not have the device, or a token is missing or wrong;
/// device_revoked; members_fork when the relay has another list of this vault
[[nodiscard]] result<attached_device> attach(const endpoint& at, vault_id vault,
                                             const openssl::device_identity& self,
                                             const std::vector<bytes>& members, const std::string& token = {},
                                             std::uint64_t last_seq = 0);

}  // namespace casasync::beast
