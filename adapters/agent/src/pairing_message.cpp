// SPDX-License-Identifier: MIT
#include "pairing_message.hpp"

#include "json_members.hpp"

#include <casasync/openssl/pairing_run.hpp>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>

namespace casasync::agent {
namespace {

constexpr std::uint64_t proto = 1;
constexpr std::size_t name_shown_max = 200;

/// Returns the beginning of a name that is shown to a person, cut between characters, so that every message
/// fits into a mailbox.
std::string clipped(const std::string& name) {
    std::size_t size = std::min(name.size(), name_shown_max);
    while (size > 0 && size < name.size() && (static_cast<unsigned char>(name[size]) & 0xC0U) == 0x80U)
        --size;
    return name.substr(0, size);
}

bytes to_bytes(const boost::json::object& message) {
    const std::string text = boost::json::serialize(message);
    return {text.begin(), text.end()};
}

std::string_view text_of(bytes_view data) {
    return {reinterpret_cast<const char*>(data.data()), data.size()};
}

error malformed() {
    return {errc::malformed_answer,
            "The other device speaks another language, as a newer casasync may. Nothing was changed. Update "
            "casasync on both devices and pair again."};
}

}  // namespace

bytes encode(const hello& m) {
    return to_bytes({{"proto", proto},
                     {"signing", to_base64url(m.keys.signing)},
                     {"agreement", to_base64url(m.keys.agreement)},
                     {"name", clipped(m.name)},
                     {"platform", clipped(m.platform)}});
}

bytes encode(const welcome& m) {
    boost::json::array devices;
    for (const std::string& name : m.devices) devices.push_back(boost::json::value(clipped(name)));
    for (;;) {
        bytes out = to_bytes({{"proto", proto},
                              {"vault", m.vault.text()},
                              {"epoch", m.epoch},
                              {"vault_key", to_base64url(m.vault_key)},
                              {"name", clipped(m.name)},
                              {"vault_name", clipped(m.vault_name)},
                              {"devices", devices},
                              {"pos", m.pos}});
        if (out.size() <= openssl::pairing_message_bytes_max || devices.empty()) return out;
        devices.pop_back();
    }
}

bytes encode_reply(bool joined) {
    return to_bytes({{"proto", proto}, {"joined", joined}});
}

result<hello> decode_hello(bytes_view data) {
    json_members in(text_of(data));
    static_cast<void>(in.number("proto", proto, proto));
    hello m;
    m.keys = {in.key("signing"), in.key("agreement")};
    m.name = in.text("name");
    m.platform = in.text("platform");
    if (in.bad() || m.name.size() > name_shown_max || m.platform.size() > name_shown_max) return malformed();
    return m;
}

result<welcome> decode_welcome(bytes_view data) {
    json_members in(text_of(data));
    static_cast<void>(in.number("proto", proto, proto));
    welcome m;
    m.vault = in.id<vault_id>("vault");
    m.epoch = static_cast<std::uint32_t>(in.number("epoch", 1, 0xFFFFFFFFU));
    m.vault_key = in.key("vault_key");
    m.name = in.text("name");
    m.vault_name = in.text("vault_name");
    m.devices = in.texts("devices");
    m.pos = in.number("pos", 0, (std::uint64_t{1} << 53) - 1);
    if (in.bad() || m.vault.is_zero() || m.name.size() > name_shown_max ||
        m.vault_name.size() > name_shown_max)
        return malformed();
    return m;
}

result<bool> decode_reply(bytes_view data) {
    json_members in(text_of(data));
    static_cast<void>(in.number("proto", proto, proto));
    const bool joined = in.truth("joined");
    if (in.bad()) return malformed();
    return joined;
}

}  // namespace casasync::agent
