// SPDX-License-Identifier: MIT
#pragma once

/// A column of numbers in whatever way is shortest: runs of equal ones, so many bits each, or varints. One
/// number alone is a varint. What was not written in the shortest way is refused: equal numbers have equal
/// bytes.
///
///     way 0: runs, each a length and a number | way 1 .. 64: so many bits a number, lowest first | way 65:
///     varints
#include <casasync/detail/hash.hpp>
#include <casasync/detail/wire.hpp>
#include <casasync/result.hpp>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>
#include <vector>

namespace casasync::detail {

using numbers = std::vector<std::uint64_t>;

/// Bytes that so many things of so many bits take.
constexpr std::size_t packed_size(std::size_t count, unsigned width) noexcept {
    return (count * width + 7) / 8;
}

/// Writes bits, the lowest first; the last byte is filled up with zeros.
class bit_writer {
 public:
    /// \param count, width  how many bits will be written
    bit_writer(bytes& out, std::size_t count, unsigned width) : out_(out), at_(out.size()) {
        out.resize(at_ + packed_size(count, width));
    }
    ~bit_writer() {
        for (; at_ < out_.size(); pending_ >>= 8) out_[at_++] = static_cast<std::uint8_t>(pending_);
    }
    bit_writer(const bit_writer&) = delete;
    bit_writer& operator=(const bit_writer&) = delete;

    /// \param width  up to 64
    void put(std::uint64_t v, unsigned width) {
        if (width > 32) {
            put_few(v & 0xFFFFFFFFU, 32);
            v >>= 32;
            width -= 32;
        }
        put_few(v, width);
    }

 private:
    void put_few(std::uint64_t v, unsigned width) {
        pending_ |= v << filled_;
        filled_ += width;
        if (filled_ < 32) return;
        CASASYNC_ASSERT(out_.size() - at_ >= 4);
        for (unsigned i = 0; i < 4; ++i) out_[at_ + i] = static_cast<std::uint8_t>(pending_ >> (8 * i));
        at_ += 4;
        pending_ >>= 32;
        filled_ -= 32;
    }

    bytes& out_;
    std::size_t at_;
    std::uint64_t pending_ = 0;
    unsigned filled_ = 0;  ///< bits of it, under 32 between two calls
};

/// Reads what bit_writer wrote. Whoever makes one has checked that the bytes are there.
class bit_reader {
 public:
    explicit bit_reader(bytes_view in) : in_(in) {}

    std::uint64_t get(unsigned width) noexcept {
        if (width <= 32) return get_few(width);
        const std::uint64_t low = get_few(32);
        return low | get_few(width - 32) << 32;
    }
    /// True when only zeros are left.
    [[nodiscard]] bool done() const noexcept { return pending_ == 0; }

 private:
    std::uint64_t get_few(unsigned width) noexcept {
        if (filled_ < width) fill(width);
        const std::uint64_t v = pending_ & ((std::uint64_t{1} << width) - 1);
        pending_ >>= width;
        filled_ -= width;
        return v;
    }
    void fill(unsigned width) noexcept {
        if (in_.size() - at_ >= 4) {
            pending_ |= load_le<4>(&in_[at_]) << filled_;
            at_ += 4;
            filled_ += 32;
            return;
        }
        for (; filled_ < width; filled_ += 8) pending_ |= std::uint64_t{in_[at_++]} << filled_;
    }

    bytes_view in_;
    std::size_t at_ = 0;
    std::uint64_t pending_ = 0;
    unsigned filled_ = 0;
};

constexpr std::size_t varint_size(std::uint64_t v) noexcept {
    return (static_cast<std::size_t>(std::bit_width(v | 1)) * 9 + 64) / 64;  // a seventh of them, rounded up
}

inline constexpr std::uint8_t way_runs = 0, way_varints = 65;

/// Returns the shortest way for two numbers or more; of equally short ones the first of runs, bits, varints.
inline std::uint8_t shortest_way(std::span<const std::uint64_t> all) noexcept {
    std::size_t runs = 0, varints = 0;
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < all.size();) {
        std::size_t end = i + 1;
        while (end < all.size() && all[end] == all[i]) ++end;
        const std::size_t size = varint_size(all[i]);
        runs += varint_size(end - i) + size;
        varints += size * (end - i);
        bits |= all[i];
        i = end;
    }
    const auto width = static_cast<unsigned>(std::bit_width(bits));
    const std::size_t packed = packed_size(all.size(), width);
    if (runs <= packed && runs <= varints) return way_runs;
    return packed <= varints ? static_cast<std::uint8_t>(width) : way_varints;
}

inline void put_numbers(writer& w, std::span<const std::uint64_t> all) {
    if (all.size() == 1) w.varint(all[0]);
    if (all.size() < 2) return;
    const std::uint8_t way = shortest_way(all);
    w.u8(way);
    if (way == way_varints) {
        for (const std::uint64_t v : all) w.varint(v);
    } else if (way == way_runs) {
        for (std::size_t i = 0, end = 0; i < all.size(); i = end) {
            for (end = i + 1; end < all.size() && all[end] == all[i];) ++end;
            w.varint(end - i);
            w.varint(all[i]);
        }
    } else {
        bit_writer out(w.out(), all.size(), way);
        for (const std::uint64_t v : all) out.put(v, way);
    }
}

/// Reads `count` numbers into `out`. False, and the reader has failed, for anything that put_numbers() does
/// not write. \param count  checked against a limit: numbers may take no bytes at all
inline bool get_numbers(reader& r, std::size_t count, numbers& out) {
    out.clear();
    if (count < 2) {
        if (count == 1) out.push_back(r.varint());
        return r.ok();
    }
    const std::uint8_t way = r.u8();
    if (way > way_varints) return r.fail(), false;
    if (way == way_varints && r.left() < count) return r.fail(), false;
    bool shortest = true;
    if (way == way_varints) {
        out.reserve(count);
        for (std::size_t i = 0; i < count; ++i) out.push_back(r.varint());
    } else if (way == way_runs) {
        out.reserve(count);
        while (out.size() < count && r.ok()) {
            const std::uint64_t n = r.varint(), v = r.varint();
            if (n == 0 || n > count - out.size() || (!out.empty() && out.back() == v)) return r.fail(), false;
            out.insert(out.end(), static_cast<std::size_t>(n), v);
        }
    } else {
        bit_reader in(r.raw(packed_size(count, way)));
        if (!r.ok()) return false;
        out.reserve(count);
        for (std::size_t i = 0; i < count; ++i) out.push_back(in.get(way));
        shortest = in.done();
    }
    if (!r.ok() || !shortest || shortest_way(out) != way) return r.fail(), false;
    return true;
}

}  // namespace casasync::detail
