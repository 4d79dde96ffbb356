// SPDX-License-Identifier: MIT
#pragma once

/// What a script sees of an error, and what a person reads where an error brings no sentence of its own.
#include <casasync/error.hpp>

#include <string>

namespace casasync::cli {

/// Exit codes with the names and meanings of sysexits.h.
enum exit_code : int {
    exit_ok = 0,
    exit_differs = 1,       ///< verify: what was compared is not the same
    exit_usage = 64,        ///< the command line makes no sense
    exit_data = 65,         ///< the file is not SQLite, not a vault, or damaged
    exit_no_input = 66,     ///< no such file, table, row or conflict
    exit_unavailable = 69,  ///< the relay answers that it cannot serve now
    exit_cannot_create = 73,
    exit_io = 74,
    exit_try_again = 75,      ///< offline, or somebody else is writing; the same command may succeed later
    exit_protocol = 76,       ///< what answers is no relay, or not the one that was known
    exit_no_permission = 77,  ///< keys or codes are missing, wrong or used up
    exit_config = 78,         ///< a table, a rule or a clock has to be changed first
};

[[nodiscard]] exit_code exit_code_of(errc code) noexcept;

/// Returns the error's sentence, or one for its code.
[[nodiscard]] std::string sentence_of(const error& failure);

}  // namespace casasync::cli
