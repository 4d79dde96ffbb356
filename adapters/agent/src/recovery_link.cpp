// SPDX-License-Identifier: MIT
#include <casasync/agent/recovery_link.hpp>

#include "link_text.hpp"

#include <casasync/beast/origin.hpp>

#include <algorithm>

namespace casasync::agent {

namespace {

constexpr std::string_view recovery_prefix = "casasync://recover/1#";

error no_recovery_link() {
    return {
        errc::malformed_text,
        "The text is no recovery kit of this casasync: it is damaged, incomplete, or of a newer one. Nothing "
        "was sent. Give all of it, or type the kit's twelve words."};
}

}  // namespace

std::string recovery_link::text() const {
    return std::string(recovery_prefix) + "r=" + relay + "&v=" + vault.text() + "&k=" + to_base64url(secret);
}

result<recovery_link> recovery_link::parse(std::string_view text) {
    if (!text.starts_with(recovery_prefix) || text.size() > link_bytes_max) return no_recovery_link();
    std::string_view rest = text.substr(recovery_prefix.size());
    const auto relay = take_field(rest, "r="), vault = take_field(rest, "v="), key = take_field(rest, "k=");
    if (!relay || !vault || !key) return no_recovery_link();
    const auto origin = beast::parse_origin(*relay);
    if (!origin) return origin.failure();
    const auto id = vault_id::parse(*vault);
    const auto secret = from_base64url(*key);
    recovery_link out{origin->text, {}, {}};
    if (!id || !secret || secret->size() != out.secret.size()) return no_recovery_link();
    out.vault = *id;
    std::copy(secret->begin(), secret->end(), out.secret.begin());
    if (out.text() != text) return no_recovery_link();
    return out;
}

}  // namespace casasync::agent
