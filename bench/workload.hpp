// SPDX-License-Identifier: MIT
#pragma once

/// Workload W: 100,000 finance transactions of seven fields under UUID keys, and single-field updates of
/// them. A row is a function of its number, so every program and every run has the same ones.
#include <array>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace casasync::bench {

inline constexpr std::uint64_t rows_in_w = 100'000;
inline constexpr std::array<const char*, 7> field_names{"account", "payee",    "amount", "date",
                                                        "notes",   "category", "cleared"};
inline constexpr std::uint64_t slots_in_w = rows_in_w * field_names.size();

[[nodiscard]] constexpr std::uint64_t mix64(std::uint64_t x) noexcept {  // a step of splitmix64
    x += 0x9E3779B97F4A7C15ULL;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
    return x ^ (x >> 31);
}

/// The `j`-th random number of a row.
[[nodiscard]] constexpr std::uint64_t number_of(std::uint64_t row, unsigned j) noexcept {
    return mix64((1ULL << 40) + row * 16 + j);
}

template <class... Numbers>
[[nodiscard]] std::string format(const char* text, Numbers... numbers) {
    std::array<char, 64> out{};
    std::snprintf(out.data(), out.size(), text, numbers...);
    return out.data();
}

/// A UUID of version 4, lower case.
[[nodiscard]] inline std::string row_id(std::uint64_t i) {
    const std::uint64_t a = (number_of(i, 0) & ~0xF000ULL) | 0x4000ULL;
    const std::uint64_t b = (number_of(i, 1) & ~(3ULL << 62)) | (2ULL << 62);
    return format("%08x-%04x-%04x-%04x-%012llx", static_cast<unsigned>(a >> 32),
                  static_cast<unsigned>(a >> 16) & 0xFFFFU, static_cast<unsigned>(a) & 0xFFFFU,
                  static_cast<unsigned>(b >> 48), static_cast<unsigned long long>(b & 0xFFFFFFFFFFFFULL));
}

struct transaction_row {
    std::string id, account, payee, date, notes, category;
    std::int64_t amount = 0, cleared = 0;
};

[[nodiscard]] inline transaction_row make_row(std::uint64_t i) {
    const auto number = [i](unsigned j, std::uint64_t below) {
        return static_cast<unsigned>(number_of(i, j) % below);
    };
    const std::uint64_t day = number_of(i, 5);
    transaction_row r;
    r.id = row_id(i);
    r.account = format("acct-%02u", number(2, 12));
    r.payee = format("Payee %04u", number(3, 5000));
    r.amount = static_cast<std::int64_t>(number_of(i, 4) % 2'000'001) - 1'000'000;
    r.date = format("%04u-%02u-%02u", static_cast<unsigned>(2020 + day % 6),
                    static_cast<unsigned>(1 + (day >> 8) % 12), static_cast<unsigned>(1 + (day >> 16) % 28));
    r.notes = format("note %016llx", static_cast<unsigned long long>(number_of(i, 6)));
    r.category = format("cat-%02u", number(7, 60));
    r.cleared = static_cast<std::int64_t>(number_of(i, 8) & 1);
    return r;
}

/// An update of one field of one row: text of 13 bytes, or an integer of 30 bits.
struct field_update {
    std::uint64_t row = 0;
    std::size_t field = 0;
    bool is_integer = false;
    std::int64_t number = 0;
    std::string text{};
    std::string id{};  ///< of the row
};

[[nodiscard]] inline field_update make_update(std::uint64_t slot, std::uint64_t seed, std::uint64_t k) {
    field_update u{slot / field_names.size(), slot % field_names.size()};
    u.id = row_id(u.row);
    const std::uint64_t v = mix64((seed << 32) + k);
    u.is_integer = u.field == 2 || u.field == 6;
    if (u.is_integer)
        u.number = static_cast<std::int64_t>(v & 0x3FFFFFFF);
    else
        u.text = format("u%012llx", static_cast<unsigned long long>(v & 0xFFFFFFFFFFFFULL));
    return u;
}

/// The `k`-th update of each step of W; `rows` is rows_in_w in W itself, less in a quick run.
/// After the inserts: k below 100,000 in transactions of 1,000, then 2,000 single ones, of distinct fields.
[[nodiscard]] inline field_update update_1(std::uint64_t k, std::uint64_t rows) {
    return make_update((k * 386'093 + 12'345) % (rows * field_names.size()), 7, k);
}
/// What devices A and B change without hearing of each other; a fifth of the fields is the same.
[[nodiscard]] inline field_update update_a(std::uint64_t k, std::uint64_t rows) {
    return make_update((k * 271'829 + 54'321) % (rows * field_names.size()), 8, k);
}
[[nodiscard]] inline field_update update_b(std::uint64_t k, std::uint64_t rows) {
    return make_update(((k + rows * 4 / 5) * 271'829 + 54'321) % (rows * field_names.size()), 9, k);
}

/// Rows and updates made beforehand, so that making them is not measured.
struct made_workload {
    explicit made_workload(std::uint64_t count) {
        for (std::uint64_t i = 0; i < count; ++i) rows.push_back(make_row(i));
        for (std::uint64_t k = 0; k < count + count / 50; ++k) first.push_back(update_1(k, count));
        for (std::uint64_t k = 0; k < count; ++k) a.push_back(update_a(k, count));
        for (std::uint64_t k = 0; k < count; ++k) b.push_back(update_b(k, count));
    }

    std::vector<transaction_row> rows{};
    std::vector<field_update> first{}, a{}, b{};  ///< update_1, update_a, update_b
};

}  // namespace casasync::bench
