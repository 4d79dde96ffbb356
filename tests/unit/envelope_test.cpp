// SPDX-License-Identifier: MIT
#include <casasync/envelope.hpp>
#include <casasync_test/catch.hpp>

#include <functional>

using namespace casasync;

namespace {

/// An envelope of 5 bytes of ciphertext, after `spoil`.
bytes envelope(const std::function<void(envelope_header&)>& spoil = {}) {
    envelope_header h;
    h.seq = 3;
    h.ciphertext_bytes = 5;
    if (spoil) spoil(h);
    const auto head = encode_header(h);
    bytes out(head.begin(), head.end());
    out.resize(envelope_overhead_bytes + 5);
    return out;
}
errc refusal(const bytes& data) {
    const auto h = decode_header(data);
    return h ? errc{} : h.code();
}

}  // namespace

TEST_CASE("an envelope is as long as its header says, not longer than an envelope may be", "[envelope]") {
    CHECK(refusal(envelope()) == errc{});
    bytes shorter = envelope(), longer = envelope();
    shorter.pop_back();
    longer.push_back(0);
    CHECK(refusal(shorter) == errc::malformed_envelope);
    CHECK(refusal(longer) == errc::malformed_envelope);
    CHECK(refusal(bytes(envelope_overhead_bytes - 1)) == errc::malformed_envelope);
    CHECK(refusal({}) == errc::malformed_envelope);
    for (const std::size_t n : {limits::envelope_bytes_max, limits::envelope_bytes_max + 1}) {
        bytes large = envelope([n](envelope_header& h) {
            h.ciphertext_bytes = static_cast<std::uint32_t>(n - envelope_overhead_bytes);
        });
        large.resize(n);
        CHECK(refusal(large) == (n == limits::envelope_bytes_max ? errc{} : errc::malformed_envelope));
    }
}

TEST_CASE("the magic is checked, what a newer casasync may write is told from damage", "[envelope]") {
    for (std::size_t place = 0; place < 8; ++place) {
        bytes other = envelope();
        other[place] = 0x7E;
        CHECK(refusal(other) == (place < 4 ? errc::malformed_envelope : errc::unknown_format_version));
    }
    bytes reserved = envelope();
    reserved[6] = 1;
    CHECK(refusal(reserved) == errc::unknown_format_version);
}

TEST_CASE("a group has 1 to 64 parts, and a part is one of them", "[envelope]") {
    const auto part_of = [](std::uint16_t part, std::uint16_t parts) {
        return refusal(envelope([=](envelope_header& h) { h.part = part, h.parts = parts; }));
    };
    CHECK(part_of(0, 1) == errc{});
    CHECK(part_of(63, 64) == errc{});
    for (const auto& [part, parts] : {std::pair{0, 0}, {1, 1}, {64, 64}, {0, 65}, {0, 256}})
        CHECK(part_of(static_cast<std::uint16_t>(part), static_cast<std::uint16_t>(parts)) ==
              errc::malformed_envelope);
}

TEST_CASE("what is in a device's stream has a number below 2^53, a manifest has none", "[envelope]") {
    const auto numbered = [](envelope_kind kind, std::uint64_t seq) {
        return refusal(envelope([=](envelope_header& h) { h.kind = kind, h.seq = seq; }));
    };
    constexpr std::uint64_t most = (std::uint64_t{1} << 53) - 1;
    for (const envelope_kind kind : {envelope_kind::changeset, envelope_kind::heartbeat}) {
        CHECK(numbered(kind, 1) == errc{});
        CHECK(numbered(kind, most) == errc{});
        CHECK(numbered(kind, most + 1) == errc::malformed_envelope);
        CHECK(numbered(kind, 0) == errc::malformed_envelope);
    }
    CHECK(numbered(envelope_kind::snapshot_manifest, 0) == errc{});
    CHECK(numbered(envelope_kind::snapshot_manifest, 1) == errc::malformed_envelope);
}

TEST_CASE("an envelope of no kind is refused", "[envelope]") {
    CHECK(refusal(envelope([](envelope_header& h) { h.kind = static_cast<envelope_kind>(0); })) ==
          errc::unknown_format_version);
}
