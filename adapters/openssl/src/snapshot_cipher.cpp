// SPDX-License-Identifier: MIT
#include <casasync/openssl/snapshot_cipher.hpp>

#include <casasync/envelope.hpp>
#include <casasync/openssl/random.hpp>

#include <algorithm>

namespace casasync::openssl {
namespace {

std::array<std::uint8_t, 21> associated_data(const snapshot_id& id, std::uint32_t index, bool last) {
    std::array<std::uint8_t, 21> out{};
    std::copy(id.octets.begin(), id.octets.end(), out.begin());
    detail::put_be(&out[16], index);
    out[20] = last ? 1 : 0;
    return out;
}

/// Only the last chunk may be short, and it is empty only when there is no content at all.
bool fits(std::size_t plain, std::uint32_t index, bool last) {
    if (!last) return plain == snapshot_chunk_bytes;
    return plain <= snapshot_chunk_bytes && (plain > 0 || index == 0);
}

}  // namespace

snapshot_sealer::snapshot_sealer(const key256& key, snapshot_id id) noexcept : key_(key), id_(id) {}

result<bytes> snapshot_sealer::chunk(bytes_view plain, bool last) {
    if (done_ || !fits(plain.size(), index_, last)) return errc::invalid_argument;
    nonce192 nonce{};
    random{}.fill(nonce);
    auto sealed = aead_seal(key_, nonce, associated_data(id_, index_, last), plain);
    if (!sealed) return sealed;
    sealed->insert(sealed->begin(), nonce.begin(), nonce.end());
    ++index_;
    done_ = last;
    return sealed;
}

snapshot_opener::snapshot_opener(const key256& key, snapshot_id id) noexcept : key_(key), id_(id) {}

result<bytes> snapshot_opener::chunk(bytes_view sealed, bool last) {
    if (done_ || sealed.size() < snapshot_chunk_overhead_bytes ||
        !fits(sealed.size() - snapshot_chunk_overhead_bytes, index_, last))
        return errc::malformed_snapshot;
    nonce192 nonce{};
    std::copy_n(sealed.begin(), nonce.size(), nonce.begin());
    auto plain = aead_open(key_, nonce, associated_data(id_, index_, last), sealed.subspan(nonce.size()));
    if (!plain) return plain;
    ++index_;
    done_ = last;
    return plain;
}

}  // namespace casasync::openssl
