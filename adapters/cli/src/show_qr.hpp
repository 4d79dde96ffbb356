// SPDX-License-Identifier: MIT
#pragma once

/// A secret as a QR code for a person to scan, or to print.
#include "console.hpp"

#include <casasync/result.hpp>

#include <string>
#include <string_view>

namespace casasync::cli {

/// \param where  a .png or .svg file, - for the terminal, or empty: there, if it is one and --json was not
/// given \errors limit_exceeded for more than a QR code holds; those of write_qr
[[nodiscard]] result<void> show_qr(const console& out, std::string_view text, const std::string& where);

}  // namespace casasync::cli
