// SPDX-License-Identifier: MIT
#pragma once

/// A register in half a cache line: stamp and value, with replicas as small numbers and texts of up to 16
/// bytes in their place.
#include <casasync/detail/byte_arena.hpp>
#include <casasync/result.hpp>
#include <casasync/value.hpp>

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

namespace casasync::detail {

struct alignas(32) packed_cell {
    std::uint64_t when = 0;     ///< the stamp's clock; 0: nobody wrote the cell
    std::uint32_t replica = 0;  ///< the stamp's replica, by number
    std::uint32_t kind : 3 = not_loaded;
    std::uint32_t size : 29 = 0;
    packed_bytes<16> content{};

    static constexpr std::uint32_t not_loaded = 7;

    void put(const value& v, byte_arena& arena) {
        CASASYNC_ASSERT(v.size() < (std::size_t{1} << 29));
        content.drop(size, arena);
        kind = static_cast<std::uint32_t>(v.kind()) & 7U;
        size = static_cast<std::uint32_t>(v.size()) & ((1U << 29) - 1);
        switch (v.kind()) {
            case value_kind::null:
                break;
            case value_kind::integer:
                put_number(v.integer());
                break;
            case value_kind::real:
                put_number(v.real());
                break;
            case value_kind::text:
                content.put(as_bytes(v.text()), arena);
                break;
            case value_kind::blob:
                content.put(v.blob(), arena);
                break;
        }
    }
    /// Returns the value; nothing where none was given.
    [[nodiscard]] std::optional<value> get(const byte_arena& arena) const {
        if (kind == not_loaded) return std::nullopt;
        const bytes_view all = content.view(size, arena);
        switch (static_cast<value_kind>(kind)) {
            case value_kind::null:
                break;
            case value_kind::integer:
                return value(number<std::int64_t>());
            case value_kind::real:
                return value(number<double>());
            case value_kind::text:
                return value(std::string(reinterpret_cast<const char*>(all.data()), all.size()));
            case value_kind::blob:
                return value(bytes(all.begin(), all.end()));
        }
        return value();
    }

 private:
    template <class T>
    void put_number(T v) noexcept {
        std::memcpy(content.room.data(), &v, sizeof v);
    }
    template <class T>
    [[nodiscard]] T number() const noexcept {
        T v{};
        std::memcpy(&v, content.room.data(), sizeof v);
        return v;
    }
};
static_assert(sizeof(packed_cell) == 32);

}  // namespace casasync::detail
