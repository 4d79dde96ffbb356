// SPDX-License-Identifier: MIT
#include "show_qr.hpp"

#include "qr.hpp"

#include <unistd.h>

namespace casasync::cli {

result<void> show_qr(const console& out, std::string_view text, const std::string& where) {
    const bool to_terminal = where == "-" || (where.empty() && !out.json() && ::isatty(STDOUT_FILENO) != 0);
    if (where.empty() && !to_terminal) return {};
    const auto code = qr_code::make(text);
    if (!code) return code.failure();
    if (!to_terminal) {
        if (auto ok = write_qr(*code, where); !ok) return ok.failure();
        if (!out.json()) out.line("QR code: " + printable(where));
        return {};
    }
    std::string lines = qr_text(*code);
    lines.pop_back();
    out.line(lines);
    return {};
}

}  // namespace casasync::cli
