// SPDX-License-Identifier: MIT
#include <casasync/openssl/cipher.hpp>

#include <casasync_test/member_chain.hpp>
#include "bytes_of.hpp"

#include <casasync/openssl/hash.hpp>
#include <casasync/openssl/vault_deletion.hpp>
#include <casasync_test/catch.hpp>

#include <algorithm>

using namespace casasync;
using namespace casasync::openssl;

namespace {

const device_identity self = casasync_test::identity_of(2), other = casasync_test::identity_of(3);
const member_list family = casasync_test::members_of({self, other});
const vault_id vault = family.vault();
const device_id device = self.id();
const key256 key = to_key256(filled(32, 0x33)).value();

envelope_header header_for(std::uint64_t seq = 1) {
    envelope_header h;
    h.vault = vault;
    h.device = device;
    h.seq = seq;
    h.max_hour = 480000;
    return h;
}

key256 key_of(std::uint8_t n) {
    return to_key256(filled(32, n)).value();
}

vault_cipher cipher_of(const device_identity& who = self) {
    return {family, {{1, key}}, who};
}

/// Returns `list` after an epoch: these are removed, and everybody's stream ends at `seq`.
member_list rotated(member_list list, std::vector<device_id> removed, std::uint64_t seq) {
    const auto entry =
        casasync_test::signed_entry(casasync_test::rotation_entry(list, std::move(removed), seq), self);
    REQUIRE(list.append(entry, verifier{}).ok());
    return list;
}

/// Returns what is encrypted: signed by `signer` for the header of `seq`, in the name of who has these keys.
bytes text_of(const bytes& payload, const device_identity& signer = self,
              const device_keys& author = self.public_keys(), std::uint64_t seq = 1) {
    const auto header = encode_header(header_for(seq));
    const digest256 hash = sha256(payload);
    bytes message;
    for (const bytes_view part :
         {as_bytes("casasync/v1/env"), bytes_view(header).first(60), bytes_view(hash)})
        message.insert(message.end(), part.begin(), part.end());
    const signature512 s = sign(signer.signing, message);
    bytes out{0, 0, static_cast<std::uint8_t>(payload.size() >> 8),
              static_cast<std::uint8_t>(payload.size())};
    for (const bytes_view part :
         {bytes_view(author.signing), bytes_view(author.agreement), bytes_view(s), bytes_view(payload)})
        out.insert(out.end(), part.begin(), part.end());
    out.resize(padded_size(out.size()));
    return out;
}

/// Returns an envelope around `text`, which need not be what seal() would write.
bytes envelope_around(const bytes& text) {
    const bytes_view label = as_bytes("casasync/v1/env");
    bytes info(label.begin(), label.end());
    info.insert(info.end(), device.octets.begin(), device.octets.end());
    info.push_back(1);
    const key256 k = to_key256(hkdf_sha256(key, vault.view(), info, 32)).value();
    envelope_header h = header_for();
    h.nonce.fill(0x44);
    h.ciphertext_bytes = static_cast<std::uint32_t>(text.size());
    const auto header = encode_header(h);
    const bytes sealed = aead_seal(k, h.nonce, bytes_view(header).first(60), text).value();
    bytes out(header.size() + sealed.size());
    std::copy(header.begin(), header.end(), out.begin());
    std::copy(sealed.begin(), sealed.end(), out.begin() + envelope_header_bytes);
    return out;
}

}  // namespace

TEST_CASE("texts are padded to PADME sizes with a floor of 256", "[openssl][cipher]") {
    for (const auto& [size, padded] : {std::pair<std::size_t, std::size_t>{0, 256},
                                       {255, 256},
                                       {256, 256},
                                       {257, 272},
                                       {272, 272},
                                       {1000, 1024},
                                       {1025, 1088},
                                       {9999, 10240},
                                       {1032192, 1032192},
                                       {1032193, 1048576}})
        CHECK(padded_size(size) == padded);
    for (std::size_t size = 257; size < 70000; ++size) {
        const std::size_t p = padded_size(size);
        if (p < size || (p - size) * 100 > size * 12 || padded_size(p) != p) FAIL(size);
    }
}

