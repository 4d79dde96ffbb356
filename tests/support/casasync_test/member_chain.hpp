// SPDX-License-Identifier: MIT
#pragma once

/// Lists of devices as devices make them: each entry signed, in order.
#include <casasync/members.hpp>
#include <casasync/openssl/identity.hpp>
#include <casasync/openssl/vault_keys.hpp>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <utility>
#include <vector>

namespace casasync_test {

/// Returns the same identity for the same number.
inline casasync::openssl::device_identity identity_of(std::uint8_t n) {
    casasync::openssl::device_identity out;
    out.signing.fill(n);
    out.agreement.fill(static_cast<std::uint8_t>(n ^ 0x80U));
    return out;
}

/// Signs `e` as `by` and returns its bytes.
inline casasync::bytes signed_entry(casasync::member_entry e, const casasync::openssl::device_identity& by) {
    e.signer = by.id();
    e.signature = casasync::openssl::sign(by.signing, casasync::signed_bytes(casasync::encode_unsigned(e)));
    return casasync::encode(e);
}

/// Returns an entry that follows the last one of `list`.
inline casasync::member_entry next_entry(const casasync::member_list& list,
                                         casasync::member_entry_kind kind) {
    casasync::member_entry e;
    e.kind = kind;
    e.index = static_cast<std::uint32_t>(list.entries().size());
    e.previous = list.head();
    e.vault = list.vault();
    e.created = 1'800'000'000;
    return e;
}

inline casasync::bytes first_entry(const casasync::openssl::device_identity& who) {
    return casasync::openssl::first_entry(who, {}, 1'800'000'000);
}

inline casasync::bytes add_entry(const casasync::member_list& list,
                                 const casasync::openssl::device_identity& who,
                                 const casasync::openssl::device_identity& by) {
    return casasync::openssl::add_entry(list, by, who.public_keys(), 1'800'000'000);
}

/// Returns the list of these, the first of whom made the vault and added the others.
inline casasync::member_list members_of(const std::vector<casasync::openssl::device_identity>& all) {
    casasync::member_list out;
    for (const auto& who : all) {
        const auto entry = out.entries().empty() ? first_entry(who) : add_entry(out, who, all.front());
        if (!out.append(entry, casasync::openssl::verifier{}))
            throw std::logic_error("a list that does not hold");
    }
    return out;
}

/// Returns the rotation that removes these; every stream ends at `seq`. Unsigned.
inline casasync::member_entry rotation_entry(const casasync::member_list& list,
                                             std::vector<casasync::device_id> removed, std::uint64_t seq) {
    casasync::member_entry e = next_entry(list, casasync::member_entry_kind::rotate);
    std::sort(removed.begin(), removed.end());
    for (const auto& [id, m] : list.devices()) {
        if (!m.active()) continue;
        e.ends.push_back({id, seq});
        if (!std::binary_search(removed.begin(), removed.end(), id)) e.wraps.push_back({id, {}});
    }
    e.removed = std::move(removed);
    return e;
}

}  // namespace casasync_test
