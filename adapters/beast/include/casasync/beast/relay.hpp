// SPDX-License-Identifier: MIT
#pragma once

/// What is asked of a relay before a device has a key there. Each call makes a connection of its own and
/// blocks. Errors in common: malformed_text (the URL), offline, wrong_relay, relay_unavailable,
/// too_many_requests, malformed_answer, each with a sentence.
#include <casasync/beast/origin.hpp>
#include <casasync/environment.hpp>
#include <casasync/ids.hpp>
#include <casasync/openssl/aead.hpp>
#include <casasync/result.hpp>

#include <cstdint>
#include <string>

namespace casasync::beast {

struct relay_info {
    unix_ms time = 0;        ///< the relay's clock, to the second
    bool long_poll = false;  ///< pull may wait for news
};

/// Returns what the relay says of itself; wrong_relay when something else answers there.
[[nodiscard]] result<relay_info> probe(const endpoint& at);

struct created_vault {
    generation_id generation{};
    openssl::key256 device_key{};
    std::uint64_t head = 0;
    std::uint64_t floor = 0;
};

/// Makes a vault and its first device. While nothing was pushed, the same call gives the same key again.
/// \param  token  what the relay's operator asks for, where he asks for one
/// \errors already_exists when the vault is in use; unauthenticated when a token is missing or wrong.
[[nodiscard]] result<created_vault> create_vault(const endpoint& at, vault_id vault, device_id device,
                                                 const std::string& token = {});

}  // namespace casasync::beast
