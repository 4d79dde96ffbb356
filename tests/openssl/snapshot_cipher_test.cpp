// SPDX-License-Identifier: MIT
#include <casasync/openssl/snapshot_cipher.hpp>

#include "bytes_of.hpp"

#include <casasync_test/catch.hpp>

#include <algorithm>

using namespace casasync;
using namespace casasync::openssl;

namespace {

const key256 sealing_key = to_key256(filled(32, 0x33)).value();
const snapshot_id id = snapshot_id::from(filled(16, 0x11)).value();
constexpr std::size_t full = casasync::openssl::snapshot_chunk_bytes;

/// Returns the sealed chunks of `content`.
std::vector<bytes> seal_all(const bytes& content) {
    snapshot_sealer sealer(sealing_key, id);
    std::vector<bytes> out;
    std::size_t at = 0;
    do {
        const std::size_t n = std::min(full, content.size() - at);
        out.push_back(sealer.chunk(bytes_view(content).subspan(at, n), at + n == content.size()).value());
        at += n;
    } while (at < content.size());
    CHECK(sealer.chunk({}, true).code() == errc::invalid_argument);
    return out;
}

/// Returns the content of `chunks`, or the first error.
result<bytes> open_all(const std::vector<bytes>& chunks) {
    snapshot_opener opener(sealing_key, id);
    bytes out;
    for (std::size_t i = 0; i < chunks.size(); ++i) {
        auto plain = opener.chunk(chunks[i], i + 1 == chunks.size());
        if (!plain) return plain;
        out.insert(out.end(), plain->begin(), plain->end());
    }
    return out;
}

bytes content_of(std::size_t size) {
    bytes out(size);
    for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
    return out;
}

}  // namespace

TEST_CASE("content of every size comes back, and its sealed size is known before", "[openssl][snapshot]") {
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, full - 1, full, full + 1, 3 * full}) {
        CAPTURE(size);
        const bytes content = content_of(size);
        const auto chunks = seal_all(content);
        std::size_t total = 0;
        for (const bytes& c : chunks) total += c.size();
        CHECK(total == sealed_size(size));
        CHECK(open_all(chunks).value() == content);
    }
}

TEST_CASE("chunks that are moved, repeated, left out, cut or altered do not open", "[openssl][snapshot]") {
    const auto chunks = seal_all(content_of(2 * full + 100));
    const auto code = [](const std::vector<bytes>& c) {
        const auto r = open_all(c);
        return r ? errc{} : r.code();
    };
    REQUIRE(code(chunks) == errc{});
    CHECK(code({chunks[1], chunks[0], chunks[2]}) == errc::authentication_failed);
    CHECK(code({chunks[0], chunks[0], chunks[2]}) == errc::authentication_failed);
    CHECK(code({chunks[0], chunks[2]}) == errc::authentication_failed);
    CHECK(code({chunks[0], chunks[1]}) == errc::authentication_failed);  // the end is missing
    CHECK(code({chunks[0], chunks[2], chunks[1]}) == errc::malformed_snapshot);
    CHECK(code({chunks[0], chunks[1], with_bit_flipped(chunks[2], 3)}) == errc::authentication_failed);
    bytes cut = chunks[2];
    cut.pop_back();
    CHECK(code({chunks[0], chunks[1], cut}) == errc::authentication_failed);
    cut.resize(39);
    CHECK(code({chunks[0], chunks[1], cut}) == errc::malformed_snapshot);
    cut.resize(40);  // an empty chunk behind others
    CHECK(code({chunks[0], chunks[1], cut}) == errc::malformed_snapshot);
    CHECK(code({chunks[0], chunks[1], chunks[2], chunks[2]}) == errc::malformed_snapshot);
}

TEST_CASE("another snapshot's key or id does not open a chunk; a failure can be tried again",
          "[openssl][snapshot]") {
    const auto chunks = seal_all(content_of(5));
    snapshot_id other = id;
    other.octets[0] ^= 1;
    CHECK(snapshot_opener(sealing_key, other).chunk(chunks[0], true).code() == errc::authentication_failed);
    CHECK(snapshot_opener(to_key256(filled(32, 0x34)).value(), id).chunk(chunks[0], true).code() ==
          errc::authentication_failed);
    snapshot_opener opener(sealing_key, id);
    CHECK_FALSE(opener.chunk(with_bit_flipped(chunks[0], 200), true).ok());
    CHECK(opener.chunk(chunks[0], true).value() == content_of(5));
    CHECK(opener.chunk(chunks[0], true).code() == errc::malformed_snapshot);
}

TEST_CASE("only the last chunk may be short", "[openssl][snapshot]") {
    snapshot_sealer sealer(sealing_key, id);
    CHECK(sealer.chunk(content_of(full - 1), false).code() == errc::invalid_argument);
    CHECK(sealer.chunk(content_of(full + 1), true).code() == errc::invalid_argument);
    CHECK(sealer.chunk(content_of(full), false).ok());
    CHECK(sealer.chunk({}, true).code() == errc::invalid_argument);
    CHECK(sealer.chunk(content_of(1), true).ok());
}
