// SPDX-License-Identifier: MIT
#include "device_client.hpp"

#include <casasync/openssl/hash.hpp>
#include <casasync/openssl/random.hpp>
#include <casasync/openssl/request_signature.hpp>

#include <casasync_test/member_chain.hpp>

#include <boost/json/array.hpp>
#include <boost/json/value_to.hpp>

#include <algorithm>
#include <stdexcept>

namespace casasync_test {

using namespace casasync;

void signed_request::set(const std::string& name, const std::string& value) {
    remove(name);
    fields.emplace_back(name, value);
}

void signed_request::remove(const std::string& name) {
    std::erase_if(fields, [&](const auto& f) { return f.first == name; });
}

signed_request device_client::make(const std::string& method, const std::string& target, bytes_view body,
                                   const std::string& content_type) const {
    const std::string authority = at.authority();
    const std::string digest = body.empty() ? "" : openssl::content_digest(openssl::sha256(body));
    openssl::signature_claims claims{created, {}, vault, device, key_version};
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
    return http_client(at).call(r.method, r.target, r.fields, r.body);
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
    const std::string authority = at.authority();
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

device_client nobody(const endpoint& at, std::uint64_t now_s, const openssl::device_identity& self,
                     const openssl::device_identity& maker) {
    device_client out{at, {}, {}, self, {}, now_s, 0};
    out.vault = vault_of<openssl::verifier>(first_entry(maker), {});
    out.device = self.id();
    return out;
}

device_client make_vault(const endpoint& at, std::uint64_t now_s, const openssl::device_identity& maker) {
    device_client out = nobody(at, now_s, maker, maker);
    out.key = key_in(out.attach({first_entry(maker)}));
    return out;
}

device_client enrol(const device_client& member, const openssl::device_identity& added) {
    device_client out = member;
    out.self = added;
    out.device = added.id();
    out.ack = 0;
    const reply answer = member.post(add_entry(member.members(), added, member.self));
    if (answer.status != 201) throw std::runtime_error("not added: " + answer.text());
    out.key = key_in(out.attach({}));
    return out;
}

void remove(const device_client& member, const device_client& gone) {
    const reply r = member.post(member.removal({gone.device}));
    if (r.status != 201) throw std::runtime_error("not removed: " + r.text());
}

}  // namespace casasync_test
