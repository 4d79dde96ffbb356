// SPDX-License-Identifier: MIT
#include <casasync/openssl/request_signature.hpp>

#include "bytes_of.hpp"

#include <casasync/openssl/hash.hpp>
#include <casasync_test/catch.hpp>

using namespace casasync;
using namespace casasync::openssl;

namespace {

const key256 relay_key = to_key256(filled(32, 0x33)).value();
const std::string digest_of_hello = content_digest(sha256(as_bytes("hello")));

signature_claims claims() {
    signature_claims c;
    c.created = 1795338685;
    c.nonce.fill(0);
    c.vault = vault_id::from(filled(16, 0xff)).value();
    c.device = device_id::from(filled(16, 0)).value();
    c.key_version = 1;
    return c;
}

signed_parts get() {
    return {"GET", "relay.example", "/v1/vaults/x/changesets?after=7&wait=25", {}, {}, 7};
}
signed_parts post() {
    return {"POST", "127.0.0.1:8080", "/v1/vaults/x/devices", digest_of_hello, "application/json", 0};
}

}  // namespace

TEST_CASE("the MAC is the one of RFC 9421, B.2.5", "[openssl][signature]") {
    const bytes shared_secret =
        from_base64(
            "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==")
            .value();
    const std::string_view base =
        "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n"
        "\"@authority\": example.com\n"
        "\"content-type\": application/json\n"
        "\"@signature-params\": (\"date\" \"@authority\" \"content-type\");created=1618884473"
        ";keyid=\"test-shared-secret\"";
    CHECK(to_base64(hmac_sha256(shared_secret, as_bytes(base))) ==
          "pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=");
}

TEST_CASE("the signature base has the documented lines", "[openssl][signature]") {
    CHECK(signature_base(get(), claims()) ==
          "\"@method\": GET\n"
          "\"@authority\": relay.example\n"
          "\"@path\": /v1/vaults/x/changesets\n"
          "\"@query\": ?after=7&wait=25\n"
          "\"casasync-ack\": 7\n"
          "\"@signature-params\": (\"@method\" \"@authority\" \"@path\" \"@query\" \"casasync-ack\")"
          ";created=1795338685;nonce=\"AAAAAAAAAAAAAAAAAAAAAA\""
          ";keyid=\"_____________________w.AAAAAAAAAAAAAAAAAAAAAA.1\";tag=\"casasync-v1\"");
    CHECK(signature_base(post(), claims()) ==
          "\"@method\": POST\n"
          "\"@authority\": 127.0.0.1:8080\n"
          "\"@path\": /v1/vaults/x/devices\n"
          "\"@query\": ?\n"
          "\"content-digest\": sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:\n"
          "\"content-type\": application/json\n"
          "\"casasync-ack\": 0\n"
          "\"@signature-params\": (\"@method\" \"@authority\" \"@path\" \"@query\" \"content-digest\" "
          "\"content-type\" \"casasync-ack\")"
          ";created=1795338685;nonce=\"AAAAAAAAAAAAAAAAAAAAAA\""
          ";keyid=\"_____________________w.AAAAAAAAAAAAAAAAAAAAAA.1\";tag=\"casasync-v1\"");
}

TEST_CASE("what a client signs, a relay parses and accepts", "[openssl][signature]") {
    for (const signed_parts& parts : {get(), post()}) {
        const signature_fields fields = sign_request(relay_key, parts, claims());
        const auto parsed = parse_signature_input(fields.input, parts.has_body());
        REQUIRE(parsed.ok());
        CHECK(*parsed == claims());
        CHECK(verify_request(relay_key, parts, *parsed, fields.signature));
    }
}

TEST_CASE("a request that was altered in any signed part is not accepted", "[openssl][signature]") {
    const signature_fields fields = sign_request(relay_key, post(), claims());
    const auto accepted = [&](const signed_parts& parts, const signature_claims& c) {
        return verify_request(relay_key, parts, c, fields.signature);
    };
    const auto other = [](auto change) {
        signed_parts p = post();
        change(p);
        return p;
    };
    const std::string other_digest = content_digest(sha256(as_bytes("hellO")));
    REQUIRE(accepted(post(), claims()));
    CHECK_FALSE(accepted(other([](auto& p) { p.method = "PUT"; }), claims()));
    CHECK_FALSE(accepted(other([](auto& p) { p.authority = "127.0.0.1:8081"; }), claims()));
    CHECK_FALSE(accepted(other([](auto& p) { p.target = "/v1/vaults/x/device"; }), claims()));
    CHECK_FALSE(accepted(other([](auto& p) { p.target = "/v1/vaults/x/devices?a=1"; }), claims()));
    CHECK_FALSE(accepted(other([&](auto& p) { p.content_digest = other_digest; }), claims()));
    CHECK_FALSE(accepted(other([](auto& p) { p.content_type = "text/plain"; }), claims()));
    CHECK_FALSE(accepted(other([](auto& p) { p.ack = 1; }), claims()));
    signature_claims c = claims();
    c.created += 1;
    CHECK_FALSE(accepted(post(), c));
    c = claims();
    c.key_version = 2;
    CHECK_FALSE(accepted(post(), c));
    c = claims();
    c.nonce[0] = 1;
    CHECK_FALSE(accepted(post(), c));
    c = claims();
    c.device.octets[15] = 1;
    CHECK_FALSE(accepted(post(), c));

    key256 other_key = relay_key;
    other_key[0] ^= 1;
    CHECK_FALSE(verify_request(other_key, post(), claims(), fields.signature));
    for (std::size_t i = 0; i < fields.signature.size(); ++i) {
        std::string s = fields.signature;
        s[i] = s[i] == 'A' ? 'B' : 'A';
        CHECK_FALSE(verify_request(relay_key, post(), claims(), s));
    }
    for (const std::string& s : {std::string(), fields.signature + " ", fields.signature + ", cs=:AA==:"})
        CHECK_FALSE(verify_request(relay_key, post(), claims(), s));
}

