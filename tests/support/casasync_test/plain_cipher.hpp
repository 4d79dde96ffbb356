// SPDX-License-Identifier: MIT
#pragma once

/// What stands in for cryptography where a test wants speed and no library. It hides nothing and stops no
/// forger; it notices altered bytes, which is all that tests of the session need.
#include <casasync/cipher.hpp>
#include <casasync/detail/hash.hpp>
#include <casasync/detail/wire.hpp>
#include <casasync/snapshot_transfer.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>

namespace casasync_test {

/// A digest of 32 bytes, quick and not secure.
[[nodiscard]] inline casasync::digest256 quick_digest(casasync::bytes_view data) {
    casasync::bytes out;
    casasync::detail::writer w(out);
    for (const std::uint64_t seed : {1U, 2U}) {
        const auto h = casasync::detail::hash128(data, {seed, seed});
        w.u64(h.high);
        w.u64(h.low);
    }
    casasync::digest256 digest{};
    std::copy(out.begin(), out.end(), digest.begin());
    return digest;
}

/// Models casasync::cipher: payloads in the clear, with a check sum.
class plain_cipher {
 public:
    plain_cipher() = default;
    /// One whose envelopes differ from those of every other salt.
    explicit plain_cipher(std::uint64_t salt) : salt_(salt) {}

    [[nodiscard]] bool admits(const casasync::envelope_header&) const { return true; }
    [[nodiscard]] casasync::result<casasync::bytes> seal(casasync::envelope_header head,
                                                         casasync::bytes_view payload) {
        if (payload.size() > casasync::limits::envelope_payload_bytes_max)
            return casasync::errc::limit_exceeded;
        casasync::detail::put_be(head.nonce.data(), ++count_);
        casasync::detail::put_be(head.nonce.data() + sizeof count_, salt_);
        head.ciphertext_bytes = static_cast<std::uint32_t>(payload.size());
        const auto front = casasync::encode_header(head);
        casasync::bytes out(front.begin(), front.end());
        out.insert(out.end(), payload.begin(), payload.end());
        const auto check = quick_digest(out);
        out.insert(out.end(), check.begin(), check.begin() + casasync::envelope_tag_bytes);
        return out;
    }
    [[nodiscard]] casasync::result<casasync::bytes> open(casasync::bytes_view envelope) const {
        if (auto head = casasync::decode_header(envelope); !head) return head.failure();
        const auto sealed = envelope.first(envelope.size() - casasync::envelope_tag_bytes);
        const auto check = quick_digest(sealed);
        if (!std::equal(check.begin(), check.begin() + casasync::envelope_tag_bytes,
                        envelope.begin() + static_cast<std::ptrdiff_t>(sealed.size())))
            return casasync::errc::authentication_failed;
        return casasync::bytes(sealed.begin() + casasync::envelope_header_bytes, sealed.end());
    }
    [[nodiscard]] std::uint32_t members_count() const noexcept { return 0; }
    [[nodiscard]] std::optional<casasync::digest256> members_head(std::uint32_t count) const {
        return count == 0 ? std::optional(casasync::digest256{}) : std::nullopt;
    }
    [[nodiscard]] casasync::digest256 digest(casasync::bytes_view data) const { return quick_digest(data); }

 private:
    std::uint64_t count_ = 0, salt_ = 0;
};
static_assert(casasync::cipher<plain_cipher>);

/// Models casasync::snapshot_chunks, both ways.
class plain_chunks {
 public:
    plain_chunks(const casasync::snapshot_key& key, casasync::snapshot_id id) {
        place_.insert(place_.end(), key.begin(), key.end());
        place_.insert(place_.end(), id.octets.begin(), id.octets.end());
    }

 protected:
    static constexpr std::size_t nonce_bytes = 24;

    /// Returns the check sum of the next chunk.
    [[nodiscard]] casasync::digest256 check(casasync::bytes_view plain, bool last) const {
        casasync::bytes all = place_;
        casasync::detail::writer w(all);
        w.u64(index_);
        w.u8(last ? 1 : 0);
        w.raw(plain);
        return quick_digest(all);
    }
    std::uint64_t index_ = 0;

 private:
    casasync::bytes place_;
};

class plain_sealer : public plain_chunks {
 public:
    using plain_chunks::plain_chunks;
    [[nodiscard]] casasync::result<casasync::bytes> chunk(casasync::bytes_view plain, bool last) {
        casasync::bytes out(nonce_bytes);
        out.insert(out.end(), plain.begin(), plain.end());
        const auto sum = check(plain, last);
        out.insert(out.end(), sum.begin(), sum.begin() + casasync::envelope_tag_bytes);
        ++index_;
        return out;
    }
};

class plain_opener : public plain_chunks {
 public:
    using plain_chunks::plain_chunks;
    [[nodiscard]] casasync::result<casasync::bytes> chunk(casasync::bytes_view sealed, bool last) {
        if (sealed.size() < casasync::snapshot_chunk_overhead_bytes)
            return casasync::errc::malformed_snapshot;
        const auto plain =
            sealed.subspan(nonce_bytes, sealed.size() - casasync::snapshot_chunk_overhead_bytes);
        const auto sum = check(plain, last);
        if (!std::equal(sum.begin(), sum.begin() + casasync::envelope_tag_bytes,
                        sealed.end() - casasync::envelope_tag_bytes))
            return casasync::errc::authentication_failed;
        ++index_;
        return casasync::bytes(plain.begin(), plain.end());
    }
};
static_assert(casasync::snapshot_chunks<plain_sealer> && casasync::snapshot_chunks<plain_opener>);

}  // namespace casasync_test
