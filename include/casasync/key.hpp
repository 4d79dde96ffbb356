// SPDX-License-Identifier: MIT
#pragma once

/// A row's key as canonical bytes: equal keys have equal bytes, whatever device wrote them.
/// One tagged field a key column: 1 integer (8 bytes, order-preserving), 2 real, 3 text, 4 blob (length,
/// bytes), 5 a lower-case UUID text, packed to 16 bytes and restored byte for byte.
#include <casasync/bytes.hpp>
#include <casasync/detail/small_vector.hpp>
#include <casasync/detail/wire.hpp>
#include <casasync/limits.hpp>
#include <casasync/result.hpp>
#include <casasync/value.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace casasync {

/// A row's key where there are many: that of a UUID, 17 bytes, or of two integers, 18, lies in place.
using row_key = detail::small_vector<std::uint8_t, 24>;

namespace detail {

inline constexpr std::uint8_t key_tag_uuid = 5;

/// Packs "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx" in lower case; returns false for any other text.
[[nodiscard]] inline bool pack_uuid(std::string_view text, std::uint8_t* out) noexcept {
    if (text.size() != 36) return false;
    std::size_t n = 0;
    for (std::size_t i = 0; i < 36; ++i) {
        const char c = text[i];
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (c != '-') return false;
            continue;
        }
        int d = 0;
        if (c >= '0' && c <= '9')
            d = c - '0';
        else if (c >= 'a' && c <= 'f')
            d = c - 'a' + 10;
        else
            return false;
        if (n % 2 == 0)
            out[n / 2] = static_cast<std::uint8_t>(d << 4);
        else
            out[n / 2] = static_cast<std::uint8_t>(out[n / 2] | d);
        ++n;
    }
    return true;
}

[[nodiscard]] inline std::string unpack_uuid(bytes_view packed) {
    static constexpr char digit[] = "0123456789abcdef";
    std::string out(36, '-');
    std::size_t at = 0;
    for (std::size_t i = 0; i < 16; ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) ++at;
        out[at++] = digit[packed[i] >> 4];
        out[at++] = digit[packed[i] & 15];
    }
    return out;
}

}  // namespace detail

/// Returns the canonical bytes of a key, one value a key column in the table's order.
/// \errors limit_exceeded above limits::key_bytes_max; invalid_argument for a NULL.
[[nodiscard]] inline result<bytes> encode_key(std::span<const value> columns) {
    bytes out;
    out.reserve(17 * columns.size());  // UUIDs
    detail::writer w(out);
    for (const value& v : columns) {
        switch (v.kind()) {
            case value_kind::null:
                return errc::invalid_argument;
            case value_kind::integer:
                w.u8(1);
                w.u64(static_cast<std::uint64_t>(v.integer()) ^ (std::uint64_t{1} << 63));
                break;
            case value_kind::real:
                w.u8(2);
                w.real(v.real());
                break;
            case value_kind::text: {
                std::uint8_t packed[16];
                if (detail::pack_uuid(v.text(), packed)) {
                    w.u8(detail::key_tag_uuid);
                    w.raw(bytes_view(packed));
                } else {
                    w.u8(3);
                    w.counted(v.text());
                }
                break;
            }
            case value_kind::blob:
                w.u8(4);
                w.counted(v.blob());
                break;
        }
        if (out.size() > limits::key_bytes_max)
            return error{errc::limit_exceeded,
                         "the key of this row is longer than 4 KiB; the row stays on this device"};
    }
    return out;
}

/// Returns the values of a key. \errors malformed_changeset for bytes that encode_key does not write.
[[nodiscard]] inline result<std::vector<value>> decode_key(bytes_view key) {
    if (key.empty() || key.size() > limits::key_bytes_max) return errc::malformed_changeset;
    std::vector<value> out;
    detail::reader r(key);
    while (r.ok() && r.left() > 0) {
        switch (r.u8()) {
            case 1:
                out.emplace_back(static_cast<std::int64_t>(r.u64() ^ (std::uint64_t{1} << 63)));
                break;
            case 2: {
                const double d = r.real();
                if (d != d) return errc::malformed_changeset;
                out.emplace_back(d);
                break;
            }
            case 3: {
                std::string text = r.counted_text(limits::key_bytes_max);
                std::uint8_t packed[16];
                if (detail::pack_uuid(text, packed)) return errc::malformed_changeset;
                out.emplace_back(std::move(text));
                break;
            }
            case 4: {
                const bytes_view v = r.counted(limits::key_bytes_max);
                out.emplace_back(bytes(v.begin(), v.end()));
                break;
            }
            case detail::key_tag_uuid: {
                const bytes_view packed = r.raw(16);
                if (!r.ok()) return errc::malformed_changeset;
                out.emplace_back(detail::unpack_uuid(packed));
                break;
            }
            default:
                return errc::malformed_changeset;
        }
    }
    if (!r.done()) return errc::malformed_changeset;
    return out;
}

}  // namespace casasync
