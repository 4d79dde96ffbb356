// SPDX-License-Identifier: MIT
#pragma once

/// Where a command's words go: data to stdout, everything else to stderr, each line flushed as it is written.
#include "exit_code.hpp"

#include <casasync/error.hpp>

#include <boost/json/value.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace casasync::cli {

class console {
 public:
    void speak_json() noexcept { json_ = true; }
    [[nodiscard]] bool json() const noexcept { return json_; }

    /// Writes a line of data. Control characters of data are the caller's matter: see printable().
    void line(std::string_view text) const;
    /// Writes one JSON value as one line of data.
    void print(const boost::json::value& data) const;
    /// Writes a line for the person, on stderr.
    void note(std::string_view text) const;
    /// Tells the error on stderr, with --json as an object on stdout as well. Returns the exit code.
    [[nodiscard]] int fail(const error& failure) const;

 private:
    bool json_ = false;
};

/// A line on the terminal that tells how far long work is; nothing where stderr is not a terminal.
class progress {
 public:
    progress();
    progress(const progress&) = delete;
    progress& operator=(const progress&) = delete;
    ~progress() { clear(); }

    /// \param total  0: not known
    void at(std::string_view what, std::uint64_t done, std::uint64_t total, std::string_view unit);
    /// Takes the line away, so that another can be written.
    void clear();
    /// Returns a function that calls at(), as long as this lives.
    [[nodiscard]] std::function<void(std::string_view what, std::uint64_t done, std::uint64_t total)> sink();

 private:
    bool shown_ = false;
    bool terminal_;
    std::int64_t last_ms_ = 0;
};

/// Returns text that cannot move the cursor or break the line: control characters and bytes that are not
/// UTF-8 are written as \xNN.
[[nodiscard]] std::string printable(std::string_view text);

/// Tells whether the bytes are UTF-8, so that JSON can carry them.
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

}  // namespace casasync::cli
