// SPDX-License-Identifier: MIT
#include "row_store.hpp"

#include <casasync/key.hpp>
#include <casasync/row_codec.hpp>

#include <algorithm>

/// Which row lies in a table under a key of the file, where keys hold numbers of other tables' rows.
/// Registers know a row by the identities of those. A number that was no row's when it was written is no
/// identity, and stays in the key as it is, also when a row gets that number later: then two keys in
/// registers stand for one in the file, and at most one of the two rows lies there.
namespace casasync::sqlite {
namespace {

constexpr std::size_t references_max = 4;  ///< of a key, that may be meant as numbers

}  // namespace

/// Tells whether a row that is known by numbers as they are lies in its table.
/// \param translated  who it would be otherwise: a row that was there when the vault began has no record
result<bool> row_store::lies(const vault_table& table, const bytes& key, const bytes& translated) {
    if (const auto noted = numbers_.lies(table, key)) return *noted;
    const auto known = record(table.number, key);
    if (!known) return known.failure();
    if (!*known) {
        if (key == translated || !table.adopted || row_numbers::refers_to_new(table, key)) return false;
        const auto other = lies(table, translated, translated);
        return other ? result<bool>(!*other) : other;
    }
    if (!is_visible(**known, table.traits.policy)) return false;
    auto s = db_->prepare("SELECT 1 FROM casasync_parked WHERE t = ?1 AND k = ?2 AND reason <> 'dangling'");
    if (!s) return s.failure();
    const auto parked = s->bind_all(std::int64_t{table.number}, key).step();
    return parked ? result<bool>(!*parked) : parked;
}

result<std::optional<bytes>> row_store::as_written(const vault_table& table, std::span<const value> key,
                                                   const bytes& translated) {
    const auto identities = decode_key(translated);
    std::vector<std::size_t> differ;
    for (std::size_t i = 0; identities && i < key.size() && i < identities->size(); ++i)
        if ((*identities)[i] != key[i] && differ.size() < references_max) differ.push_back(i);
    for (std::size_t literal = (std::size_t{1} << differ.size()) - 1; literal > 0; --literal) {
        std::vector<value> meant = *identities;
        for (std::size_t i = 0; i < differ.size(); ++i)
            if ((literal >> i & 1) != 0) meant[differ[i]] = key[differ[i]];
        auto row = encode_key(meant);
        if (!row) return row.failure();
        // A number may be the identity of a row that was there when the vault began, and has another now.
        const auto place = numbers_.in_table(table, *row);
        if (!place) return place.failure();
        if (!*place || !std::equal(key.begin(), key.end(), (*place)->begin(), (*place)->end())) continue;
        const auto there = lies(table, *row, translated);
        if (!there) return there.failure();
        if (*there) return std::optional(std::move(*row));
    }
    return std::optional<bytes>{};
}

result<bytes> row_store::in_registers(const vault_table& table, std::span<const value> key,
                                      row_numbers::moment when) {
    auto translated = numbers_.translate(table, key, when);
    if (!translated || table.traits.key_refers.empty()) return translated;
    auto written = as_written(table, key, *translated);
    if (!written) return written.failure();
    return *written ? std::move(**written) : std::move(*translated);
}

result<bool> row_store::is_place_of(const vault_table& table, std::span<const value> in_file,
                                    bytes_view key) {
    if (table.traits.key_refers.empty()) return true;
    const auto translated = numbers_.translate(table, in_file);
    if (!translated) return translated.failure();
    const auto written = as_written(table, in_file, *translated);
    if (!written) return written.failure();
    if (*written) return std::equal(key.begin(), key.end(), (*written)->begin(), (*written)->end());
    const auto identities = decode_key(*translated), own = decode_key(key);
    if (!identities || !own || own->size() != in_file.size() || *own == *identities) return true;
    for (std::size_t i = 0; i < in_file.size(); ++i)
        if ((*own)[i] != in_file[i] && (*own)[i] != (*identities)[i]) return true;  // of a row on its way
    return false;
}

}  // namespace casasync::sqlite
