// SPDX-License-Identifier: MIT
#pragma once

/// Days as SQLite's text form, without a time zone.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace casasync::examples {

using days = std::chrono::days;
using date_point = std::chrono::sys_days;

/// The last day of a made vault.
inline constexpr date_point last_day = std::chrono::year{2025} / 6 / 30;

[[nodiscard]] inline int day_of_month(date_point date) {
    return static_cast<int>(static_cast<unsigned>(std::chrono::year_month_day(date).day()));
}

/// Returns YYYY-MM-DD.
[[nodiscard]] inline std::string to_text(date_point date) {
    const std::chrono::year_month_day ymd(date);
    const auto padded = [](int number, std::size_t width) {
        std::string out = std::to_string(number);
        return std::string(width - std::min(width, out.size()), '0') + out;
    };
    return padded(static_cast<int>(ymd.year()), 4) + '-' +
           padded(static_cast<int>(static_cast<unsigned>(ymd.month())), 2) + '-' +
           padded(day_of_month(date), 2);
}

}  // namespace casasync::examples
