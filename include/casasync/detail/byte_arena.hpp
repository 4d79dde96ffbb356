// SPDX-License-Identifier: MIT
#pragma once

/// Byte strings of N bytes of room each: a short one lies in its place, a long one in an arena that several
/// share.
#include <casasync/bytes.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace casasync::detail {

/// Long byte strings, one after the other. What is dropped stays until somebody moves the others.
class byte_arena {
 public:
    [[nodiscard]] std::uint64_t add(bytes_view v) {
        const std::uint64_t at = all_.size();
        all_.insert(all_.end(), v.begin(), v.end());
        return at;
    }
    [[nodiscard]] const std::uint8_t* at(std::uint64_t place) const noexcept {
        return all_.data() + static_cast<std::size_t>(place);
    }
    [[nodiscard]] std::size_t size() const noexcept { return all_.size(); }
    void drop(std::size_t size) noexcept { dropped_ += size; }
    /// True when most of it, and more than a little, was dropped.
    [[nodiscard]] bool is_sparse() const noexcept {
        return dropped_ > (std::size_t{1} << 20) && dropped_ > all_.size() / 2;
    }

 private:
    bytes all_;
    std::size_t dropped_ = 0;
};

/// Where a byte string lies; its size is kept beside it. Copied by the byte, so it must not outlive its
/// arena.
template <std::size_t N>
struct packed_bytes {
    static_assert(N >= sizeof(std::uint64_t));
    std::array<std::uint8_t, N> room{};

    [[nodiscard]] bytes_view view(std::size_t size, const byte_arena& arena) const noexcept {
        return {size <= N ? room.data() : arena.at(place()), size};
    }
    void put(bytes_view v, byte_arena& arena) {
        if (v.size() <= N) {
            std::copy(v.begin(), v.end(), room.begin());
        } else {
            const std::uint64_t place = arena.add(v);
            std::memcpy(room.data(), &place, sizeof place);
        }
    }
    void drop(std::size_t size, byte_arena& arena) const noexcept {
        if (size > N) arena.drop(size);
    }
    /// Moves a string of `size` bytes from one arena to another.
    void move(std::size_t size, const byte_arena& from, byte_arena& to) {
        if (size > N) put(view(size, from), to);
    }

 private:
    [[nodiscard]] std::uint64_t place() const noexcept {
        std::uint64_t place = 0;
        std::memcpy(&place, room.data(), sizeof place);
        return place;
    }
};

}  // namespace casasync::detail
