// SPDX-License-Identifier: MIT
#include "pairing_message.hpp"

#include "json_members.hpp"

#include <casasync/limits.hpp>

#include <boost/json/serialize.hpp>

namespace casasync::agent {
namespace {

constexpr std::uint64_t proto = 1;

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
    return to_bytes({{"proto", proto}, {"device", m.device.text()}, {"name", m.name}});
}

bytes encode(const welcome& m) {
    return to_bytes({{"proto", proto},
                     {"vault", m.vault.text()},
                     {"epoch", m.epoch},
                     {"vault_key", to_base64url(m.vault_key)},
                     {"device_key", to_base64url(m.device_key)},
                     {"key_version", m.key_version},
                     {"name", m.name},
                     {"pos", m.pos}});
}

bytes encode_stored() {
    return to_bytes({{"proto", proto}});
}

result<hello> decode_hello(bytes_view data) {
    json_members in(text_of(data));
    static_cast<void>(in.number("proto", proto, proto));
    hello m;
    m.device = in.id<device_id>("device");
    m.name = in.text("name");
    if (in.bad() || m.device.is_zero() || m.name.size() > limits::name_bytes_max) return malformed();
    return m;
}

result<welcome> decode_welcome(bytes_view data) {
    json_members in(text_of(data));
    static_cast<void>(in.number("proto", proto, proto));
    welcome m;
    m.vault = in.id<vault_id>("vault");
    m.epoch = static_cast<std::uint32_t>(in.number("epoch", 1, 0xFFFFFFFFU));
    m.vault_key = in.key("vault_key");
    m.device_key = in.key("device_key");
    m.key_version = static_cast<std::uint32_t>(in.number("key_version", 1, 0xFFFFFFFFU));
    m.name = in.text("name");
    m.pos = in.number("pos", 0, (std::uint64_t{1} << 53) - 1);
    if (in.bad() || m.vault.is_zero() || m.name.size() > limits::name_bytes_max) return malformed();
    return m;
}

}  // namespace casasync::agent
