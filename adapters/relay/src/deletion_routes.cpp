// SPDX-License-Identifier: MIT
// A vault is deleted. How that is undone: attach, in member_routes.cpp.
#include "reply.hpp"
#include "routes.hpp"

#include <algorithm>

namespace casasync::relay {
namespace {

constexpr std::uint64_t deletion_skew_s_max = 300;
constexpr std::uint64_t deletion_nonce_s = 600;
constexpr std::uint64_t kept_s = std::uint64_t{30} * 24 * 3600;

std::optional<openssl::vault_deletion> deletion_of(const exchange& x) {
    const auto body = json_body(x);
    const auto created = body ? number_in(*body, "created") : std::nullopt;
    const auto nonce = body ? id_in<mailbox_id>(*body, "nonce") : std::nullopt;
    const auto* const value = body ? body->if_contains("signature") : nullptr;
    const auto signature = value != nullptr && value->is_string()
                               ? from_base64url(std::string_view(value->get_string()))
                               : result<bytes>(errc::malformed_text);
    if (!created || !nonce || !signature || signature->size() != 64) return std::nullopt;
    openssl::vault_deletion out{x.who->device, *created, nonce->octets, {}};
    std::copy(signature->begin(), signature->end(), out.signature.begin());
    return out;
}

verdict accepted(const stored_deletion& d) {
    return {json_answer(202, {{"purge_at", d.purge_at}}), true, std::nullopt, std::nullopt};
}

}  // namespace

answer vault_deleted(const stored_deletion& d) {
    return problem(410, "vault-deleted", "A device of the vault had it deleted.",
                   {{"purge_at", d.purge_at},
                    {"deletion",
                     {{"device", d.word.device.text()},
                      {"created", d.word.created},
                      {"nonce", to_base64url(d.word.nonce)},
                      {"signature", to_base64url(d.word.signature)}}}});
}

void delete_vault(context& c, const exchange_ptr& x) {
    const auto word = deletion_of(*x);
    if (!word) return reply(c.shared, x, malformed("The body has to be {created, nonce, signature}."));
    const std::uint64_t now = c.shared.now_s();
    if (std::max(now, word->created) - std::min(now, word->created) > deletion_skew_s_max)
        return reply(c.shared, x, clock_skew(now));
    const std::string authority = c.shared.names.accept(x->in.host).value_or("");
    write(c, x, [who = *x->who, word = *word, authority, now](write_store& store) {
        const auto before = store.deletions_read.find(who.vault_row);
        if (before && before->word == word) return accepted(*before);  // the answer was lost
        if (before) return refuse(vault_deleted(*before));
        if (!openssl::holds(word, authority, store.members_read.list(who.vault_row)))
            return refuse(malformed("The statement is not signed by this device for this relay and vault."));
        if (!store.members.use(word.nonce, now, deletion_nonce_s)) return refuse(unauthenticated());
        const stored_deletion d{word, now + kept_s};
        store.deletions.store(who.vault_row, d);
        verdict out = accepted(d);
        out.changed = who.vault.octets;
        return out;
    });
}

}  // namespace casasync::relay
