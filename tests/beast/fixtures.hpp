// SPDX-License-Identifier: MIT
#pragma once

#include <casasync/beast/client.hpp>
#include <casasync/beast/mailbox.hpp>
#include <casasync/beast/relay.hpp>

#include "scripted_server.hpp"

#include <casasync/openssl/hash.hpp>
#include <casasync/openssl/request_signature.hpp>
#include <casasync/page.hpp>
#include <casasync_test/catch.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace fixtures {

using namespace casasync;

template <class Id>
Id id_of(std::uint8_t value) {
    Id id;
    id.octets.fill(value);
    return id;
}

inline const vault_id vault = id_of<vault_id>(0x11);
inline const device_id device = id_of<device_id>(0x22);
inline const device_id other_device = id_of<device_id>(0x23);

inline openssl::key256 device_key() {
    openssl::key256 key{};
    key.fill(0x33);
    return key;
}

inline beast::endpoint at(const std::string& url) {
    beast::endpoint out;
    out.url = url;
    return out;
}

inline beast::client client_at(const std::string& url,
                               std::chrono::milliseconds patience = std::chrono::seconds(20)) {
    beast::client_options options;
    options.relay = at(url);
    options.relay.answer_timeout = patience;
    options.vault = vault;
    options.device = device;
    options.device_key = device_key();
    return beast::client::make(options).value();
}

/// Returns an envelope of the right shape around `size` bytes.
inline bytes envelope_of(std::uint64_t seq, device_id author = device, std::uint32_t size = 256) {
    envelope_header h;
    h.vault = vault;
    h.device = author;
    h.seq = seq;
    h.ciphertext_bytes = size;
    const auto header = encode_header(h);
    bytes out(envelope_overhead_bytes + size, static_cast<std::uint8_t>(seq));
    std::copy(header.begin(), header.end(), out.begin());
    return out;
}

inline std::string text_of(const bytes& data) {
    return {data.begin(), data.end()};
}

/// Tells the code of a failed result; errc{} when it did not fail. A failure without a sentence is no good.
template <class T>
errc code(const casasync::result<T>& r) {
    if (r) return errc{};
    CHECK(r.failure().detail.ends_with('.'));
    return r.code();
}

/// Tells whether a recorded request carries the signature that a relay would accept.
inline bool is_signed(const std::string& request) {
    const std::string line = line_of(request);
    const std::string method = line.substr(0, line.find(' '));
    const std::string target = line.substr(line.find(' ') + 1);
    const std::string digest = field_of(request, "Content-Digest");
    const std::string type = field_of(request, "Content-Type");
    const std::string host = field_of(request, "Host");
    const auto claims = openssl::parse_signature_input(field_of(request, "Signature-Input"), !digest.empty());
    if (!claims || claims->vault != vault || claims->device != device) return false;
    if (!digest.empty() && digest != openssl::content_digest(openssl::sha256(as_bytes(body_of(request)))))
        return false;
    const openssl::signed_parts parts{method, host, target,
                                      digest, type, std::stoull(field_of(request, "Casasync-Ack"))};
    return openssl::verify_request(device_key(), parts, *claims, field_of(request, "Signature"));
}

}  // namespace fixtures
