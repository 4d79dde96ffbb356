// SPDX-License-Identifier: MIT
#include "fixtures.hpp"

#include <casasync/openssl/hash.hpp>
#include <casasync/openssl/random.hpp>
#include <casasync/openssl/request_signature.hpp>

#include <casasync_test/member_chain.hpp>

#include <boost/json/array.hpp>
#include <boost/json/value_to.hpp>

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
                              std::uint32_t max_hour, std::uint32_t epoch) const {
    envelope_header h;
    h.epoch = epoch;
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

member_list device_client::members() const {
    member_list out;
    const auto answer = call("GET", "/members").json();
    for (const auto& entry : answer.at("entries").as_array()) {
        const auto data = from_base64url(std::string_view(entry.as_string())).value();
        if (!out.append(data, openssl::verifier{})) throw std::runtime_error("a list that does not hold");
    }
    return out;
}

reply device_client::post(bytes_view entry) const {
    return call("POST", "/members", R"({"entry":")" + to_base64url(entry) + R"("})");
}

signed_request device_client::attaching(const std::vector<bytes>& entries) const {
    openssl::random random;
    std::string list;
    for (const bytes& e : entries) list += (list.empty() ? "\"" : ",\"") + to_base64url(e) + "\"";
    const std::string body = R"({"members":[)" + list + R"(],"device":")" + device.text() +
                             R"(","created":)" + std::to_string(created) + R"(,"nonce":")" +
                             mailbox_id::make(random).text() + R"("})";
    const std::string authority = "127.0.0.1:" + std::to_string(port);
    const auto signature =
        openssl::sign(self.signing, openssl::attach_text(authority, openssl::sha256(as_bytes(body))));
    return {"POST",
            base() + "/attach",
            {{"Host", authority},
             {"Content-Type", json_type},
             {"Casasync-Attach", openssl::to_base64(signature)}},
            {body.begin(), body.end()}};
}

bytes device_client::removal(std::vector<device_id> gone) const {
    const member_list list = members();
    openssl::rotation what{std::move(gone), {}, {}, {}};
    const auto answer = call("GET", "").json();
    for (const auto& [id, m] : list.devices()) {
        if (!m.active()) continue;
        stream_end end{id, 0};
        for (const auto& d : answer.at("devices").as_array())
            if (d.at("id").as_string() == id.text()) end.seq = d.at("last_seq").to_number<std::uint64_t>();
        what.ends.push_back(end);
    }
    return openssl::rotate_entry(list, self, what, created).value();
}

device_client nobody(std::uint16_t port, std::uint64_t now_s, std::uint8_t n, std::uint8_t maker) {
    device_client out{port, {}, {}, identity_of(n), {}, now_s, 0};
    out.vault = vault_of<openssl::verifier>(first_entry(identity_of(maker)), {});
    out.device = out.self.id();
    return out;
}

device_client make_vault(std::uint16_t port, std::uint64_t now_s, std::uint8_t n) {
    device_client out = nobody(port, now_s, n, n);
    out.key = key_in(out.attach({first_entry(out.self)}));
    return out;
}

device_client enrol(const device_client& member, std::uint8_t n) {
    device_client out = member;
    out.self = identity_of(n);
    out.device = out.self.id();
    out.ack = 0;
    const reply added = member.post(add_entry(member.members(), out.self, member.self));
    if (added.status != 201) throw std::runtime_error("not added: " + added.text());
    out.key = key_in(out.attach({}));
    return out;
}

void remove(const device_client& member, const device_client& gone) {
    const reply r = member.post(member.removal({gone.device}));
    if (r.status != 201) throw std::runtime_error("not removed: " + r.text());
}

}  // namespace casasync_test
