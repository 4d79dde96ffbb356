// SPDX-License-Identifier: MIT
#include <casasync/openssl/cipher.hpp>

#include "bytes_of.hpp"

#include <casasync/openssl/hash.hpp>
#include <casasync_test/catch.hpp>

#include <algorithm>

using namespace casasync;
using namespace casasync::openssl;

namespace {

const vault_id vault = vault_id::from(filled(16, 0x11)).value();
const device_id device = device_id::from(filled(16, 0x22)).value();
const key256 key = to_key256(filled(32, 0x33)).value();

envelope_header changeset_head(std::uint64_t seq = 1) {
    envelope_header h;
    h.vault = vault;
    h.device = device;
    h.seq = seq;
    h.max_hour = 480000;
    return h;
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
    vault_cipher c(vault, key);
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{252}, std::size_t{253},
                                   std::size_t{70001}, limits::part_payload_bytes_max}) {
        CAPTURE(size);
        const bytes payload = filled(size, 0x5a);
        const auto sealed = c.seal(changeset_head(9), payload);
        REQUIRE(sealed.ok());
        CHECK(sealed->size() == envelope_overhead_bytes + padded_size(4 + size));
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
    bytes text = filled(256, 0);
    text[3] = 5;
    std::copy_n("hello", 5, text.begin() + 4);
    const bytes envelope = envelope_around(text);
    CHECK(to_hex(sha256(envelope)) == "396937c8da1248e8c84fcc757b765d2707eb30cf5e45ec2bcf93731cac9af65e");
    CHECK(to_hex(vault_cipher(vault, key).open(envelope).value()) == to_hex(as_bytes("hello")));
}

TEST_CASE("the same payload never gives the same envelope twice", "[openssl][cipher]") {
    vault_cipher c(vault, key);
    const bytes a = c.seal(changeset_head(), as_bytes("same")).value();
    const bytes b = c.seal(changeset_head(), as_bytes("same")).value();
    CHECK(a != b);
    CHECK(c.digest(a) == sha256(a));
}

TEST_CASE("an altered or cut envelope does not open", "[openssl][cipher]") {
    vault_cipher c(vault, key);
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
    vault_cipher c(vault, key);
    const bytes sealed = c.seal(changeset_head(), as_bytes("the payload")).value();
    const auto code = [&](const vault_cipher& other) { return other.open(sealed).failure().code; };
    CHECK(code({vault_id::from(filled(16, 0x12)).value(), key}) == errc::authentication_failed);
    CHECK(code({vault, to_key256(filled(32, 0x34)).value()}) == errc::authentication_failed);
    CHECK(code({vault, key, 2}) == errc::authentication_failed);

    vault_cipher both(vault, to_key256(filled(32, 0x34)).value(), 2);
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
    const vault_cipher c(vault, key);
    const auto code = [&](const bytes& text) {
        const auto r = c.open(envelope_around(text));
        return r ? errc{} : r.code();
    };
    bytes text = filled(256, 0);
    CHECK(code(text) == errc{});
    text[255] = 1;  // not zero
    CHECK(code(text) == errc::authentication_failed);
    text = filled(256, 0);
    text[2] = 1;  // longer than the text
    CHECK(code(text) == errc::authentication_failed);
    text[0] = 0xff;
    CHECK(code(text) == errc::authentication_failed);
    CHECK(code(filled(272, 0)) == errc::authentication_failed);  // padded more than needed
    CHECK(code({}) == errc::authentication_failed);
    CHECK(code(filled(3, 0)) == errc::authentication_failed);
}
