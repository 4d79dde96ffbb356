// SPDX-License-Identifier: MIT
#include <casasync/openssl/cipher.hpp>

#include "bytes_of.hpp"
#include "member_chain.hpp"

#include <casasync/openssl/hash.hpp>
#include <casasync_test/catch.hpp>

#include <algorithm>

using namespace casasync;
using namespace casasync::openssl;

namespace {

const vault_id vault = vault_id::from(filled(16, 0x11)).value();
const device_identity self = casasync_test::identity_of(2), other = casasync_test::identity_of(3);
const device_id device = self.id();
const key256 key = to_key256(filled(32, 0x33)).value();

envelope_header changeset_head(std::uint64_t seq = 1) {
    envelope_header h;
    h.vault = vault;
    h.device = device;
    h.seq = seq;
    h.max_hour = 480000;
    return h;
}

/// Returns what is encrypted: signed by `signer` for the header of `seq`, in the name of who has these keys.
bytes text_of(const bytes& payload, const device_identity& signer = self,
              const device_keys& author = self.public_keys(), std::uint64_t seq = 1) {
    const auto header = encode_header(changeset_head(seq));
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
    envelope_header h = changeset_head();
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
    vault_cipher c(vault, key, 1, self);
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{124}, std::size_t{125},
                                   std::size_t{70001}, limits::part_payload_bytes_max}) {
        CAPTURE(size);
        const bytes payload = filled(size, 0x5a);
        const auto sealed = c.seal(changeset_head(9), payload);
        REQUIRE(sealed.ok());
        CHECK(sealed->size() == envelope_overhead_bytes + padded_size(132 + size));
        CHECK(sealed->size() <= limits::envelope_bytes_max);
        const auto head = decode_header(*sealed);
        REQUIRE(head.ok());
        CHECK(head->seq == 9);
        CHECK(head->max_hour == 480000);
        CHECK(c.open(*sealed).value() == payload);
    }
    const auto refused = c.seal(changeset_head(), filled(limits::part_payload_bytes_max + 1, 0));
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.code() == errc::limit_exceeded);
}

TEST_CASE("an envelope is laid out as documented", "[openssl][cipher]") {
    // Built here from the parts, with a nonce of this test's choice.
    const bytes envelope = envelope_around(text_of({'h', 'e', 'l', 'l', 'o'}));
    CHECK(to_hex(sha256(envelope)) == "9afc5dc42879cc9f2ba8fb2b330a5192d4ae6d4e8cdcb582158666a7e1b9dcee");
    CHECK(to_hex(vault_cipher(vault, key, 1, other).open(envelope).value()) == to_hex(as_bytes("hello")));
}

TEST_CASE("the same payload never gives the same envelope twice", "[openssl][cipher]") {
    vault_cipher c(vault, key, 1, self);
    const bytes a = c.seal(changeset_head(), as_bytes("same")).value();
    const bytes b = c.seal(changeset_head(), as_bytes("same")).value();
    CHECK(a != b);
    CHECK(c.digest(a) == sha256(a));
}

TEST_CASE("an altered or cut envelope does not open", "[openssl][cipher]") {
    vault_cipher c(vault, key, 1, self);
    const bytes sealed = c.seal(changeset_head(), as_bytes("the payload")).value();
    for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit)
        if (c.open(with_bit_flipped(sealed, bit)).ok()) FAIL("bit " << bit);
    for (std::size_t size = 0; size < sealed.size(); ++size)
        if (c.open(bytes_view(sealed).first(size)).ok()) FAIL("size " << size);
    bytes longer = sealed;
    longer.push_back(0);
    CHECK_FALSE(c.open(longer).ok());
}

TEST_CASE("another vault, key, epoch, author or kind does not open an envelope", "[openssl][cipher]") {
    vault_cipher c(vault, key, 1, self);
    const bytes sealed = c.seal(changeset_head(), as_bytes("the payload")).value();
    const auto code = [&](const vault_cipher& reader) { return reader.open(sealed).failure().code; };
    CHECK(code({vault_id::from(filled(16, 0x12)).value(), key, 1, self}) == errc::authentication_failed);
    CHECK(code({vault, to_key256(filled(32, 0x34)).value(), 1, self}) == errc::authentication_failed);
    CHECK(code({vault, key, 2, self}) == errc::authentication_failed);

    vault_cipher both(vault, to_key256(filled(32, 0x34)).value(), 2, self);
    both.add_key(1, key);
    CHECK(both.open(sealed).ok());
    envelope_header later = changeset_head();
    later.epoch = 2;
    CHECK(both.open(both.seal(later, as_bytes("later")).value()).ok());
    CHECK(c.seal(later, as_bytes("later")).code() == errc::invalid_argument);
    later.epoch = 1;
    later.vault = {};
    CHECK(c.seal(later, as_bytes("later")).code() == errc::invalid_argument);
}

TEST_CASE("only the padding that seal writes is accepted", "[openssl][cipher]") {
    const vault_cipher c(vault, key, 1, self);
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
    const vault_cipher reader(vault, key, 1, other);
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
    vault_cipher writer(vault, key, 1, other);
    CHECK(writer.seal(changeset_head(), payload).code() == errc::invalid_argument);
}
