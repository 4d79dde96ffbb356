// SPDX-License-Identifier: MIT
#pragma once

/// What a cell holds: SQLite's five storage classes, type and exact bytes.
#include <casasync/bytes.hpp>

#include <algorithm>
#include <bit>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace casasync {

enum class value_kind : std::uint8_t { null = 0, integer = 1, real = 2, text = 3, blob = 4 };

/// A value of a cell. NULL is a value; a cell nobody wrote has no `value` at all.
/// Equality and order are by type, then by exact content: 1 and 1.0 differ, 0.0 and -0.0 differ, text
/// compares as bytes. The order is total and the same everywhere; it is not SQL's. A NaN is stored as NULL,
/// as SQLite does.
class value {
 public:
    value() = default;
    value(std::int64_t v) : data_(v) {}       // NOLINT(google-explicit-constructor): literals read as cells
    value(int v) : data_(std::int64_t{v}) {}  // NOLINT(google-explicit-constructor)
    value(double v) {                         // NOLINT(google-explicit-constructor)
        if (v == v) data_ = v;
    }
    value(std::string v) : data_(std::move(v)) {}         // NOLINT(google-explicit-constructor)
    value(std::string_view v) : data_(std::string(v)) {}  // NOLINT(google-explicit-constructor)
    value(const char* v) : data_(std::string(v)) {}       // NOLINT(google-explicit-constructor)
    value(bytes v) : data_(std::move(v)) {}               // NOLINT(google-explicit-constructor)
    /// Not the variant's own: that of libstdc++ 12, without memory for a text, destroys the text it never
    /// made.
    value(const value& other) { data_ = other.data_; }
    value(value&&) noexcept = default;
    value& operator=(const value&) = default;
    value& operator=(value&&) noexcept = default;
    ~value() = default;

    [[nodiscard]] value_kind kind() const noexcept { return static_cast<value_kind>(data_.index()); }
    [[nodiscard]] bool is_null() const noexcept { return kind() == value_kind::null; }

    /// The content; only for the kind it has.
    [[nodiscard]] std::int64_t integer() const noexcept { return *std::get_if<std::int64_t>(&data_); }
    [[nodiscard]] double real() const noexcept { return *std::get_if<double>(&data_); }
    [[nodiscard]] const std::string& text() const noexcept { return *std::get_if<std::string>(&data_); }
    [[nodiscard]] const bytes& blob() const noexcept { return *std::get_if<bytes>(&data_); }

    /// Makes it an integer.
    // NOLINTNEXTLINE(bugprone-exception-escape): emplace reads back what it has just put there
    void make_integer(std::int64_t v) noexcept { data_.emplace<std::int64_t>(v); }
    /// Makes it an empty text, to be filled in.
    [[nodiscard]] std::string& make_text() { return data_.emplace<std::string>(); }

    /// Returns the size of the content in bytes (8 for numbers, 0 for NULL).
    [[nodiscard]] std::size_t size() const noexcept {
        switch (kind()) {
            case value_kind::null:
                return 0;
            case value_kind::integer:
            case value_kind::real:
                return 8;
            case value_kind::text:
                return text().size();
            case value_kind::blob:
                break;
        }
        return blob().size();
    }

    friend std::strong_ordering operator<=>(const value& a, const value& b) noexcept {
        if (const auto kinds = a.kind() <=> b.kind(); kinds != 0) return kinds;
        switch (a.kind()) {
            case value_kind::null:
                return std::strong_ordering::equal;
            case value_kind::integer:
                return a.integer() <=> b.integer();
            case value_kind::real:
                return ordered_bits(a.real()) <=> ordered_bits(b.real());
            case value_kind::text:
                return a.text().compare(b.text()) <=> 0;
            case value_kind::blob:
                break;
        }
        const bytes &x = a.blob(), &y = b.blob();
        return std::lexicographical_compare_three_way(x.begin(), x.end(), y.begin(), y.end());
    }
    friend bool operator==(const value& a, const value& b) noexcept { return (a <=> b) == 0; }

 private:
    /// The bits of a double, arranged so that they order as the numbers do, -0.0 before 0.0.
    [[nodiscard]] static std::uint64_t ordered_bits(double d) noexcept {
        const auto bits = std::bit_cast<std::uint64_t>(d);
        return (bits >> 63) != 0 ? ~bits : bits | (std::uint64_t{1} << 63);
    }

    std::variant<std::monostate, std::int64_t, double, std::string, bytes> data_;
};

/// Compares two numbers as numbers: INTEGER and REAL exactly, without rounding either to the other's type.
/// Not a number sorts below every number, NULL below everything; text and blobs by their bytes, above
/// numbers.
[[nodiscard]] inline std::strong_ordering compare_amount(const value& a, const value& b) noexcept {
    const auto rank = [](const value& v) {
        return v.kind() == value_kind::real ? value_kind::integer : v.kind();
    };
    if (const auto ranks = rank(a) <=> rank(b); ranks != 0) return ranks;
    if (a.kind() == b.kind()) return a <=> b;
    const auto mixed = [](std::int64_t i, double d) {  // i <=> d
        if (d >= 9223372036854775808.0) return std::strong_ordering::less;
        if (d < -9223372036854775808.0) return std::strong_ordering::greater;
        const auto whole = static_cast<std::int64_t>(d);
        if (i != whole) return i < whole ? std::strong_ordering::less : std::strong_ordering::greater;
        const double rest = d - static_cast<double>(whole);
        if (rest > 0) return std::strong_ordering::less;
        if (rest < 0) return std::strong_ordering::greater;
        return std::strong_ordering::less;  // equal amounts: a REAL counts as the greater, so that one of
                                            // them wins
    };
    if (a.kind() == value_kind::integer) return mixed(a.integer(), b.real());
    return 0 <=> mixed(b.integer(), a.real());
}

}  // namespace casasync
