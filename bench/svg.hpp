// SPDX-License-Identifier: MIT
#pragma once

/// A plot with logarithmic axes as an SVG picture, readable on light and on dark pages.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace casasync::bench {

struct line {
    std::string name{};
    std::vector<std::pair<double, double>> points{};  ///< x, y; both above 0
};

struct plot {
    std::string title{}, x{}, y{};
    std::vector<line> lines{};
};

namespace detail {

struct axis {
    double from = 0, to = 1;  ///< powers of ten
    double start = 0, length = 1;
    [[nodiscard]] double at(double v) const {
        return start + length * (std::log10(v) - from) / std::max(to - from, 1.0);
    }
};

[[nodiscard]] inline std::string tick_text(int power) {
    constexpr std::array<const char*, 10> names{"0.001", "0.01",  "0.1",    "1",       "10",
                                                "100",   "1,000", "10,000", "100,000", "1,000,000"};
    return power >= -3 && power < 7 ? names[static_cast<std::size_t>(power + 3)]
                                    : "1e" + std::to_string(power);
}

}  // namespace detail

inline void draw(std::ostream& out, const plot& p) {
    constexpr double width = 760, height = 420, left = 90, right = 150, top = 50, bottom = 60;
    constexpr std::array colours{"#3b7dd8", "#d97706", "#2f9e6e", "#b0458f", "#7a6ff0", "#8a8f98"};
    detail::axis x{1e9, -1e9, left, width - left - right},
        y{1e9, -1e9, height - bottom, top + bottom - height};
    for (const line& l : p.lines)
        for (const auto& [a, b] : l.points) {
            x.from = std::min(x.from, std::floor(std::log10(a))),
            x.to = std::max(x.to, std::ceil(std::log10(a)));
            y.from = std::min(y.from, std::floor(std::log10(b))),
            y.to = std::max(y.to, std::ceil(std::log10(b)));
        }
    const auto text = [&](double at_x, double at_y, const char* anchor, const std::string& what) {
        out << "<text x='" << at_x << "' y='" << at_y << "' text-anchor='" << anchor << "'>" << what
            << "</text>\n";
    };
    out << "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 " << width << ' ' << height
        << "' font-family='system-ui, sans-serif' font-size='13' fill='#808891'>\n<title>" << p.title
        << "</title>\n";
    text(left, 26, "start", p.title);
    text(left + x.length / 2, height - 14, "middle", p.x);
    text(left - 60, top - 8, "start", p.y);
    for (int t = static_cast<int>(x.from); t <= static_cast<int>(x.to); ++t) {
        const double at = x.at(std::pow(10, t));
        out << "<path d='M" << at << ' ' << top << "V" << height - bottom << "' stroke='#80889144'/>\n";
        text(at, height - bottom + 20, "middle", detail::tick_text(t));
    }
    for (int t = static_cast<int>(y.from); t <= static_cast<int>(y.to); ++t) {
        const double at = y.at(std::pow(10, t));
        out << "<path d='M" << left << ' ' << at << "H" << width - right << "' stroke='#80889144'/>\n";
        text(left - 8, at + 4, "end", detail::tick_text(t));
    }
    for (std::size_t i = 0; i < p.lines.size(); ++i) {
        const line& l = p.lines[i];
        const char* colour = colours[i % colours.size()];
        out << "<polyline fill='none' stroke='" << colour << "' stroke-width='2' points='";
        for (const auto& [a, b] : l.points) out << x.at(a) << ',' << y.at(b) << ' ';
        out << "'/>\n";
        for (const auto& [a, b] : l.points)
            out << "<circle cx='" << x.at(a) << "' cy='" << y.at(b) << "' r='3' fill='" << colour << "'/>\n";
        const double row = top + 16 + 20 * static_cast<double>(i);
        out << "<path d='M" << width - right + 12 << ' ' << row - 4 << "h18' stroke='" << colour
            << "' stroke-width='2'/>\n";
        text(width - right + 36, row, "start", l.name);
    }
    out << "</svg>\n";
}

}  // namespace casasync::bench