TEST_CASE("a Signature-Input of any other form is refused", "[openssl][signature]") {
    const std::string good = sign_request(relay_key, get(), claims()).input;
    REQUIRE(parse_signature_input(good, false).ok());
    CHECK_FALSE(parse_signature_input(good, true).ok());  // the list for requests with a body is another

    const auto changed = [&](std::string_view from, std::string_view to) {
        std::string s = good;
        const std::size_t at = s.find(from);
        REQUIRE(at != std::string::npos);
        return s.replace(at, from.size(), to);
    };
    const std::string wrong[] = {
        "",
        "cs=()",
        changed("cs=", "sig="),
        changed("cs=", " cs="),
        changed(" \"@query\"", ""),
        changed("\"@method\" \"@authority\"", "\"@authority\" \"@method\""),
        changed("\"casasync-ack\"", "\"casasync-ack\";req"),
        changed(";created", ";alg=\"hmac-sha256\";created"),
        changed("created=1795338685", "created=01795338685"),
        changed("created=1795338685", "created=-1"),
        changed("created=1795338685", "created=+1"),
        changed("created=1795338685", "created="),
        changed("created=1795338685", "created=9007199254740992"),
        changed("created=1795338685", "created=99999999999999999999999"),
        changed("nonce=\"A", "nonce=\"="),
        changed("nonce=\"A", "nonce=\""),
        changed("AA\";keyid", "AB\";keyid"),  // not the canonical last bits
        changed(".1\"", ".4294967296\""),
        changed(".1\"", "\""),
        changed("casasync-v1", "casasync-v2"),
        changed(";tag=\"casasync-v1\"", ""),
        good + ";expires=1",
        good + ", cs=()",
        good + " ",
    };
    for (const std::string& value : wrong) {
        CAPTURE(value);
        const auto r = parse_signature_input(value, false);
        REQUIRE_FALSE(r.ok());
        CHECK(r.code() == errc::unauthenticated);
    }
    for (std::size_t size = 0; size < good.size(); ++size)
        CHECK_FALSE(parse_signature_input(std::string_view(good).substr(0, size), false).ok());
}

TEST_CASE("every part of the derivation gives a device another key", "[openssl][signature]") {
    const bytes master = filled(32, 9);
    const vault_id v = claims().vault;
    const device_id d = claims().device;
    const key256 k = derive_device_key(master, v, d, 1, 1795338685);
    CHECK(k == derive_device_key(master, v, d, 1, 1795338685));
    CHECK(to_hex(k) == "05cb709e0d6559ca2bb1977267099c48314352b6a383c143bf5a4b1e60f8f1da");
    CHECK(k != derive_device_key(filled(32, 8), v, d, 1, 1795338685));
    CHECK(k != derive_device_key(master, v, d, 2, 1795338685));
    CHECK(k != derive_device_key(master, v, d, 1, 1795338686));
    CHECK(k != derive_device_key(master, v, device_id{v.octets}, 1, 1795338685));
    CHECK(k != derive_device_key(master, vault_id{d.octets}, d, 1, 1795338685));
}

TEST_CASE("a Content-Digest is read only as it is written", "[openssl][signature]") {
    CHECK(parse_content_digest(digest_of_hello).value() == sha256(as_bytes("hello")));
    const std::string b64 = digest_of_hello.substr(9, 44);
    for (const std::string& wrong :
         {std::string(), std::string("sha-256=:"), std::string("sha-256=::"), "sha-512=:" + b64 + ":",
          "sha-256=" + b64, "sha-256=:" + b64, "sha-256=:" + b64 + "::", "SHA-256=:" + b64 + ":",
          "sha-256=:" + b64.substr(0, 40) + ":",
          digest_of_hello + ", sha-256=::", "sha-256=:" + b64 + b64 + ":"}) {
        CAPTURE(wrong);
        CHECK_FALSE(parse_content_digest(wrong).ok());
    }
}
