// SPDX-License-Identifier: MIT
#pragma once

/// A column of texts. A short text that was there before is its place among the short ones; the new ones
/// follow together: UUIDs in 16 bytes each, others without the beginning they share, in as many bits a
/// character as they have different ones.
///
///     places (number_column.hpp): 0 new, else 1 + place
///     8, 16 bytes each | 0 .. 7, shared beginning, lengths of the rests, [number of characters - 1,
///     characters in order,] the rests: as they are (0) or so many bits a character
#include <casasync/detail/hash.hpp>
#include <casasync/detail/number_column.hpp>
#include <casasync/detail/wire.hpp>
#include <casasync/key.hpp>
#include <casasync/limits.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace casasync::detail {

inline constexpr std::size_t dictionary_text_max = 64;  ///< longer texts are written out each time
inline constexpr std::size_t shared_beginning_max = 32;
inline constexpr std::uint8_t texts_of_uuids = 8;

/// Finds texts again. It keeps views; iterated never.
class text_index {
 public:
    /// \param count  how many texts may come
    explicit text_index(std::size_t count) : slots_(std::bit_ceil(count * 2 + 1)) {}

    /// Returns the place of `text` among the texts added, and adds it when it is new: then the place is
    /// size() - 1.
    std::size_t add(std::string_view text) {
        const std::size_t mask = slots_.size() - 1;
        for (std::size_t at = static_cast<std::size_t>(hash128(as_bytes(text)).low) & mask;;
             at = (at + 1) & mask) {
            if (slots_[at] == 0) {
                texts_.push_back(text);
                slots_[at] = static_cast<std::uint32_t>(texts_.size());
                return texts_.size() - 1;
            }
            if (texts_[slots_[at] - 1] == text) return slots_[at] - 1;
        }
    }
    [[nodiscard]] std::size_t size() const noexcept { return texts_.size(); }
    [[nodiscard]] std::string_view operator[](std::size_t place) const noexcept { return texts_[place]; }

 private:
    std::vector<std::uint32_t> slots_;  ///< 0, or 1 + place
    std::vector<std::string_view> texts_{};
};

/// The characters of some texts, each as a small number.
struct alphabet {
    std::array<std::uint8_t, 256> code{};
    std::vector<std::uint8_t> characters{};
    std::size_t text_bytes = 0;

    explicit alphabet(std::span<const std::string_view> texts) {
        std::array<bool, 256> used{};
        for (const std::string_view t : texts) {
            text_bytes += t.size();
            for (const char c : t) used[static_cast<std::uint8_t>(c)] = true;
        }
        for (std::size_t c = 0; c < used.size(); ++c) {
            if (!used[c]) continue;
            code[c] = static_cast<std::uint8_t>(characters.size());
            characters.push_back(static_cast<std::uint8_t>(c));
        }
    }
    /// Bits a character, 0 where writing the texts as they are is as short.
    [[nodiscard]] unsigned width() const noexcept {
        if (characters.empty() || characters.size() > 128) return 0;
        const auto bits =
            static_cast<unsigned>(std::bit_width(std::max<std::size_t>(characters.size() - 1, 1)));
        return 1 + characters.size() + packed_size(text_bytes, bits) < text_bytes ? bits : 0;
    }
};

inline std::size_t shared_beginning(std::span<const std::string_view> texts) noexcept {
    std::size_t n = std::min(texts[0].size(), shared_beginning_max);
    for (const std::string_view t : texts) {
        const std::size_t most = std::min(n, t.size());
        for (n = 0; n < most && t[n] == texts[0][n];) ++n;
    }
    return n;
}

inline bool are_uuids(std::span<const std::string_view> texts) noexcept {
    std::array<std::uint8_t, 16> packed{};
    return std::all_of(texts.begin(), texts.end(),
                       [&packed](std::string_view t) { return pack_uuid(t, packed.data()); });
}

/// \param texts  at least one
inline void put_new_texts(writer& w, std::vector<std::string_view> texts) {
    if (are_uuids(texts)) {
        w.u8(texts_of_uuids);
        std::array<std::uint8_t, 16> packed{};
        for (const std::string_view t : texts) {
            static_cast<void>(pack_uuid(t, packed.data()));
            w.raw(packed);
        }
        return;
    }
    const std::string_view beginning = texts[0].substr(0, shared_beginning(texts));
    numbers lengths;
    lengths.reserve(texts.size());
    for (std::string_view& t : texts) {
        t.remove_prefix(beginning.size());
        lengths.push_back(t.size());
    }
    const alphabet characters(texts);
    const unsigned width = characters.width();
    w.u8(static_cast<std::uint8_t>(width));
    w.counted(beginning);
    put_numbers(w, lengths);
    if (width == 0) {
        for (const std::string_view t : texts) w.raw(as_bytes(t));
        return;
    }
    w.u8(static_cast<std::uint8_t>(characters.characters.size() - 1));
    w.raw(characters.characters);
    bit_writer out(w.out(), characters.text_bytes, width);
    for (const std::string_view t : texts)
        for (const char c : t) out.put(characters.code[static_cast<std::uint8_t>(c)], width);
}

