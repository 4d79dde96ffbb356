// SPDX-License-Identifier: MIT
#include <casasync/openssl/vault_deletion.hpp>

#include <casasync/openssl/random.hpp>

namespace casasync::openssl {
namespace {

/// Returns what is signed.
bytes deletion_text(const vault_deletion& word, std::string_view authority, vault_id vault) {
    std::array<std::uint8_t, 8> created{};
    detail::put_be(created.data(), word.created);
    bytes out;
    for (const bytes_view part : {as_bytes("casasync/v1/delete"), as_bytes(authority), vault.view(),
                                  bytes_view(created), bytes_view(word.nonce)})
        out.insert(out.end(), part.begin(), part.end());
    return out;
}

}  // namespace

vault_deletion delete_vault(const device_identity& by, std::string_view authority, vault_id vault,
                            std::uint64_t created) {
    vault_deletion out{by.id(), created, {}, {}};
    random{}.fill(out.nonce);
    out.signature = sign(by.signing, deletion_text(out, authority, vault));
    return out;
}

bool holds(const vault_deletion& word, std::string_view authority, const member_list& list) {
    const member_device* const by = list.find(word.device);
    return by != nullptr && by->active() &&
           is_signed(by->keys.signing, deletion_text(word, authority, list.vault()), word.signature);
}

}  // namespace casasync::openssl
