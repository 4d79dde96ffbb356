// SPDX-License-Identifier: MIT
#include <casasync/agent/pairing_link.hpp>

#include "link_text.hpp"

#include <casasync/beast/origin.hpp>

#include <algorithm>

namespace casasync::agent {
namespace {

constexpr std::string_view scheme = "casasync:";
constexpr std::string_view prefix = "casasync://pair/1#";

error no_link() {
    return {errc::malformed_text,
            "The pairing link is damaged or incomplete. Nothing was sent. Copy all of it, in quotation marks "
            "on a command line, or type the code that the other device shows."};
}

}  // namespace

bool looks_like_link(std::string_view text) noexcept {
    return text.starts_with(scheme);
}

std::string pairing_link::text() const {
    return std::string(prefix) + "r=" + relay + "&s=" + slot.text() + "&m=" + mailbox.text() +
           "&k=" + to_base64url(key);
}

openssl::pairing_secret pairing_link::secret() const {
    return {openssl::pairing_secret::kind::scanned, {key.begin(), key.end()}};
}

result<pairing_link> pairing_link::parse(std::string_view text) {
    if (looks_like_link(text) && text.size() <= link_bytes_max && !text.starts_with(prefix))
        return error{errc::malformed_text,
                     "This casasync does not know such a link: it may be of a newer one. Nothing was sent. "
                     "Update casasync on both devices."};
    if (!text.starts_with(prefix) || text.size() > link_bytes_max) return no_link();
    std::string_view rest = text.substr(prefix.size());
    const auto relay = take_field(rest, "r="), slot = take_field(rest, "s="),
               mailbox = take_field(rest, "m="), key = take_field(rest, "k=");
    if (!relay || !slot || !mailbox || !key) return no_link();
    const auto origin = beast::parse_origin(*relay);
    if (!origin) return origin.failure();
    const auto number = openssl::pairing_slot::parse(*slot);
    const auto box = mailbox_id::parse(*mailbox);
    const auto secret = from_base64url(*key);
    if (!number || !box || !secret || secret->size() != 16) return no_link();
    pairing_link out{origin->text, *number, *box, {}};
    std::copy(secret->begin(), secret->end(), out.key.begin());
    if (out.text() != text) return no_link();
    return out;
}

}  // namespace casasync::agent
