// SPDX-License-Identifier: MIT
#include <casasync/openssl/spake2.hpp>

#include <casasync/openssl/hash.hpp>

#include "require.hpp"

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>

#include <algorithm>
#include <memory>

namespace casasync::openssl {
namespace {

struct group_deleter {
    void operator()(EC_GROUP* g) const noexcept { EC_GROUP_free(g); }
};
struct point_deleter {
    void operator()(EC_POINT* p) const noexcept { EC_POINT_clear_free(p); }
};
struct number_deleter {
    void operator()(BIGNUM* n) const noexcept { BN_clear_free(n); }
};
struct work_deleter {
    void operator()(BN_CTX* c) const noexcept { BN_CTX_free(c); }
};
using point = std::unique_ptr<EC_POINT, point_deleter>;
using number = std::unique_ptr<BIGNUM, number_deleter>;

/// The points nobody knows the logarithms of: RFC 9382, section 6, compressed.
constexpr std::array<std::uint8_t, 33> m_bytes{
    0x02, 0x88, 0x6e, 0x2f, 0x97, 0xac, 0xe4, 0x6e, 0x55, 0xba, 0x9d, 0xd7, 0x24, 0x25, 0x79, 0xf2, 0x99,
    0x3b, 0x64, 0xe1, 0x6e, 0xf3, 0xdc, 0xab, 0x95, 0xaf, 0xd4, 0x97, 0x33, 0x3d, 0x8f, 0xa1, 0x2f};
constexpr std::array<std::uint8_t, 33> n_bytes{
    0x03, 0xd8, 0xbb, 0xd6, 0xc6, 0x39, 0xc6, 0x29, 0x37, 0xb0, 0x4d, 0x99, 0x7f, 0x38, 0xc3, 0x77, 0x07,
    0x19, 0xc6, 0x29, 0xd7, 0x01, 0x4d, 0x49, 0xa2, 0x4b, 0x4f, 0x98, 0xba, 0xa1, 0x29, 0x2b, 0x49};

/// P-256 with the room its sums need.
class curve {
 public:
    curve() : group_(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1)), work_(BN_CTX_secure_new()) {
        require(group_ != nullptr && work_ != nullptr);
    }

    /// Returns the number, for sums whose time does not depend on it.
    [[nodiscard]] static number secret(bytes_view big_endian) {
        number out(BN_bin2bn(big_endian.data(), static_cast<int>(big_endian.size()), BN_secure_new()));
        require(out != nullptr);
        BN_set_flags(out.get(), BN_FLG_CONSTTIME);
        return out;
    }
    [[nodiscard]] spake2_scalar reduced(bytes_view wide) const {
        const number in = secret(wide);
        const number rest(BN_secure_new());
        require(rest != nullptr &&
                BN_mod(rest.get(), in.get(), EC_GROUP_get0_order(group_.get()), work_.get()) == 1);
        spake2_scalar out{};
        require(BN_bn2binpad(rest.get(), out.data(), static_cast<int>(out.size())) ==
                static_cast<int>(out.size()));
        return out;
    }
    [[nodiscard]] point fresh() const {
        point out(EC_POINT_new(group_.get()));
        require(out != nullptr);
        return out;
    }
    /// Returns the point; nothing for bytes that are none of this curve. OpenSSL checks that it is on the
    /// curve, which has no points of small order.
    [[nodiscard]] point read(bytes_view encoded) const {
        point out = fresh();
        const bool ok =
            EC_POINT_oct2point(group_.get(), out.get(), encoded.data(), encoded.size(), work_.get()) == 1;
        return ok ? std::move(out) : nullptr;
    }
    [[nodiscard]] std::array<std::uint8_t, spake2_message_bytes> write(const point& p) const {
        std::array<std::uint8_t, spake2_message_bytes> out{};
        require(EC_POINT_point2oct(group_.get(), p.get(), POINT_CONVERSION_UNCOMPRESSED, out.data(),
                                   out.size(), work_.get()) == out.size());
        return out;
    }
    [[nodiscard]] point times_generator(const spake2_scalar& k) const {
        point out = fresh();
        require(EC_POINT_mul(group_.get(), out.get(), secret(k).get(), nullptr, nullptr, work_.get()) == 1);
        return out;
    }
    [[nodiscard]] point times(const spake2_scalar& k, const point& p) const {
        point out = fresh();
        require(EC_POINT_mul(group_.get(), out.get(), nullptr, p.get(), secret(k).get(), work_.get()) == 1);
        return out;
    }
    [[nodiscard]] point sum(const point& a, const point& b) const {
        point out = fresh();
        require(EC_POINT_add(group_.get(), out.get(), a.get(), b.get(), work_.get()) == 1);
        return out;
    }
    void negate(point& p) const { require(EC_POINT_invert(group_.get(), p.get(), work_.get()) == 1); }
    [[nodiscard]] bool is_zero(const point& p) const {
        return EC_POINT_is_at_infinity(group_.get(), p.get()) == 1;
    }

