// SPDX-License-Identifier: MIT
#include <casasync/openssl/request_signature.hpp>

#include <casasync/openssl/hash.hpp>

#include <algorithm>
#include <charconv>
#include <optional>

namespace casasync::openssl {
namespace {

constexpr std::uint64_t integer_max = (std::uint64_t{1} << 53) - 1;
constexpr std::string_view components_with_body =
    R"(("@method" "@authority" "@path" "@query" "content-digest" "content-type" "casasync-ack"))";
constexpr std::string_view components_without_body =
    R"(("@method" "@authority" "@path" "@query" "casasync-ack"))";
constexpr std::string_view label = "cs=";
constexpr std::string_view digest_prefix = "sha-256=:";

/// Takes `expected` off the front of `text`.
bool skip(std::string_view& text, std::string_view expected) {
    if (!text.starts_with(expected)) return false;
    text.remove_prefix(expected.size());
    return true;
}

/// Takes a decimal number without leading zeros off the front of `text`.
template <class Int>
std::optional<Int> take_number(std::string_view& text) {
    Int value = 0;
    const char* const first = text.data();
    const char* const end = first + text.size();
    if (text.empty() || (text.front() == '0' && text.size() > 1 && text[1] >= '0' && text[1] <= '9'))
        return std::nullopt;
    const auto [last, failed] = std::from_chars(first, end, value);
    if (failed != std::errc{} || value > integer_max) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(last - first));
    return value;
}

/// Takes the 22 characters of an id off the front of `text`.
template <class Id>
std::optional<Id> take_id(std::string_view& text) {
    const auto id = Id::parse(text.substr(0, 22));
    if (!id) return std::nullopt;
    text.remove_prefix(22);
    return *id;
}

std::string params_text(const signature_claims& claims, bool has_body) {
    std::string out(has_body ? components_with_body : components_without_body);
    out += ";created=" + std::to_string(claims.created);
    out += ";nonce=\"" + to_base64url(claims.nonce);
    out += "\";keyid=\"" + claims.vault.text() + "." + claims.device.text() + "." +
           std::to_string(claims.key_version);
    out += "\";tag=\"casasync-v1\"";
    return out;
}

void append_line(std::string& base, std::string_view name, std::string_view value) {
    base += '"';
    base += name;
    base += "\": ";
    base += value;
    base += '\n';
}

}  // namespace

std::string signature_base(const signed_parts& parts, const signature_claims& claims) {
    const std::size_t question = parts.target.find('?');
    std::string base;
    append_line(base, "@method", parts.method);
    append_line(base, "@authority", parts.authority);
    append_line(base, "@path", parts.target.substr(0, question));
    append_line(base, "@query",
                question == std::string_view::npos ? std::string_view("?") : parts.target.substr(question));
    if (parts.has_body()) {
        append_line(base, "content-digest", parts.content_digest);
        append_line(base, "content-type", parts.content_type);
    }
    append_line(base, "casasync-ack", std::to_string(parts.ack));
    return base + "\"@signature-params\": " + params_text(claims, parts.has_body());
}

signature_fields sign_request(const key256& key, const signed_parts& parts, const signature_claims& claims) {
    const digest256 mac = hmac_sha256(key, as_bytes(signature_base(parts, claims)));
    return {std::string(label) + params_text(claims, parts.has_body()),
            std::string(label) + ":" + to_base64(mac) + ":"};
}

result<signature_claims> parse_signature_input(std::string_view value, bool has_body) {
    const std::string_view components = has_body ? components_with_body : components_without_body;
    if (!skip(value, label) || !skip(value, components) || !skip(value, ";created="))
        return errc::unauthenticated;
    const auto created = take_number<std::uint64_t>(value);
    if (!created || !skip(value, ";nonce=\"")) return errc::unauthenticated;
    const auto nonce = take_id<id128<struct nonce_tag>>(value);
    if (!nonce || !skip(value, "\";keyid=\"")) return errc::unauthenticated;
    const auto vault = take_id<vault_id>(value);
    if (!vault || !skip(value, ".")) return errc::unauthenticated;
    const auto device = take_id<device_id>(value);
    if (!device || !skip(value, ".")) return errc::unauthenticated;
    const auto version = take_number<std::uint32_t>(value);
    if (!version || value != "\";tag=\"casasync-v1\"") return errc::unauthenticated;
    return signature_claims{*created, nonce->octets, *vault, *device, *version};
}

bool verify_request(const key256& key, const signed_parts& parts, const signature_claims& claims,
                    std::string_view signature) {
    const std::string expected = sign_request(key, parts, claims).signature;
    return equal_constant_time(as_bytes(expected), as_bytes(signature));
}

key256 derive_device_key(bytes_view master, vault_id vault, device_id device, std::uint32_t key_version,
                         std::uint64_t created) {
    std::array<std::uint8_t, 44> salt{};
    std::copy(vault.octets.begin(), vault.octets.end(), salt.begin());
    std::copy(device.octets.begin(), device.octets.end(), salt.begin() + 16);
    detail::put_be(&salt[32], key_version);
    detail::put_be(&salt[36], created);
    return to_key256(hkdf_sha256(master, salt, as_bytes("casasync/v1/device-auth"), 32)).value();
}

bytes attach_text(std::string_view authority, const digest256& body_hash) {
    bytes out;
    for (const bytes_view part : {as_bytes("casasync/v1/attach"), as_bytes(authority), bytes_view(body_hash)})
        out.insert(out.end(), part.begin(), part.end());
    return out;
}

std::string content_digest(const digest256& body_hash) {
    return std::string(digest_prefix) + to_base64(body_hash) + ":";
}

result<digest256> parse_content_digest(std::string_view value) {
    if (!skip(value, digest_prefix) || !value.ends_with(':')) return errc::malformed_text;
    value.remove_suffix(1);
    const auto hash = from_base64(value);
    if (!hash || hash->size() != sizeof(digest256)) return errc::malformed_text;
    digest256 out{};
    std::copy(hash->begin(), hash->end(), out.begin());
    return out;
}

}  // namespace casasync::openssl
