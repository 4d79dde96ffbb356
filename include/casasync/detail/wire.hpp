// SPDX-License-Identifier: MIT
#pragma once

/// Byte-level reading and writing for the codecs: varints (LEB128, shortest form only), zigzag, counted
/// strings. A reader never throws and never reads past its end: after a failure it stays failed and returns
/// zeros.
#include <casasync/bytes.hpp>
#include <casasync/ids.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace casasync::detail {

constexpr std::uint64_t zigzag(std::int64_t v) noexcept {
    return (static_cast<std::uint64_t>(v) << 1) ^ static_cast<std::uint64_t>(v >> 63);
}
constexpr std::int64_t unzigzag(std::uint64_t v) noexcept {
    return static_cast<std::int64_t>((v >> 1) ^ (~(v & 1) + 1));
}

class writer {
 public:
    explicit writer(bytes& out) : out_(out) {}

    [[nodiscard]] bytes& out() noexcept { return out_; }
    void u8(std::uint8_t v) { out_.push_back(v); }
    void varint(std::uint64_t v) {
        while (v >= 0x80) {
            out_.push_back(static_cast<std::uint8_t>(v | 0x80));
            v >>= 7;
        }
        out_.push_back(static_cast<std::uint8_t>(v));
    }
    void signed_varint(std::int64_t v) { varint(zigzag(v)); }
    void raw(bytes_view v) { out_.insert(out_.end(), v.begin(), v.end()); }
    void counted(bytes_view v) {
        varint(v.size());
        raw(v);
    }
    void counted(std::string_view v) { counted(as_bytes(v)); }
    void u64(std::uint64_t v) {
        std::array<std::uint8_t, 8> all{};
        for (std::size_t i = 0; i < 8; ++i) all[i] = static_cast<std::uint8_t>(v >> (56 - 8 * i));
        raw(all);
    }
    void real(double v) { u64(std::bit_cast<std::uint64_t>(v)); }

 private:
    bytes& out_;
};

class reader {
 public:
    explicit reader(bytes_view in) : in_(in) {}

    [[nodiscard]] bool ok() const noexcept { return ok_; }
    /// True when everything was read and nothing failed.
    [[nodiscard]] bool done() const noexcept { return ok_ && at_ == in_.size(); }
    [[nodiscard]] std::size_t left() const noexcept { return in_.size() - at_; }
    void fail() noexcept { ok_ = false, at_ = in_.size(); }

    std::uint8_t u8() noexcept {
        if (left() < 1) return fail(), std::uint8_t{0};
        return in_[at_++];
    }
    std::uint64_t varint() noexcept {
        std::uint64_t v = 0;
        for (unsigned shift = 0;; shift += 7) {
            if (left() < 1) break;
            const std::uint8_t b = in_[at_++];
            if (shift == 63 && b > 1) break;
            v |= std::uint64_t{b & 0x7FU} << shift;
            if (b < 0x80) {
                if (b == 0 && shift > 0) break;  // not the shortest form: equal changesets have equal bytes
                return v;
            }
        }
        return fail(), 0;
    }
    std::int64_t signed_varint() noexcept { return unzigzag(varint()); }
    /// A count of things that take at least `least` bytes each, so that a lie is noticed before anything is
    /// allocated.
    std::size_t count(std::size_t limit, std::size_t least = 1) noexcept {
        const std::uint64_t n = varint();
        if (n > limit || (least > 0 && n > left() / least)) return fail(), 0;
        return static_cast<std::size_t>(n);
    }
    bytes_view raw(std::size_t n) noexcept {
        if (left() < n) return fail(), bytes_view{};
        const bytes_view v = in_.subspan(at_, n);
        at_ += n;
        return v;
    }
    bytes_view counted(std::size_t limit) noexcept { return raw(count(limit)); }
    std::string counted_text(std::size_t limit) {
        const bytes_view v = counted(limit);
        return {reinterpret_cast<const char*>(v.data()), v.size()};
    }
    std::uint64_t u64() noexcept {
        const bytes_view v = raw(8);
        std::uint64_t out = 0;
        for (const std::uint8_t b : v) out = (out << 8) | b;
        return out;
    }
    double real() noexcept { return std::bit_cast<double>(u64()); }
    template <class Id>
    Id id() noexcept {
        Id out;
        const bytes_view v = raw(16);
        if (ok_) std::copy(v.begin(), v.end(), out.octets.begin());
        return out;
    }

 private:
    bytes_view in_;
    std::size_t at_ = 0;
    bool ok_ = true;
};

}  // namespace casasync::detail