 private:
    std::unique_ptr<EC_GROUP, group_deleter> group_;
    std::unique_ptr<BN_CTX, work_deleter> work_;
};

/// Returns w times the point that masks the messages of `side`.
point mask(const curve& c, spake2_side side, const spake2_scalar& w) {
    return c.times(w, c.read(side == spake2_side::a ? bytes_view(m_bytes) : bytes_view(n_bytes)));
}

/// Adds a part of the transcript: its length as 8 bytes, little-endian, and itself.
void add_part(bytes& to, bytes_view part) {
    for (unsigned i = 0; i < 8; ++i)
        to.push_back(static_cast<std::uint8_t>(std::uint64_t{part.size()} >> (8 * i)));
    to.insert(to.end(), part.begin(), part.end());
}

/// The key schedule of RFC 9382, section 4.
spake2_keys keys_of(const bytes& transcript, bytes_view aad) {
    spake2_keys out;
    out.transcript = sha256(transcript);
    std::copy_n(out.transcript.begin(), 16, out.shared.begin());
    const bytes_view label = as_bytes("ConfirmationKeys");
    bytes info(label.begin(), label.end());
    info.insert(info.end(), aad.begin(), aad.end());
    bytes confirming = hkdf_sha256(bytes_view(out.transcript).subspan(16), {}, info, 32);
    out.confirmation_a = hmac_sha256(bytes_view(confirming).first(16), transcript);
    out.confirmation_b = hmac_sha256(bytes_view(confirming).subspan(16), transcript);
    OPENSSL_cleanse(confirming.data(), confirming.size());
    return out;
}

error no_point() {
    return {errc::malformed_text, "The other device's pairing message is no point of the curve."};
}

}  // namespace

result<spake2_scalar> spake2_password(bytes_view secret, bytes_view salt) {
    std::array<std::uint8_t, 40> wide{};
    require(EVP_PBE_scrypt(reinterpret_cast<const char*>(secret.data()), secret.size(), salt.data(),
                           salt.size(), std::uint64_t{1} << 14, 8, 1, 0, wide.data(), wide.size()) == 1);
    const spake2_scalar out = curve().reduced(wide);
    OPENSSL_cleanse(wide.data(), wide.size());
    if (out == spake2_scalar{})
        return error{errc::invalid_argument, "This code cannot be used; make another."};
    return out;
}

spake2_keys::~spake2_keys() {
    OPENSSL_cleanse(shared.data(), shared.size());
    OPENSSL_cleanse(transcript.data(), transcript.size());
    OPENSSL_cleanse(confirmation_a.data(), confirmation_a.size());
    OPENSSL_cleanse(confirmation_b.data(), confirmation_b.size());
}

spake2::~spake2() {
    OPENSSL_cleanse(w_.data(), w_.size());
    OPENSSL_cleanse(x_.data(), x_.size());
}

void spake2::begin(std::array<std::uint8_t, 40>& wide) {
    const curve c;
    x_ = c.reduced(wide);
    OPENSSL_cleanse(wide.data(), wide.size());
    message_ = c.write(c.sum(c.times_generator(x_), mask(c, side_, w_)));
}

result<spake2_keys> spake2::finish(bytes_view peer, const spake2_context& context) const {
    const curve c;
    if (peer.size() != spake2_message_bytes || peer[0] != 4) return no_point();
    const point theirs = c.read(peer);
    if (theirs == nullptr) return no_point();
    point masked = mask(c, side_ == spake2_side::a ? spake2_side::b : spake2_side::a, w_);
    c.negate(masked);
    const point shared = c.times(x_, c.sum(theirs, masked));
    if (c.is_zero(shared)) return no_point();
    auto key = c.write(shared);

    const bool is_a = side_ == spake2_side::a;
    bytes transcript;
    transcript.reserve(std::size_t{6} * 8 + context.name_a.size() + context.name_b.size() + 3 * key.size() +
                       w_.size());
    add_part(transcript, context.name_a);
    add_part(transcript, context.name_b);
    add_part(transcript, is_a ? bytes_view(message_) : peer);
    add_part(transcript, is_a ? peer : bytes_view(message_));
    add_part(transcript, key);
    add_part(transcript, w_);
    spake2_keys out = keys_of(transcript, context.aad);
    OPENSSL_cleanse(key.data(), key.size());
    OPENSSL_cleanse(transcript.data(), transcript.size());
    return out;
}

}  // namespace casasync::openssl