TEST_CASE("a payload comes back as it was sealed, whatever its size", "[openssl][cipher]") {
    vault_cipher c = cipher_of();
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{124}, std::size_t{125},
                                   std::size_t{70001}, limits::envelope_payload_bytes_max}) {
        CAPTURE(size);
        const bytes payload = filled(size, 0x5a);
        const auto sealed = c.seal(header_for(9), payload);
        REQUIRE(sealed.ok());
        CHECK(sealed->size() == envelope_overhead_bytes + padded_size(132 + size));
        CHECK(sealed->size() <= limits::envelope_bytes_max);
        const auto head = decode_header(*sealed);
        REQUIRE(head.ok());
        CHECK(head->seq == 9);
        CHECK(head->max_hour == 480000);
        CHECK(c.open(*sealed).value() == payload);
    }
    const auto refused = c.seal(header_for(), filled(limits::envelope_payload_bytes_max + 1, 0));
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.code() == errc::limit_exceeded);
}

TEST_CASE("an envelope is laid out as documented", "[openssl][cipher]") {
    // Built here from the parts, with a nonce of this test's choice.
    const bytes envelope = envelope_around(text_of({'h', 'e', 'l', 'l', 'o'}));
    CHECK(to_hex(sha256(envelope)) == "8460b4636a33eceeada932f26eb30cc8f56c71f537893789ac647ebc51d6e3cc");
    CHECK(to_hex(cipher_of(other).open(envelope).value()) == to_hex(as_bytes("hello")));
}

TEST_CASE("the same payload never gives the same envelope twice", "[openssl][cipher]") {
    vault_cipher c = cipher_of();
    const bytes a = c.seal(header_for(), as_bytes("same")).value();
    const bytes b = c.seal(header_for(), as_bytes("same")).value();
    CHECK(a != b);
    CHECK(c.digest(a) == sha256(a));
}

TEST_CASE("an altered or cut envelope does not open", "[openssl][cipher]") {
    vault_cipher c = cipher_of();
    const bytes sealed = c.seal(header_for(), as_bytes("the payload")).value();
    for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit)
        if (c.open(with_bit_flipped(sealed, bit)).ok()) FAIL("bit " << bit);
    for (std::size_t size = 0; size < sealed.size(); ++size)
        if (c.open(bytes_view(sealed).first(size)).ok()) FAIL("size " << size);
    bytes longer = sealed;
    longer.push_back(0);
    CHECK_FALSE(c.open(longer).ok());
}

TEST_CASE("another vault, key, epoch, author or kind does not open an envelope", "[openssl][cipher]") {
    vault_cipher c = cipher_of();
    const bytes sealed = c.seal(header_for(), as_bytes("the payload")).value();
    const auto code = [&](const vault_cipher& reader) { return reader.open(sealed).failure().code; };
    CHECK(code({casasync_test::members_of({other, self}), {{1, key}}, self}) == errc::authentication_failed);
    CHECK(code({family, {{1, key_of(0x34)}}, self}) == errc::authentication_failed);
    CHECK(code({family, {{2, key}}, self}) == errc::authentication_failed);
    envelope_header elsewhere = header_for();
    elsewhere.vault = {};
    CHECK(c.seal(elsewhere, as_bytes("later")).code() == errc::invalid_argument);
}

TEST_CASE("what is sealed is sealed under the newest key, and old ones still open", "[openssl][cipher]") {
    vault_cipher c = cipher_of();
    const bytes sealed = c.seal(header_for(7), as_bytes("first")).value();
    c.update(rotated(family, {}, 7), {{1, key}, {2, key_of(0x34)}});
    CHECK(c.open(sealed).ok());
    const bytes later = c.seal(header_for(8), as_bytes("later")).value();
    CHECK(decode_header(later)->epoch == 2);
    CHECK(c.open(later).value() == bytes{'l', 'a', 't', 'e', 'r'});
    CHECK(cipher_of(other).open(later).code() == errc::authentication_failed);  // it has not heard of the key
}

TEST_CASE("what a device that was removed dates back is refused", "[openssl][cipher]") {
    vault_cipher gone = cipher_of(other);
    envelope_header head = header_for(7);
    head.device = other.id();
    const bytes last = gone.seal(head, as_bytes("in time")).value();
    head.seq = 8;
    const bytes back_dated = gone.seal(head, as_bytes("later")).value();
    head.seq = 0;
    head.kind = envelope_kind::snapshot_manifest;
    const bytes manifest = gone.seal(head, as_bytes("everything")).value();
    vault_cipher c = cipher_of();
    CHECK(c.open(back_dated).ok());
    CHECK(c.open(manifest).ok());
    c.update(rotated(family, {other.id()}, 7), {{1, key}, {2, key_of(0x34)}});
    CHECK(c.open(last).ok());
    CHECK(c.open(back_dated).code() == errc::authentication_failed);
    CHECK(c.open(manifest).code() == errc::authentication_failed);
    gone.update(rotated(family, {other.id()}, 7), {{1, key}});
    head.kind = envelope_kind::changeset;
    head.seq = 8;
    CHECK(gone.seal(head, as_bytes("more")).code() == errc::device_revoked);
}

