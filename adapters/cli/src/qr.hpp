// SPDX-License-Identifier: MIT
#pragma once

/// A text as a QR code: for a terminal, or as a picture.
#include <casasync/bytes.hpp>
#include <casasync/result.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace casasync::cli {

/// The squares of a QR code with the margin of four that readers need.
class qr_code {
 public:
    /// \errors limit_exceeded for more than a QR code holds
    [[nodiscard]] static result<qr_code> make(std::string_view text);

    [[nodiscard]] std::size_t size() const noexcept { return size_; }  ///< of a side, margins included
    /// Tells whether a square is dark; those beside the picture are not.
    [[nodiscard]] bool dark(std::size_t x, std::size_t y) const {
        return x < size_ && y < size_ && dark_[y * size_ + x];
    }

 private:
    std::size_t size_ = 0;
    std::vector<bool> dark_{};
};

/// Returns lines of half blocks, two rows of squares a line, with black and white set by escape codes.
[[nodiscard]] std::string qr_text(const qr_code& code);
[[nodiscard]] std::string qr_svg(const qr_code& code);
/// Returns a PNG of 8 pixels a square, black and white.
[[nodiscard]] bytes qr_png(const qr_code& code);

/// Writes the code to a file that ends in .png or .svg, readable by its owner alone.
/// \errors invalid_argument for another ending; io_failed
[[nodiscard]] result<void> write_qr(const qr_code& code, const std::string& path);

}  // namespace casasync::cli