/// \param texts  those of the column, in order
inline void put_texts(writer& w, std::span<const std::string_view> texts) {
    if (texts.empty()) return;
    text_index known(texts.size());
    numbers places;
    std::vector<std::string_view> fresh;
    places.reserve(texts.size());
    for (const std::string_view t : texts) {
        const std::size_t before = known.size(),
                          place = t.size() <= dictionary_text_max ? known.add(t) : before;
        places.push_back(place == before ? 0 : place + 1);
        if (place == before) fresh.push_back(t);
    }
    put_numbers(w, places);
    put_new_texts(w, std::move(fresh));
}

/// True when put_new_texts() begins in this way for these texts.
/// \param beginning  how much they share; \param characters  those of the rests, where bits stand for them
inline bool are_written_so(std::span<std::string* const> texts, std::uint8_t way, std::size_t beginning,
                           bytes_view characters) {
    std::vector<std::string_view> all;
    all.reserve(texts.size());
    for (const std::string* t : texts) all.emplace_back(*t);
    if (are_uuids(all) || shared_beginning(all) != beginning) return false;
    for (std::string_view& t : all) t.remove_prefix(beginning);
    const alphabet expected(all);
    return expected.width() == way &&
           (way == 0 || std::equal(characters.begin(), characters.end(), expected.characters.begin(),
                                   expected.characters.end()));
}

/// Reads UUIDs into `out`.
inline bool get_uuids(reader& r, std::span<std::string* const> out, std::size_t& bytes_left) {
    const bytes_view packed = r.raw(16 * out.size());
    if (!r.ok() || bytes_left < 36 * out.size()) return false;
    bytes_left -= 36 * out.size();
    for (std::size_t i = 0; i < out.size(); ++i) *out[i] = unpack_uuid(packed.subspan(16 * i, 16));
    return true;
}

/// Reads new texts into `out`, which has their number, at least one. \param bytes_left  what all may take
/// together
inline bool get_new_texts(reader& r, std::span<std::string* const> out, std::size_t& bytes_left) {
    const std::uint8_t way = r.u8();
    if (way == texts_of_uuids) return get_uuids(r, out, bytes_left);
    if (way > 7) return false;
    const std::string beginning = r.counted_text(shared_beginning_max);
    numbers lengths;
    if (!get_numbers(r, out.size(), lengths)) return false;
    std::size_t all = 0;
    for (const std::uint64_t n : lengths) {
        if (n > limits::value_bytes_max || n + beginning.size() > bytes_left) return false;
        bytes_left -= static_cast<std::size_t>(n) + beginning.size();
        all += static_cast<std::size_t>(n);
    }
    bytes_view characters;
    if (way > 0) characters = r.raw(std::size_t{r.u8()} + 1);
    const bytes_view rests = r.raw(way == 0 ? all : packed_size(all, way));
    if (!r.ok()) return false;
    bit_reader codes(rests);
    const char* at = reinterpret_cast<const char*>(rests.data());
    for (std::size_t i = 0; i < out.size(); ++i) {
        std::string& text = *out[i];
        text.reserve(beginning.size() + static_cast<std::size_t>(lengths[i]));
        text = beginning;
        if (way == 0) {
            text.append(at, static_cast<std::size_t>(lengths[i]));
            at += lengths[i];
            continue;
        }
        text.resize(beginning.size() + static_cast<std::size_t>(lengths[i]));
        for (std::size_t k = beginning.size(); k < text.size(); ++k) {
            const std::uint64_t code = codes.get(way);
            if (code >= characters.size()) return false;
            text[k] = static_cast<char>(characters[static_cast<std::size_t>(code)]);
        }
    }
    return (way == 0 || codes.done()) && are_written_so(out, way, beginning.size(), characters);
}

/// Reads the texts of a column into `out`. False for what put_texts() does not write.
inline bool get_texts(reader& r, std::span<std::string* const> out, std::size_t& bytes_left) {
    if (out.empty()) return true;
    numbers places;
    if (!get_numbers(r, out.size(), places)) return false;
    std::vector<std::string*> fresh;
    for (std::size_t i = 0; i < out.size(); ++i)
        if (places[i] == 0) fresh.push_back(out[i]);
    if (fresh.empty() || !get_new_texts(r, fresh, bytes_left)) return false;
    text_index known(fresh.size());
    for (std::size_t i = 0; i < out.size(); ++i) {
        if (places[i] > known.size()) return false;
        if (places[i] > 0) {
            const std::string_view text = known[static_cast<std::size_t>(places[i] - 1)];
            if (text.size() > bytes_left) return false;
            bytes_left -= text.size();
            *out[i] = text;
        } else if (out[i]->size() <= dictionary_text_max) {
            const std::size_t before = known.size();
            if (known.add(*out[i]) != before) return false;  // it has a place already
        }
    }
    return true;
}

}  // namespace casasync::detail
