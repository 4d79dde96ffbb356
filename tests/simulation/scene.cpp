// SPDX-License-Identifier: MIT
#include "scene.hpp"

#include "disk.hpp"

#include <array>
#include <sstream>

namespace simulation {
namespace {

constexpr std::array<std::string_view, acts> names{
    "write",   "sync",      "seal",       "resolve",       "offer",      "compact", "join",
    "upgrade", "pass_time", "move_clock", "weather",       "cut",        "calm",    "alter",
    "trip",    "fail",      "repair",     "restart",       "starve",     "back_up", "restore",
    "clone",   "revoke",    "save_relay", "restore_relay", "wipe_relay", "undelete"};

/// How often each act occurs in a scene, beside the others.
using weight_table = std::array<unsigned, acts>;
constexpr weight_table usual{30, 34, 4, 9, 4, 2, 2, 2, 6, 2, 4, 2, 3, 2,
                             6,  4,  4, 3, 3, 0, 0, 0, 0, 0, 0, 0, 4};
/// Less of the weather, and every trouble that people make: files, devices and relays come, go and go back.
constexpr weight_table troubled{30, 34, 4, 9, 8, 6, 6, 1, 6, 2, 2, 1, 3, 2,
                                6,  2,  4, 3, 3, 6, 5, 3, 2, 4, 4, 1, 4};

/// Some troubles come in some scenes only, so that there are scenes without, and with one of them alone.
weight_table draw_weights(casasync_test::dice& d) {
    weight_table out = usual;
    const auto at = [&out](act what) -> unsigned& { return out[static_cast<std::size_t>(what)]; };
    if (d.percent(35)) at(act::back_up) = 9, at(act::restore) = 9;
    if (d.percent(20)) at(act::clone) = 5;
    if (d.percent(15)) at(act::revoke) = 3;
    if (d.percent(30)) at(act::save_relay) = 5, at(act::restore_relay) = 4, at(act::wipe_relay) = 2;
    return out;
}

act draw_act(casasync_test::dice& d, const weight_table& weights) {
    unsigned sum = 0;
    for (const unsigned w : weights) sum += w;
    auto at = static_cast<unsigned>(d.below(sum));
    for (std::size_t i = 0;; ++i) {
        if (at < weights[i]) return static_cast<act>(i);
        at -= weights[i];
    }
}

/// Clocks go wrong by seconds, by minutes, or by hours.
std::uint32_t draw_clock(casasync_test::dice& d) {
    constexpr std::array<std::uint32_t, 3> widths{5'000, 400'000, 3 * 3'600'000};
    const std::uint32_t width = widths[d.below(widths.size())];
    return (std::uint32_t{1} << 31) - width + static_cast<std::uint32_t>(d.below(2 * width));
}

event draw_event(casasync_test::dice& d, const weight_table& weights, std::uint64_t serial,
                 std::array<bool, devices_max>& upgraded, bool numbers) {
    event e;
    e.what = draw_act(d, weights);
    e.device = static_cast<std::uint8_t>(d.below(devices_max));
    switch (e.what) {
        case act::write:
            e.app = draw_write(d, serial, upgraded[e.device], numbers);
            break;
        case act::upgrade:
            upgraded[e.device] = true;
            break;
        case act::pass_time:
            e.a = static_cast<std::uint32_t>(d.below(d.percent(50) ? 5 : 90'000));
            break;
        case act::move_clock:
            e.a = draw_clock(d);
            break;
        case act::cut:
            e.a = static_cast<std::uint32_t>(d.below(3));
            break;
        case act::trip:
            e.a = static_cast<std::uint32_t>(1 + d.below(d.percent(30) ? 20 : 400));
            e.b = static_cast<std::uint32_t>(d.below(4));
            break;
        case act::fail:
            e.a = static_cast<std::uint32_t>(1 + d.below(d.percent(30) ? 20 : 400));
            e.b = static_cast<std::uint32_t>(d.below(3));
            break;
        case act::starve:
            e.a = static_cast<std::uint32_t>(1 + d.below(d.percent(30) ? 30 : 2000));
            e.b = static_cast<std::uint32_t>(d.below(4));
            break;
        default:
            e.a = static_cast<std::uint32_t>(d.below(std::uint64_t{1} << 32));
    }
    return e;
}

/// Reads "replaces TABLE KEY ... names TABLE KEY ... : SQL".
bool read_write(std::istream& in, app_write& w) {
    for (std::string word; in >> word && word != ":";) {
        row_name r;
        if ((word != "replaces" && word != "names") || !(in >> r.table >> r.key)) return false;
        (word == "names" ? w.named : w.replaced).insert(std::move(r));
    }
    return static_cast<bool>(std::getline(in >> std::ws, w.sql));
}

}  // namespace

std::string_view name_of(act what) noexcept {
    return names[static_cast<std::size_t>(what)];
}

scene draw(std::uint64_t seed) {
    casasync_test::dice d(seed);
    scene s;
    s.seed = d.next();
    const bool is_long = seed % 4 == 0, is_troubled = seed % 8 == 4, numbers = seed % 16 >= 8 && is_long;
    s.devices = static_cast<std::uint8_t>(2 + d.below(is_troubled ? 3 : 2));
    s.wal = d.percent(60);
    s.anew = s.seed % 32 == 0;
    const weight_table weights = is_troubled ? troubled : draw_weights(d);
    s.careful = is_long;
    const std::uint64_t n = is_long ? 300 : 20 + d.below(60);
    std::array<bool, devices_max> upgraded{};
    for (std::uint64_t i = 0; i < n; ++i)
        s.events.push_back(draw_event(d, weights, i + 1, upgraded, numbers));
    return s;
}

std::string text_of(const event& e) {
    std::string out = std::string(name_of(e.what)) + " " + std::to_string(e.device);
    if (e.what != act::write) return out + " " + std::to_string(e.a) + " " + std::to_string(e.b);
    for (const row_name& r : e.app.replaced) out += " replaces " + r.table + " " + r.key;
    for (const row_name& r : e.app.named) out += " names " + r.table + " " + r.key;
    return out + " : " + e.app.sql;
}

std::string text_of(const scene& s) {
    std::string out = "scene 1 seed " + std::to_string(s.seed) + " devices " + std::to_string(s.devices) +
                      " wal " + (s.wal ? "1" : "0") + " anew " + (s.anew ? "1" : "0") + " careful " +
                      (s.careful ? "1" : "0") + "\n";
    for (const event& e : s.events) out += text_of(e) + "\n";
    return out;
}

std::optional<scene> parse(std::string_view text) {
    std::istringstream in{std::string(text)};
    scene s;
    std::string scene_word, seed_word, devices_word, wal_word, anew_word, careful_word, name;
    unsigned version = 0, devices = 0, device = 0;
    in >> scene_word >> version >> seed_word >> s.seed >> devices_word >> devices >> wal_word >> s.wal >>
        anew_word >> s.anew >> careful_word >> s.careful;
    if (!in || scene_word != "scene" || version != 1 || devices < 2 || devices > devices_max)
        return std::nullopt;
    s.devices = static_cast<std::uint8_t>(devices);
    while (in >> name >> device) {
        std::size_t i = 0;
        while (i < acts && names[i] != name) ++i;
        if (i == acts || device >= devices_max) return std::nullopt;
        event e;
        e.what = static_cast<act>(i);
        e.device = static_cast<std::uint8_t>(device);
        if (e.what == act::write ? !read_write(in, e.app) : !(in >> e.a >> e.b)) return std::nullopt;
        s.events.push_back(std::move(e));
    }
    return in.eof() ? std::optional<scene>(s) : std::nullopt;
}

}  // namespace simulation
