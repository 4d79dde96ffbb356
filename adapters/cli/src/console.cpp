// SPDX-License-Identifier: MIT
#include "console.hpp"

#include <boost/json/serialize.hpp>

#include <unistd.h>
#include <chrono>
#include <cstdio>
#include <utility>

namespace casasync::cli {
namespace {

void write_line(std::FILE* to, std::string_view text) {
    std::string line(text);
    line.push_back('\n');
    std::fwrite(line.data(), 1, line.size(), to);
    std::fflush(to);
}

/// Returns the length of the UTF-8 sequence that `text` begins with, or 0.
/// Source: The Unicode Standard, table 3-7, "Well-Formed UTF-8 Byte Sequences".
std::size_t sequence_length(std::string_view text) noexcept {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto follows = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xBF) {
        return i < text.size() && byte(i) >= low && byte(i) <= high;
    };
    const unsigned b = byte(0);
    if (b < 0x80) return 1;
    if (b >= 0xC2 && b <= 0xDF) return follows(1) ? 2 : 0;
    if (b >= 0xE0 && b <= 0xEF)
        return follows(1, b == 0xE0 ? 0xA0 : 0x80, b == 0xED ? 0x9F : 0xBF) && follows(2) ? 3 : 0;
    if (b >= 0xF0 && b <= 0xF4)
        return follows(1, b == 0xF0 ? 0x90 : 0x80, b == 0xF4 ? 0x8F : 0xBF) && follows(2) && follows(3) ? 4
                                                                                                        : 0;
    return 0;
}

/// True for what a terminal may obey: C0, DEL and the two-byte C1 characters.
bool is_control(std::string_view sequence) noexcept {
    const auto first = static_cast<unsigned char>(sequence[0]);
    if (sequence.size() == 1) return first < 0x20 || first == 0x7F;
    return sequence.size() == 2 && first == 0xC2 && static_cast<unsigned char>(sequence[1]) < 0xA0;
}

/// Keeps the line breaks, which are ours: names in errors are quoted.
std::string printable_lines(std::string_view text) {
    std::string out;
    for (std::size_t end = 0; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1))
        out += printable(text.substr(0, end)) + "\n";
    return out + printable(text);
}

}  // namespace

bool is_utf8(std::string_view text) noexcept {
    while (!text.empty()) {
        const std::size_t n = sequence_length(text);
        if (n == 0) return false;
        text.remove_prefix(n);
    }
    return true;
}

std::string printable(std::string_view text) {
    static constexpr char digit[] = "0123456789abcdef";
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const std::size_t n = sequence_length(text);
        const std::string_view sequence = text.substr(0, n == 0 ? 1 : n);
        if (n > 0 && !is_control(sequence)) {
            out += sequence;
        } else {
            for (const char c : sequence) {
                const auto b = static_cast<unsigned char>(c);
                out += {'\\', 'x', digit[b >> 4], digit[b & 15]};
            }
        }
        text.remove_prefix(sequence.size());
    }
    return out;
}

void console::line(std::string_view text) const {
    write_line(stdout, text);
}

void console::print(const boost::json::value& data) const {
    write_line(stdout, boost::json::serialize(data));
}

void console::note(std::string_view text) const {
    write_line(stderr, "casasync: " + std::string(text));
}

int console::fail(const error& failure) const {
    const std::string sentence = printable_lines(sentence_of(failure));
    if (json_) print({{"error", {{"code", name_of(failure.code)}, {"detail", sentence}}}});
    note(sentence);
    return exit_code_of(failure.code);
}

progress::progress() : terminal_(::isatty(STDERR_FILENO) == 1) {}

void progress::clear() {
    if (shown_) std::fputs("\r\033[K", stderr);
    shown_ = false;
}

void progress::at(std::string_view what, std::uint64_t done, std::uint64_t total, std::string_view unit) {
    using namespace std::chrono;
    if (!terminal_) return;
    const std::int64_t now = duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
    if (now - last_ms_ < 100) return;
    last_ms_ = now;
    shown_ = true;
    std::string text = "\r\033[K" + std::string(what) + " " + std::to_string(done);
    if (total > 0) text += " of " + std::to_string(total) + " (" + std::to_string(done * 100 / total) + " %)";
    text += " " + std::string(unit);
    std::fputs(text.c_str(), stderr);
    std::fflush(stderr);
}

std::function<void(std::string_view, std::uint64_t, std::uint64_t)> progress::sink() {
    return [this](std::string_view what, std::uint64_t done, std::uint64_t total) {
        const bool is_bytes = what == "uploading" || what == "downloading";
        at(what, is_bytes ? done >> 10 : done, is_bytes ? total >> 10 : total,
           is_bytes ? "KiB" : "changesets");
    };
}

}  // namespace casasync::cli
