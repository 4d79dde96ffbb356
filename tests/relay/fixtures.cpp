// SPDX-License-Identifier: MIT
#include "fixtures.hpp"

#include <casasync/openssl/hash.hpp>
#include <casasync/openssl/random.hpp>
#include <casasync/openssl/request_signature.hpp>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

namespace casasync_test {

using namespace casasync;

temporary_directory::temporary_directory() {
    std::string name = (std::filesystem::temp_directory_path() / "casasync-relay-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
    path_ = name;
}

std::uint16_t port_of(const std::string& url) {
    return static_cast<std::uint16_t>(std::stoul(url.substr(url.rfind(':') + 1)));
}

relay_fixture::relay_fixture() {
    options.data = directory.path() + "/data";
    options.io_threads = 1;
    options.clock = [this] { return now_ms.load(); };
}

void relay_fixture::start() {
    auto started = relay::server::start(options);
    if (!started) throw std::runtime_error(started.failure().text());
    server = std::move(*started);
}

void signed_request::set(const std::string& name, const std::string& value) {
    remove(name);
    fields.emplace_back(name, value);
}

void signed_request::remove(const std::string& name) {
    std::erase_if(fields, [&](const auto& f) { return f.first == name; });
}

signed_request device_client::make(const std::string& method, const std::string& target, bytes_view body,
                                   const std::string& content_type) const {
    const std::string authority = "127.0.0.1:" + std::to_string(port);
    const std::string digest = body.empty() ? "" : openssl::content_digest(openssl::sha256(body));
    openssl::signature_claims claims{created, {}, vault, device, 1};
    openssl::random{}.fill(claims.nonce);
    const auto signature =
        openssl::sign_request(key, {method, authority, target, digest, content_type, ack}, claims);
    signed_request out{method, target, {}, bytes(body.begin(), body.end())};
    out.fields = {{"Host", authority},
                  {"Casasync-Ack", std::to_string(ack)},
                  {"Signature-Input", signature.input},
                  {"Signature", signature.signature}};
    if (!body.empty()) {
        out.fields.emplace_back("Content-Digest", digest);
        out.fields.emplace_back("Content-Type", content_type);
    }
    return out;
}

reply device_client::send(const signed_request& r) const {
    return http_client(port).call(r.method, r.target, r.fields, r.body);
}

reply device_client::call(const std::string& method, const std::string& path, bytes_view body,
                          const std::string& content_type) const {
    return send(make(method, base() + path, body, content_type));
}

reply device_client::call(const std::string& method, const std::string& path, std::string_view json) const {
    return call(method, path, as_bytes(json));
}

reply device_client::push(const std::vector<bytes>& envelopes) const {
    bytes body;
    for (const bytes& e : envelopes) body.insert(body.end(), e.begin(), e.end());
    return call("POST", "/changesets", body, envelopes_type);
}

reply device_client::pull(std::uint64_t after, const std::string& log, const std::string& more) const {
    std::string path = "/changesets?after=" + std::to_string(after);
    if (!log.empty()) path += "&log=" + log;
    return call("GET", path + more);
}

bytes device_client::envelope(std::uint64_t seq, std::size_t size, std::uint8_t content,
                              std::uint32_t max_hour) const {
    envelope_header h;
    h.vault = vault;
    h.device = device;
    h.seq = seq;
    h.max_hour = max_hour;
    h.ciphertext_bytes = static_cast<std::uint32_t>(size);
    const auto head = encode_header(h);
    bytes out(head.begin(), head.end());
    out.resize(out.size() + size + envelope_tag_bytes, content);
    return out;
}

std::string log_text(const digest256& log) {
    return to_base64url(bytes_view(log).first(16));
}

namespace {

openssl::key256 key_in(const reply& r) {
    const auto data = from_base64url(r.string("device_key"));
    if (!data) throw std::runtime_error("no device key in: " + r.text());
    return openssl::to_key256(*data).value();
}

}  // namespace

device_client make_vault(std::uint16_t port, std::uint64_t now_s, std::uint8_t n) {
    device_client out{port, id<vault_id>(n), id<device_id>(n), {}, now_s, 0};
    const std::string body =
        R"({"vault":")" + out.vault.text() + R"(","device":")" + out.device.text() + R"("})";
    const reply r = http_client(port).call(
        "POST", "/v1/vaults", {{"Host", "127.0.0.1"}, {"Content-Type", json_type}}, as_bytes(body));
    out.key = key_in(r);
    return out;
}

device_client enrol(const device_client& member, std::uint8_t n) {
    device_client out = member;
    out.device = id<device_id>(n);
    out.ack = 0;
    out.key = key_in(member.call("POST", "/devices", R"({"device":")" + out.device.text() + R"("})"));
    return out;
}

}  // namespace casasync_test