TEST_CASE("an envelope that did not reach the relay before its key was replaced is no longer admitted",
          "[openssl][cipher]") {
    vault_cipher c = cipher_of();
    const auto at = [&](std::uint64_t seq, std::uint32_t epoch) {
        envelope_header h = header_for(seq);
        h.epoch = epoch;
        return c.admits(h);
    };
    CHECK(at(8, 1));
    c.update(rotated(family, {}, 7), {{1, key}, {2, key_of(0x34)}});
    CHECK(at(7, 1));
    CHECK_FALSE(at(8, 1));
    CHECK(at(8, 2));
    CHECK_FALSE(at(8, 3));
    CHECK_FALSE(at(8, 0));
}

TEST_CASE("only the padding that seal writes is accepted", "[openssl][cipher]") {
    const vault_cipher c = cipher_of();
    const auto code = [&](const bytes& text) {
        const auto r = c.open(envelope_around(text));
        return r ? errc{} : r.code();
    };
    const bytes good = text_of({});
    REQUIRE(good.size() == 256);
    CHECK(code(good) == errc{});
    bytes text = good;
    text[255] = 1;  // not zero
    CHECK(code(text) == errc::authentication_failed);
    text = good;
    text[2] = 1;  // longer than the text
    CHECK(code(text) == errc::authentication_failed);
    text[0] = 0xff;
    CHECK(code(text) == errc::authentication_failed);
    text = good;
    text.resize(272);  // padded more than needed
    CHECK(code(text) == errc::authentication_failed);
    CHECK(code({}) == errc::authentication_failed);
    CHECK(code(bytes(good.begin(), good.begin() + 131)) == errc::authentication_failed);
}

TEST_CASE("who has the vault key cannot write in another's name", "[openssl][cipher]") {
    const bytes payload{'m', 'i', 'n', 'e'};
    const vault_cipher reader = cipher_of(other);
    const auto code = [&](const bytes& text) {
        const auto r = reader.open(envelope_around(text));
        return r ? errc{} : r.code();
    };
    CHECK(code(text_of(payload)) == errc{});
    CHECK(code(text_of(payload, other)) == errc::authentication_failed);
    CHECK(code(text_of(payload, other, other.public_keys())) == errc::authentication_failed);
    device_keys mixed = self.public_keys();
    mixed.signing = other.public_keys().signing;
    CHECK(code(text_of(payload, other, mixed)) == errc::authentication_failed);
    CHECK(code(text_of(payload, self, self.public_keys(), 2)) == errc::authentication_failed);  // elsewhere
    bytes swapped = text_of(payload);
    swapped[132] = 'M';
    CHECK(code(swapped) == errc::authentication_failed);
    vault_cipher writer = cipher_of(other);
    CHECK(writer.seal(header_for(), payload).code() == errc::invalid_argument);
}

TEST_CASE("what the list of devices was is known for each length that it had", "[openssl][cipher]") {
    const vault_cipher c = cipher_of();
    const auto size = static_cast<std::uint32_t>(family.entries().size());
    CHECK(c.members_head(0) == digest256{});
    CHECK(c.members_head(size) == sha256(family.entries().back()));
    CHECK_FALSE(c.members_head(size + 1));
}

TEST_CASE("only who is a device of the vault can have it deleted, at the relay it was said to",
          "[openssl][deletion]") {
    const auto word = delete_vault(other, "relay.example", vault, 5);
    CHECK(holds(word, "relay.example", family));
    CHECK_FALSE(holds(word, "other.example", family));
    CHECK_FALSE(holds(word, "relay.example", rotated(family, {other.id()}, 0)));
    const device_identity stranger = casasync_test::identity_of(9);
    CHECK_FALSE(holds(delete_vault(stranger, "relay.example", vault, 5), "relay.example", family));
}
