// SPDX-License-Identifier: MIT
#include "qr.hpp"

#include <fcntl.h>
#include <qrencode.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>

namespace casasync::cli {
namespace {

constexpr std::size_t margin = 4;
constexpr std::size_t pixels = 8;  // of a square's side

struct qrcode_deleter {
    void operator()(QRcode* q) const noexcept { QRcode_free(q); }
};

void append_u32(bytes& to, std::uint32_t n) {
    for (int shift = 24; shift >= 0; shift -= 8) to.push_back(static_cast<std::uint8_t>(n >> shift));
}

std::uint32_t crc32(bytes_view data) {
    std::uint32_t crc = 0xFFFFFFFFU;
    for (const std::uint8_t b : data) {
        crc ^= b;
        for (int i = 0; i < 8; ++i) crc = (crc >> 1) ^ (crc & 1U ? 0xEDB88320U : 0U);
    }
    return ~crc;
}

std::uint32_t adler32(bytes_view data) {
    std::uint32_t a = 1, b = 0;
    for (const std::uint8_t d : data) {
        a = (a + d) % 65521;
        b = (b + a) % 65521;
    }
    return b << 16 | a;
}

void append_chunk(bytes& png, std::string_view type, const bytes& content) {
    bytes typed(type.begin(), type.end());
    typed.insert(typed.end(), content.begin(), content.end());
    append_u32(png, static_cast<std::uint32_t>(content.size()));
    png.insert(png.end(), typed.begin(), typed.end());
    append_u32(png, crc32(typed));
}

/// Returns data as a zlib stream of stored blocks: nothing is gained by packing so small a picture.
bytes stored(bytes_view data) {
    bytes out{0x78, 0x01};
    while (!data.empty()) {
        const std::size_t n = std::min<std::size_t>(data.size(), 0xFFFF);
        out.push_back(n == data.size() ? 1 : 0);
        for (const std::size_t word : {n, ~n}) {
            out.push_back(static_cast<std::uint8_t>(word));
            out.push_back(static_cast<std::uint8_t>(word >> 8));
        }
        out.insert(out.end(), data.begin(), data.begin() + static_cast<std::ptrdiff_t>(n));
        data = data.subspan(n);
    }
    return out;
}

result<void> write_file(const std::string& path, bytes_view data) {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
    const bool done =
        file >= 0 && ::write(file, data.data(), data.size()) == static_cast<::ssize_t>(data.size());
    const int number = errno;
    if (file >= 0) ::close(file);
    if (done) return {};
    return error{errc::io_failed, "The QR code cannot be written to " + path + ": " + std::strerror(number) +
                                      ". Nothing was changed. Give a file that can be written."};
}

}  // namespace

result<qr_code> qr_code::make(std::string_view text) {
    const std::unique_ptr<QRcode, qrcode_deleter> made(
        QRcode_encodeData(static_cast<int>(std::min<std::size_t>(text.size(), 8000)),
                          reinterpret_cast<const unsigned char*>(text.data()), 0, QR_ECLEVEL_M));
    if (made == nullptr) return errc::limit_exceeded;
    const auto width = static_cast<std::size_t>(made->width);
    qr_code out;
    out.size_ = width + 2 * margin;
    out.dark_.resize(out.size_ * out.size_);
    for (std::size_t y = 0; y < width; ++y)
        for (std::size_t x = 0; x < width; ++x)
            out.dark_[(y + margin) * out.size_ + x + margin] = (made->data[y * width + x] & 1U) != 0;
    return out;
}

std::string qr_text(const qr_code& code) {
    std::string out;
    for (std::size_t y = 0; y < code.size(); y += 2) {
        out += "\033[97;40m";  // white on black, whatever the terminal's colours are
        for (std::size_t x = 0; x < code.size(); ++x) {
            const bool above = code.dark(x, y);
            const bool below = code.dark(x, y + 1);
            out += above && below ? " " : above ? "\u2584" : below ? "\u2580" : "\u2588";
        }
        out += "\033[0m\n";
    }
    return out;
}

std::string qr_svg(const qr_code& code) {
    const std::string size = std::to_string(code.size());
    std::string out = R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 )" + size + " " + size +
                      R"(" shape-rendering="crispEdges"><rect width=")" + size + R"(" height=")" + size +
                      R"(" fill="#fff"/><path d=")";
    for (std::size_t y = 0; y < code.size(); ++y)
        for (std::size_t x = 0; x < code.size(); ++x)
            if (code.dark(x, y)) out += "M" + std::to_string(x) + " " + std::to_string(y) + "h1v1h-1z";
    return out + "\"/></svg>\n";
}

bytes qr_png(const qr_code& code) {
    const std::size_t side = code.size() * pixels;
    bytes lines;  // one byte before each line: no filter; one byte holds the eight pixels of a square
    for (std::size_t y = 0; y < side; ++y) {
        lines.push_back(0);
        for (std::size_t x = 0; x < code.size(); ++x) lines.push_back(code.dark(x, y / pixels) ? 0 : 0xFF);
    }
    bytes head;
    append_u32(head, static_cast<std::uint32_t>(side));
    append_u32(head, static_cast<std::uint32_t>(side));
    head.insert(head.end(), {1, 0, 0, 0, 0});  // 1 bit, grey, not interlaced
    bytes packed = stored(lines);
    append_u32(packed, adler32(lines));
    bytes out{0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    append_chunk(out, "IHDR", head);
    append_chunk(out, "IDAT", packed);
    append_chunk(out, "IEND", {});
    return out;
}

result<void> write_qr(const qr_code& code, const std::string& path) {
    if (path.ends_with(".png")) return write_file(path, qr_png(code));
    if (path.ends_with(".svg")) return write_file(path, as_bytes(qr_svg(code)));
    return error{errc::invalid_argument,
                 "A QR code is written as .png or .svg, and " + path +
                     " is neither. Nothing was changed. Give a name that ends so, or - "
                     "for the terminal."};
}

}  // namespace casasync::cli
